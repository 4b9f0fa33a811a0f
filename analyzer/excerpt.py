"""Which frames of the captures are a session's: its conversations whole, its lookups, ICMP errors, and its evidence.

Reads no file: it says which numbers and which conversations to read again. Knows no layout and no verdict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from analyzer.analysis import Analysis
from analyzer.cached import cached_property
from analyzer.lookup import Lookup
from analyzer.rule import Finding
from analyzer.session import Session
from analyzer.sighting import Sighting
from parsers.capture.excerpt import LAST, Stretch
from parsers.case import Case
from parsers.events import DnsAnswer, DnsQuery, Event, Flow, TcpMark, Unreachable, Where
from parsers.source import Source

NEAR_NS = 30 * 10**9
"""A message of a lookup that another capture saw is within 30 s of those that tell of it: so long is a question that
is asked again the same."""
Place = tuple[int, int]
"""Where in the files of one tap: the rank of the file, and the frame."""


@dataclass(slots=True)
class Question:
    """What one file shows of lookups of one name."""

    name: str
    """The name that was asked for."""
    frames: set[int] = field(default_factory=set)
    """Frames of the session's own questions and answers."""
    ids: set[int] = field(default_factory=set)
    """Their message ids."""
    alone: bool = True
    """The file shows no other message about the name."""


@dataclass(slots=True)
class Excerpt:
    """What one file shows of a session."""

    source: Source
    """The file."""
    stretches: list[Stretch] = field(default_factory=list)
    """Conversations, those of DNS over TCP too, in order of time."""
    questions: dict[str, Question] = field(default_factory=dict)
    """Lookups over UDP, by name."""
    frames: set[int] = field(default_factory=set)
    """Further frames: ICMP errors, a client's stanza, evidence that lies elsewhere."""
    evidence: dict[int, list[tuple[Finding, Event]]] = field(default_factory=dict)
    """By frame: what a finding of the session cites of it."""

    @property
    def numbers(self) -> frozenset[int]:
        """All frames that are wanted by number."""
        return frozenset(self.frames.union(self.evidence, *(q.frames for q in self.questions.values())))


@dataclass(frozen=True, kw_only=True)
class _Tap:
    """The capture files of one place, and the places of what was seen in them."""

    sources: tuple[Source, ...]
    ranks: Mapping[str, int]
    events: Sequence[Event]

    @cached_property
    def by_flow(self) -> Mapping[Flow, list[Event]]:
        """Events of packets by their ends, in the direction of the first of each."""
        found: dict[Flow, list[Event]] = {}
        for event in self.events:
            flow = event.flow
            if flow is not None and self.holds(event):
                same = found.get(flow)
                if same is None:
                    same = found[flow] = found.setdefault(flow.reverse, [])
                same.append(event)
        return found

    @cached_property
    def by_name(self) -> Mapping[str, list[DnsQuery | DnsAnswer]]:
        """DNS messages by the name that they are about."""
        found: dict[str, list[DnsQuery | DnsAnswer]] = defaultdict(list)
        for event in self.events:
            if isinstance(event, DnsQuery | DnsAnswer) and event.flow is not None and self.holds(event):
                found[event.name].append(event)
        return found

    def place(self, where: Where) -> Place:
        """The place of an event."""
        return (self.ranks[where.source], where.frame or 0)

    def holds(self, event: Event) -> bool:
        """Whether a frame of these files shows it."""
        return event.where.frame is not None and event.where.source in self.ranks


def excerpts(session: Session, analysis: Analysis) -> tuple[Excerpt, ...]:
    """What each capture file holds of a session, in order of name; empty where only logs tell of it."""
    findings = analysis.findings(session)
    found: dict[str, Excerpt] = {}
    for name, tap in _taps(analysis.case).items():
        for sighting in _sightings(session, name):
            _conversation(tap, sighting, found)
        for lookup in (*session.lookups, *session.callback_lookups):
            if name in lookup.taps:
                _lookup(tap, lookup, analysis, name, found)
        for stanza in (session.trigger, session.bounce, session.awaited):
            if stanza is not None and tap.holds(stanza):
                _of(tap, stanza.where.source, found).frames.add(stanza.where.frame or 0)
        for finding in findings:
            for event in finding.match.events:
                if tap.holds(event):
                    pieces = _of(tap, event.where.source, found).evidence.setdefault(event.where.frame or 0, [])
                    if (finding, event) not in pieces:
                        pieces.append((finding, event))
        for excerpt in (found[s.name] for s in tap.sources if s.name in found):
            for question in excerpt.questions.values():
                every = {e.where.frame for e in tap.by_name[question.name] if e.where.source == excerpt.source.name}
                question.alone = every == question.frames
    return tuple(found[name] for name in sorted(found))


def cited(finding: Finding, case: Case) -> dict[str, list[int]]:
    """By capture file: the frames that a finding cites, in order."""
    captures = {source.name for source in case.readable if source.format == "capture"}
    found: dict[str, set[int]] = defaultdict(set)
    for event in finding.match.events:
        if event.where.frame is not None and event.where.source in captures:
            found[event.where.source].add(event.where.frame)
    return {name: sorted(found[name]) for name in sorted(found)}


