"""The chosen frames of a capture become events: marks and DNS at once, payload through `wire`.

One conversation has two directions, and each is decoded by itself; bytes are gathered before they are decoded, since a
decoder is called less often then. Knows no bytes below the transport header and nothing of what an event means.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from parsers.capture.container import is_capture
from parsers.capture.packet import ACK, FIN, RST, SYN, TCP, IcmpError, Lost, Packet
from parsers.capture.select import packets
from parsers.events import (
    CaptureGap,
    Damage,
    DnsAnswer,
    DnsQuery,
    Event,
    Flow,
    Retransmission,
    Tally,
    TcpMark,
    Unreachable,
    Where,
    river_key,
)
from parsers.format import Guess, Head
from parsers.source import How, Reading, Source
from parsers.wire import dns
from parsers.wire.payload import Payload
from parsers.wire.reassembly import Direction, Hole, Piece
from parsers.wire.xmpp import Seen

GATHER_BYTES = 8192
"""Bytes of one direction that are gathered before they are decoded."""
PLACES_MAX = 16384
"""Segments whose places are remembered for one direction: an element spans fewer, or is refused as too big."""
RETRANSMISSIONS_MAX = 16
"""Retransmissions of one direction that become events; `Tally` counts them all."""
LINGER_NS = 240 * 10**9
"""A closed conversation is forgotten after twice the maximum segment lifetime (RFC 9293 section 3.4.2)."""
SWEEP_EVERY = 65536
"""Frames between two sweeps for conversations to forget."""
CONVERSATIONS_MAX = 1 << 19
"""Conversations held at once; a capture with more of them under way is a flood, and the rest is damage."""

Key = tuple[str, int, str, int]


class _Side:
    """One direction of one conversation."""

    __slots__ = ("flow", "gathered", "length", "marks", "messages", "order", "payload", "places", "read", "sent")

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.order = Direction()
        self.payload: Payload | None = None
        self.messages: dns.TcpMessages | None = None
        self.gathered: list[bytes] = []
        self.length = 0
        """Bytes gathered and not yet decoded."""
        self.read = 0
        """Bytes handed to the decoder."""
        self.places: deque[tuple[int, Packet]] = deque(maxlen=PLACES_MAX)
        """Index of the first byte, and the packet that brought it."""
        self.marks: set[str] = set()
        self.sent: dict[int, int] = {}
        """Sequence number → how often it was sent, for numbers sent more than once."""


class _Conversation:
    """Both directions, the opener's first."""

    __slots__ = ("closed_ns", "last", "number", "opened", "sides")

    def __init__(self, first: _Side, second: _Side) -> None:
        self.sides = (first, second)
        self.opened = False
        """Its SYN was seen."""
        self.number = -1
        """Sequence number of its SYN."""
        self.closed_ns: int | None = None
        self.last: dict[int, Packet] = {}
        """The last packet with payload, by side."""


