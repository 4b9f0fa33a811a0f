"""The page over all cases: what the data sets hold, and what the run before said, goes into `report.summary`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from analyzer.batch.previous import Said

SUMMARY = "summary.html"
"""Name of the page."""


def overview(root: Path, run: Said, before: Said | None) -> tuple[bytes, Said]:
    """The page, of the data sets below a folder; and the run itself, with what it said."""
    from analyzer import trends
    from analyzer.report.summary import summary

    sessions, verdicts, cases, certificates = (
        _rows(root, table) for table in ("sessions", "verdicts", "cases", "certificates")
    )
    made = summary(sessions, verdicts, cases, certificates, None if before is None else _previous(before, run))
    last = trends.last_instant(sessions, verdicts, certificates)
    causes = trends.causes(verdicts).itertuples(index=False, name=None)
    said = replace(run, last_ns=None if last is None else last.value, causes=tuple(causes))
    return made.encode("utf-8", "backslashreplace"), said


def _previous(before: Said, run: Said) -> Any:
    """The run before, as the page tells it."""
    from analyzer.report.summary import Previous

    return Previous(
        cases=before.cases,
        lost=before.lost,
        last_ns=before.last_ns,
        causes=before.causes if before.compares(run) else None,
        same_program=before.program == run.program,
    )


def _rows(root: Path, table: str) -> Any:
    """A data set as a DataFrame."""
    from pyarrow.dataset import dataset

    return dataset(root / table, format="parquet").to_table().to_pandas()
