"""Captures made from nothing: frames, and the files that hold them, byte by byte.

Checksums are left at zero: fedtrace does not look at them, and neither does tshark unless told to.
"""

from __future__ import annotations

import struct
from ipaddress import ip_address
from pathlib import Path

from parsers.capture.packet import ACK, SYN, IcmpError, Lost, Packet
from parsers.capture.select import packets
from parsers.source import How, Reading

SECOND = 1_700_000_000
"""When everything happens, seconds since 1970."""
HERE, THERE = "10.0.0.5", "203.0.113.9"
OPEN = b"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>"


def tcp(
    sport: int, dport: int, payload: bytes = b"", *, flags: int = ACK, seq: int = 1, ack: int = 1, options: bytes = b""
) -> bytes:
    """A TCP segment."""
    header = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, (20 + len(options)) // 4 << 4, flags, 65_535, 0, 0)
    return header + options + payload


def udp(sport: int, dport: int, payload: bytes = b"") -> bytes:
    """A UDP datagram."""
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def ip(
    body: bytes,
    *,
    proto: int = 6,
    src: str = HERE,
    dst: str = THERE,
    ttl: int = 64,
    options: bytes = b"",
    place: int = 0,
    ident: int = 1,
) -> bytes:
    """An IP packet around it, version 4 or 6 as the addresses say; `place` is IPv4's flags and fragment offset."""
    ends = ip_address(src).packed + ip_address(dst).packed
    if len(ends) == 32:
        return struct.pack(">IHBB", 6 << 28, len(body), proto, ttl) + ends + body
    words = 5 + len(options) // 4
    return (
        struct.pack(">BBHHHBBH", 0x40 | words, 0, words * 4 + len(body), ident, place, ttl, proto, 0)
        + ends
        + options
        + body
    )


def ether(packet: bytes, kind: int | None = None, tags: bytes = b"") -> bytes:
    """An Ethernet frame around it; `tags` stand before the ethertype."""
    kind = kind or (0x86DD if packet[0] >> 4 == 6 else 0x0800)
    return b"\2\0\0\0\0\1\2\0\0\0\0\2" + tags + struct.pack(">H", kind) + packet


def segment(
    sport: int, dport: int, payload: bytes = b"", *, flags: int = ACK, src: str = HERE, dst: str = THERE, seq: int = 1
) -> bytes:
    """A TCP segment in IP in Ethernet."""
    return ether(ip(tcp(sport, dport, payload, flags=flags, seq=seq), src=src, dst=dst))


def syn(sport: int, dport: int, **ends: str) -> bytes:
    """The opening of a connection."""
    return segment(sport, dport, flags=SYN, **ends)


def name(text: str) -> bytes:
    """A domain name as DNS messages have it."""
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def question(text: str, rrtype: int = 33, txid: int = 7) -> bytes:
    """A DNS query."""
    return struct.pack(">HHHHHH", txid, 0x0100, 1, 0, 0, 0) + name(text) + struct.pack(">HH", rrtype, 1)


def answer(text: str, *records: tuple[str, int, bytes], rrtype: int = 33, txid: int = 7) -> bytes:
    """A DNS response; a record is owner, type and data."""
    head = struct.pack(">HHHHHH", txid, 0x8180, 1, len(records), 0, 0) + name(text) + struct.pack(">HH", rrtype, 1)
    return head + b"".join(
        name(owner) + struct.pack(">HHIH", kind, 1, 300, len(rdata)) + rdata for owner, kind, rdata in records
    )


def srv(port: int, target: str) -> bytes:
    """Data of an SRV record."""
    return struct.pack(">HHH", 0, 0, port) + name(target)


def lookup(message: bytes, *, src: str = HERE, dst: str = "10.0.0.53") -> bytes:
    """A DNS message over UDP in IP in Ethernet, towards the resolver or, for responses, from it."""
    if message[2] & 0x80:
        return ether(ip(udp(53, 40_000, message), proto=17, src=dst, dst=src))
    return ether(ip(udp(40_000, 53, message), proto=17, src=src, dst=dst))


def pcap(
    *frames: bytes, order: str = "<", magic: int = 0xA1B2C3D4, link: int = 1, snap: int = 262_144, step: int = 1
) -> bytes:
    """A classic capture file: one frame each `step` of its clock, from `SECOND` on."""
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link)
    extra = bytes(8) if magic == 0xA1B2CD34 else b""
    return head + b"".join(
        struct.pack(order + "IIII", SECOND, index * step, min(len(frame), snap), len(frame)) + extra + frame[:snap]
        for index, frame in enumerate(frames)
    )


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block."""
    length = 12 + len(body) + (-len(body) % 4)
    return struct.pack(order + "II", kind, length) + body + bytes(-len(body) % 4) + struct.pack(order + "I", length)


def section(order: str = "<") -> bytes:
    """A section header block."""
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int = 1, snap: int = 0, options: bytes = b"", order: str = "<") -> bytes:
    """An interface description block."""
    return block(1, struct.pack(order + "HHI", link, 0, snap) + options, order)


def enhanced(frame: bytes, stamp: int = SECOND * 1_000_000, number: int = 0, order: str = "<") -> bytes:
    """An enhanced packet block."""
    head = struct.pack(order + "IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
    return block(6, head + frame, order)


def read(path: Path | str, how: How | None = None) -> tuple[list[Packet], list[IcmpError], list[Lost], Reading]:
    """What fedtrace chooses of a capture."""
    reading = Reading()
    found = list(packets(path, how or How(), reading))
    chosen = [one for one in found if isinstance(one, Packet)]
    errors = [one for one in found if isinstance(one, IcmpError)]
    return chosen, errors, [one for one in found if isinstance(one, Lost)], reading


def made(folder: Path, content: bytes, called: str = "a.pcap") -> Path:
    """A file of that content."""
    path = folder / called
    path.write_bytes(content)
    return path
