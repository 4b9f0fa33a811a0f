"""A case of many attempts costs as much more as there are more of them, and not the square of it.

A server that fails tries again, all day: what is asked of each attempt must not look at all the others.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from analyzer.analysis import analysis
from parsers.case import Case, read_case
from parsers.events import river_key
from parsers.source import How
from tests.conftest import SHARED

CASES = Path(__file__).parents[2] / "notebooks" / "cases"
EACH_NS = 400 * 10**9
"""After so long a server that failed tries again."""
SQUARE_MAX = 0.05
"""What ten attempts more may cost more than the ten before them, of the cost of ten. Joins that look at each pair of
attempts came to 0.5 and more.
"""


def again(case: Case, often: int) -> Case:
    """The same incident, time after time."""
    rivers = {
        tap: sorted((replace(e, at_ns=e.at_ns + n * EACH_NS) for n in range(often) for e in river), key=river_key)
        for tap, river in case.events.items()
    }
    later_ns = (often - 1) * EACH_NS
    readings = {n: replace(r, last_ns=r.last_ns and r.last_ns + later_ns) for n, r in case.readings.items()}
    return replace(case, events=rivers, readings=readings)


def lines_run(case: Case) -> int:
    """How many lines of the analyzer run until the case is judged: the same on every machine, as no clock is."""
    count = 0

    def each(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return each

    def call(frame: FrameType, event: str, arg: Any) -> Any:
        return each if "/analyzer/" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        analysis(case)
    finally:
        sys.settrace(before)
    return count


def square_of(folder: Path) -> float:
    """How much the second ten attempts cost more than the first ten, and the third than the second."""
    case = read_case([folder], How())
    analysis(case)  # what is imported and made once
    ten, twenty, thirty = (lines_run(again(case, often)) for often in (10, 20, 30))
    return (thirty - 2 * twenty + ten) / ten


@pytest.mark.parametrize("name", ["callback-blocked", "clock-skew", "unexpected-callback"])
def test_captures_of_an_incident_that_comes_again(name: str) -> None:
    """Thirty attempts cost three times what ten cost."""
    assert square_of(CASES / name) < SQUARE_MAX


@pytest.mark.needs_shared
@pytest.mark.parametrize("name", ["04a-srv-nxdomain-peer", "09-outbound-dropped", "17-dialback-key-invalid"])
def test_captures_with_logs_of_an_incident_that_comes_again(name: str) -> None:
    """With logs nearly so: the transcripts of such a case tell no instants, and each is held against each attempt."""
    assert square_of(SHARED / "lab" / name) < 4 * SQUARE_MAX
