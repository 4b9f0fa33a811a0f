"""One TCP or UDP packet from the bytes of a reassembled IP datagram: the slow way, for the few that were fragmented."""

from __future__ import annotations

from parsers.capture.batch import address_text
from parsers.capture.packet import TCP, UDP, Packet


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
