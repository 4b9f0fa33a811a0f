"""Which protocol a conversation speaks, by its first bytes, where they are not the ones expected.

Knows the few that are met on a federation port by mistake; it reads none of them.
"""

from __future__ import annotations

import re

TLS_RECORD = re.compile(rb"[\x14-\x18]\x03[\x00-\x04][\x00-\x48]")
"""How a TLS record begins: type, version, and a length of at most 2**14 + 2048 (RFC 5246 section 6.2.3)."""

_LOOKED_AT = 64
"""Bytes looked at to tell text from binary."""
_REQUESTS = (b"http/", b"get ", b"head ", b"post ", b"put ", b"options ", b"connect ")


def protocol(first: bytes) -> str:
    """Name the protocol: "tls", "ssh", "http", "smtp", "ftp", else "text" or "binary"."""
    line = first[:_LOOKED_AT].split(b"\n", 1)[0].lower()
    if TLS_RECORD.match(first):
        return "tls"
    if any(byte < 0x20 and byte not in b" \t\r\n" for byte in first[:_LOOKED_AT]):
        return "binary"
    if line.startswith(b"ssh-"):
        return "ssh"
    if line.startswith(_REQUESTS):
        return "http"
    if line.startswith((b"ehlo ", b"helo ")) or (line.startswith(b"220") and b"smtp" in line):
        return "smtp"
    return "ftp" if line.startswith(b"220") and b"ftp" in line else "text"
