"""Recorded cases beside the checkout: what fedtrace says of them against what is known to be true."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SHARED

FEDTRACE = f"{sys.executable} -c 'from analyzer.cli import main; main()'"


def graded(tmp_path: Path, view: str) -> dict[str, object]:
    """The grades of one view: counts by mark, and the rows."""
    out = tmp_path / "grades.json"
    subprocess.run(
        [sys.executable, SHARED / "lab/check.py", "--fedtrace", FEDTRACE, "--views", view, "--json", out],
        check=True,
        capture_output=True,
        cwd=Path(__file__).parents[1],
    )
    return dict(json.loads(out.read_text()))


@pytest.mark.needs_shared
def test_the_capture_at_cups_alone_is_never_read_wrongly(tmp_path: Path) -> None:
    """From the one capture that an administrator can take, nothing wrong is said, and most of it is said."""
    grades = graded(tmp_path, "cups")
    wrong = [row for row in grades["rows"] if row["mark"] in ("wrong", "overclaim")]
    score = grades["score"]

    assert wrong == []
    assert score["right"] >= 0.9 * sum(score.values())


@pytest.mark.needs_shared
def test_every_conversation_of_the_recordings_is_found_and_named(tmp_path: Path) -> None:
    """All captures of a case together: each TCP conversation of the truth, with the domains that the wire shows."""
    total, found, named, rightly = graded(tmp_path, "full")["connections"]

    assert total > 0
    assert (found, rightly) == (total, named)


@pytest.mark.needs_shared
def test_no_recorded_case_is_overclaimed(tmp_path: Path) -> None:
    """All captures of a case together: nothing wrong is called proven."""
    grades = graded(tmp_path, "full")

    assert [row for row in grades["rows"] if row["mark"] == "overclaim"] == []
