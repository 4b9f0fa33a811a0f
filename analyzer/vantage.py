"""The same conversation seen at several places: joined through NAT, and the clocks between the places.

A conversation is recognised by what the network does not rewrite: the stream id of its header, the random of its
ClientHello, a dialback key; failing these by its four ends, as they are or as translation is known to change them.
Never by TCP sequence numbers: firewalls rewrite them.
Knows no domain and no rule. A clock offset that it finds is always told, never applied in silence.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import median_low

from analyzer.addresses import is_private
from analyzer.lookup import Lookup
from analyzer.machines.table import Step
from analyzer.sighting import Sighting
from analyzer.spans import Spans
from analyzer.stage import End
from parsers.events import Dialback, Event, StreamHeader, TcpMark, TlsHello

SAME_MOMENT_NS = 2 * 10**9
"""Two first SYNs of one conversation are at most this far apart after clock correction: a path is faster, a lost SYN is
sent again after one second (RFC 6298 section 2)."""
OFFSET_WORTH_NS = 20 * 10**6
"""An offset below 20 ms is path delay as likely as a clock's error, and is told but not applied."""
CLOCKS_APART_NS = 3600 * 10**9
"""The same four ends within an hour are one conversation, whatever the clocks, and so is a DNS question with the same
id from the same port: ephemeral ports and ids recur later."""
SIGHTINGS_MAX = 32
"""Sightings of one conversation, of which each is compared with each: a dozen places see it, some on both sides of a
translation. What more share, as a key that every test uses, proves nothing."""
PAIRS_MAX = 1 << 16
"""Pairs of taps that are compared, 1.7 kB each: as many as 25,000 files of two places make, and more."""
ID_LEN_MIN = 6
"""A stream id shorter than this may recur; RFC 6120 section 4.7.3 wants it unpredictable."""

Taps = Mapping[str, Sequence[Sighting]]
Ends = tuple[End, End]
Translations = Mapping[tuple[str, str], Mapping[str, frozenset[str]]]
"""(tap, other tap) → address here → addresses there, where a conversation or a firewall's log proves it."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How far a tap's clock is ahead of the reference."""

    offset_ns: int
    """Ahead by so much, ns; negative when it is behind."""
    residual_ns: int | None
    """How far the proofs disagree, ns; None when there is one only."""
    proofs: int
    """How many things both saw."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What joining came to."""

    groups: tuple[tuple[Sighting, ...], ...]
    """Sightings of one conversation, corrected for clock offsets; in order of time."""
    clocks: Mapping[str, Clock]
    """By tap; only taps whose clock could be compared."""
    reference: str | None
    """The tap whose clock the others were compared with."""
    nat: Mapping[str, frozenset[str]]
    """Address → the same host's other addresses."""
    peers: Mapping[str, frozenset[str]]
    """Tap → taps with which it shares a conversation."""


def join(
    taps: Taps,
    lookups: Mapping[str, Sequence[Lookup]],
    translations: Translations | None = None,
    same_ends: Sequence[tuple[Ends, Ends, int]] = (),
) -> Joined:
    """Join the conversations of all taps and compare the taps' clocks.

    `translations` and `same_ends` are what firewalls say: addresses as `_translations` has them, and the ends of one
    conversation on both sides with the instant.
    """
    told = dict(translations or {})
    sets = _Sets([s for tap in sorted(taps) for s in taps[tap]])
    for members in _by_fingerprint(sets.all).values():
        if _is_one(members):
            sets.unite(members)
    instants: Instants = {}
    clocks: dict[str, Clock] = {}
    reference = None
    if len(taps) > 1:
        pairs = _translations(sets)
        for members in _by_ends(sets.all).values():
            sets.unite(members)
        for members in _by_firewall(sets.all, same_ends):
            sets.unite(members)
        instants = _shared_instants(sets, lookups)
        clocks, reference = _clocks(sorted(taps), instants)
        _join_by_time(sets, pairs, clocks)
    pairs = _translations(sets)
    groups = []
    for group in sets.groups():
        groups.append(tuple(_shifted(s, clocks) for s in group))
    groups.sort(key=lambda g: (min(s.events[0].at_ns for s in g), g[0].tap, g[0].first_frame or 0))
    return Joined(
        groups=tuple(groups),
        clocks=clocks,
        reference=reference,
        nat=_nat({**pairs, **told}),
        peers=_peers(sets, instants),
    )


