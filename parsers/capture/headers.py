"""An IP packet reduced to its headers, other addresses in them: what of a frame may be shown to anybody.

TCP and UDP headers stay, and of ICMP errors the headers that they quote; all other payload is cut, as a snap length
cuts it: lengths and sequence numbers tell of it, its bytes are gone. Checksums are made anew, as if what is cut were
zeros, since those of the packet would tell of its addresses and of its payload.
IP options, and IPv6 extension headers but that of a fragment, may hold addresses and do not stay.
Knows nothing of names, nor of why an address gets which stand-in.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from struct import pack
from typing import NamedTuple

from parsers.capture.batch import address_text
from parsers.capture.icmp import TOO_BIG6, UNREACHABLE, is_error
from parsers.capture.packet import TCP, UDP

_ICMP, _ICMP6 = 1, 58
"""IP protocol numbers (RFC 792, RFC 4443)."""
_FRAGMENT = 44
"""The fragment header (RFC 8200 section 4.5)."""
_EXTENSIONS = (0, 43, 60, 135, 139, 140)
"""IPv6 extension headers that are stepped over: they have the common form (RFC 8200 section 4)."""
_PACKET_MAX = 65_535
"""The greatest length that a header can tell."""
_TCP_OPTIONS = {2: (4,), 3: (3,), 4: (2,), 5: (10, 18, 26, 34), 8: (10,)}
"""TCP options that stay, and the lengths that they may have: segment size, window scale, selective acknowledgments,
time stamps (RFC 9293 section 3.1, RFC 7323, RFC 2018). Others hold addresses, digests or cookies."""
_NOP, _END = 1, 0
"""TCP options that are one byte; the first is an option of IPv4 as well."""
_FRAGMENTATION_NEEDED = 4
"""The code of an unreachable that tells the size that would fit (RFC 1191 section 4)."""
_SHORT = 8
"""Bytes of a transport header that RFC 792 has an error quote: ports and, of TCP, the sequence number. Of a longer
quote Wireshark would verify the checksum, as if all of the packet were there."""

Rewrite = Callable[[bytes], bytes | None]
"""What stands in for the payload of a UDP datagram; None where it is to be cut."""


class Bare(NamedTuple):
    """A packet that holds nothing but headers."""

    data: bytes
    """Its bytes, from the IP header on; none where the packet's own header is cut or broken."""
    wire_len: int
    """Its length on the wire, bytes, with what was cut."""


class _Part(NamedTuple):
    """A transport header."""

    data: bytes
    """What is shown of it."""
    length: int
    """Its length on the wire, with its payload."""


