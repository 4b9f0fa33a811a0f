"""Which frames of a capture matter for federation: found by content as well as by port.

DNS messages about `_xmpp` services and the names that these lead to;
TCP on federation ports, on ports that an SRV answer names,
and conversations whose payload begins as an XMPP stream, or as a ClientHello that offers `xmpp-server`;
ICMP errors about any of these.
What may turn out to matter later is kept in rings of bounded size.
This decides what to read, not what it means.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from parsers.capture import columns as kinds
from parsers.capture.batch import Batch, address_text, columns_of, payloads
from parsers.capture.columns import BLOCK_LEN, Columns, Indices, Memory, decode
from parsers.capture.container import windows
from parsers.capture.dns_names import Names
from parsers.capture.flows import Flows, Servers
from parsers.capture.fragments import Fragments, behind_extensions, read_fragment, transport_packet
from parsers.capture.icmp import QUOTE_MAX, is_error, quote
from parsers.capture.packet import RST, SYN, TCP, UDP, IcmpError, Lost, Packet
from parsers.capture.ring import MessageRing, Ring
from parsers.capture.runs import Run, runs
from parsers.capture.sniff import FIRST_BYTES, HELLO_SEGMENTS, LOOK_LEN, is_cut_hello, offers_xmpp_server, speaks_xmpp
from parsers.capture.window import Column, Records, Window
from parsers.source import How, Reading

_DNS_PORT = 53
"""RFC 1035 section 4.2."""
_OPENINGS_BYTES = 20 << 20
"""Room for some 200,000 connection openings and resets on ports that are not federation's, as far as is known yet."""
_DNS_BYTES = 16 << 20
"""Room for the latest DNS messages about names that do not matter, as far as is known yet."""
_DNS_TCP_BYTES = 4 << 20
"""Room for the latest segments of DNS over TCP."""
_ERRORS_MAX = 4_096
"""ICMP errors about other TCP ports that are remembered."""

Found = Packet | IcmpError | Lost
_Together = TypeVar("_Together", bound=tuple[object, ...])


def packets(path: Path | str, how: How, reading: Reading) -> Iterator[Found]:
    """The frames that matter, in order; those that turn out to matter only later come when that is known.

    `path` is a capture, or `-` for standard input; `how.offset_ns` is in every instant. Fills `reading` on the way.
    Raises `SourceUnreadable` when the input is no capture; damage within it becomes `Lost`.
    """
    return _found(path, how, reading, Batch.packets)


def packets_and_runs(path: Path | str, how: How, reading: Reading) -> Iterator[Found | Run]:
    """The same, but segments that simply follow each other come together: in order within each conversation."""
    return _found(path, how, reading, runs)


def _found(
    path: Path | str, how: How, reading: Reading, told: Callable[[Batch], Iterator[Packet | _Together]]
) -> Iterator[Found | _Together]:
    choice = _Choice(how, reading, told)
    memory: Memory | None = None
    for part in windows(path, reading, how.offset_ns):
        if isinstance(part, Lost):
            yield part
            continue
        memory = memory or Memory(part.memory)
        for found in choice.window(memory, part):
            yield from found
    yield from choice.finish()


class _Block(NamedTuple):
    """Some thousand packets of a window."""

    memory: Memory
    columns: Columns
    first_frame: int
    at_ns: Column

    def take(self, chosen: Indices) -> Batch:
        """TCP and UDP packets of it, until the window moves on."""
        return columns_of(self.memory, self.columns, chosen, self.first_frame, self.at_ns)

    def copy(self, chosen: Indices) -> Batch:
        """The same, to last."""
        batch = self.take(chosen)
        return batch._replace(payloads=batch.payloads[:])

    def each(self, kind: int) -> Iterator[tuple[int, int, int]]:
        """Index, frame number and instant of its packets of one kind."""
        for index in (self.columns.kind == kind).nonzero()[0].tolist():
            yield index, self.first_frame + index, int(self.at_ns[index])

    def reporter(self, index: int) -> str:
        """The address that sent a packet."""
        if self.columns.six[index]:
            begin = int(self.columns.network[index]) + 8
            return address_text(bytes(self.memory.view[begin : begin + 16]))
        return address_text(self.columns.rows[index, 26:30].tobytes())


