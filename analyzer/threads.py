"""Streams as a server's log tells of them: the lines that one thread of the log holds together.

A thread is told from one side: the server that wrote the log. Its other end may have an address, its own has none.
Knows one log at a time, no capture and no verdict.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from analyzer.cached import cached_property
from analyzer.machines import stream
from analyzer.machines.dialback import domains
from analyzer.machines.stream import StreamMachine
from analyzer.machines.table import Step
from analyzer.sighting import Sighting
from analyzer.stage import End, is_told, untold
from parsers.events import (
    BadXml,
    Dialback,
    Event,
    Flow,
    NotXmpp,
    Said,
    Sasl,
    Stanza,
    StartTls,
    StreamEnd,
    StreamError,
    StreamFeatures,
    StreamHeader,
    TlsCertificate,
    Topic,
    river_key,
)

PAIRS_MAX = 64
"""Pairs of domains told apart on one thread; a stream that serves more is cut short."""

NEXT_LINES = 8
"""Tries that name no domain are of the stream which one of the next 8 lines says has failed."""

FAREWELL_NS = 5 * 10**9
"""A server says within 5 s why a stream ended, and closes its own side: the wait for the other's end tag is as long."""

REASONS = (Topic.REFUSED, Topic.TLS_FAILED, Topic.AUTH_FAILED)
"""Why a stream ended, told when it had."""

_XMPP = (
    StreamHeader,
    StreamFeatures,
    StartTls,
    Sasl,
    Dialback,
    StreamError,
    StreamEnd,
    Stanza,
    TlsCertificate,
    BadXml,
    NotXmpp,
)
_TRIES = (Topic.CONNECTING, Topic.CONNECT_FAILED, Topic.RESOLVE_FAILED, Topic.OTHER)
"""Topics that are told of a stream which does not stand yet."""


@dataclass(frozen=True, kw_only=True)
class Thread:
    """One stream as one server's log tells of it."""

    tap: str
    """The log."""
    tag: str | None
    """How the log threads it."""
    teller: str | None
    """The domain whose server wrote the log, as far as its threads show."""
    initiator: str | None
    """The domain that opened the stream, or wanted to."""
    receiver: str | None
    """The domain that it was opened to."""
    outgoing: bool
    """The server that wrote the log opened it."""
    sighting: Sighting
    """Its events and the steps of its stream; ends without an address where none was told."""

    @property
    def events(self) -> tuple[Event, ...]:
        """Its events, in order."""
        return self.sighting.events

    @cached_property
    def began_ns(self) -> int:
        """Earliest instant of its first event."""
        return self.events[0].at_ns

    @cached_property
    def ended_ns(self) -> int:
        """Latest instant of its last event."""
        return max(e.at_ns + e.width_ns for e in self.events)

    @property
    def peer(self) -> End | None:
        """The other end's address and port (0 where not told); None where the log names no address."""
        end = self.sighting.server if self.outgoing else self.sighting.client
        return end if is_told(end[0]) else None

    @cached_property
    def tried(self) -> frozenset[tuple[End, End]]:
        """Client and server of each try whose two ends the log names."""
        found = set()
        for e in self.said:
            if e.own_ip and e.own_port and e.peer_ip and e.peer_port:
                own, peer = (e.own_ip, e.own_port), (e.peer_ip, e.peer_port)
                found.add((own, peer) if self.outgoing else (peer, own))
        return frozenset(found)

    @cached_property
    def said(self) -> tuple[Said, ...]:
        """What the server said of it in its own words."""
        return tuple(e for e in self.events if isinstance(e, Said))

    @cached_property
    def stands(self) -> bool:
        """Whether the stream came to stand, as far as the log tells: not only tried."""
        return any(isinstance(e, _XMPP) or (isinstance(e, Said) and e.topic not in _TRIES) for e in self.events)

    @property
    def refused(self) -> bool:
        """Whether the receiver did not believe the initiator, as far as the log tells."""
        return any(s.after == "AUTH_REFUSED" for s in self.sighting.stream)

    @cached_property
    def is_clients(self) -> bool:
        """Whether it is a client's stream: it names no pair of domains, and who sends is always at home."""
        if self.initiator is not None or self.outgoing:
            return False
        received = [e for e in self.events if isinstance(e, Stanza) and e.sent is False]
        return bool(received) and all(e.from_domain in (None, self.teller) for e in received)

    @cached_property
    def stream_ids(self) -> frozenset[str]:
        """Ids that the receiving server gave the stream."""
        own = {h.id for h in self.sighting.of(StreamHeader, "<") if h.id}
        return frozenset(own | {e.stream_id for e in self.said if e.stream_id})

    @cached_property
    def keys(self) -> frozenset[str]:
        """Digests of the dialback keys that the initiator gave on it."""
        return frozenset(
            e.key_digest for e in self.sighting.of(Dialback, ">") if e.word == "result" and e.key_digest is not None
        )


