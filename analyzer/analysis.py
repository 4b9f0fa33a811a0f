"""A case from its inputs to its verdicts: the one way that every verb, page and frame goes.

Knows the order of the steps, and nothing of what one of them does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from analyzer.checklist import Item, checklist
from analyzer.correlator import correlate
from analyzer.judge import Judgement, judge, narrowed
from analyzer.rule import Finding
from analyzer.session import Session
from analyzer.view import CaseView
from parsers.case import Case
from parsers.errors import FedtraceError
from parsers.source import FEDERATION_PORTS

IDS_SHOWN = 8
"""Ids that an error names, to choose from."""


class Analysis(NamedTuple):
    """All that is known of a case."""

    case: Case
    """The inputs, and the events in them."""
    view: CaseView
    """Sessions, connections and lookups."""
    judgement: Judgement
    """Findings and verdicts."""
    items: tuple[Item, ...]
    """The checklist of the administrators' guide, answered."""

    def session(self, id: str) -> Session:
        """The attempt whose id begins so. Raises FedtraceError where none does, or several do."""
        known = self.view.sessions
        found = [s for s in known if s.id.startswith(id)]
        if not found:
            told = ", ".join(s.id for s in known[:IDS_SHOWN]) or "none"
            raise FedtraceError(id, "no session has this id", f"these inputs hold {len(known)}: {told}")
        if len(found) > 1:
            told = ", ".join(s.id for s in found[:IDS_SHOWN])
            raise FedtraceError(id, f"{len(found)} sessions begin so", f"say one of {told}")
        return found[0]

    def finding(self, id: str) -> Finding | None:
        """The one finding whose id begins so; None where there is none, or where an attempt's begins so too."""
        found = [f for f in self.judgement.findings if f.id.startswith(id)]
        attempts = any(s.id.startswith(id) for s in self.view.sessions)
        return found[0] if len(found) == 1 and not attempts else None

    def findings(self, session: Session) -> tuple[Finding, ...]:
        """What was found about an attempt, in the report's order."""
        return tuple(f for f in self.judgement.findings if f.session.id == session.id)

    def of(self, keep: Callable[[Session], bool]) -> Analysis:
        """The same of some attempts only; what surrounded them stays."""
        if all(map(keep, self.view.sessions)):
            return self
        view, judgement = narrowed(self.view, self.judgement, keep)
        return Analysis(self.case, view, judgement, checklist(view, judgement))


def analysis(
    case: Case,
    local_domains: Sequence[str] = (),
    ports: Sequence[int] = FEDERATION_PORTS,
    proved: Mapping[tuple[str, str], int] | None = None,
    elsewhere: str | None = None,
) -> Analysis:
    """Correlate and judge what was read. `local_domains` are those on our side; without any they are found.

    `proved` tells who lives where, and `elsewhere` which domain is local, as `correlate` says.
    """
    given = tuple(local_domains)
    view = correlate(case.events, case.sources, case.readings, given, tuple(ports), None, proved, elsewhere)
    judgement = judge(view)
    return Analysis(case, view, judgement, checklist(view, judgement))