class _Choice(Generic[_Together]):
    """What is known so far of what matters, and the frames that follow from it."""

    def __init__(self, how: How, reading: Reading, told: Callable[[Batch], Iterator[Packet | _Together]]) -> None:
        self._reading = reading
        self._told = told
        self._port = np.zeros(65_536, bool)
        self._port[list(how.ports)] = True
        self._names = Names(how.dns_names)
        self._flows = Flows()
        self._servers = Servers()
        self._openings = Ring(_OPENINGS_BYTES)
        self._dns_tcp = Ring(_DNS_TCP_BYTES)
        self._dns = MessageRing(_DNS_BYTES)
        self._errors: deque[IcmpError] = deque(maxlen=_ERRORS_MAX)
        self._fragments = Fragments(_fragment_matters)
        self._cut = 0
        self._cut_at: tuple[int, int] | None = None
        self._forgotten_told = 0

    def window(self, memory: Memory, window: Window) -> Iterator[Iterable[Found | _Together]]:
        """The frames of a window that matter, block by block."""
        starts, lengths, at_ns, links = window.records
        for begin in range(0, len(starts), BLOCK_LEN):
            some = slice(begin, begin + BLOCK_LEN)
            link = links[some] if isinstance(links, np.ndarray) else links
            columns = decode(memory, Records(starts[some], lengths[some], at_ns[some], link))
            for name, count in columns.unread.items():
                self._reading.unknown[name] = self._reading.unknown.get(name, 0) + count
            yield self._block(_Block(memory, columns, window.first_frame + begin, at_ns[some]))

    def finish(self) -> Iterator[Found]:
        """What is to be said at the end."""
        self._fragments.finish()
        if self._fragments.first_lost:
            what = "fragments of datagrams that may be federation's; others of the same datagram are missing"
            yield Lost(what, self._fragments.lost, "frames", *self._fragments.first_lost)
        if self._cut_at:
            what = "frames whose headers are cut by the snap length, and which may be federation's"
            yield Lost(what, self._cut, "frames", *self._cut_at)
        if self._flows.refused:
            what = "conversations on other ports that begin as XMPP; there were too many to follow all"
            yield Lost(what, self._flows.refused, "frames", None, None)

    def _block(self, block: _Block) -> Iterable[Found | _Together]:
        columns = block.columns
        said: list[Lost] = []
        tcp = columns.kind == TCP
        on_dns = (columns.sport == _DNS_PORT) | (columns.dport == _DNS_PORT)
        late: list[Packet | IcmpError] = []
        segments = (on_dns & tcp).nonzero()[0]
        known = len(self._names.ports) + len(self._names.servers)
        lookups = (on_dns & (columns.kind == UDP)).nonzero()[0]
        wanted = self._lookups(block, lookups, late) if len(lookups) else lookups
        if len(segments):
            keys = self._flows.add(block.memory, columns, self._dns_segments(block, segments))
            late += self._dns_tcp.release(flows=keys)
        whole = list(self._fragmented(block))
        if len(self._names.ports) + len(self._names.servers) > known:
            late += self._learn()
            said += self._forgotten(block)
        by_port = (self._port[columns.sport] | self._port[columns.dport]) & tcp
        others = (tcp & ~by_port & ~on_dns).nonzero()[0]
        keys = self._flows.add(block.memory, columns, self._sniffed(block, others))
        if len(keys):
            late += self._openings.release(flows=keys)
            said += self._forgotten(block)
        by_port[self._flows.among(block.memory, columns, others)] = True
        by_port[self._servers.among(block.memory, columns, others)] = True
        by_port[self._flows.among(block.memory, columns, segments)] = True
        if len(others):
            self._openings.add(block.copy(others[(columns.flags[others] & (SYN | RST) != 0) & ~by_port[others]]))
        if len(segments):
            self._dns_tcp.add(block.copy(segments[~by_port[segments]]))
        errors = list(self._icmp(block))
        self._count_cut(block)
        late.sort(key=itemgetter(0))
        by_port[wanted] = True
        chosen = block.take(by_port.nonzero()[0])
        # What a fragment completes may belong between the segments of a run.
        found: Iterable[Found | _Together] = chosen.packets() if whole else self._told(chosen)
        if whole or errors:
            found = sorted([*found, *whole, *errors], key=itemgetter(0))
        return chain(said, late, found)

    def _lookups(self, block: _Block, lookups: Indices, late: list[Packet | IcmpError]) -> Indices:
        """DNS messages over UDP that matter; earlier ones that matter by now are added to `late`."""
        begin, end, _ = block.columns.payload(lookups)
        messages = payloads(block.memory, begin, end)
        indices, questions = self._names.choose(messages)
        if self._names.take_news():
            earlier = self._dns.release(self._names)
            for packet in earlier:
                self._names.learn(packet.payload)
            late += earlier
        matters = np.zeros(len(questions), bool)
        matters[indices] = True
        if len(indices) < len(questions):
            rest = (~matters).nonzero()[0]
            held = block.take(lookups[rest])._replace(payloads=[messages[index] for index in rest.tolist()])
            self._dns.add(held, [questions[index] for index in rest.tolist()])
        wanted: Indices = lookups[matters]
        return wanted

    def _dns_segments(self, block: _Block, segments: Indices) -> Indices:
        """DNS messages over TCP that matter: each has its length before it (RFC 1035 section 4.2.2)."""
        begin, end, _ = block.columns.payload(segments)
        indices, _ = self._names.choose([payload[2:] for payload in payloads(block.memory, begin, end)])
        chosen: Indices = segments[np.array(indices, np.int64)]
        return chosen

    def _sniffed(self, block: _Block, others: Indices) -> Indices:
        """Packets whose payload shows that their conversation is federation."""
        columns = block.columns
        begin = columns.transport[others] + (columns.rows[others, 46] >> 4).astype(np.int64) * 4
        first = block.memory.bytes[begin]
        likely: Indices = others[
            ((first == FIRST_BYTES[0]) | (first == FIRST_BYTES[1])) & (begin < columns.end[others])
        ]
        if not len(likely):
            return likely
        begin, end, _ = columns.payload(likely)
        looks = payloads(block.memory, begin, np.minimum(end, begin + LOOK_LEN))
        for place, look in enumerate(looks):
            if is_cut_hello(look):
                looks[place] += self._following(block, others, int(likely[place]))
        speaking: Indices = likely[np.array([speaks_xmpp(look) or offers_xmpp_server(look) for look in looks])]
        return speaking

    def _following(self, block: _Block, others: Indices, index: int) -> bytes:
        """The next bytes of the same direction: a ClientHello with a post-quantum key takes two segments.

        Where these stand on two sides of a block's border the second is not found.
        """
        columns = block.columns
        same = (columns.sport[others] == columns.sport[index]) & (columns.dport[others] == columns.dport[index])
        next_ones = others[same & (others > index)][:HELLO_SEGMENTS]
        begin, end, _ = columns.payload(next_ones)
        return b"".join(payloads(block.memory, begin, np.minimum(end, begin + LOOK_LEN)))

    def _learn(self) -> list[Packet | IcmpError]:
        """Take up what SRV answers named; returns what is still remembered of before."""
        if self._names.servers:
            self._servers.add(self._names.servers)
        ports = np.array(sorted(port for port in self._names.ports if not self._port[port]), np.intp)
        self._port[ports] = True
        remembered: list[Packet | IcmpError] = list(self._openings.release(ports.tolist(), servers=self._servers))
        for error in [error for error in self._errors if self._read(*error[5:])]:
            self._errors.remove(error)
            remembered.append(error)
        return remembered

    def _forgotten(self, block: _Block) -> Iterator[Lost]:
        """Said when something was learnt late and openings had been forgotten before: they may have been the ones."""
        count = self._openings.forgotten - self._forgotten_told
        if count:
            self._forgotten_told = self._openings.forgotten
            what = "a federation port or conversation was learnt late; openings that may be its own were forgotten"
            yield Lost(what, count, "frames", block.first_frame, int(block.at_ns[0]))

    def _icmp(self, block: _Block) -> Iterator[IcmpError]:
        """Errors about DNS, about ports and about conversations that are read."""
        columns = block.columns
        for kind in (kinds.ICMP, kinds.ICMP6):
            six = kind == kinds.ICMP6
            for index, frame, at_ns in block.each(kind):
                if not is_error(int(columns.rows[index, 34]), six=six):
                    continue
                begin, end = int(columns.transport[index]), int(columns.end[index])
                quoted = quote(bytes(block.memory.view[begin : min(end, begin + QUOTE_MAX)]), six=six)
                if quoted is None:
                    continue
                reporter = block.reporter(index)
                error = IcmpError(frame, at_ns, reporter, *quoted)
                if _DNS_PORT in (error.sport, error.dport) and error.proto in (TCP, UDP):
                    yield error
                elif error.proto == TCP:
                    if self._read(*quoted[2:]):
                        yield error
                    else:
                        self._errors.append(error)

    def _fragmented(self, block: _Block) -> Iterator[Packet]:
        """Datagrams that a fragment of this block completes, and that matter."""
        for index, frame, at_ns in block.each(kinds.FRAGMENT):
            columns = block.columns
            six = bool(columns.six[index])
            packet = bytes(block.memory.view[int(columns.network[index]) : int(columns.end[index])])
            read = read_fragment(packet, six=six)
            if read is None:
                continue
            fragment, ttl = read
            body = self._fragments.add(fragment, frame, at_ns)
            if body is None:
                continue
            whole = transport_packet(frame, at_ns, ttl, fragment.key[0], *behind_extensions(fragment.key[1], body))
            if whole and self._datagram_matters(whole):
                yield whole

    def _datagram_matters(self, packet: Packet) -> bool:
        if packet.proto == UDP:
            return bool(self._names.choose([packet.payload])[0])
        return bool(
            speaks_xmpp(packet.payload)
            or offers_xmpp_server(packet.payload)
            or self._read(packet.src, packet.sport, packet.dst, packet.dport)
        )

    def _read(self, src: str, sport: int, dst: str, dport: int) -> bool:
        """Whether the TCP conversation between these ends is read."""
        ends = (src, sport, dst, dport)
        return bool(self._port[sport] or self._port[dport] or self._flows.holds(*ends) or self._servers.holds(*ends))

    def _count_cut(self, block: _Block) -> None:
        """Frames whose ports cannot be seen, or whose ports matter but whose headers are not all there."""
        columns = block.columns
        cut = (columns.kind == kinds.CUT).nonzero()[0]
        if len(cut):
            sport, dport = columns.sport[cut], columns.dport[cut]
            cut = cut[((sport == 0) & (dport == 0)) | self._port[sport] | self._port[dport]]
        if len(cut):
            self._cut += len(cut)
            first = int(cut[0])
            self._cut_at = self._cut_at or (block.first_frame + first, int(block.at_ns[first]))


def _fragment_matters(protocol: int, body: bytes) -> bool:
    """Whether a datagram whose first fragment this is may matter."""
    protocol, body = behind_extensions(protocol, body)
    ports = (int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big"))
    if protocol == UDP:
        return _DNS_PORT in ports
    return protocol == TCP
