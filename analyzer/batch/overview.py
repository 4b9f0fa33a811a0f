"""The page over all cases: what the data sets hold goes into `report.summary`, where this program has that part."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SUMMARY = "summary.html"
"""Name of the page."""
PART = "analyzer.report.summary"
"""What makes it."""


def overview(root: Path) -> bytes | None:
    """The page, of the data sets below a folder; None where the part that makes it is missing."""
    if find_spec(PART) is None:
        return None
    made: str = import_module(PART).summary(_rows(root, "sessions"), _rows(root, "verdicts"), _rows(root, "cases"))
    return made.encode("utf-8", "backslashreplace")


def _rows(root: Path, table: str) -> Any:
    """A data set as a DataFrame."""
    from pyarrow.dataset import dataset

    return dataset(root / table, format="parquet").to_table().to_pandas()
