"""What a capture says, as a transcript: one line an event, with its frame and who sent it."""

from __future__ import annotations

import struct
from pathlib import Path

from parsers.capture.files import read_ring
from parsers.capture.packet import Packet
from parsers.events import (
    CaptureGap,
    Damage,
    DnsAnswer,
    DnsQuery,
    Event,
    Idle,
    Retransmission,
    Tally,
    TcpMark,
    Unreachable,
)
from parsers.hold import Hold
from parsers.source import How, Reading, Source
from tests.packets import ACK, BEGIN_S, SYN, header, pcap, tcp

US, THEM = ("10.0.0.5", 40000), ("198.51.100.10", 5269)
OPEN = header("cupdomain.com", "gmail.com")
PRESENCE = b"<presence from='a@cupdomain.com' to='b@gmail.com'/>"
QUESTION = "_xmpp-server._tcp.gmail.com"


def out(flags: int, seq: int, ack: int = 0, payload: bytes = b"") -> bytes:
    """A segment of ours."""
    return tcp(*US, *THEM, flags, seq, ack, payload)


def back(flags: int, seq: int, ack: int = 0, payload: bytes = b"") -> bytes:
    """A segment of theirs."""
    return tcp(*THEM, *US, flags, seq, ack, payload)


SHAKE = [out(SYN, 999), back(SYN | ACK, 4999, 1000), out(ACK, 1000, 5000)]
"""A handshake: our first byte is 1000, theirs is 5000."""


def read(
    folder: Path, *captured: bytes, how: How | None = None, snap: int = 0, hold: Hold | None = None
) -> list[Event]:
    """The events of these frames."""
    path = folder / "trace.pcap"
    path.write_bytes(cut(list(captured), snap) if snap else pcap(captured))
    return read_ring([(Source(name="trace.pcap", path=path, format="capture"), Reading())], how or How(), hold=hold)


def cut(captured: list[bytes], snap: int) -> bytes:
    """A capture whose frames are cut at `snap` bytes."""
    whole = pcap([])
    return whole + b"".join(
        struct.pack("<IIII", BEGIN_S, number, min(len(frame), snap), len(frame)) + frame[:snap]
        for number, frame in enumerate(captured)
    )


def line(event: Event) -> str:
    """One event in a few words."""
    way = "" if event.flow is None else "> " if event.flow.src_ip in (US[0], "10.0.0.53") else "< "
    match event:
        case TcpMark():
            what = event.mark + (" again" if event.repeat else "")
        case Retransmission():
            what = f"sent for the {event.attempt}. time: {event.bytes_len} bytes"
        case Idle():
            what = f"after {event.duration_ns // 10**9} s of silence"
        case CaptureGap():
            what = f"{event.missing_bytes} bytes missing"
        case Tally():
            what = (
                f"in all {event.bytes_len} bytes in {event.segments} segments, {event.retransmitted} again, "
                f"{event.unacknowledged_len} unacknowledged, {event.stanzas} stanzas"
            )
        case DnsQuery():
            what = f"asks {event.rrtype} {event.name}"
        case DnsAnswer():
            what = f"answers {event.rcode}: {' '.join(r.data for r in event.answers)}"
        case Unreachable():
            what = f"unreachable ({event.code}), says {event.reporter_ip}"
        case Damage():
            what = f"{event.what} ({event.lost} {event.unit})"
        case _:
            what = type(event).__name__
    return f"{event.where.frame or '-'} {way}{what}"


def told(events: list[Event], *, tallies: bool = False) -> list[str]:
    """Events as a transcript."""
    return [line(event) for event in events if tallies or not isinstance(event, Tally)]


def packet(frame: int, second: int, ours: bool, flags: int, seq: int, ack: int, payload: bytes = b"") -> Packet:
    """A segment at a second of our choice."""
    (src, sport), (dst, dport) = (US, THEM) if ours else (THEM, US)
    at_ns = (BEGIN_S + second) * 10**9
    return Packet(frame, at_ns, 6, src, sport, dst, dport, 64, payload, len(payload), seq, ack, flags)
