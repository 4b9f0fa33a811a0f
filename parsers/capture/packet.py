"""What the frames that matter are decoded to. Plain tuples: a capture may choose a million of them.

Knows nothing of files, of how a frame was chosen, or of what its payload means.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

TCP = 6
"""IP protocol number (RFC 9293)."""
UDP = 17
"""IP protocol number (RFC 768)."""

FIN = 0x01
"""TCP control bit (RFC 9293 section 3.1)."""
SYN = 0x02
"""TCP control bit."""
RST = 0x04
"""TCP control bit."""
ACK = 0x10
"""TCP control bit."""

Key: TypeAlias = tuple[str, int, str, int]
"""Addresses and ports of a packet's two ends, the sender's first."""


class Packet(NamedTuple):
    """One chosen frame, decoded to its transport payload."""

    frame: int
    """1-based number in its file, over all records, as Wireshark counts."""
    at_ns: int
    """When it was captured, ns since 1970 UTC, `How.offset_ns` included."""
    proto: int
    """IP protocol: 6 TCP, 17 UDP."""
    src: str
    """Sender's address, canonical text."""
    sport: int
    """Sender's port."""
    dst: str
    """Receiver's address, canonical text."""
    dport: int
    """Receiver's port."""
    ttl: int
    """IPv4 time to live, IPv6 hop limit."""
    payload: bytes
    """Transport payload as captured; link-layer padding is cut off by the IP length."""
    length: int
    """Payload length by the IP header, bytes: greater than `len(payload)` when the snap length cut it."""
    seq: int
    """TCP sequence number; 0 for UDP."""
    ack: int
    """TCP acknowledgment number; 0 for UDP."""
    flags: int
    """TCP control bits (low eight); 0 for UDP."""


class IcmpError(NamedTuple):
    """An ICMP error and the packet that it quotes (RFC 792, RFC 4443)."""

    frame: int
    """1-based number in its file."""
    at_ns: int
    """When it was captured, ns since 1970 UTC."""
    reporter: str
    """Address that sent the error."""
    code: str
    """"net", "host", "port", "admin", "fragmentation-needed", "ttl-exceeded" or "other"."""
    proto: int
    """IP protocol of the quoted packet."""
    src: str
    """Sender of the quoted packet."""
    sport: int
    """Its port."""
    dst: str
    """Receiver of the quoted packet."""
    dport: int
    """Its port."""


class Lost(NamedTuple):
    """Input that could not be read, to become a `Damage` event."""

    what: str
    """One sentence for a person."""
    count: int  # type: ignore[assignment]  # a tuple's own `count` is of no use here
    """How much."""
    unit: Literal["bytes", "frames"]
    """Of what."""
    frame: int | None
    """The frame at which, or after which, it was lost; None before the first."""
    at_ns: int | None
    """The instant of that frame, ns since 1970 UTC."""