def threads(events: Iterable[Event], tap: str) -> list[Thread]:
    """The threads of one log's events, in order of their first."""
    running: dict[str, list[Event]] = {}
    found: list[tuple[str | None, list[Event]]] = []
    over: dict[str, int] = {}
    for event in events:
        if event.flow is not None or not isinstance(event, (Said, *_XMPP)):
            continue
        key = event.tag or _pair_key(event)
        if key is None:
            continue
        begins = key in over and not _is_farewell(event, over[key])
        if key not in running or begins:
            running[key] = []
            over.pop(key, None)
            found.append((event.tag, running[key]))
        running[key].append(event)
        if isinstance(event, StreamEnd) or (isinstance(event, Said) and event.topic is Topic.CLOSED):
            over.setdefault(key, event.at_ns + event.width_ns)
    teller = _teller(e for _, held in found for e in held)
    _name_tries(found)
    return [thread for tag, held in found for thread in _threads_of(held, tap, tag, teller)]


def _name_tries(found: list[tuple[str | None, list[Event]]]) -> None:
    """Move tries that name no domain to the stream that failed by them: the lines after the last one tell of it."""
    failed: dict[int, list[Event]] = {}
    for _, held in found:
        if any(isinstance(e, Said) and e.to_domain for e in held):
            failed |= {e.where.line or 0: held for e in held if _is_try(e)}
    for index in reversed(range(len(found))):
        held = found[index][1]
        last = held[-1].where.line or 0
        if not all(_is_try(e) and isinstance(e, Said) and not e.to_domain for e in held):
            continue
        stream = next((failed[n] for n in range(last + 1, last + 1 + NEXT_LINES) if n in failed), None)
        if stream is not None:
            stream[:] = sorted((*held, *stream), key=river_key)
            del found[index]


def _is_try(event: Event) -> bool:
    """Whether a line tells how a server's own connection is tried, or that it failed."""
    return (
        isinstance(event, Said) and event.outgoing is True and event.topic in (Topic.CONNECTING, Topic.CONNECT_FAILED)
    )


def _is_farewell(event: Event, ended_ns: int) -> bool:
    """Whether a line is of the stream that has ended under its tag, and begins none that has the same tag again."""
    if isinstance(event, Said) and event.topic in (Topic.CLOSED, Topic.OTHER):
        return True
    if event.tag is None or event.at_ns - ended_ns > FAREWELL_NS:
        return False  # lines that only the pair of domains holds together may be of the next try
    return isinstance(event, (StreamEnd, StreamError)) or (isinstance(event, Said) and event.topic in REASONS)


def _pair_key(event: Event) -> str | None:
    """What holds lines together that have no tag: the pair of domains; the server's own goes without saying."""
    if not isinstance(event, Said):
        return None
    peer = event.to_domain if event.outgoing else event.from_domain if event.outgoing is False else None
    if peer is None and not (event.from_domain and event.to_domain):
        return None
    return f"{event.from_domain or ''}\0{event.to_domain or ''}"


def _teller(events: Iterable[Event]) -> str | None:
    """The domain whose server wrote the log: it initiates what goes out and receives what comes in.

    In a log without federation it is who its clients are: they do not say whose their stanzas are, the server knows.
    """
    counts: Counter[str] = Counter()
    clients: Counter[str] = Counter()
    named: set[str | None] = set()
    for event in (held := list(events)):
        if isinstance(event, Said) and event.outgoing is not None:
            name = event.from_domain if event.outgoing else event.to_domain
            if name:
                counts[name] += 1
        elif isinstance(event, Dialback) and event.sent is not None:
            name = event.from_domain if event.sent else event.to_domain
            if name:
                counts[name] += 1
        elif isinstance(event, Stanza) and event.sent is False and event.from_domain is not None:
            named.add(event.tag)
    if not counts:
        for event in held:
            if isinstance(event, Stanza) and event.sent and event.to_domain and event.tag not in named:
                clients[event.to_domain] += 1
    found = counts or clients
    return found.most_common(1)[0][0] if found else None


def _threads_of(events: Sequence[Event], tap: str, tag: str | None, teller: str | None) -> Iterator[Thread]:
    """A thread for each pair of domains that the lines of one tag speak of; one without a pair where they name none."""
    outgoing = _is_outgoing(events, teller)
    pairs = _pairs(events, outgoing)
    if len(pairs) < 2:
        yield _thread(events, tap, tag, teller, outgoing, pairs[0] if pairs else (None, None))
        return
    for pair in pairs[:PAIRS_MAX]:
        own = [e for e in events if _named(e) in (None, pair)]
        if any(_named(e) == pair for e in own):
            yield _thread(own, tap, tag, teller, outgoing, pair)


