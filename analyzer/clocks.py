"""How far the clock of a log is from the captures' clock, found from things that both saw.

A stream id, a dialback key, a peer's port, a connection that a firewall built, a DNS question: each is a proof.
A log whose zone nobody told may be hours away: then quarters of an hour are tried on the pairs of domains it names.
Every offset that is found is told, never applied in silence. Knows no verdict.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from statistics import median_low

from analyzer.lookup import Lookup
from analyzer.machines.dialback import domains
from analyzer.naming import spoken
from analyzer.sighting import Sighting
from analyzer.stage import End, is_told
from analyzer.vantage import Clock
from parsers.events import Dialback, DnsQuery, Event, FirewallLog, Said, StreamHeader, Topic

PROOFS_MAX = 10_000
"""Proofs that are looked at; more do not make an offset surer."""
LINES_MAX = 1_000
"""Lines of one pair of domains that are held against its conversations, to find the zone."""
QUARTER_NS = 900 * 10**9
"""Zones differ by quarters of an hour."""
NEAR_QUARTER_NS = 30 * 10**9
"""How far from a whole quarter two accounts of one stream may be: connecting takes its time."""
APART_MAX_NS = 15 * 3600 * 10**9
"""The farthest that a wrong zone takes a clock; what lies farther apart are two events."""
SAME_PORT_NS = 120 * 10**9
"""The same client port is the same connection if its clocks are at most so far from a whole quarter of an hour."""


class _Seen:
    """What the captures saw, by what a log may tell of it too; a case may have thousands of logs."""

    def __init__(self, groups: Sequence[Sequence[Sighting]], lookups: Iterable[Lookup]) -> None:
        """`groups` are their conversations, each with its sightings on one clock."""
        self._groups = groups
        self.ids: dict[str, int] = {}
        """Stream id → when it was given."""
        self.keys: dict[tuple[str, str | None, str | None], int] = {}
        """Digest of a dialback key, element, and one of its domains → when it was sent."""
        self.ports: dict[End, list[int]] = defaultdict(list)
        """End of a client → when it connected, in order, and so the others."""
        self.ends: dict[tuple[End, End], list[int]] = defaultdict(list)
        """Ends of client and server."""
        self.asked: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        """Who asked, name and type."""
        for group in groups:
            for sighting in group:
                began = sighting.events[0].at_ns
                if is_told(sighting.client[0]):
                    self.ports[sighting.client].append(began)
                    self.ends[(sighting.client, sighting.server)].append(began)
                for event in sighting.events:
                    if isinstance(event, StreamHeader) and event.id and sighting.way(event) == "<":
                        self.ids.setdefault(event.id, event.at_ns)
                    elif isinstance(event, Dialback) and event.key_digest and event.verdict is None:
                        self.keys.setdefault((event.key_digest, event.word, domains(event)[0]), event.at_ns)
        for lookup in lookups:
            self.asked[(lookup.client, lookup.name, lookup.rrtype)] += [e.at_ns for e in lookup.asked]
        for instants in (*self.ports.values(), *self.ends.values(), *self.asked.values()):
            instants.sort()

    @cached_property
    def pairs(self) -> Mapping[tuple[str | None, str | None], list[int]]:
        """Pair of domains → when a conversation of it began."""
        found: dict[tuple[str | None, str | None], list[int]] = defaultdict(list)
        for group in self._groups:
            pair = max((spoken(s)[0] for s in group), key=lambda names: sum(name is not None for name in names))
            found[pair].append(group[0].events[0].at_ns)
        return found


def clocks_of(
    logs: Mapping[str, Sequence[Event]], groups: Sequence[Sequence[Sighting]], lookups: Iterable[Lookup]
) -> dict[str, Clock]:
    """The clocks of logs against the captures', by tap; none where nothing was seen by both.

    `groups` are the conversations of the captures, each with its sightings on one clock.
    """
    if not logs:
        return {}
    captured = _Seen(groups, lookups)
    return {tap: clock for tap, river in logs.items() if (clock := _clock_of(river, captured))}


def _clock_of(river: Sequence[Event], captured: _Seen) -> Clock | None:
    found = list(islice(_proofs(river, captured), PROOFS_MAX))
    if not found:
        return _by_quarters(river, captured)
    offset = median_low([log_ns + width_ns // 2 - seen_ns for log_ns, width_ns, seen_ns in found])
    # Every proof says only that the offset lies within the width of the log's line.
    misses = [max(0, abs(log_ns + w // 2 - seen_ns - offset) - w // 2) for log_ns, w, seen_ns in found]
    residual = max(misses) + max(w for _, w, _ in found) // 2
    return Clock(0 if abs(offset) <= residual else offset, residual, len(found))


def shifted(river: Sequence[Event], clock: Clock | None) -> list[Event]:
    """The events of a log on the captures' clock."""
    if clock is None or not clock.offset_ns:
        return list(river)
    return [replace(e, at_ns=e.at_ns - clock.offset_ns) for e in river]


