"""What a row of a table is made of, where that is more than one thing of the analysis. Knows no column.

Records are in the order of the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from analyzer.analysis import Analysis
from analyzer.connection import Connection
from analyzer.judge import Unjudged
from analyzer.report.bars import UNTOLD_AFTER, showing
from analyzer.rule import Finding
from analyzer.session import Session
from analyzer.waits import Waits, waits
from parsers.events import Event, TlsCertificate


class Seen(NamedTuple):
    """One event of the case."""

    number: int
    """In order of time, from 0."""
    event: Event
    """The event."""
    at_ns: int
    """When it happened, clock corrected."""
    session: str | None
    """Id of the attempt that it belongs to."""


class Attempt(NamedTuple):
    """One session."""

    session: Session
    """The session."""
    cause: str | None
    """The rule that explains it."""
    waits: Waits
    """Where its time went."""
    frames: int
    """Frames in its timeline."""
    lines: int
    """Log lines in it."""


class Conversation(NamedTuple):
    """One connection."""

    connection: Connection
    """The connection."""
    session: str | None
    """Id of the attempt that it belongs to."""
    callback_of: str | None
    """Id of the attempt whose callback it is."""


class Found(NamedTuple):
    """A rule that matched, or one that was blind: the other of the two is None."""

    number: int
    """Matches first, from 0."""
    finding: Finding | None
    """What matched."""
    blind: Unjudged | None
    """What could not be judged."""


def seen(analysis: Analysis) -> list[Seen]:
    """Every event, in order of time, clocks corrected."""
    case, view, _, _ = analysis
    session_of = {
        event.where: session.id
        for session in reversed(view.sessions)
        for connection in (*session.callbacks, *session.connections)
        for sighting in (*connection.sightings, *(t.sighting for t in connection.told))
        for event in sighting.events
    }
    for session in reversed(view.sessions):
        session_of |= {step.event.where: session.id for step in session.steps}
    ahead = {tap: coverage.offset_ns for tap, coverage in view.coverage.items()}
    ahead |= {tap: offset_ns for tap, (offset_ns, _) in view.clocks.items()}
    taps = {source.name: source.tap or source.name for source in case.sources}
    found = [
        (event.at_ns - ahead.get(taps.get(event.where.source, ""), 0), event)
        for events in case.events.values()
        for event in events
    ]
    found.sort(key=lambda each: (each[0], each[1].where.source, each[1].where.frame or each[1].where.line or 0))
    return [Seen(n, event, at_ns, session_of.get(event.where)) for n, (at_ns, event) in enumerate(found)]


def attempts(analysis: Analysis) -> list[Attempt]:
    """Every session, in the order of the report."""
    causes = {f.session.id: f.rule for f in analysis.judgement.findings if f.is_cause}
    found = []
    for session in analysis.view.sessions:
        places = {step.event.where for step in session.steps}
        lines = sum(where.line is not None for where in places)
        frames = sum(where.frame is not None for where in places)
        found.append(Attempt(session, causes.get(session.id), waits(session), frames, lines))
    return found


def conversations(analysis: Analysis) -> list[Conversation]:
    """Every connection, with the attempt that it serves."""
    sessions = analysis.view.sessions
    session_of = {c.id: s.id for s in reversed(sessions) for c in s.connections}
    callback_of = {c.id: s.id for s in reversed(sessions) for c in s.callbacks}
    return [
        Conversation(c, session_of.get(c.id) or callback_of.get(c.id), callback_of.get(c.id))
        for c in analysis.view.connections
    ]


def findings(analysis: Analysis) -> list[Found]:
    """Every match, then every rule that was blind."""
    return list(findings_of(analysis, lambda session: True))


def findings_of(analysis: Analysis, wants: Callable[[str], bool]) -> Iterator[Found]:
    """The same of some attempts, by their ids, with their numbers among all: all at once they may be very many."""
    number = 0
    for finding in analysis.judgement.findings:
        if wants(finding.session.id):
            yield Found(number, finding, None)
        number += 1
    for session, hidden in analysis.judgement.blind.items():
        for because, rules in hidden:
            if wants(session):
                yield from (Found(n, None, Unjudged(rule, session, because)) for n, rule in enumerate(rules, number))
            number += len(rules)


class Certificate(NamedTuple):
    """One certificate as one domain showed it."""

    number: int
    """In order of first showing, from 0."""
    certificate: TlsCertificate
    """As it was first seen."""
    domain: str | None
    """Who showed it, as far as is known."""
    session: str | None
    """Id of the last attempt in which it was shown."""
    last_ns: int
    """When it was shown last."""

    @property
    def not_before_ns(self) -> int | None:
        """Start of validity; None where it is not told."""
        return self.certificate.not_before_ns or None

    @property
    def not_after_ns(self) -> int | None:
        """End of validity; None where it has none, or none is told."""
        return self.certificate.not_after_ns if self.certificate.not_after_ns < UNTOLD_AFTER else None


def certificates(analysis: Analysis) -> list[Certificate]:
    """Every certificate once for each domain that showed it, in the order in which they were first shown."""
    shown: dict[tuple[object, ...], list[tuple[TlsCertificate, str | None]]] = {}
    domains: dict[tuple[object, ...], str | None] = {}
    for connection, session, _ in conversations(analysis):
        for c, domain in showing(connection):
            key = (c.sha256, c.subject, c.issuer, c.not_before_ns, c.not_after_ns, domain)
            shown.setdefault(key, []).append((c, session))
            domains[key] = domain
    found = []
    for showing_of, each in shown.items():
        first = min((c for c, _ in each), key=lambda c: c.at_ns)
        last, session = max(each, key=lambda told: told[0].at_ns)
        found.append((first, domains[showing_of], session, last.at_ns))
    found.sort(key=lambda record: (record[0].at_ns, record[0].position, record[1] or ""))
    return [Certificate(number, *record) for number, record in enumerate(found)]