def _is_outgoing(events: Sequence[Event], teller: str | None) -> bool:
    """Whether the server that wrote the lines opened the stream: it says so, spoke first, or asked to be let in."""
    for event in events:
        if isinstance(event, Said) and event.outgoing is not None:
            return event.outgoing
    for event in events:
        if isinstance(event, StreamHeader) and event.sent is not None:
            return event.sent
        if isinstance(event, StreamFeatures) and event.sent is not None:
            return not event.sent
        if isinstance(event, Dialback) and event.sent is not None and event.verdict is None:
            return event.sent
    for event in events:
        if isinstance(event, Said) and event.from_domain:
            return event.from_domain == teller
    return False


def _named(event: Event) -> tuple[str, str] | None:
    """The pair of domains that a line of a server names, initiator first."""
    if isinstance(event, Said) and event.from_domain and event.to_domain:
        return (event.from_domain, event.to_domain)
    return None


def _pairs(events: Sequence[Event], outgoing: bool) -> list[tuple[str | None, str | None]]:
    """The pairs of domains of a stream, initiator first, the one named most often before the others."""
    counts: Counter[tuple[str | None, str | None]] = Counter()
    for event in events:
        if pair := _named(event):
            counts[pair] += 1
    if counts:
        return [pair for pair, _ in counts.most_common()]
    for event in events:
        # Keys first: a header may lack one of the two, and the answer's header names them the other way round.
        if isinstance(event, Dialback) and event.word == "result":
            sender, target = domains(event)
            if sender and target:
                return [(sender, target)]
    for event in events:
        if isinstance(event, StreamHeader) and (event.from_domain or event.to_domain):
            ours = event.sent == outgoing
            return [(event.from_domain, event.to_domain) if ours else (event.to_domain, event.from_domain)]
    initiator = next((e.from_domain for e in events if isinstance(e, Said) and e.from_domain), None)
    receiver = next((e.to_domain for e in events if isinstance(e, Said) and e.to_domain), None)
    return [(initiator, receiver)] if initiator or receiver else []


def _thread(
    events: Sequence[Event],
    tap: str,
    tag: str | None,
    teller: str | None,
    outgoing: bool,
    pair: tuple[str | None, str | None],
) -> Thread:
    """A thread with its ends and its steps."""
    initiator, receiver = pair
    if initiator is None and receiver is not None and outgoing:
        initiator = teller
    if receiver is None and initiator is not None and not outgoing:
        receiver = teller
    if initiator == receiver:
        initiator = None
    client, server = _ends(events, outgoing, initiator, receiver)
    sighting = oriented(events, tap, client, server, outgoing)
    return Thread(
        tap=tap,
        tag=tag,
        teller=teller,
        initiator=initiator,
        receiver=receiver,
        outgoing=outgoing,
        sighting=sighting,
    )


def _ends(events: Sequence[Event], outgoing: bool, initiator: str | None, receiver: str | None) -> tuple[End, End]:
    """Client and server, as far as the lines name them: the last address tried is the one that the stream has."""
    peer: End | None = None
    own: End | None = None
    for event in events:
        if isinstance(event, Said) and event.peer_ip:
            port = event.peer_port or (peer[1] if peer is not None and peer[0] == event.peer_ip else 0)
            peer = (event.peer_ip, port)
        # A machine reaches all its own addresses from themselves, whichever of its servers asks.
        if isinstance(event, Said) and event.own_ip not in (None, event.peer_ip):
            own = (event.own_ip, event.own_port or 0)
    client, server = untold(initiator), untold(receiver)
    if client == server:
        server = (f"{server[0]} itself", 0)
    return (own or client, peer or server) if outgoing else (peer or client, own or server)


def oriented(events: Sequence[Event], tap: str, client: End, server: End, outgoing: bool) -> Sighting:
    """Events of a thread as a sighting between two ends, each in the direction in which it was sent."""
    ours, theirs = (client, server) if outgoing else (server, client)
    said = Flow(src_ip=ours[0], src_port=ours[1], dst_ip=theirs[0], dst_port=theirs[1])
    heard = said.reverse
    turned = [replace(event, flow=heard if event.sent is False else said) for event in events]
    return Sighting(
        source=turned[0].where.source,
        tap=tap,
        client=client,
        server=server,
        events=tuple(turned),
        flow=(),
        stream=run(turned, client),
    )


def run(events: Iterable[Event], client: End) -> tuple[Step, ...]:
    """The steps of the stream machine over events, client first."""
    machine = StreamMachine("")
    for event in events:
        word = stream.signal(event, client)
        if word is not None:
            machine.receive(word, event)
    return tuple(machine.steps)


def by_pair(found: Iterable[Thread]) -> dict[tuple[str | None, str | None], list[Thread]]:
    """Threads by initiator and receiver."""
    pairs: dict[tuple[str | None, str | None], list[Thread]] = defaultdict(list)
    for thread in found:
        pairs[(thread.initiator, thread.receiver)].append(thread)
    return pairs
