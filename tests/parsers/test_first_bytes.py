"""Which protocol a conversation speaks, by its first bytes."""

from __future__ import annotations

import pytest

from parsers.wire.first_bytes import protocol


@pytest.mark.parametrize(
    ("first", "name"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n", "http"),
        (b"GET / HTTP/1.0\r\n", "http"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "ssh"),
        (b"220 mail.example ESMTP Postfix\r\n", "smtp"),
        (b"EHLO client.example\r\n", "smtp"),
        (b"220 (vsFTPd 3.0.3)\r\n", "ftp"),
        (b"220 ready\r\n", "text"),
        (b"hello\r\n", "text"),
        (b"\x16\x03\x01\x00\xfa\x01", "tls"),
        (b"\x00\x01\x02", "binary"),
        (b"", "text"),
    ],
)
def test_protocols_that_are_met_by_mistake(first: bytes, name: str) -> None:
    """What stands on 5269 where XMPP should."""
    assert protocol(first) == name
