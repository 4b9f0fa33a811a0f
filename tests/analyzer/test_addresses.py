"""Which addresses nobody can reach from elsewhere."""

from __future__ import annotations

import pytest

from analyzer.addresses import is_private


@pytest.mark.parametrize(
    "address",
    ["10.0.0.5", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.1.1", "127.0.0.1", "fd00::5"],
)
def test_inside_addresses(address: str) -> None:
    """RFC 1918, 6598, 3927, 4193 and loopback."""
    assert is_private(address)


@pytest.mark.parametrize("address", ["203.0.113.5", "172.32.0.1", "100.128.0.1", "2001:db8::5", "8.8.8.8"])
def test_addresses_that_anybody_may_reach(address: str) -> None:
    """Those of documentation (RFC 5737) among them: examples are written with them."""
    assert not is_private(address)


@pytest.mark.parametrize("text", ["", "resolver", "10.0.0", "10.0.0.5:53"])
def test_what_is_no_address_is_not_private(text: str) -> None:
    """A log may give a name where an address is expected."""
    assert not is_private(text)
