"""What servers' logs tell, joined to the conversations that captures saw; what no capture saw stands by itself.

A thread is known by what both show: a stream id, a dialback key, the peer's port; failing these by its pair of
domains, its direction and its time. Where a capture is blind under TLS, the log tells on.
Knows no verdict and no server's wording.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from analyzer.connection import Connection
from analyzer.sighting import Sighting
from analyzer.spans import Spans
from analyzer.stage import End, digest, is_told, untold
from analyzer.threads import REASONS, Thread, by_pair, oriented, run
from parsers.events import (
    Dialback,
    Event,
    Said,
    Sasl,
    StartTls,
    StreamFeatures,
    StreamHeader,
    TlsData,
    Topic,
    river_key,
)

START_NS = 30 * 10**9
"""A log begins its account of a stream up to 30 s before the SYN: it resolves names and tries other addresses first."""
AROUND_NS = 5 * 10**9
"""How far a log's account may lie outside the conversation's own time: timers, and a queue that is written late."""
RECENT = 64
"""Streams of one pair among which a log looks for the one that it shares with another log."""
_OUTCOMES = (Topic.TLS_FAILED, Topic.AUTHED, Topic.AUTH_FAILED, Topic.REFUSED, Topic.CLOSED)
"""What a log may tell of a stream that a capture saw as ciphertext only."""


@dataclass(frozen=True, slots=True)
class Told:
    """What joining came to."""

    connections: tuple[Connection, ...]
    """The captures' conversations with what logs tell of them, and those of which only logs tell."""
    loose: tuple[Thread, ...]
    """Threads that never came to a stream: tries that ended before."""
    clients: tuple[Sighting, ...]
    """Clients' streams."""
    unnamed: tuple[Thread, ...] = ()
    """Streams and tries of which no two domains are known."""


def of_local(
    found: Sequence[Thread], local: Sequence[str], others: Collection[str] = ()
) -> tuple[list[Thread], tuple[str, ...]]:
    """Threads with the local domain put where a log names only its peers; and the logs that were taken for its own.

    A server need not say its name in its log. `others` are logs that somebody else is known to have written.
    """
    if len(local) != 1:
        return list(found), ()
    (ours,) = local
    own = {t.tap for t in found} - {*others}
    for thread in found:
        here, there = (thread.initiator, thread.receiver)[:: 1 if thread.outgoing else -1]
        if thread.teller or here not in (None, ours) or there == ours:
            own.discard(thread.tap)
    named = [_named(t, ours) if t.tap in own else t for t in found]
    return named, tuple(sorted({t.tap for t, old in zip(named, found, strict=True) if t is not old}))


def _named(thread: Thread, ours: str) -> Thread:
    """A thread that names its peer only, as one of our server."""
    if thread.outgoing and thread.receiver and thread.initiator is None:
        initiator, receiver = ours, thread.receiver
    elif not thread.outgoing and thread.initiator and thread.receiver is None:
        initiator, receiver = thread.initiator, ours
    else:
        return thread
    ends = thread.sighting
    client = ends.client if is_told(ends.client[0]) else untold(initiator)
    server = ends.server if is_told(ends.server[0]) else untold(receiver)
    told = oriented(thread.events, thread.tap, client, server, thread.outgoing)
    return replace(thread, teller=ours, initiator=initiator, receiver=receiver, sighting=told)


def with_outcomes(found: Sequence[Thread]) -> list[Thread]:
    """Lines without a tag that say what came of a stream, put to the one of their pair of which that came."""
    refused = _by_pair(t for t in found if t.tag is not None and t.refused)
    accepted = _by_pair(t for t in found if t.tag is not None and _succeeded(t))
    more: dict[int, list[Event]] = defaultdict(list)
    kept = []
    for thread in found:
        topics = {e.topic if isinstance(e, Said) else None for e in thread.events}
        ended_so = refused if topics <= {*REASONS} else accepted if topics == {Topic.AUTHED} else {}
        spans = ended_so.get((thread.initiator, thread.receiver)) if thread.tag is None else None
        near = spans.touching(thread.began_ns, thread.ended_ns) if spans is not None else ()
        streams = [t for t in near if t.outgoing is thread.outgoing]
        if len(streams) == 1:
            more[id(streams[0])] += thread.events
        else:
            kept.append(thread)
    return [_fuller(t, more[id(t)]) if id(t) in more else t for t in kept]


