"""A case from its inputs to its verdicts: the one way that every verb, page and frame goes.

Knows the order of the steps, and nothing of what one of them does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from analyzer.checklist import Item, checklist
from analyzer.correlator import correlate
from analyzer.judge import Judgement, judge
from analyzer.view import CaseView
from parsers.case import Case
from parsers.source import FEDERATION_PORTS


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


def analysis(case: Case, local_domains: Sequence[str] = (), ports: Sequence[int] = FEDERATION_PORTS) -> Analysis:
    """Correlate and judge what was read. `local_domains` are those on our side; without any they are found."""
    view = correlate(case.events, case.sources, case.readings, tuple(local_domains), tuple(ports))
    judgement = judge(view)
    return Analysis(case, view, judgement, checklist(view, judgement))
