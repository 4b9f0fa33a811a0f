"""What is held of a TCP conversation while its packets are read: each direction by itself.

Knows nothing of when a conversation begins or ends, and decodes nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Literal, NamedTuple, TypeAlias

from parsers.capture.packet import ACK, FIN, RST, SYN, Packet
from parsers.capture.runs import Half
from parsers.capture.window import Column
from parsers.events import Flow, Where
from parsers.source import Reading
from parsers.wire import dns
from parsers.wire.payload import Payload
from parsers.wire.reassembly import Direction

PLACES_MAX = 16384
"""Segments whose places are kept for one direction: an element spans fewer, or is refused as too big."""
PLACE_LEN = 200
"""Bytes of memory that a place takes, or a segment that waits beside its payload; …"""
STRETCH_LEN = 2_000
"""… the places of a run, and …"""
SEGMENT_LEN = 45
"""… a segment that was gathered."""
_DNS_PORT = 53
"""RFC 1035 section 4.2."""


class File(NamedTuple):
    """A capture file: bytes of one conversation may come from several of a ring buffer."""

    name: str
    """`Source.name`."""
    reading: Reading
    """Knows the step of its clock, which pcapng may change on the way."""


Place: TypeAlias = tuple[int, int, File]
"""Instant and number of a frame, and the file that holds it; not the packet, whose payload would be kept with it."""

Mark: TypeAlias = Literal["syn", "syn-ack", "ack", "fin", "rst"]
"""Of a `TcpMark`."""


class _Stretch(NamedTuple):
    """Places of segments that came together, as columns: most are never asked for."""

    places: Column
    """As `Half.places`."""
    file: File

    def place(self, at: int) -> Place:
        """Of the packet that brought the byte of the index `at`, from the first."""
        starts, at_ns, frames = self.places
        # For so few numpy's own search takes twice as long.
        index = bisect_right(starts.tolist(), int(starts[0]) + at) - 1
        return int(at_ns[index]), int(frames[index]), self.file


class Side:
    """One direction of one conversation."""

    __slots__ = (
        "end",
        "flow",
        "gathered",
        "hole",
        "last",
        "marks",
        "messages",
        "order",
        "payload",
        "places",
        "read",
        "sent",
        "starts",
        "weighed",
    )

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.order = Direction()
        self.payload: Payload | None = None
        self.messages = dns.TcpMessages() if _DNS_PORT in (flow.src_port, flow.dst_port) else None
        """DNS over TCP, and so no payload of a stream."""
        self.gathered: list[bytes] = []
        """Bytes in order that are not yet decoded."""
        self.read = 0
        """Bytes handed to the decoder, and missing ones passed over."""
        self.end = 0
        """The same with those gathered."""
        self.last: Place | None = None
        """Of the last packet with payload."""
        self.hole: Place | None = None
        """Of the first hole: what cannot be read for it is told there."""
        self.starts: list[int] = []
        """Indices of bytes …"""
        self.places: list[Place | _Stretch] = []
        """… and the places of the packets that brought them first, and what followed up to the next index."""
        self.weighed = 0
        """Bytes that its decoder held when it had read last."""
        self.marks: set[str] = set()
        self.sent: dict[int, int] = {}
        """Sequence number → how often it was sent, for numbers sent more than once."""

    @property
    def waiting_len(self) -> int:
        """Bytes that are not decoded yet: next in order, or behind a hole."""
        return self.end - self.read + self.order.waiting_len

    @property
    def held_len(self) -> int:
        """Bytes of memory that wait or that a decoder keeps, about, beside what every direction takes."""
        held = self.waiting_len + PLACE_LEN * self.order.waiting + SEGMENT_LEN * len(self.gathered)
        held += sum(STRETCH_LEN if type(place) is _Stretch else PLACE_LEN for place in self.places)
        decoder = self.payload or self.messages
        return held if decoder is None else held + decoder.held_len

    @property
    def is_within(self) -> bool:
        """Whether what it decodes, or waits for, is not there to its end; where it is, nothing is lost by `let_go`."""
        pending = None if self.payload is None else self.payload.pending
        return self.order.waiting > 0 or pending is None or pending < self.end

    def let_go(self) -> int:
        """Leave what is being decoded: how many bytes of it were lost."""
        decoder = self.payload or self.messages
        self.forget(None)
        self.weighed = 0
        return 0 if decoder is None else decoder.let_go()

    def gather(self, data: bytes, place: Place) -> None:
        """Keep the next bytes, and the place that brought them, until they are decoded."""
        self.starts.append(self.end)
        self.places.append(place)
        self.gathered.append(data)
        self.end += len(data)

    def follows(self, half: Half | None) -> bool:
        """Whether the data of a half of a run, or its silence, is what comes next in this direction."""
        expected = self.order.expected
        if half is None or not half.data:
            return expected is not None
        return expected == half.seq and self.messages is None

    def follow(self, half: Half, file: File) -> None:
        """Keep the data of a half that `follows`."""
        self.order.follow(half.places.shape[1], len(half.data), half.last_len)
        self.starts.append(self.end)
        self.places.append(_Stretch(half.places, file))
        self.gathered.append(half.data)
        self.end += len(half.data)
        self.last = (*half.last, file)

    def place(self, at: int) -> Place:
        """Of the packet that brought the byte of the index `at`."""
        index = max(bisect_right(self.starts, at) - 1, 0)
        place = self.places[index]
        return place.place(at - self.starts[index]) if isinstance(place, _Stretch) else place

    def forget(self, pending: int | None) -> None:
        """Forget places of bytes before the index `pending`; with None, of all bytes so far."""
        known = len(self.starts)
        passed = (known if pending is None else bisect_right(self.starts, pending)) - 1
        first = max(passed, known - PLACES_MAX)
        if first > 0:
            del self.starts[:first], self.places[:first]


class Conversation:
    """Both directions, the opener's first."""

    __slots__ = ("began_ns", "closed_ns", "idles", "number", "opened", "secured", "seen_ns", "sides")

    def __init__(self, first: Side, second: Side, began_ns: int) -> None:
        self.sides = (first, second)
        self.began_ns = began_ns
        """Instant of its first segment."""
        self.seen_ns = began_ns
        """Instant of its last segment."""
        self.idles = 0
        """Long silences so far."""
        self.opened = False
        """Its SYN was seen."""
        self.number = -1
        """Sequence number of its SYN, or the one that its SYN-ACK acknowledges."""
        self.closed_ns: int | None = None
        self.secured: int | None = None
        """Its number among the TLS conversations that are to be decrypted."""

    def mark(self, side: Side, packet: Packet) -> Mark | None:
        """What a segment is besides its data: SYN, FIN, RST, or the first pure ACK of its side. Notes who began."""
        flags = packet.flags
        if flags & SYN:
            self.opened = True
            if not flags & ACK:
                self.number = packet.seq
            elif self.number < 0:
                self.number = (packet.ack - 1) & 0xFFFF_FFFF
            side.order.syn(packet.seq)
            return "syn-ack" if flags & ACK else "syn"
        if flags & RST:
            return "rst"
        if flags & FIN:
            return "fin"
        return "ack" if flags & ACK and "ack" not in side.marks else None

    def is_over_by(self, packet: Packet) -> bool:
        """Whether a SYN begins another conversation on the same ends (RFC 9293 section 3.6.1)."""
        if packet.flags & ACK or self.number == packet.seq:
            return False
        return self.opened or self.closed_ns is not None or any(side.last is not None for side in self.sides)

    def close(self, packet: Packet) -> None:
        """Note when it closed: with a reset, or a FIN from both sides."""
        if packet.flags & RST or all("fin" in side.marks for side in self.sides):
            self.closed_ns = packet.at_ns

    @property
    def over_ns(self) -> int | None:
        """When it closed, or was called in vain for the last time; None while it goes on."""
        if self.closed_ns is None and self.opened and all(s.marks <= {"syn"} and s.last is None for s in self.sides):
            return self.seen_ns
        return self.closed_ns


def common_fields(place: Place, flow: Flow) -> dict[str, Any]:
    """The fields of every event that a packet brings."""
    at_ns, frame, file = place
    return {
        "at_ns": at_ns,
        "width_ns": file.reading.resolution_ns,
        "where": Where(source=file.name, frame=frame),
        "flow": flow,
    }
