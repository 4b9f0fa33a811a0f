"""IP fragments put together again (RFC 791 section 3.2, RFC 8200 section 4.5), in bounded memory.

Only datagrams that may matter are kept: whoever asks says so when the first fragment, with the ports, is there.
Knows nothing of what is in a datagram.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from parsers.capture.batch import address_text
from parsers.capture.packet import TCP, UDP, Packet

DATAGRAMS_MAX = 4_096
"""Datagrams waited for at once."""
BYTES_MAX = 8 << 20
"""Bytes of them together."""
_PART_LEN = 150
"""What a part takes beside its bytes."""
AGE_NS = 60 * 1_000_000_000
"""How long a datagram is waited for (RFC 8200 section 4.5)."""
_DATAGRAM_MAX = 65_535
"""Bytes of the longest datagram."""
_FRAGMENT_HEADER = 44
_EXTENSIONS = (0, 43, 60)


class Fragment(NamedTuple):
    """One fragment."""

    key: tuple[bytes, int, int]
    """Addresses, protocol and identification: what its datagram is known by."""
    offset: int
    """Where its bytes belong, from the datagram's front."""
    more: bool
    """It is not the last."""
    body: bytes
    """Its bytes, as captured."""
    whole: bool
    """The snap length did not cut it."""


class Datagram:
    """What is there of one datagram."""

    __slots__ = ("at_ns", "bytes_len", "frame", "frames", "length", "parts", "wanted")

    def __init__(self, frame: int, at_ns: int) -> None:
        """Begin with a fragment seen in `frame` at `at_ns`."""
        self.frame = frame
        self.at_ns = at_ns
        self.frames = 0
        self.bytes_len = 0
        self.parts: dict[int, bytes] = {}
        self.length: int | None = None
        self.wanted: bool | None = None

    @property
    def held_len(self) -> int:
        """Bytes of memory that it takes, about."""
        return self.bytes_len + _PART_LEN * len(self.parts)

    def joined(self) -> bytes | None:
        """All bytes of it, or None while some are missing. Where fragments overlap the earlier bytes stand."""
        if self.length is None or self.bytes_len < self.length:
            return None
        whole = b""
        for offset in sorted(self.parts):
            if offset > len(whole):
                return None
            whole += self.parts[offset][len(whole) - offset :]
        return whole[: self.length] if len(whole) >= self.length else None


class Fragments:
    """Datagrams that are not whole yet."""

    def __init__(self, matters: Callable[[int, bytes], bool]) -> None:
        """`matters(protocol, body)` tells from the first fragment whether its datagram is worth waiting for."""
        self.lost = 0
        """Fragments of datagrams that matter, given up because others never came."""
        self.first_lost: tuple[int, int] | None = None
        """Frame and instant of the first of them."""
        self._matters = matters
        self._waiting: OrderedDict[tuple[bytes, int, int], Datagram] = OrderedDict()
        self._bytes = 0

    def add(self, fragment: Fragment, frame: int, at_ns: int) -> bytes | None:
        """Take a fragment; returns the datagram's bytes when this one completes it and it matters."""
        self._forget(at_ns)
        datagram = self._waiting.get(fragment.key)
        if datagram is None:
            datagram = self._waiting[fragment.key] = Datagram(frame, at_ns)
        datagram.frames += 1
        if fragment.offset == 0 and datagram.wanted is None:
            datagram.wanted = self._matters(fragment.key[1], fragment.body)
            if not datagram.wanted:
                self._bytes -= datagram.held_len
                datagram.parts.clear()
                datagram.bytes_len = 0
        if datagram.wanted is False or fragment.offset + len(fragment.body) > _DATAGRAM_MAX or not fragment.whole:
            return None
        if len(fragment.body) > len(datagram.parts.get(fragment.offset, b"")):
            added = len(fragment.body) - len(datagram.parts.get(fragment.offset, b""))
            self._bytes += added + _PART_LEN * (fragment.offset not in datagram.parts)
            datagram.parts[fragment.offset] = fragment.body
            datagram.bytes_len += added
        if not fragment.more and datagram.length is None:
            datagram.length = fragment.offset + len(fragment.body)
        body = datagram.joined()
        if body is not None:
            self._drop(fragment.key)
        return body

    def finish(self) -> None:
        """The capture is at its end: what is not whole now never will be."""
        while self._waiting:
            self._give_up(next(iter(self._waiting)))

    def _forget(self, now_ns: int) -> None:
        while self._waiting:
            key, oldest = next(iter(self._waiting.items()))
            full = len(self._waiting) >= DATAGRAMS_MAX or self._bytes > BYTES_MAX
            if not full and now_ns - oldest.at_ns <= AGE_NS:
                return
            self._give_up(key)

    def _give_up(self, key: tuple[bytes, int, int]) -> None:
        datagram = self._waiting[key]
        if datagram.wanted:
            self.lost += datagram.frames
            self.first_lost = self.first_lost or (datagram.frame, datagram.at_ns)
        self._drop(key)

    def _drop(self, key: tuple[bytes, int, int]) -> None:
        self._bytes -= self._waiting.pop(key).held_len