class _Sets:
    """Disjoint sets of sightings; one tap contributes to a set only one conversation of the same ends."""

    def __init__(self, sightings: list[Sighting]) -> None:
        self.all = sightings
        self._parent = list(range(len(sightings)))
        self._index = {id(s): i for i, s in enumerate(sightings)}
        self._taps = [{s.tap} for s in sightings]
        self._sizes = [1] * len(sightings)

    def root(self, sighting: Sighting) -> int:
        i = self._index[id(sighting)]
        while self._parent[i] != i:
            self._parent[i] = self._parent[self._parent[i]]
            i = self._parent[i]
        return i

    def unite(self, members: Iterable[Sighting]) -> None:
        members = list(members)
        for other in members[1:]:
            a, b = sorted((self.root(members[0]), self.root(other)))
            if a != b and self._sizes[a] + self._sizes[b] <= SIGHTINGS_MAX:
                self._parent[b] = a
                self._taps[a] |= self._taps[b]
                self._sizes[a] += self._sizes[b]

    def taps(self, sighting: Sighting) -> set[str]:
        """Taps that contribute to the sighting's set."""
        return self._taps[self.root(sighting)]

    def groups(self) -> list[list[Sighting]]:
        found: dict[int, list[Sighting]] = defaultdict(list)
        for sighting in self.all:
            found[self.root(sighting)].append(sighting)
        return list(found.values())

    def lonely(self) -> list[Sighting]:
        """Sightings that are joined with none yet."""
        sizes = Counter(self.root(s) for s in self.all)
        return [s for s in self.all if sizes[self.root(s)] == 1]