def _by_pair(found: Iterable[Thread]) -> dict[tuple[str | None, str | None], Spans[Thread]]:
    """Threads by the two domains that they name."""
    return {pair: Spans((t.began_ns, t.ended_ns, t) for t in threads) for pair, threads in by_pair(found).items()}


def _fuller(thread: Thread, more: Sequence[Event]) -> Thread:
    """A thread with further lines about it."""
    own = sorted((*thread.events, *more), key=river_key)
    client, server = thread.sighting.client, thread.sighting.server
    return replace(thread, sighting=oriented(own, thread.tap, client, server, thread.outgoing))


def attached(connections: Sequence[Connection], told: Iterable[Thread], local: Sequence[str]) -> Told:
    """Join threads, each on the captures' clock, to conversations."""
    clients: list[Thread] = []
    streams: list[Thread] = []
    for thread in told:
        (clients if thread.is_clients else streams).append(thread)
    if not streams:
        return Told(connections=tuple(connections), loose=(), clients=tuple(t.sighting for t in clients))
    found: dict[int, list[Thread]] = defaultdict(list)
    waiting = []
    index = _Index(connections)
    for thread in streams:
        place = index.exact(thread)
        if place is None:
            waiting.append(thread)
        else:
            found[place].append(thread)
    by_log: dict[str, list[Thread]] = defaultdict(list)
    for thread in waiting:
        by_log[thread.tap].append(thread)
    loose: list[Thread] = []
    alone: list[Thread] = []
    for log in sorted(by_log):
        taken = {place for place, held in found.items() if any(t.tap == log for t in held)}
        for thread, place in index.likely(by_log[log], taken):
            if place is not None:
                found[place].append(thread)
            else:
                (alone if thread.stands and thread.initiator and thread.receiver else loose).append(thread)
    joined = [_with(c, found[i], local) if i in found else c for i, c in enumerate(connections)]
    joined += [_of_logs(group, local) for group in _same_streams(alone)]
    loose += [claim for thread in streams for claim in _claims(thread)]
    return Told(
        connections=tuple(sorted(joined, key=lambda c: c.began_ns) if alone else joined),
        loose=tuple(t for t in loose if t.initiator and t.receiver),
        clients=tuple(t.sighting for t in clients),
        unnamed=tuple(t for t in loose if not (t.initiator and t.receiver) and _federates(t)),
    )


def _federates(thread: Thread) -> bool:
    """Whether a stream or a try is one between servers: it names a domain, or the log says which way it went."""
    return bool(thread.initiator or thread.receiver or any(s.outgoing is not None for s in thread.said))


def _claims(thread: Thread) -> Iterator[Thread]:
    """Tries that a callback's log betrays: who asks about a key has been given one, in the name of who is asked.

    Where the log quotes the question itself, the machines of dialback see it without this.
    """
    asked = [s for s in thread.said if s.condition == "dialback-imposter"]
    if asked and not any(isinstance(e, Dialback) for e in thread.events):
        client, server = untold(thread.receiver), untold(thread.initiator)
        told = oriented(asked, thread.tap, client, server, outgoing=True)
        yield replace(thread, initiator=thread.receiver, receiver=thread.initiator, outgoing=True, sighting=told)