class Headers:
    """Makes packets bare, each address replaced by what `address` makes of its canonical text."""

    def __init__(self, address: Callable[[str], str]) -> None:
        """`address` gives an address of the same family."""
        self._address = address

    def of(self, packet: bytes, wire_len: int, rewrite: Rewrite = lambda _: None) -> Bare:
        """The headers of a packet; `wire_len` is its length on the wire where its own header does not tell it."""
        return self._packet(packet, wire_len, rewrite, quoted=False)

    def _packet(self, packet: bytes, wire_len: int, rewrite: Rewrite, *, quoted: bool) -> Bare:
        version = packet[0] >> 4 if packet else 0
        if version == 4 and len(packet) >= 20 and packet[0] & 15 >= 5:
            return self._four(packet, wire_len, rewrite, quoted=quoted)
        if version == 6 and len(packet) >= 40:
            return self._six(packet, wire_len, rewrite, quoted=quoted)
        return Bare(b"", wire_len)

    def _four(self, packet: bytes, wire_len: int, rewrite: Rewrite, *, quoted: bool) -> Bare:
        """IPv4 (RFC 791 section 3.1)."""
        begin = (packet[0] & 15) * 4
        # What an offload engine handed over has the length 0.
        total = max(begin, _word(packet, 2) or min(wire_len, _PACKET_MAX))
        place, proto = _word(packet, 6), packet[9]
        ends = self._ends(packet[12:16], packet[16:20])
        part = _Part(b"", total - begin)
        if place & 0x1FFF == 0:
            whole = not place & 0x2000
            part = self._transport(proto, packet[begin:total], total - begin, ends, rewrite, whole, quoted)
        total = begin + part.length
        head = packet[:2] + pack(">H", total) + packet[4:10] + bytes(2) + ends + bytes([_NOP]) * (begin - 20)
        head = head[:10] + pack(">H", _checksum(head)) + head[12:]
        return Bare(head[: len(packet)] + part.data, total)

    def _six(self, packet: bytes, wire_len: int, rewrite: Rewrite, *, quoted: bool) -> Bare:
        """IPv6 (RFC 8200 section 3), without its flow label, which some make of the addresses."""
        total = 40 + (_word(packet, 4) or max(0, min(wire_len - 40, _PACKET_MAX)))
        proto, at, fragment, first, whole = packet[6], 40, b"", True, True
        while proto in _EXTENSIONS and at + 8 <= len(packet):
            proto, at = packet[at], at + (packet[at + 1] + 1) * 8
        if proto == _FRAGMENT and at + 8 <= len(packet):
            place = _word(packet, at + 2) & 0xFFF9
            fragment = bytes([packet[at], 0]) + pack(">H", place) + packet[at + 4 : at + 8]
            proto, at, first, whole = packet[at], at + 8, place & 0xFFF8 == 0, place == 0
        ends = self._ends(packet[8:24], packet[24:40])
        length = max(0, total - at)
        part = _Part(b"", length)
        if first:
            part = self._transport(proto, packet[at:total], length, ends, rewrite, whole, quoted)
        length = len(fragment) + part.length
        head = bytes([packet[0], packet[1] & 0xF0, 0, 0]) + pack(">H", min(length, _PACKET_MAX))
        head += bytes([_FRAGMENT if fragment else proto, packet[7]]) + ends
        return Bare(head + fragment + part.data, 40 + length)

    def _ends(self, src: bytes, dst: bytes) -> bytes:
        """Both addresses of a packet, replaced."""
        return b"".join(ip_address(self._address(address_text(end))).packed for end in (src, dst))

    def _transport(
        self, proto: int, body: bytes, length: int, ends: bytes, rewrite: Rewrite, whole: bool, quoted: bool
    ) -> _Part:
        """What follows the IP header; `whole` when it is no first fragment, `quoted` inside an ICMP error."""
        if proto == TCP:
            return _tcp(body[:_SHORT] if quoted else body, length, ends)
        if proto == UDP:
            return _udp(body, length, ends, rewrite if whole else lambda _: None, whole=whole)
        if proto == (_ICMP if len(ends) == 8 else _ICMP6) and len(body) >= 8:
            return self._icmp(body, length, ends, readable=whole and not quoted)
        return _Part(b"", length)

    def _icmp(self, body: bytes, length: int, ends: bytes, *, readable: bool) -> _Part:
        """An ICMP message: of an error what it says and which headers it quotes, of any other only what kind it is."""
        six = len(ends) == 32
        kind, code, said, quote = body[0], body[1], bytes(4), b""
        if readable and is_error(kind, six=six):
            if six and kind == TOO_BIG6:
                said = body[4:8]
            elif not six and (kind, code) == (UNREACHABLE, _FRAGMENTATION_NEEDED):
                said = bytes(2) + body[6:8]
            quote = self._packet(body[8:], len(body) - 8, lambda _: None, quoted=True).data
            length = 8 + len(quote)
        message = bytes([kind, code, 0, 0]) + said + quote
        summed = _checksum((_pseudo(ends, _ICMP6, length) if six else b"") + message)
        return _Part(message[:2] + pack(">H", summed) + message[4:], length)


def _tcp(body: bytes, length: int, ends: bytes) -> _Part:
    """A TCP header (RFC 9293 section 3.1), as far as it is there."""
    if len(body) < 20:
        return _Part(body[: _SHORT if len(body) >= _SHORT else 4], length)
    head = body[:16] + bytes(2) + body[18:20] + _tcp_options(body[20 : max(20, (body[12] >> 4) * 4)])
    summed = _checksum(_pseudo(ends, TCP, length) + head)
    return _Part(head[:16] + pack(">H", summed) + head[18:], length)


def _tcp_options(options: bytes) -> bytes:
    """TCP options in the same places, each that does not stay replaced by as many that say nothing."""
    kept = bytearray([_NOP]) * len(options)
    at = 0
    while at < len(options):
        kind, length = options[at], options[at + 1] if at + 1 < len(options) else 0
        if kind == _END:
            kept[at:] = bytes(len(options) - at)
            break
        if kind == _NOP:
            at += 1
            continue
        if length < 2:
            break
        if length in _TCP_OPTIONS.get(kind, ()) and at + length <= len(options):
            kept[at : at + length] = options[at : at + length]
        at += length
    return bytes(kept)


def _udp(body: bytes, length: int, ends: bytes, rewrite: Rewrite, *, whole: bool) -> _Part:
    """A UDP header (RFC 768), and what stands in for its payload."""
    if len(body) < 8:
        return _Part(body[:4], length)
    payload = rewrite(body[8:]) or b""
    if payload:
        length = 8 + len(payload)
    # The first fragment tells the length of all of them.
    said = min(length, _PACKET_MAX) if whole else _word(body, 4)
    head = body[:4] + pack(">H", said)
    summed = _checksum(_pseudo(ends, UDP, said) + head + payload) or 0xFFFF
    return _Part(head + pack(">H", summed) + payload, length)


def _pseudo(ends: bytes, proto: int, length: int) -> bytes:
    """What a checksum covers of the IP header (RFC 9293 section 3.1, RFC 8200 section 8.1)."""
    return ends + pack(">II", length, proto)


def _checksum(data: bytes) -> int:
    """The checksum of the internet (RFC 1071) over data whose checksum is zero."""
    summed = int.from_bytes(data + bytes(len(data) % 2), "big") % 0xFFFF
    # All ones and all zeros are one number to it; a sum over nothing but zeros is zero.
    return 0xFFFF - (summed or (0xFFFF if any(data) else 0))


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")
