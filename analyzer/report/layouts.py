"""The layouts of a report: what `--format` calls each, and by which ending of a file it is chosen.

A layout is one entry of `LAYOUTS` and a function from an Analysis to text. Each function imports its module when it
is called, since `fedtrace --help` reads this table. Knows no row and no page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyzer.analysis import Analysis


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way to write a report."""

    name: str
    """What `--format` calls it."""
    endings: tuple[str, ...]
    """How names of its files end, lower case; the first is the usual one."""
    about: str
    """Whom it is for, for the help, in few words."""
    text: Callable[[Analysis], str]
    """The whole report as one text, ending with a line break."""
    files: Callable[[Analysis], Mapping[str, str]] | None = None
    """File names and their texts, for a layout that can fill a folder."""


def _text(analysis: Analysis) -> str:
    from io import StringIO

    from rich.console import Console

    from analyzer.report.terminal import Terminal

    page = StringIO()
    Terminal(Console(file=page, highlight=False, markup=False, emoji=False, no_color=True)).report(*analysis)
    return page.getvalue()


def _json(analysis: Analysis) -> str:
    import json

    from analyzer.report.rows import report

    return json.dumps(report(*analysis), ensure_ascii=False, indent=1) + "\n"


def _markdown(analysis: Analysis) -> str:
    from analyzer.report.markdown import markdown

    return markdown(analysis)


def _html(analysis: Analysis) -> str:
    from analyzer.report.page import page

    return page(analysis)


def _csv(analysis: Analysis) -> str:
    from analyzer.report.spreadsheet import FIRST, spreadsheet
    from analyzer.report.tables import TABLES

    return spreadsheet(TABLES[FIRST], analysis)


def _csv_files(analysis: Analysis) -> Mapping[str, str]:
    from analyzer.report.spreadsheet import spreadsheets

    return spreadsheets(analysis)


def _sarif(analysis: Analysis) -> str:
    from analyzer.report.sarif import sarif

    return sarif(analysis)


def _timesketch(analysis: Analysis) -> str:
    from analyzer.report.timesketch import timesketch

    return timesketch(analysis)


TEXT = Layout(name="text", endings=(".txt",), about="for a terminal", text=_text)
"""The layout of a terminal, and of every file whose ending says nothing."""

LAYOUTS: tuple[Layout, ...] = (
    TEXT,
    Layout(name="json", endings=(".json",), about="for programs", text=_json),
    Layout(name="html", endings=(".html", ".htm"), about="to forward and print: one file", text=_html),
    Layout(name="markdown", endings=(".md", ".markdown"), about="for a ticket", text=_markdown),
    Layout(
        name="csv",
        endings=(".csv", "/"),
        about="for a spreadsheet: the verdicts, or all tables into a folder",
        text=_csv,
        files=_csv_files,
    ),
    Layout(name="sarif", endings=(".sarif", ".sarif.json"), about="findings at their lines", text=_sarif),
    Layout(name="timesketch", endings=(".jsonl",), about="the timeline for Timesketch", text=_timesketch),
)
"""Every layout, in the order of the help."""


def layout_named(name: str) -> Layout:
    """The layout that `--format` calls so. Raises KeyError for any other name."""
    return {layout.name: layout for layout in LAYOUTS}[name]


def layout_of(file_name: str) -> Layout:
    """The layout by the ending of a file, the longest that fits; a folder's name ends with `/`.

    Text where no layout has the ending: `case.4711` and `report` have none, and both are names for a report.
    """
    name = file_name.lower()
    fits = [(len(ending), layout) for layout in LAYOUTS for ending in layout.endings if name.endswith(ending)]
    return max(fits, key=lambda fit: fit[0])[1] if fits else TEXT