class Reader:
    """Packets of one source, or of the files of one ring buffer, to events."""

    def __init__(self) -> None:
        """Nothing read yet."""
        self.source = ""
        self.reading = Reading()
        self.events: list[Event] = []
        self._running: dict[Key, tuple[_Conversation, int]] = {}
        self._crowded = 0

    def read(self, source: str, chosen: Iterable[Packet | IcmpError | Lost], reading: Reading) -> None:
        """Take the packets of one file; `reading` knows the step of its clock, which pcapng may change on the way."""
        self.source, self.reading = source, reading
        count = 0
        for item in chosen:
            if type(item) is Packet:
                if item.proto == TCP:
                    self._segment(item)
                else:
                    self._datagram(item)
                count += 1
                if count % SWEEP_EVERY == 0:
                    self._sweep(item.at_ns)
            elif type(item) is IcmpError:
                self._icmp(item)
            elif type(item) is Lost:
                self._lost(item)

    def close(self) -> list[Event]:
        """The input ends: everything that still waits, and all events in order of time."""
        for conversation, side in list(self._running.values()):
            if side == 0:
                self._finish(conversation)
        self._running.clear()
        if self._crowded:
            self._damage(f"more than {CONVERSATIONS_MAX} conversations at once", self._crowded, "frames", None, None)
        self.events.sort(key=river_key)
        return self.events

    # --- UDP, ICMP, damage

    def _datagram(self, packet: Packet) -> None:
        flow = Flow(src_ip=packet.src, src_port=packet.sport, dst_ip=packet.dst, dst_port=packet.dport, proto="udp")
        self._message(packet.payload, packet, flow, cut=packet.length > len(packet.payload))

    def _message(self, wire: bytes, packet: Packet, flow: Flow, *, cut: bool = False) -> None:
        """One DNS message."""
        try:
            message = dns.message(wire)
        except ValueError as error:
            reason = "cut by the snap length" if cut else str(error)
            self._damage(f"a DNS message could not be decoded: {reason}", 1, "frames", packet.frame, packet.at_ns, flow)
            return
        if message is None:
            return
        common: dict[str, Any] = self._common(packet, flow)
        if message.response:
            self.events.append(
                DnsAnswer(
                    txid=message.txid,
                    name=message.name,
                    rrtype=message.rrtype,
                    rcode=message.rcode,
                    authoritative=message.authoritative,
                    truncated=message.truncated,
                    answers=message.records,
                    **common,
                )
            )
        else:
            self.events.append(DnsQuery(txid=message.txid, name=message.name, rrtype=message.rrtype, **common))

    def _icmp(self, error: IcmpError) -> None:
        flow = Flow(
            src_ip=error.src,
            src_port=error.sport,
            dst_ip=error.dst,
            dst_port=error.dport,
            proto="tcp" if error.proto == TCP else "udp",
        )
        held = self._running.get((error.src, error.sport, error.dst, error.dport))
        if held is not None:
            flow = held[0].sides[held[1]].flow
        where = Where(source=self.source, frame=error.frame)
        self.events.append(
            Unreachable(
                at_ns=error.at_ns,
                width_ns=self.reading.resolution_ns,
                where=where,
                flow=flow,
                code=error.code,
                reporter_ip=error.reporter,
            )
        )

    def _lost(self, lost: Lost) -> None:
        self._damage(lost.what, lost.count, lost.unit, lost.frame, lost.at_ns)

    def _damage(
        self,
        what: str,
        lost: int,
        unit: Literal["bytes", "frames"],
        frame: int | None,
        at_ns: int | None,
        flow: Flow | None = None,
    ) -> None:
        """Something that was not read; with a `flow`, only that conversation suffers from it."""
        if at_ns is None:
            at_ns = self.events[-1].at_ns if self.events else 0
        where = Where(source=self.source, frame=frame)
        width_ns = self.reading.resolution_ns
        self.events.append(
            Damage(at_ns=at_ns, width_ns=width_ns, where=where, flow=flow, what=what, lost=lost, unit=unit)
        )

    def _common(self, packet: Packet, flow: Flow) -> dict[str, Any]:
        return {
            "at_ns": packet.at_ns,
            "width_ns": self.reading.resolution_ns,
            "where": Where(source=self.source, frame=packet.frame),
            "flow": flow,
        }

    # --- TCP

    def _segment(self, packet: Packet) -> None:
        """One TCP segment; the common case, data in order, passes first."""
        key = (packet.src, packet.sport, packet.dst, packet.dport)
        held = self._running.get(key)
        flags = packet.flags
        if held is None or (flags & SYN and self._is_new(held, packet)):
            if held is not None:
                self._finish(held[0])
            if len(self._running) >= 2 * CONVERSATIONS_MAX:
                self._crowded += 1
                return
            held = self._open(key, packet)
        conversation, index = held
        side = conversation.sides[index]
        order = side.order
        if flags & (SYN | FIN | RST) or not packet.length:
            self._mark(conversation, index, packet)
        if packet.length and not flags & RST:
            conversation.last[index] = packet
            seq = packet.seq + 1 if flags & SYN else packet.seq
            news = order.segment(seq & 0xFFFF_FFFF, packet.payload, packet.length, packet)
            if order.repeats:
                self._repeated(side, packet)
            for item in news:
                self._take(conversation, side, item)
        if flags & ACK:
            other = conversation.sides[1 - index]
            for item in other.order.acknowledged(packet.ack):
                self._take(conversation, other, item)
        if flags & (FIN | RST):
            self._closing(conversation, packet)

    def _is_new(self, held: tuple[_Conversation, int], packet: Packet) -> bool:
        """Whether a SYN begins another conversation on the same ends (RFC 9293 section 3.6.1)."""
        conversation, index = held
        if packet.flags & ACK:
            return False
        if conversation.number == packet.seq and index == 0:
            return False
        return conversation.opened or conversation.closed_ns is not None or bool(conversation.last)

    def _open(self, key: Key, packet: Packet) -> tuple[_Conversation, int]:
        flow = Flow(src_ip=packet.src, src_port=packet.sport, dst_ip=packet.dst, dst_port=packet.dport)
        conversation = _Conversation(_Side(flow), _Side(flow.reverse))
        self._running[key] = (conversation, 0)
        self._running[(packet.dst, packet.dport, packet.src, packet.sport)] = (conversation, 1)
        return conversation, 0

    def _mark(self, conversation: _Conversation, index: int, packet: Packet) -> None:
        """SYN, FIN, RST, and the first pure ACK of each side."""
        side = conversation.sides[index]
        flags = packet.flags
        mark: Literal["syn", "syn-ack", "ack", "fin", "rst"]
        if flags & SYN:
            mark = "syn-ack" if flags & ACK else "syn"
            conversation.opened = True
            if mark == "syn":
                conversation.number = packet.seq
            side.order.syn(packet.seq)
        elif flags & RST:
            mark = "rst"
        elif flags & FIN:
            mark = "fin"
        elif not flags & ACK or "ack" in side.marks:
            return
        else:
            mark = "ack"
        repeat = mark in side.marks
        side.marks.add(mark)
        self.events.append(TcpMark(mark=mark, repeat=repeat, ttl=packet.ttl, **self._common(packet, side.flow)))

    def _repeated(self, side: _Side, packet: Packet) -> None:
        """A data segment was sent again."""
        attempt = side.sent.get(packet.seq, 1) + 1
        if attempt == 2 and len(side.sent) >= RETRANSMISSIONS_MAX:
            return
        side.sent[packet.seq] = attempt
        if attempt <= RETRANSMISSIONS_MAX:
            self.events.append(
                Retransmission(bytes_len=packet.length, attempt=attempt, **self._common(packet, side.flow))
            )

    def _closing(self, conversation: _Conversation, packet: Packet) -> None:
        """Note when a conversation closed: a reset, or a FIN from both sides."""
        both = all("fin" in side.marks for side in conversation.sides)
        if packet.flags & RST or both:
            conversation.closed_ns = packet.at_ns

    def _take(self, conversation: _Conversation, side: _Side, item: Piece | Hole) -> None:
        """Newly readable bytes, or a hole in them."""
        if type(item) is Piece:
            packet = item.token
            assert isinstance(packet, Packet)
            side.places.append((side.read + side.length, packet))
            side.gathered.append(item.data)
            side.length += len(item.data)
            if side.length >= GATHER_BYTES:
                self._decode(conversation, side)
        elif type(item) is Hole:
            self._decode(conversation, side)
            packet = item.token
            assert isinstance(packet, Packet)
            self.events.append(CaptureGap(missing_bytes=item.missing, **self._common(packet, side.flow)))
            if side.payload is not None:
                side.payload.gap(item.missing)
            side.read += item.missing

    def _decode(self, conversation: _Conversation, side: _Side) -> None:
        """Hand the gathered bytes to the decoder of this direction."""
        if not side.gathered:
            return
        data = side.gathered[0] if len(side.gathered) == 1 else b"".join(side.gathered)
        side.gathered.clear()
        side.length = 0
        if 53 in (side.flow.src_port, side.flow.dst_port):
            side.messages = side.messages or dns.TcpMessages()
            side.read += len(data)
            packet = side.places[-1][1]
            for wire in side.messages.feed(data):
                self._message(wire, packet, side.flow)
            return
        if side.payload is None:
            side.payload = Payload(midstream=not conversation.opened, at=side.read)
        seen = side.payload.feed(data)
        side.read += len(data)
        places = side.places
        for said in seen:
            while len(places) > 1 and places[1][0] <= said.at:
                places.popleft()
            self.events.append(_event(said, self._common(places[0][1], side.flow)))
        if side.payload.idle:
            while len(places) > 1:
                places.popleft()

    def _finish(self, conversation: _Conversation) -> None:
        """Decode what waits, count what was carried, forget the conversation."""
        for index, side in enumerate(conversation.sides):
            for item in side.order.flush():
                self._take(conversation, side, item)
            self._decode(conversation, side)
            last = conversation.last.get(index)
            if side.payload is not None:
                side.payload.close()
                for what, lost in side.payload.unread:
                    self._damage(
                        what, lost, "bytes", last.frame if last else None, last.at_ns if last else None, side.flow
                    )
            if last is None or 53 in (side.flow.src_port, side.flow.dst_port):
                continue
            heard = bool(conversation.sides[1 - index].marks) or 1 - index in conversation.last
            self.events.append(
                Tally(
                    bytes_len=side.order.bytes_len,
                    segments=side.order.segments,
                    retransmitted=side.order.retransmitted,
                    unacknowledged_len=side.order.unacknowledged_len if heard else 0,
                    stanzas=side.payload.stanzas if side.payload is not None else 0,
                    **self._common(last, side.flow),
                )
            )
        for side in conversation.sides:
            flow = side.flow
            key = (flow.src_ip, flow.src_port, flow.dst_ip, flow.dst_port)
            held = self._running.get(key)
            if held is not None and held[0] is conversation:
                del self._running[key]

    def _sweep(self, now_ns: int) -> None:
        """Forget conversations that closed long ago."""
        for conversation, index in list(self._running.values()):
            if index == 0 and conversation.closed_ns is not None and now_ns - conversation.closed_ns > LINGER_NS:
                self._finish(conversation)