def _taps(case: Case) -> dict[str, _Tap]:
    """The captures of a case by tap; the files of a ring buffer in the order in which they were written."""
    files: dict[str, list[Source]] = defaultdict(list)
    for source in case.readable:
        if source.format == "capture":
            files[source.tap or source.name].append(source)
    found = {}
    for tap, sources in files.items():
        sources.sort(key=lambda s: (case.readings[s.name].first_ns or 0, s.name))
        ranks = {source.name: rank for rank, source in enumerate(sources)}
        found[tap] = _Tap(sources=tuple(sources), ranks=ranks, events=case.events.get(tap, ()))
    return found


def _of(tap: _Tap, name: str, found: dict[str, Excerpt]) -> Excerpt:
    """What is found so far of a file."""
    return found.setdefault(name, Excerpt(tap.sources[tap.ranks[name]]))


def _sightings(session: Session, tap: str) -> Iterator[Sighting]:
    """What a tap saw of a session's conversations, each once."""
    seen: dict[Where, Sighting] = {}
    for connection in (*session.connections, *session.callbacks):
        for sighting in connection.sightings:
            if sighting.tap == tap:
                seen.setdefault(sighting.events[0].where, sighting)
    yield from seen.values()


def _conversation(tap: _Tap, sighting: Sighting, found: dict[str, Excerpt]) -> None:
    """The frames of a conversation, and the ICMP errors about it."""
    own = [e for e in sighting.events if tap.holds(e)]
    if not own:
        return
    for event in own:
        if isinstance(event, Unreachable):
            _of(tap, event.where.source, found).frames.add(event.where.frame or 0)
    flow = Flow(
        src_ip=sighting.client[0], src_port=sighting.client[1], dst_ip=sighting.server[0], dst_port=sighting.server[1]
    )
    _stretch(tap, flow, [e for e in own if not isinstance(e, Unreachable)], found)


def _stretch(tap: _Tap, flow: Flow, own: Iterable[Event], found: dict[str, Excerpt]) -> None:
    """A conversation from its own first event up to the SYN with which the next one between the same ends begins."""
    begin = min((tap.place(e.where) for e in own), default=None)
    if begin is None:
        return
    same = tap.by_flow[flow]
    alone = begin == min(tap.place(e.where) for e in same)
    syns = (tap.place(e.where) for e in same if _is_syn(e))
    end = min((place for place in syns if place > begin), default=(len(tap.sources), 0))
    ends = ((flow.src_ip, flow.src_port), (flow.dst_ip, flow.dst_port))
    # Its first frame is an event, its last need not be: what keeps it alive goes on into later files.
    for rank in range(begin[0], min(end[0] + 1, len(tap.sources))):
        first = begin[1] if rank == begin[0] and not alone else 1
        last = end[1] - 1 if rank == end[0] else LAST
        stretch = Stretch(*ends, first, last)
        excerpt = _of(tap, tap.sources[rank].name, found)
        if last >= first and stretch not in excerpt.stretches:
            excerpt.stretches.append(stretch)


def _lookup(tap: _Tap, lookup: Lookup, analysis: Analysis, name: str, found: dict[str, Excerpt]) -> None:
    """Messages of a lookup at one tap, also where another tap tells of it, and ICMP errors about them."""
    told = [s.event for s in lookup.steps]
    ids = {e.txid for e in told if isinstance(e, DnsQuery | DnsAnswer)}
    coverage = analysis.view.coverage.get(name)
    shift_ns = 0 if coverage is None else coverage.offset_ns
    first_ns, last_ns = (f(e.at_ns for e in told) + shift_ns for f in (min, max))
    flows = set()
    for event in tap.by_name.get(lookup.name, ()):
        if event.flow is None or event.txid not in ids or event.rrtype != lookup.rrtype:
            continue
        if not first_ns - NEAR_NS <= event.at_ns <= last_ns + NEAR_NS:
            continue
        if {event.flow.src_ip, event.flow.dst_ip} != {lookup.client, lookup.resolver}:
            continue
        if event.flow.proto == "tcp":
            _stretch(tap, event.flow, _since_syn(tap, event), found)
            continue
        flows.add(event.flow)
        excerpt = _of(tap, event.where.source, found)
        question = excerpt.questions.setdefault(event.name, Question(event.name))
        question.frames.add(event.where.frame or 0)
        question.ids.add(event.txid)
    for error in (e for flow in flows for e in tap.by_flow[flow] if isinstance(e, Unreachable)):
        if first_ns - NEAR_NS <= error.at_ns <= last_ns + NEAR_NS:
            _of(tap, error.where.source, found).frames.add(error.where.frame or 0)


def _since_syn(tap: _Tap, event: Event) -> list[Event]:
    """The SYN of the conversation that carried a message, or the message where none was seen."""
    before = [e for e in tap.by_flow[event.flow] if tap.place(e.where) <= tap.place(event.where)] if event.flow else []
    syns = [e for e in before if _is_syn(e)]
    return [syns[-1] if syns else event]


def _is_syn(event: Event) -> bool:
    """Whether a conversation begins with it."""
    return isinstance(event, TcpMark) and event.mark == "syn" and not event.repeat
