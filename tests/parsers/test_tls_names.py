"""Numbers of TLS in words."""

from __future__ import annotations

from parsers.wire import tls_names


def test_numbers_with_a_name_and_without() -> None:
    """What has no name is shown as its number, so that it can be looked up."""
    assert tls_names.version(0x0304) == "TLS 1.3"
    assert tls_names.version(0x0305) == "0x0305"
    assert tls_names.cipher(0x1301) == "TLS_AES_128_GCM_SHA256"
    assert tls_names.cipher(0x00FF) == "0x00ff"
    assert tls_names.alert(48) == "unknown_ca"
    assert tls_names.alert(3) == "alert 3"