def _proofs(river: Sequence[Event], captured: _Seen) -> Iterator[tuple[int, int, int]]:
    """(instant in the log, its width, instant in a capture) of what both saw."""
    for event in river:
        at, width = event.at_ns, event.width_ns
        if isinstance(event, StreamHeader) and event.id in captured.ids:
            yield at, width, captured.ids[event.id or ""]
        elif isinstance(event, Dialback) and event.key_digest and event.verdict is None:
            seen = captured.keys.get((event.key_digest, event.word, domains(event)[0]))
            if seen is not None:
                yield at, width, seen
        elif isinstance(event, Said) and event.stream_id in captured.ids:
            yield at, width, captured.ids[event.stream_id or ""]
        elif isinstance(event, Said) and event.outgoing is False and event.peer_ip and event.peer_port:
            yield from _only(at, width, captured.ports.get((event.peer_ip, event.peer_port), ()))
        elif isinstance(event, FirewallLog) and event.action == "built":
            for flow in (event.real, event.mapped):
                if flow is not None and flow.src_port:
                    mine = ((flow.src_ip, flow.src_port), (flow.dst_ip, flow.dst_port))
                    yield from _only(at, width, captured.ends.get(mine, ()))
        elif isinstance(event, DnsQuery):
            client = event.flow.src_ip if event.flow is not None else event.client_ip
            if client:
                yield from _only(at, width, captured.asked.get((client, event.name, event.rrtype), ()))


def _only(at: int, width: int, seen: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """The proof that one of several instants, in order, gives: the nearest, where none but it is near."""
    if not seen:
        return
    place = bisect_left(seen, at)
    ranked = sorted(seen[max(place - 2, 0) : place + 2], key=lambda ns: abs(ns - at))
    if len(ranked) > 1 and abs(ranked[1] - at) < 2 * abs(ranked[0] - at) + width:
        return
    apart = abs(ranked[0] - at)
    if apart <= APART_MAX_NS and abs(apart - round(apart / QUARTER_NS) * QUARTER_NS) <= SAME_PORT_NS:
        yield at, width, ranked[0]


def _by_quarters(river: Sequence[Event], captured: _Seen) -> Clock | None:
    """The offset of a log that shares no mark with a capture, as far as its pairs of domains agree on a zone."""
    counts: Counter[int] = Counter()
    asked: Counter[tuple[str | None, str | None]] = Counter()
    for event in river:
        if not isinstance(event, Said) or event.topic not in (Topic.AUTHED, Topic.CONNECTING, Topic.CONNECT_FAILED):
            continue
        pair = (event.from_domain, event.to_domain)
        asked[pair] += 1
        if asked[pair] > LINES_MAX:
            continue
        quarters = set()
        for at_ns in captured.pairs.get(pair, ()):
            apart = event.at_ns + event.width_ns // 2 - at_ns
            quarter = round(apart / QUARTER_NS)
            if abs(apart) <= APART_MAX_NS and abs(apart - quarter * QUARTER_NS) <= NEAR_QUARTER_NS:
                quarters.add(quarter)
        counts.update(quarters)
    if not counts or counts[0]:
        return None
    (best, proofs), *others = counts.most_common(2)
    if others and others[0][1] == proofs:
        return None
    return Clock(best * QUARTER_NS, NEAR_QUARTER_NS, proofs)