def _by_fingerprint(sightings: Iterable[Sighting]) -> dict[tuple[str, ...], list[Sighting]]:
    """Sightings by what no NAT rewrites: each is filed under its first fingerprint of every kind."""
    found: dict[tuple[str, ...], list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        for mark in dict.fromkeys(_fingerprints(sighting)):
            found[mark].append(sighting)
    return found


def _fingerprints(sighting: Sighting) -> Iterable[tuple[str, ...]]:
    for event in sighting.events:
        if isinstance(event, StreamHeader) and event.id and len(event.id) >= ID_LEN_MIN and sighting.way(event) == "<":
            yield ("id", event.id)
        elif isinstance(event, TlsHello) and event.random_digest:
            yield ("hello", event.side, event.random_digest)
        elif isinstance(event, Dialback) and event.word == "result" and event.verdict is None and event.key_digest:
            yield ("key", event.key_digest)


def _is_one(members: Sequence[Sighting]) -> bool:
    """Whether sightings with one fingerprint can be one conversation.

    A tap may see both sides of a translation, at one moment; a server that gives all streams one id proves nothing.
    """
    begun: dict[str, list[int]] = defaultdict(list)
    for member in members:
        begun[member.tap].append(member.events[0].at_ns)
    near = all(len(times) <= 2 and max(times) - min(times) <= SAME_MOMENT_NS for times in begun.values())
    return near and len(members) <= SIGHTINGS_MAX


def _by_ends(sightings: Iterable[Sighting]) -> dict[tuple[object, ...], list[Sighting]]:
    """Sightings with the same four ends in different taps, where ends were seen only once in each tap."""
    found: dict[tuple[object, ...], list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        found[(sighting.client, sighting.server)].append(sighting)
    return {
        ends: members
        for ends, members in found.items()
        if 1 < len(members) <= SIGHTINGS_MAX
        and len({m.tap for m in members}) == len(members)
        and max(m.events[0].at_ns for m in members) - min(m.events[0].at_ns for m in members) <= CLOCKS_APART_NS
    }


def _by_firewall(
    sightings: Iterable[Sighting], same_ends: Sequence[tuple[Ends, Ends, int]]
) -> Iterator[list[Sighting]]:
    """Sightings of one conversation on both sides of a firewall, by the two pairs of ends that it logged."""
    if not same_ends:
        return
    found: dict[Ends, Spans[Sighting]] = defaultdict(Spans)
    for sighting in sorted(sightings, key=lambda s: s.events[0].at_ns):
        at_ns = sighting.events[0].at_ns
        found[(sighting.client, sighting.server)].add(at_ns, at_ns, sighting)
    for one, other, at_ns in same_ends:
        here, there = (
            found[ends].touching(at_ns - CLOCKS_APART_NS, at_ns + CLOCKS_APART_NS) if ends in found else []
            for ends in (one, other)
        )
        members = [*here, *there]
        if here and there and len({m.tap for m in members}) == len(members):
            yield members


def _translations(sets: _Sets) -> Translations:
    """What is known of translation from the conversations that are joined."""
    found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for group in sets.groups():
        for a in group:
            for b in group:
                if a.tap != b.tap and ((a.tap, b.tap) in found or len(found) < PAIRS_MAX):
                    found[(a.tap, b.tap)][a.client[0]].add(b.client[0])
                    found[(a.tap, b.tap)][a.server[0]].add(b.server[0])
    return {taps: {here: frozenset(there) for here, there in known.items()} for taps, known in found.items()}


def _nat(pairs: Translations) -> dict[str, frozenset[str]]:
    """Address → the same host's other addresses. An address that stands for several hosts (PAT) joins none."""
    there: dict[str, set[str]] = defaultdict(set)
    for addresses in pairs.values():
        for here, others in addresses.items():
            there[here] |= others - {here}

    def shared(address: str) -> bool:
        # One inside host may go out by one public address and be reached by another; two inside hosts are two.
        return any(
            b not in there[a] and not (is_private(address) and not is_private(a) and not is_private(b))
            for a, b in combinations(sorted(there[address]), 2)
        )

    several = {address for address in there if shared(address)}
    found = {a: frozenset(others - several) for a, others in there.items() if a not in several}
    return {a: others for a, others in found.items() if others}


Instants = Mapping[tuple[str, str], list[int]]


def _shared_instants(sets: _Sets, lookups: Mapping[str, Sequence[Lookup]]) -> Instants:
    """(tap, other tap) → how much later the other saw the same things, one figure for each thing, ns.

    A conversation gives the mean of its SYN and its SYN-ACK, so that the path's delay cancels out.
    """
    found: dict[tuple[str, str], list[int]] = defaultdict(list)

    def compare(tap: str, other: str, later_ns: int) -> None:
        if (tap, other) in found or len(found) < PAIRS_MAX:
            found[(tap, other)].append(later_ns)
            found[(other, tap)].append(-later_ns)

    for group in sets.groups():
        for (tap, mine), (other, theirs) in combinations([(s.tap, _instants_of(s)) for s in group], 2):
            both = [name for name in mine if name in theirs]
            if tap != other and both:
                compare(tap, other, sum(theirs[name] - mine[name] for name in both) // len(both))
    asked: dict[tuple[object, ...], list[tuple[str, int]]] = defaultdict(list)
    for tap, questions in lookups.items():
        for lookup, event in ((k, event) for k in questions for event in k.asked):
            # Message ids recur: ejabberd's resolver, Erlang's, counts from 1 at each start, and from another port.
            port, txid = event.flow and event.flow.src_port, getattr(event, "txid", None)
            asked[lookup.client, port, lookup.resolver, lookup.name, lookup.rrtype, txid].append((tap, event.at_ns))
    for seen in asked.values():
        instants = [at_ns for _, at_ns in seen]
        once_each = len({tap for tap, _ in seen}) == len(seen) <= SIGHTINGS_MAX
        if once_each and max(instants) - min(instants) <= CLOCKS_APART_NS:
            for (tap, mine_ns), (other, theirs_ns) in combinations(seen, 2):
                compare(tap, other, theirs_ns - mine_ns)
    return found


def _instants_of(sighting: Sighting) -> dict[str, int]:
    """Instants that every place sees: SYN and SYN-ACK, else the headers each way."""
    marks: dict[str, int] = {
        e.mark: e.at_ns for e in reversed(sighting.events) if isinstance(e, TcpMark) and e.mark in ("syn", "syn-ack")
    }
    if len(marks) == 2:
        return marks
    headers = {sighting.way(e): e.at_ns for e in reversed(sighting.events) if isinstance(e, StreamHeader)}
    return headers if len(headers) == 2 else marks


def _clocks(taps: list[str], instants: Instants) -> tuple[dict[str, Clock], str | None]:
    """Offsets against the tap whose clock most others agree with, over as few comparisons as possible."""
    offsets = {pair: (median_low(found), max(found) - min(found), len(found)) for pair, found in instants.items()}
    if not offsets:
        return {}, None

    compared = Counter(tap for tap, _ in offsets)
    agreeing = Counter(tap for (tap, _), (offset, _, _) in offsets.items() if abs(offset) < OFFSET_WORTH_NS)
    reference = max(taps, key=lambda tap: (agreeing[tap], compared[tap]))  # the first of these
    others: dict[str, list[str]] = defaultdict(list)
    for tap, other in sorted(offsets):
        others[tap].append(other)
    clocks = {reference: Clock(0, 0, 0)}
    frontier = deque([reference])
    while frontier:
        tap = frontier.popleft()
        base = clocks[tap]
        for other in others[tap]:
            if other not in clocks:
                offset, spread, proofs = offsets[tap, other]
                clocks[other] = Clock(base.offset_ns + offset, (base.residual_ns or 0) + spread, proofs)
                frontier.append(other)
    return clocks, reference


def applied(clock: Clock | None) -> int:
    """The part of a clock's offset that is applied, ns."""
    return clock.offset_ns if clock is not None and abs(clock.offset_ns) >= OFFSET_WORTH_NS else 0


def _join_by_time(sets: _Sets, pairs: Translations, clocks: Mapping[str, Clock]) -> None:
    """Join what is still alone by its translated ends and its moment: SYNs that nobody answered, and probes."""

    def began_ns(sighting: Sighting) -> int:
        return sighting.events[0].at_ns - applied(clocks.get(sighting.tap))

    far: dict[tuple[object, ...], Spans[Sighting]] = defaultdict(Spans)
    for sighting in sorted(sets.all, key=began_ns):
        at_ns = began_ns(sighting)
        far[(sighting.server, sighting.client[1])].add(at_ns, at_ns, sighting)
        far[(sighting.client, sighting.server[1])].add(at_ns, at_ns, sighting)
    for sighting in sets.lonely():
        at_ns = began_ns(sighting)
        around = far[(sighting.server, sighting.client[1])], far[(sighting.client, sighting.server[1])]
        for other in (o for spans in around for o in spans.touching(at_ns - SAME_MOMENT_NS, at_ns + SAME_MOMENT_NS)):
            if sighting.tap in sets.taps(other):
                continue
            translation = pairs.get((sighting.tap, other.tap), {})
            fits = all(
                theirs[0] in translation.get(mine[0], {theirs[0]})
                for mine, theirs in ((sighting.client, other.client), (sighting.server, other.server))
            )
            if fits and not _differ(sighting, other):
                sets.unite((sighting, other))


def _differ(a: Sighting, b: Sighting) -> bool:
    """Whether both show fingerprints of one kind, and none in common: then they are two conversations."""
    mine, theirs = set(_fingerprints(a)), set(_fingerprints(b))
    return bool({m[0] for m in mine} & {m[0] for m in theirs}) and not mine & theirs


def _shifted(sighting: Sighting, clocks: Mapping[str, Clock]) -> Sighting:
    """A sighting with its instants on the reference clock."""
    shift = applied(clocks.get(sighting.tap))
    if not shift:
        return sighting
    moved: dict[int, Event] = {id(e): replace(e, at_ns=e.at_ns - shift) for e in sighting.events}

    def steps(given: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(s._replace(event=moved[id(s.event)]) for s in given)

    return replace(
        sighting,
        events=tuple(moved[id(e)] for e in sighting.events),
        flow=steps(sighting.flow),
        stream=steps(sighting.stream),
    )


def shifted_lookup(lookup: Lookup, clock: Clock | None) -> Lookup:
    """A lookup with its instants on the reference clock."""
    shift = applied(clock)
    if not shift:
        return lookup
    return replace(
        lookup, steps=tuple(s._replace(event=replace(s.event, at_ns=s.event.at_ns - shift)) for s in lookup.steps)
    )


def _peers(sets: _Sets, instants: Instants) -> dict[str, frozenset[str]]:
    """Tap → taps with which it shares a conversation or a DNS question."""
    found: dict[str, set[str]] = defaultdict(set)
    for tap, other in instants:
        found[tap].add(other)
    for group in sets.groups():
        for sighting in group:
            found[sighting.tap] |= {s.tap for s in group if s.tap != sighting.tap}
    return {tap: frozenset(others) for tap, others in found.items()}