class _Index:
    """Conversations by what threads know of them."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._all = connections
        self._ids: dict[str, list[int]] = defaultdict(list)
        self._keys: dict[str, list[int]] = defaultdict(list)
        callers: dict[End, list[tuple[int, int, int]]] = defaultdict(list)
        pairs: dict[tuple[str | None, str | None], list[tuple[int, int, int]]] = defaultdict(list)
        for place, connection in enumerate(connections):
            for one in connection.stream_ids:
                self._ids[one].append(place)
            for key in connection.of(Dialback, ">"):
                if key.word == "result" and key.key_digest:
                    self._keys[key.key_digest].append(place)
            span = (connection.began_ns, connection.ended_ns, place)
            for sighting in connection.sightings:
                callers[sighting.client].append(span)
            pairs[(connection.initiator, connection.receiver)].append(span)
        self._callers = {end: Spans(spans) for end, spans in callers.items()}
        self._pairs = {pair: Spans(spans) for pair, spans in pairs.items()}

    def exact(self, thread: Thread) -> int | None:
        """The one conversation that a thread must be about; None where nothing tells."""
        places = {p for one in thread.stream_ids for p in self._ids.get(one, ())}
        places = places or {p for key in thread.keys for p in self._keys.get(key, ())}
        if len(places) == 1:
            return places.pop()
        if thread.peer is not None and not thread.outgoing and thread.peer[1]:
            spans = self._callers.get(thread.peer)
            near = spans.touching(thread.began_ns - AROUND_NS, thread.ended_ns + AROUND_NS) if spans is not None else []
            near = [p for p in near if self._overlap(thread, p)]
            if len(set(near)) == 1:
                return near[0]
        return None

    def likely(self, waiting: Sequence[Thread], taken: set[int]) -> list[tuple[Thread, int | None]]:
        """For each thread of one log the conversation of its pair that is nearest in time; each serves one thread."""
        offers = []
        for number, thread in enumerate(waiting):
            spans = self._pairs.get((thread.initiator, thread.receiver))
            near = spans.touching(thread.began_ns - AROUND_NS, thread.ended_ns + AROUND_NS) if spans is not None else ()
            for place in near:
                if place not in taken and self._fits(thread, place):
                    apart = abs(thread.began_ns - self._all[place].began_ns)
                    offers.append((apart, number, place))
        chosen: dict[int, int] = {}
        used = set(taken)
        for _, number, place in sorted(offers):
            if number not in chosen and place not in used:
                chosen[number] = place
                used.add(place)
        return [(thread, chosen.get(number)) for number, thread in enumerate(waiting)]

    def _fits(self, thread: Thread, place: int) -> bool:
        """Whether a thread can be about a conversation: it stood where the stream stood, and their times overlap."""
        connection = self._all[place]
        if thread.stands and not connection.accepted:
            return False
        if not thread.stands and connection.accepted:
            return False
        peer = thread.peer
        ends = {s.server if thread.outgoing else s.client for s in connection.sightings}
        if peer is not None and not any(e[0] == peer[0] and peer[1] in (0, e[1]) for e in ends):
            return False
        if _succeeded(thread) is not None and _seen_to_succeed(connection) not in (None, _succeeded(thread)):
            return False
        ids = thread.stream_ids
        if ids and connection.stream_ids and not ids & set(connection.stream_ids):
            return False
        return self._overlap(thread, place)

    def _overlap(self, thread: Thread, place: int) -> bool:
        connection = self._all[place]
        return (
            thread.began_ns - AROUND_NS <= connection.ended_ns
            and connection.began_ns <= thread.ended_ns + AROUND_NS
            and connection.began_ns - thread.began_ns <= START_NS + connection.ended_ns - connection.began_ns
        )


def _succeeded(thread: Thread) -> bool | None:
    """Whether the log says that the stream was authenticated; None where it does not say what came of it."""
    after = {s.after for s in thread.sighting.stream}
    if after & {"AUTHED", "TRAFFIC"}:
        return True
    return False if after & {"AUTH_REFUSED", "TLS_BROKEN", "ERRORED"} else None


def _seen_to_succeed(connection: Connection) -> bool | None:
    """Whether packets show that the stream was authenticated; None where they do not show what came of it."""
    if connection.ciphertext is not None or not connection.whole:
        return None
    if connection.authenticated:
        return True
    return False if connection.passed("AUTH_REFUSED", "TLS_BROKEN", "ERRORED") else None


def _with(connection: Connection, told: Sequence[Thread], local: Sequence[str]) -> Connection:
    """A conversation with what logs tell of it; where it is ciphertext, the fullest account tells on."""
    ordered = tuple(sorted(told, key=lambda t: (t.teller not in local, -len(t.events), t.tap)))
    names = next(((t.initiator, t.receiver) for t in ordered if t.initiator and t.receiver), (None, None))
    named_by = connection.named_by
    if connection.initiator is None or connection.receiver is None:
        named_by = "log" if names[0] else named_by
    initiator, receiver = connection.initiator or names[0], connection.receiver or names[1]
    if connection.ciphertext is not None:
        fullest = max(ordered, key=lambda t: (_quotes(t), t.teller in local, len(t.sighting.stream), t.tap))
        primary = _told_on(connection.primary, fullest)
        connection = replace(connection, sightings=(primary, *connection.sightings[1:]))
    return replace(connection, told=ordered, initiator=initiator, receiver=receiver, named_by=named_by)


def _quotes(thread: Thread) -> bool:
    """Whether a log quotes what was said under TLS, and does not only say what came of it."""
    return any(isinstance(e, StreamFeatures | Dialback | Sasl) for e in thread.events)


def _told_on(primary: Sighting, thread: Thread) -> Sighting:
    """A sighting that is ciphertext from some place on, with the log's events put there."""
    last = max(i for i, e in enumerate(primary.events) if isinstance(e, TlsData))
    own = oriented(thread.events, thread.tap, primary.client, primary.server, thread.outgoing).events
    under = _under_tls(own)
    quotes = any(isinstance(e, StreamFeatures | Dialback | Sasl) for e in under)
    if not quotes:
        under = tuple(e for e in under if isinstance(e, Said) and e.topic in _OUTCOMES)
    events = (*primary.events[: last + 1], *under, *primary.events[last + 1 :])
    return replace(primary, events=events, stream=run(events, primary.client), opened=quotes)


