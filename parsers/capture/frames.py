"""The chosen frames of a capture become events: marks and DNS at once, payload through `wire`.

One conversation has two directions, and each is decoded by itself; bytes are gathered before they are decoded, since a
decoder is called less often then. Knows no bytes below the transport header and nothing of what an event means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from parsers.capture import tcp_events
from parsers.capture.conversation import PLACE_LEN, Conversation, File, Mark, Place, Side, common_fields
from parsers.capture.dns_events import dns_event
from parsers.capture.icmp import unreachable
from parsers.capture.packet import ACK, FIN, RST, SYN, TCP, IcmpError, Key, Lost, Packet
from parsers.capture.passed import Passed
from parsers.capture.room import GATHER_BYTES, UNFINISHED, Room, gathered
from parsers.capture.runs import Run
from parsers.events import (
    CaptureGap,
    Damage,
    Event,
    Flow,
    Tally,
    TcpMark,
    Where,
    river_key,
)
from parsers.hold import NOT_HELD, SMALL_WEIGHT, Hold
from parsers.source import Reading
from parsers.wire import dns
from parsers.wire.payload import Payload
from parsers.wire.reassembly import Hole, Piece
from parsers.wire.xmpp import Seen

IDLE_NS = 300 * 10**9
"""A silence of 5 minutes is told: firewalls forget an idle connection after 10 minutes to an hour, and shorter
silences are everyday."""
LINGER_NS = 240 * 10**9
"""A closed conversation is forgotten after twice the maximum segment lifetime (RFC 9293 section 3.4.2)."""
SOON_NS = 10 * 10**9
"""Where too many are under way, it is forgotten so soon: late segments come within seconds."""
SWEEP_EVERY = 65536
"""Frames between two sweeps for conversations to forget; where too many are under way, a sixteenth of it."""
LOOK_BYTES = 8 << 20
"""Bytes decoded, and …"""
LOOK_EVENTS = 16_384
"""… events told, after which it is seen how much is held."""

Held = tuple[Conversation, Side, Side]
"""A conversation, its side that sent a packet, and the other."""


class Reader:
    """Packets of one source, or of the files of one ring buffer, to events."""

    gather_bytes = GATHER_BYTES
    keep_tls = False

    def __init__(self, hold: Hold | None = None) -> None:
        """`hold` says what of the events is wanted; without it all are."""
        self.file = File("", Reading())
        self.events: list[Event] = []
        self._hold = hold or Hold()
        self._running: dict[Key, Held] = {}
        self._passed = Passed()
        self._crowded = 0
        self._room = Room()
        self._fed = self._looked = 0

    def read(self, source: str, chosen: Iterable[Packet | Run | IcmpError | Lost], reading: Reading) -> None:
        """Take the packets of one file."""
        self.file = File(source, reading)
        segment = self._segment
        unswept = SWEEP_EVERY
        for item in chosen:
            if type(item) is Packet:
                if item.proto == TCP:
                    segment(item)
                else:
                    self._datagram(item)
                unswept -= 1
            elif type(item) is Run:
                self._run(item)
                unswept -= len(item.rows)
            elif type(item) is IcmpError:
                self._icmp(item)
            elif isinstance(item, Lost):
                self._lost(item)
                continue
            if unswept <= 0:
                self._sweep(item.at_ns)
                unswept = SWEEP_EVERY

    def close(self) -> list[Event]:
        """The input ends: everything that still waits, and all events in order of time."""
        for conversation in self._conversations():
            self._finish(conversation)
        self._running.clear()
        self._look()
        left_out = self._passed.left_out + self._hold.left_out
        crowded = f"more than {self._hold.at_once} conversations at once"
        for what, count in ((crowded, self._crowded), (NOT_HELD, left_out)):
            if count:
                self._lost(Lost(what, count, "frames", None, None))
        if self._room.let_go:
            self._lost(Lost(UNFINISHED, self._room.let_go, "bytes", None, None))
        self.events.sort(key=river_key)
        return self.events

    def _datagram(self, packet: Packet) -> None:
        flow = Flow(src_ip=packet.src, src_port=packet.sport, dst_ip=packet.dst, dst_port=packet.dport, proto="udp")
        self._message(packet.payload, self._place(packet), flow, cut=packet.length > len(packet.payload))

    def _message(self, wire: bytes, place: Place, flow: Flow, *, cut: bool = False) -> None:
        """One DNS message."""
        if not self._hold.begins(place[0], SMALL_WEIGHT):
            self._passed.left_out += self._hold.wants(place[0])
            return
        try:
            message = dns.message(wire)
        except ValueError as error:
            reason = "cut by the snap length" if cut else str(error)
            self._unread(f"a DNS message could not be decoded: {reason}", 1, "frames", place, flow)
            return
        self.events.append(dns_event(message, place, flow))
        self._grew(len(wire))

    def _icmp(self, error: IcmpError) -> None:
        ends = (error.src, error.sport, error.dst, error.dport)
        held = self._running.get(ends)
        if held is None:
            if ends in self._passed:
                return
            if not self._hold.begins(error.at_ns, SMALL_WEIGHT):
                self._passed.left_out += self._hold.wants(error.at_ns)
                return
        self.events.append(unreachable(error, self.file, None if held is None else held[1].flow))
        self._grew(1)

    def _lost(self, lost: Lost) -> None:
        """Input of which not even the conversation is known."""
        at_ns = lost.at_ns
        if at_ns is None:
            at_ns = self.events[-1].at_ns if self.events else 0
        where = Where(source=self.file.name, frame=lost.frame)
        width_ns = self.file.reading.resolution_ns
        self.events.append(
            Damage(at_ns=at_ns, width_ns=width_ns, where=where, what=lost.what, lost=lost.count, unit=lost.unit)
        )

    def _unread(self, what: str, lost: int, unit: Literal["bytes", "frames"], place: Place, flow: Flow) -> None:
        """Something that was not read, and from which only its own conversation suffers."""
        self.events.append(Damage(what=what, lost=lost, unit=unit, **common_fields(place, flow)))

    def _place(self, packet: Packet) -> Place:
        return packet.at_ns, packet.frame, self.file

    def _run(self, run: Run) -> None:
        """Segments that follow each other: told at once if that is all there is to them, else one by one."""
        held = self._running.get(run.key)
        if held is None or not self._goes_on(*held, run):
            for packet in run.packets():
                self._segment(packet)
            return
        conversation, side, other = held
        conversation.seen_ns = run.at_ns
        for mine, yours, half in ((side, other, run.there), (other, side, run.back)):
            if half is None:
                continue
            if half.pure is not None and "ack" not in mine.marks:
                place, ttl = half.pure
                self._mark(mine, "ack", (*place, self.file), ttl)
            if half.data:
                mine.follow(half, self.file)
                if mine.end - mine.read >= self.gather_bytes:
                    self._decode(conversation, mine)
            if half.ack != yours.order.acked:
                yours.order.acknowledged(half.ack, (*half.acked, self.file))

    def _goes_on(self, conversation: Conversation, side: Side, other: Side, run: Run) -> bool:
        """Whether a run is what comes next in a conversation, without a silence to tell."""
        soon = run.first_ns - conversation.seen_ns < IDLE_NS
        return soon and side.follows(run.there) and other.follows(run.back)

    def _segment(self, packet: Packet) -> None:
        """One TCP segment; data in order, and acknowledgements that say nothing new, take the fewest steps."""
        frame, at_ns, _, src, sport, dst, dport, _, data, length, seq, ack, flags = packet
        held = self._running.get((src, sport, dst, dport))
        if held is None or flags & SYN:
            held = self._held(packet, held)
            if held is None:
                return
        conversation, side, other = held
        place = (at_ns, frame, self.file)
        if at_ns - conversation.seen_ns >= IDLE_NS:
            self._say(tcp_events.idle(conversation, side, place))
        conversation.seen_ns = at_ns
        marks = flags & (SYN | FIN | RST)
        if marks or not (length or "ack" in side.marks):
            mark = conversation.mark(side, packet)
            if mark is not None:
                self._mark(side, mark, place, packet.ttl)
        if length and not flags & RST:
            side.last = place
            if not marks and len(data) == length and side.messages is None and side.order.in_order(seq, length):
                side.gather(data, place)
                if side.end - side.read >= self.gather_bytes:
                    self._decode(conversation, side)
            else:
                self._out_of_line(conversation, side, packet)
        if flags & ACK and ack != other.order.acked:
            for item in other.order.acknowledged(ack, place):
                self._take(conversation, other, item)
        if marks & (FIN | RST):
            conversation.close(packet)

    def _held(self, packet: Packet, held: Held | None) -> Held | None:
        """What is held of a segment's conversation, which may begin with it; None when there are too many."""
        if held is not None:
            if not held[0].is_over_by(packet):
                return held
            self._finish(held[0])
        elif self._passed.takes(packet):
            return None
        if self._is_crowded(packet.at_ns):
            self._crowded += 1
            return None
        if self._hold.due:
            for conversation, side in self._sides():  # whose it is stands in what waits
                self._decode(conversation, side)
            self._look()
        if not self._hold.begins(packet.at_ns):
            self._passed.add(packet, left_out=self._hold.wants(packet.at_ns))
            return None
        flow = Flow(src_ip=packet.src, src_port=packet.sport, dst_ip=packet.dst, dst_port=packet.dport)
        mine, other = Side(flow), Side(flow.reverse)
        conversation = Conversation(mine, other, packet.at_ns)
        self._running[_key(flow)] = (conversation, mine, other)
        self._running[_key(other.flow)] = (conversation, other, mine)
        self.gather_bytes = gathered(len(self._running), type(self).gather_bytes)
        return conversation, mine, other

    def _is_crowded(self, now_ns: int) -> bool:
        """Whether so many conversations are under way that no other can be read, those that closed left out."""
        room = 2 * self._hold.at_once - len(self._running) - len(self._passed)
        if room <= 0 and not self._crowded % max(SWEEP_EVERY // 16, 1):
            self._sweep(now_ns, SOON_NS)
            room = 2 * self._hold.at_once - len(self._running) - len(self._passed)
        return room <= 0

    def _out_of_line(self, conversation: Conversation, side: Side, packet: Packet) -> None:
        """Data that is not simply the next, that the capture cut, or that comes with a mark."""
        place = self._place(packet)
        seq = packet.seq + 1 if packet.flags & SYN else packet.seq
        news = side.order.segment(seq & 0xFFFF_FFFF, packet.payload, packet.length, place)
        if side.order.repeats:
            self._say(tcp_events.repeated(side, packet, place))
        elif side.order.waiting:
            self._grew(0, len(packet.payload) + PLACE_LEN)
        for item in news:
            self._take(conversation, side, item)

    def _mark(self, side: Side, mark: Mark, place: Place, ttl: int) -> None:
        repeat = mark in side.marks
        side.marks.add(mark)
        self.events.append(TcpMark(mark=mark, repeat=repeat, ttl=ttl, **common_fields(place, side.flow)))

    def _say(self, event: Event | None) -> None:
        """Take an event, if there is one."""
        if event is not None:
            self.events.append(event)

    def _take(self, conversation: Conversation, side: Side, item: Piece | Hole) -> None:
        """Newly readable bytes, or a hole in them."""
        place: Place = item.token  # type: ignore[assignment]  # what was given to `Direction` comes back
        if type(item) is Piece:
            if side.messages is not None:
                passed = side.messages.passed
                for wire in side.messages.feed(item.data):
                    self._message(wire, place, side.flow)
                self._room.let_go += side.messages.passed - passed
                self._grew(0, len(item.data))
                return
            side.gather(item.data, place)
            if side.end - side.read >= self.gather_bytes:
                self._decode(conversation, side)
        elif type(item) is Hole:
            side.hole = side.hole or place
            self._decode(conversation, side)
            self.events.append(CaptureGap(missing_bytes=item.missing, **common_fields(place, side.flow)))
            if side.messages is not None:
                side.messages = dns.TcpMessages()
            if side.payload is not None:
                side.payload.gap(item.missing)
            side.read = side.end = side.end + item.missing

    def _decode(self, conversation: Conversation, side: Side) -> None:
        """Hand the gathered bytes to the decoder of this direction."""
        if not side.gathered:
            return
        data = side.gathered[0] if len(side.gathered) == 1 else b"".join(side.gathered)
        side.gathered.clear()
        if side.payload is None:
            # Something is missing before these bytes when no SYN was seen, and when a hole came first.
            midstream = not conversation.opened or side.read > 0
            side.payload = Payload(midstream=midstream, at=side.read, keep_tls=self.keep_tls)
        self._tell(side, side.payload.feed(data))
        side.read = side.end
        # Stanzas that are only counted tell nothing: their places would stay, and with them a third of the memory.
        side.forget(side.payload.pending)
        before, side.weighed = side.weighed, side.payload.held_len
        self._grew(len(data), side.weighed - before)

    def _tell(self, side: Side, seen: Sequence[Seen]) -> None:
        """What a decoder saw becomes events, each at the packet that brought its first byte."""
        for said in seen:
            fields: dict[str, Any] = said.fields
            self.events.append(said.kind(**fields, **common_fields(side.place(said.at), side.flow)))

    def _grew(self, read_len: int, held_len: int = 0) -> None:
        """So much was decoded, and so much more is held for it: see whether that is too much, each now and then."""
        self._fed += read_len
        if self._fed >= LOOK_BYTES or len(self.events) >= self._looked + LOOK_EVENTS:
            self._look()
        if self._room.is_short(held_len):
            self._make_room()

    def _look(self) -> None:
        """See how much is told by now."""
        self._hold.look(self.events, self._began_ns)
        self._fed, self._looked = 0, len(self.events)

    def _make_room(self) -> None:
        """See that not too much waits."""
        self._room.make(list(self._sides()), self._decode, self._settle)

    def _finish(self, conversation: Conversation) -> None:
        """Decode what waits, count what was carried, forget the conversation."""
        first, second = conversation.sides
        for side, other in ((first, second), (second, first)):
            self._settle(conversation, side)
            if side.last is None or side.messages is not None:
                continue
            if side.payload is not None:
                side.payload.close()
                for what, lost in side.payload.unread:
                    self._unread(what, lost, "bytes", side.hole or side.last, side.flow)
            self.events.append(self._tally(conversation, side, other))
        self._look()
        for side in conversation.sides:
            held = self._running.get(_key(side.flow))
            if held is not None and held[0] is conversation:
                del self._running[_key(side.flow)]

    def _tally(self, conversation: Conversation, side: Side, other: Side) -> Tally:
        """What one direction carried."""
        assert side.last is not None
        heard = bool(other.marks) or other.last is not None
        return Tally(
            bytes_len=side.order.bytes_len,
            segments=side.order.segments,
            retransmitted=side.order.retransmitted,
            unacknowledged_len=side.order.unacknowledged_len if heard else 0,
            stanzas=side.payload.stanzas if side.payload is not None else 0,
            **common_fields(side.last, side.flow),
        )

    def _settle(self, conversation: Conversation, side: Side) -> None:
        """Decode what waits in one direction; a hole that was not filled by now stays one."""
        for item in side.order.flush():
            self._take(conversation, side, item)
        self._decode(conversation, side)

    def _sweep(self, now_ns: int, linger_ns: int = LINGER_NS) -> None:
        """Forget conversations that closed long ago, and see how much is held and waits."""
        self._look()
        self._passed.forget(now_ns - linger_ns)
        for conversation in self._conversations():
            over_ns = conversation.over_ns
            if over_ns is not None and now_ns - over_ns > linger_ns:
                self._finish(conversation)
        self._make_room()

    def _began_ns(self, event: Event) -> int:
        """When the conversation of an event began, if it is under way; else when the event was."""
        held = None if event.flow is None else self._running.get(_key(event.flow))
        return event.at_ns if held is None else held[0].began_ns

    def _conversations(self) -> list[Conversation]:
        """Those under way, in the order in which they were first seen."""
        return [held[0] for held in self._running.values() if held[1] is held[0].sides[0]]

    def _sides(self) -> Iterator[tuple[Conversation, Side]]:
        return ((conversation, side) for conversation in self._conversations() for side in conversation.sides)


def _key(flow: Flow) -> Key:
    return (flow.src_ip, flow.src_port, flow.dst_ip, flow.dst_port)
