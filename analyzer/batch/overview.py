"""The page over all cases: what the data sets hold goes into `report.summary`.

Knows no row of them. What a run before this one said is not kept yet, so nothing is called new.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

SUMMARY = "summary.html"
"""Name of the page."""


def overview(root: Path) -> bytes:
    """The page, of the data sets below a folder."""
    from analyzer.report.summary import summary

    made = summary(*(_rows(root, table) for table in ("sessions", "verdicts", "cases", "certificates")))
    return made.encode("utf-8", "backslashreplace")


def _rows(root: Path, table: str) -> Any:
    """A data set as a DataFrame."""
    from pyarrow.dataset import dataset

    return dataset(root / table, format="parquet").to_table().to_pandas()
