"""Bytes of frames: Ethernet, IPv4 or IPv6 by the length of the address, and TCP, UDP or ICMP upon it.

Checksums are right. Knows no conversation, no time and no file.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58

_MACS = bytes.fromhex("020000000002020000000001")
_ON_SYN = bytes.fromhex("020405b40402080a")
"""Maximum segment size 1460, SACK permitted, head of the timestamps (RFC 7323)."""
_WINDOW_SCALE = bytes.fromhex("01030307")
_ON_OTHERS = bytes.fromhex("0101080a")


class End(NamedTuple):
    """One end of a conversation."""

    address: bytes
    """4 or 16 bytes."""
    port: int


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071): 2**16 is 1 modulo 65535, so one division adds all words up."""
    if len(octets) % 2:
        octets += b"\0"
    return -int.from_bytes(octets, "big") % 0xFFFF


def ip(source: bytes, target: bytes, protocol: int, body: bytes) -> bytes:
    """An Ethernet frame with one IP packet."""
    if len(source) == 16:
        return _MACS + struct.pack("!HIHBB", 0x86DD, 0x60000000, len(body), protocol, 64) + source + target + body
    head = struct.pack("!BBHIBBH", 0x45, 0, 20 + len(body), 0x4000, 64, protocol, 0) + source + target
    return b"".join((_MACS, b"\x08\0", head[:10], checksum(head).to_bytes(2, "big"), head[12:], body))


def _pseudo_header(source: bytes, target: bytes, protocol: int, length: int) -> bytes:
    return source + target + struct.pack("!II", length, protocol)


def udp(source: End, target: End, payload: bytes) -> bytes:
    """A datagram."""
    length = 8 + len(payload)
    head = struct.pack("!HHH", source.port, target.port, length)
    pseudo = _pseudo_header(source.address, target.address, UDP, length)
    total = checksum(pseudo + head + b"\0\0" + payload) or 0xFFFF
    return ip(source.address, target.address, UDP, head + total.to_bytes(2, "big") + payload)


def tcp(source: End, target: End, seq: int, ack: int, flags: int, clock_ms: int, payload: bytes = b"") -> bytes:
    """A segment with timestamps; a SYN with the options that a Linux host sends."""
    stamps = struct.pack("!II", clock_ms & 0xFFFFFFFF, clock_ms - 5 & 0xFFFFFFFF)
    options = _ON_SYN + stamps + _WINDOW_SCALE if flags & SYN else _ON_OTHERS + stamps
    offset = 20 + len(options) << 2
    head = struct.pack(
        "!HHIIBBH", source.port, target.port, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, offset, flags, 502
    )  # fmt: skip
    rest = b"\0\0" + options + payload
    total = checksum(
        _pseudo_header(source.address, target.address, TCP, len(head) + 2 + len(rest)) + head + b"\0\0" + rest
    )
    return ip(source.address, target.address, TCP, head + total.to_bytes(2, "big") + rest)


def port_unreachable(frame: bytes) -> bytes:
    """What the target of an IPv4 frame sends when nobody listens (RFC 792): it quotes the header and eight bytes."""
    packet = frame[14:]
    body = b"\x03\x03\0\0\0\0\0\0" + packet[:28]
    body = body[:2] + checksum(body).to_bytes(2, "big") + body[4:]
    return ip(packet[16:20], packet[12:16], ICMP, body)
