"""Captures made by hand: packets, whole conversations, and the pcap around them. Checksums are left zero."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

BEGIN_S = 1_378_458_840
"""2013-09-06 09:14:00 UTC, the moment at which every capture begins."""
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def ip(src: str, dst: str, proto: int, body: bytes) -> bytes:
    """An IPv4 or IPv6 packet in an Ethernet frame."""
    a, b = ip_address(src), ip_address(dst)
    if a.version == 4:
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0x4000, 64, proto, 0, a.packed, b.packed)
        return bytes(12) + b"\x08\x00" + head + body
    head = struct.pack(">IHBB16s16s", 6 << 28, len(body), proto, 64, a.packed, b.packed)
    return bytes(12) + b"\x86\xdd" + head + body


def udp(src: str, sport: int, dst: str, dport: int, payload: bytes) -> bytes:
    """A UDP datagram in its frame."""
    return ip(src, dst, 17, struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload)


def tcp(src: str, sport: int, dst: str, dport: int, flags: int, seq: int, ack: int = 0, payload: bytes = b"") -> bytes:
    """A TCP segment in its frame."""
    head = struct.pack(">HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 65535, 0, 0)
    return ip(src, dst, 6, head + payload)


def talk(
    *said: tuple[str, bytes],
    client: tuple[str, int] = ("10.0.0.5", 40000),
    server: tuple[str, int] = ("198.51.100.10", 5269),
    segment: int = 1400,
    close: bool = True,
) -> Iterator[bytes]:
    """A TCP conversation: the handshake, each `(">" or "<", bytes)` in segments, and a close from both sides."""
    seq = {">": 1000, "<": 5000}
    ends = {">": (*client, *server), "<": (*server, *client)}
    other = {">": "<", "<": ">"}

    def send(way: str, flags: int, payload: bytes = b"") -> bytes:
        frame = tcp(*ends[way], flags, seq[way], seq[other[way]] if flags & ACK else 0, payload)
        seq[way] += len(payload) + (1 if flags & (SYN | FIN) else 0)
        return frame

    yield send(">", SYN)
    yield send("<", SYN | ACK)
    yield send(">", ACK)
    for way, text in said:
        for at in range(0, len(text), segment):
            yield send(way, PSH | ACK, text[at : at + segment])
        yield send(other[way], ACK)
    if close:
        yield send(">", FIN | ACK)
        yield send("<", FIN | ACK)
        yield send(">", ACK)


def pcap(frames: Iterable[bytes], step_ms: int = 10) -> bytes:
    """A little-endian microsecond pcap of Ethernet frames, one every `step_ms`."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)]
    for number, frame in enumerate(frames):
        seconds, ms = divmod(number * step_ms, 1000)
        out.append(struct.pack("<IIII", BEGIN_S + seconds, ms * 1000, len(frame), len(frame)) + frame)
    return b"".join(out)


def header(sender: str, receiver: str, id: str = "", extra: str = "") -> bytes:
    """A stream header as servers send it."""
    return (
        f"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
        f"xmlns:db='jabber:server:dialback' from='{sender}' to='{receiver}' id='{id}' version='1.0'{extra}>"
    ).encode()


FEATURES = b"<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>"
