"""Payloads that show by themselves that they are XMPP federation, whatever the port.

Knows beginnings only: whether a stream is well-formed, and who speaks, is for `parsers.wire`.
"""

from __future__ import annotations

import re

LOOK_LEN = 2_048
"""Bytes of a payload that are looked at: more than any stream header, and a ClientHello's usual length."""
FIRST_BYTES = b"<\x16"
"""What a payload that may be one begins with: a tag, or a TLS handshake record."""

_STREAM = re.compile(
    rb"""(?: <\?xml [^>]{0,128} \?> \s{0,64} )?
         (?: </?stream:(?:stream|features|error)\b
           | <db:(?:result|verify)\b
           | <[A-Za-z][^>]{0,1024} (?: http://etherx\.jabber\.org/streams | jabber:(?:server|client|component) )
         )""",
    re.VERBOSE,
)
"""A stream's own elements (RFC 6120 section 4.8.5, XEP-0220), or any first tag with a namespace that only XMPP has."""
_STANZA = re.compile(rb"<(?:message|presence|iq)(?=\s)(?=[^>]{0,1024}\sfrom\s?=)(?=[^>]{0,1024}\sto\s?=)")
"""A capture that begins in mid stream: between servers every stanza has both addresses (RFC 6120 section 8.1)."""
_XMPP_SERVER = b"xmpp-server"
"""The protocol name of direct TLS between servers (XEP-0368)."""
HELLO_SEGMENTS = 3
"""Segments that a ClientHello is looked for in, beyond its first."""
_ALPN = 16
"""TLS extension number (RFC 7301)."""


def speaks_xmpp(payload: bytes) -> bool:
    """The payload begins as one on an XMPP stream does."""
    return bool(_STREAM.match(payload) or _STANZA.match(payload))


def offers_xmpp_server(payload: bytes) -> bool:
    """The payload begins with a TLS ClientHello that offers `xmpp-server`; its server name alone says nothing."""
    return _XMPP_SERVER in payload and _XMPP_SERVER in _alpn(payload)


def is_cut_hello(payload: bytes) -> bool:
    """The payload begins with a ClientHello that is longer than it."""
    if len(payload) < 6 or payload[0] != 22 or payload[5] != 1:
        return False
    return len(payload) < 5 + int.from_bytes(payload[3:5], "big")


def _alpn(record: bytes) -> list[bytes]:
    """Protocols that a ClientHello offers (RFC 8446 section 4.1.2); none if it is something else, or cut before."""
    if len(record) < 44 or record[0] != 22 or record[5] != 1:
        return []
    at = 5 + 4 + 2 + 32
    at += 1 + record[at]
    at += 2 + int.from_bytes(record[at : at + 2], "big")
    at += 1 + int.from_bytes(record[at : at + 1], "big") + 2
    while at + 4 <= len(record):
        kind, length = int.from_bytes(record[at : at + 2], "big"), int.from_bytes(record[at + 2 : at + 4], "big")
        at += 4
        if kind == _ALPN:
            names, end = [], min(at + length, len(record))
            at += 2
            while at < end:
                names.append(record[at + 1 : at + 1 + record[at]])
                at += 1 + record[at]
            return names
        at += length
    return []
