"""Spans of time as bars: what each input covers, and when each certificate is valid.

A bar is drawn on a line of `LENGTH` units. Knows no markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from analyzer.connection import Connection
from analyzer.report.words import duration
from analyzer.view import CaseView
from parsers.case import Case
from parsers.events import TlsCertificate
from parsers.source import Source

LENGTH = 1000
"""Units of a whole line."""
SEEN_MIN = 6
"""Units of the shortest bar: what lasted a moment is still to be seen."""
UNTOLD_AFTER = 2**63 - 1
"""The end of validity of a certificate that has none, or of which none is told."""
DAY_NS = 86_400 * 10**9


class Bar(NamedTuple):
    """One bar on its line."""

    start: int
    """Where it begins."""
    length: int
    """How long it is."""


class Axis(NamedTuple):
    """A line from one instant to another."""

    first_ns: int
    """Its left end."""
    last_ns: int
    """Its right end."""

    def at(self, at_ns: int) -> int:
        """Where an instant stands; one outside, at the nearer end."""
        span = max(self.last_ns - self.first_ns, 1)
        return min(max((at_ns - self.first_ns) * LENGTH // span, 0), LENGTH)

    def bar(self, first_ns: int, last_ns: int) -> Bar:
        """The bar of a span."""
        start = min(self.at(first_ns), LENGTH - SEEN_MIN)
        return Bar(start, max(self.at(last_ns) - start, SEEN_MIN))


class Covered(NamedTuple):
    """What one input covers."""

    source: Source
    """The input."""
    first_ns: int | None
    """Its first frame or line by the corrected clock; None where its lines tell no time."""
    last_ns: int | None
    """Its last."""
    offset_ns: int
    """How far its clock is ahead, corrected."""
    residual_ns: int | None
    """How far the proofs of that disagree; None where nothing told."""


def covered(case: Case, view: CaseView) -> tuple[Covered, ...]:
    """Each input that was read, in order of name."""
    found = []
    for source in case.readable:
        reading = case.readings[source.name]
        offset_ns, residual_ns = view.clock(source.tap or source.name) or (0, None)
        first_ns, last_ns = (
            None if at_ns is None else at_ns - offset_ns for at_ns in (reading.first_ns, reading.last_ns)
        )
        found.append(Covered(source, first_ns, last_ns, offset_ns, residual_ns))
    return tuple(found)


def axis(rows: tuple[Covered, ...]) -> Axis | None:
    """From the first instant of any input to the last; None where none tells a time."""
    firsts = [row.first_ns for row in rows if row.first_ns is not None]
    lasts = [row.last_ns for row in rows if row.last_ns is not None]
    return Axis(min(firsts), max(lasts)) if firsts and lasts else None


class Shown(NamedTuple):
    """One certificate that somebody showed."""

    certificate: TlsCertificate
    """As it was first seen."""
    domains: tuple[str, ...]
    """Who showed it, as far as is known."""
    state: str
    """"valid", "expired", "not yet valid" or "not told", at the moment it was shown."""
    says: str
    """The same in a sentence."""
    bar: Bar | None
    """Its validity, on a line of its own with some room on either side; None where a date of it is not told."""
    seen: int
    """Where on that line it was shown."""


def certificates(view: CaseView) -> Iterator[Shown]:
    """Every certificate once, in the order in which they were first shown."""
    first: dict[tuple[object, ...], TlsCertificate] = {}
    domains: dict[tuple[object, ...], dict[str, None]] = {}
    for connection in view.connections:
        for certificate, domain in showing(connection):
            c = certificate
            key: tuple[object, ...] = (c.sha256, c.subject, c.issuer, c.not_before_ns, c.not_after_ns)
            first.setdefault(key, certificate)
            domains.setdefault(key, {}).update({domain: None} if domain else {})
    for key, certificate in first.items():
        yield _shown(certificate, tuple(domains[key]))


def showing(connection: Connection) -> Iterator[tuple[TlsCertificate, str | None]]:
    """The certificates of a connection, each with the domain that showed it."""
    for way, domain in (("<", connection.receiver), (">", connection.initiator)):
        for certificate in connection.of(TlsCertificate, way):
            yield certificate, domain


def _shown(certificate: TlsCertificate, domains: tuple[str, ...]) -> Shown:
    """The line is a fifth longer than the validity; outside of that, the mark stands at the end."""
    c, at_ns = certificate, certificate.at_ns
    until, both = c.not_after_ns < UNTOLD_AFTER, 0 < c.not_before_ns < c.not_after_ns < UNTOLD_AFTER
    room = (c.not_after_ns - c.not_before_ns) // 10
    line = Axis(c.not_before_ns - room, c.not_after_ns + room)
    if at_ns > c.not_after_ns:
        state, says = "expired", f"expired {_days(at_ns - c.not_after_ns)} before it was shown"
    elif at_ns < c.not_before_ns:
        state, says = "not yet valid", f"valid only from {_days(c.not_before_ns - at_ns)} after it was shown"
    elif until:
        state, says = "valid", f"valid when it was shown, for {_days(c.not_after_ns - at_ns)} more"
    else:
        state, says = "not told", "its dates are not told"
    bar = line.bar(c.not_before_ns, c.not_after_ns) if both else None
    return Shown(certificate, domains, state, says, bar, line.at(at_ns))


def _days(ns: int) -> str:
    """Whole days; less than two, to the minute."""
    return f"{ns // DAY_NS:,} days" if ns >= 2 * DAY_NS else duration(ns)