def read_fragment(packet: bytes, *, six: bool) -> tuple[Fragment, int] | None:
    """Read an IP packet that is a fragment, with its hop count; None when its headers are cut."""
    return _read6(packet) if six else _read4(packet)


def _read4(packet: bytes) -> tuple[Fragment, int] | None:
    header_len = (packet[0] & 15) * 4
    if len(packet) < header_len:
        return None
    total = int.from_bytes(packet[2:4], "big")
    place = int.from_bytes(packet[6:8], "big")
    key = (packet[12:20], packet[9], int.from_bytes(packet[4:6], "big"))
    body = packet[header_len:total]
    fragment = Fragment(key, (place & 0x1FFF) * 8, bool(place & 0x2000), body, len(packet) >= total)
    return fragment, packet[8]


def _read6(packet: bytes) -> tuple[Fragment, int] | None:
    total = 40 + int.from_bytes(packet[4:6], "big")
    following, at = packet[6], 40
    while following in _EXTENSIONS and at + 8 <= len(packet):
        following, at = packet[at], at + (packet[at + 1] + 1) * 8
    if following != _FRAGMENT_HEADER or at + 8 > len(packet):
        return None
    place = int.from_bytes(packet[at + 2 : at + 4], "big")
    key = (packet[8:40], packet[at], int.from_bytes(packet[at + 4 : at + 8], "big"))
    body = packet[at + 8 : total]
    fragment = Fragment(key, place & 0xFFF8, bool(place & 1), body, len(packet) >= total)
    return fragment, packet[7]


def behind_extensions(protocol: int, body: bytes) -> tuple[int, bytes]:
    """A datagram's transport protocol and bytes: IPv6 may fragment extension headers too."""
    at = 0
    while protocol in _EXTENSIONS and at + 8 <= len(body):
        protocol, at = body[at], at + (body[at + 1] + 1) * 8
    return protocol, body[at:]


def transport_packet(frame: int, at_ns: int, ttl: int, addresses: bytes, protocol: int, body: bytes) -> Packet | None:
    """Read a datagram's body; `addresses` are both as the IP header has them. None for other protocols."""
    half = len(addresses) // 2
    src, dst = address_text(addresses[:half]), address_text(addresses[half:])
    sport, dport = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big")
    if protocol == UDP and len(body) >= 8:
        payload = body[8:]
        return Packet(frame, at_ns, UDP, src, sport, dst, dport, ttl, payload, len(payload), 0, 0, 0)
    if protocol == TCP and len(body) >= 20:
        payload = body[max(20, (body[12] >> 4) * 4) :]
        seq, ack = int.from_bytes(body[4:8], "big"), int.from_bytes(body[8:12], "big")
        return Packet(frame, at_ns, TCP, src, sport, dst, dport, ttl, payload, len(payload), seq, ack, body[13])
    return None
