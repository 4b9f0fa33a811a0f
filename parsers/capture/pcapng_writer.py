"""A pcapng file of packets from several captures (draft-ietf-opsawg-pcapng): one section, an interface for each source.

Little-endian, enhanced packet blocks only. Comments are text that somebody has made harmless already.
Knows nothing of which packets, nor of what is in them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import IO

from parsers.capture.clocks import Interface

COMMENT_MAX = 60_000
"""Bytes of one comment: the length of an option has 16 bits."""
_SECTION, _INTERFACE, _ENHANCED = 0x0A0D0D0A, 1, 6
"""Block types (sections 4.1, 4.2, 4.3)."""
_COMMENT = 1
"""An option of every block (section 3.5.1)."""
_IF_NAME, _IF_TSRESOL, _SHB_USERAPPL = 2, 9, 4
"""Options of an interface description and of a section header."""


class PcapngWriter:
    """Writes one file, front to back."""

    def __init__(self, file: IO[bytes], application: str, comment: str) -> None:
        """Begin the section; `comment` is what Wireshark shows of the file as a whole."""
        self._file = file
        self._interfaces: list[Interface] = []
        head = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
        self._block(_SECTION, head, [_text(_COMMENT, comment), _text(_SHB_USERAPPL, application)])

    def interface(self, interface: Interface, name: str, comment: str) -> int:
        """Describe an interface, with the link type, snap length and clock that it had; returns its number."""
        options = [_text(_IF_NAME, name), _text(_COMMENT, comment)]
        options.append(_option(_IF_TSRESOL, bytes([interface.digits])))
        self._block(_INTERFACE, struct.pack("<HHI", interface.link, 0, interface.snap_len), options)
        self._interfaces.append(interface)
        return len(self._interfaces) - 1

    def packet(self, number: int, at_ns: int, wire_len: int, data: bytes, comments: Iterable[str] = ()) -> None:
        """A packet of an interface; its instant, ns since 1970 UTC, is cut to what the interface's clock can tell."""
        stamp = max(0, at_ns) // 10 ** (9 - self._interfaces[number].digits)
        head = struct.pack("<IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF, len(data), wire_len)
        self._block(_ENHANCED, head + _padded(data), [_text(_COMMENT, comment) for comment in comments])

    def _block(self, kind: int, body: bytes, options: list[bytes]) -> None:
        body += b"".join(options) + (bytes(4) if options else b"")
        length = struct.pack("<I", len(body) + 12)
        self._file.write(struct.pack("<I", kind) + length + body + length)


def _text(code: int, text: str) -> bytes:
    """An option of text; one that is too long is cut between two characters."""
    return _option(code, text.encode("utf-8", "backslashreplace")[:COMMENT_MAX].decode("utf-8", "ignore").encode())


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _padded(value: bytes) -> bytes:
    return value + bytes(-len(value) % 4)
