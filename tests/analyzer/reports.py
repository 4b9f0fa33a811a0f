"""Reports of scenes: what `fedtrace analyze` would write of them, each held against the schema that ships."""

from __future__ import annotations

import io
import json
from importlib.resources import files
from typing import Any

import jsonschema
from rich.console import Console

from analyzer.analysis import Analysis
from analyzer.checklist import checklist
from analyzer.judge import Judgement, judge
from analyzer.report.rows import report
from analyzer.report.terminal import Terminal
from analyzer.view import CaseView
from parsers.case import Case
from tests import scene

SCHEMA = json.loads((files("analyzer") / "report" / "report.schema.json").read_text(encoding="utf-8"))
"""The contract as a schema."""
_VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def valid(told: str) -> dict[str, Any]:
    """The report that a JSON text holds; it keeps the contract."""
    found: dict[str, Any] = json.loads(told)
    problems = [f"{e.json_path}: {e.message}" for e in _VALIDATOR.iter_errors(found)]
    assert not problems, problems
    return found


def case_of(view: CaseView, *taps: scene.Tap) -> Case:
    """The inputs behind a view."""
    return Case(sources=list(view.sources), readings=dict(view.readings), events={t.name: t.events for t in taps})


def analysis_of(*taps: scene.Tap, local: tuple[str, ...] = ()) -> Analysis:
    """All that is known of what the taps saw."""
    view = scene.case(*taps, local=local)
    judgement = judge(view)
    return Analysis(case_of(view, *taps), view, judgement, checklist(view, judgement))


def rows(*taps: scene.Tap, local: tuple[str, ...] = ()) -> dict[str, Any]:
    """The JSON report of what the taps saw."""
    view = scene.case(*taps, local=local)
    judgement = judge(view)
    return valid(json.dumps(report(case_of(view, *taps), view, judgement, checklist(view, judgement))))


def analysed(*taps: scene.Tap, local: tuple[str, ...] = ()) -> Analysis:
    """What the taps saw, correlated and judged."""
    view = scene.case(*taps, local=local)
    judgement = judge(view)
    return Analysis(case_of(view, *taps), view, judgement, checklist(view, judgement))


def screen(
    *taps: scene.Tap,
    local: tuple[str, ...] = (),
    width: int = 80,
    colour: bool = False,
    judged: Judgement | None = None,
) -> str:
    """The terminal's text of what the taps saw, on a terminal of that width."""
    view = scene.case(*taps, local=local)
    judgement = judged or judge(view)
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=True, color_system="truecolor" if colour else None, highlight=False
    )
    Terminal(console).report(case_of(view, *taps), view, judgement, checklist(view, judgement))
    return out.getvalue()