def _under_tls(events: Sequence[Event]) -> tuple[Event, ...]:
    """What a log tells after TLS began: packets show what was before."""
    for index, event in enumerate(events):
        agreed = isinstance(event, StartTls) and event.word == "proceed"
        if agreed or (isinstance(event, Said) and event.topic is Topic.SECURED):
            return tuple(events[index + 1 :])
    plain = (StartTls, StreamHeader, StreamFeatures)
    return tuple(e for e in events if not isinstance(e, plain))


def _same_streams(alone: Sequence[Thread]) -> list[list[Thread]]:
    """Threads of different logs that tell of one stream, from its two ends or from two logs of one server."""
    found: list[list[Thread]] = []
    by_pair: Mapping[tuple[str | None, str | None], list[list[Thread]]] = defaultdict(list)
    for thread in sorted(alone, key=lambda t: (t.began_ns, t.tap, t.events[0].where.line or 0)):
        groups = by_pair[(thread.initiator, thread.receiver)]
        group = next((g for g in islice(reversed(groups), RECENT) if _is_same(g, thread)), None)
        if group is None:
            group = [thread]
            groups.append(group)
            found.append(group)
        else:
            group.append(thread)
    return found


def _is_same(group: Sequence[Thread], thread: Thread) -> bool:
    """Whether a thread can tell of the stream of others: another log, no other end, and the times overlap."""
    if any(t.tap == thread.tap for t in group):
        return False
    ids = {one for t in group for one in t.stream_ids}
    if ids and thread.stream_ids:
        return bool(ids & thread.stream_ids)
    if {True, False} <= {_succeeded(t) for t in (*group, thread)}:
        return False
    # Translation of a server's own address keeps the port, and another port is another conversation.
    if len({t.sighting.client[1] for t in (*group, thread)} - {0}) > 1:
        return False
    first, last = min(t.began_ns for t in group), max(t.ended_ns for t in group)
    return thread.began_ns <= last + AROUND_NS and first <= thread.ended_ns + AROUND_NS


def _of_logs(group: Sequence[Thread], local: Sequence[str]) -> Connection:
    """A conversation of which only logs tell."""
    ordered = tuple(sorted(group, key=lambda t: (t.teller not in local, not _quotes(t), -len(t.events), t.tap)))
    first = ordered[0]
    where = first.events[0].where
    return Connection(
        id=digest("log", first.tap, first.tag or "", str(where.line), str(first.initiator), str(first.receiver)),
        sightings=tuple(t.sighting for t in ordered),
        initiator=first.initiator,
        receiver=first.receiver,
        named_by="log",
        role="unknown",
        told=ordered,
    )