def _event(said: Seen, common: Mapping[str, Any]) -> Event:
    """What a decoder saw, at the place where it stands."""
    fields: dict[str, Any] = said.fields
    return said.kind(**fields, **common)


def read_ring(parts: Sequence[tuple[Source, Reading]], how: How) -> list[Event]:
    """Events of the files of one ring buffer, oldest first, as of one capture; each event names its own file."""
    reader = Reader()
    for source, reading in parts:
        reader.read(source.name, packets(source.path, how, reading), reading)
    return reader.close()


class Capture:
    """pcap and pcapng, plain, gzip or zstd, as a format."""

    name = "capture"
    title = "packet capture: pcap or pcapng, plain or in gzip or zstd"
    explanation = (
        "What tcpdump, Wireshark, `utils network capture` and an ASA's `capture` write.\n"
        "Under TLS it shows no stanza, no dialback and, with TLS 1.3, no certificate."
    )
    reference = "draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng"

    def guess(self, head: Head) -> Guess:
        """By the magic number, inside gzip or zstd too."""
        if str(head.path) == "-":
            return Guess(score=100, because="standard input is read as a capture")
        kind = is_capture(head.raw)
        if kind is None:
            return Guess(score=0, because="no magic number of a capture")
        return Guess(score=100, because=f"the magic number of {kind}")

    def read(self, source: Source, how: How, reading: Reading) -> Iterator[Event]:
        """Events in order of time."""
        yield from read_ring(((source, reading),), how)


FORMAT = Capture()
