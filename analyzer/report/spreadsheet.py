"""The tables of a case as CSV (RFC 4180): UTF-8, a header line, every text quoted, lines ended by CR LF.

What the columns mean is `tables`' business. A text that a spreadsheet would take for a formula gets an apostrophe
before it (OWASP, CSV injection), since names and log lines come from whoever attacks.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO
from typing import Any

from analyzer.analysis import Analysis
from analyzer.report.tables import TABLES, Column, Table
from analyzer.report.words import escape, instant

FIRST = "verdicts"
"""The table where only one is wanted and none is named."""
CELL_MAX = 32_767
"""Characters that a cell of Excel holds."""
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What begins a formula, in full width too. Tab, CR and LF begin none here: `escape` writes them as `\\x09`."""


def spreadsheet(table: Table, analysis: Analysis) -> str:
    """One table as the text of a CSV file. Instants are ISO 8601, durations whole nanoseconds, unknown is empty."""
    page = StringIO()
    writer = csv.writer(page, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow([f"{c.name}_ns" if c.kind == "duration" else c.name for c in table.columns])
    writer.writerows([_cell(c, c.of(record)) for c in table.columns] for record in table.records(analysis))
    return page.getvalue()


def spreadsheets(analysis: Analysis) -> Mapping[str, str]:
    """Every table: file name and text."""
    return {f"{name}.csv": spreadsheet(table, analysis) for name, table in TABLES.items()}


def _cell(column: Column, value: Any) -> str | int:
    """A value as its cell shows it."""
    if value is None:
        return ""
    if column.kind == "instant":
        return instant(value)
    if column.kind == "flag":
        return "true" if value else "false"
    return value if isinstance(value, int) else defused(value)


def defused(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    shown = escape(text, CELL_MAX - 1)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
