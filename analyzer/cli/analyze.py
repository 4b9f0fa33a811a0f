"""`fedtrace analyze`: the verdicts of a case, in the layout that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analyzer.cli.options import PATHS, reads
from analyzer.cli.reading import analysed
from analyzer.cli.writing import console, fill, out, target_of
from analyzer.report.layouts import LAYOUTS, TEXT, layout_named, layout_of

if TYPE_CHECKING:
    from analyzer.analysis import Analysis

_ENDINGS = ", ".join(f"{layout.endings[0]} {layout.name}" for layout in LAYOUTS if layout is not TEXT)


@click.command()
@PATHS
@reads
@click.option(
    "--format",
    "layout_name",
    type=click.Choice([layout.name for layout in LAYOUTS]),
    help="The layout; without it the ending of the output decides, else it is text.",
)
@click.option(
    "-o", "--output", metavar="FILE", help=f"Write here instead of to stdout; its ending decides: {_ENDINGS}."
)
@click.option("--table", metavar="NAME", help="With csv: which table, instead of the verdicts.")
def analyze(paths: tuple[str, ...], layout_name: str | None, output: str | None, table: str | None, **how: Any) -> None:
    """Say for each pair of domains whether federation works, and if not, why.

    PATH is a capture, log, transcript or archive, a folder, a shell pattern or `-`. Exit code: 0 every pair is healthy
    or degraded, 1 a pair is failing, 2 the input could not be used, 3 nothing could be judged, 4 a bug of fedtrace.

    \b
    fedtrace analyze incident/ -o report.html
    fedtrace analyze incident/ -o ticket.md
    fedtrace analyze incident/ -o tables/                        # every table as CSV
    fedtrace analyze incident/ --format csv --table sessions
    """  # noqa: D301  (click looks for the control character, not for its escape)
    from analyzer.judge import worst_exit_code

    target = target_of(output)
    output = output if target else None
    layout = layout_named(layout_name) if layout_name else layout_of(target)
    _check(layout.name, target, table)
    found = analysed(paths, how)
    if target.endswith("/") and layout.files is not None:
        fill(Path(target), layout.files(found))
    elif layout is TEXT and output is None:
        from analyzer.report.terminal import Terminal

        with console() as screen:
            Terminal(screen).report(*found)
    else:
        text = layout.text(found) if table is None else _table(table, found)
        with out(Path(output) if output else None) as write:
            write(text)
    for broken in found.judgement.broken:
        click.echo(f"fedtrace: rule {broken.rule} failed on session {broken.session}: {broken.error}", err=True)
    raise click.exceptions.Exit(worst_exit_code(found.judgement))


def _check(layout: str, target: str, table: str | None) -> None:
    """Say at once what cannot be done, before large inputs are read."""
    from parsers.errors import FedtraceError

    if table is not None:
        from analyzer.report.tables import TABLES

        if layout != "csv":
            raise FedtraceError(f"--table {table}", "only csv has tables", "add --format csv")
        if table not in TABLES:
            raise FedtraceError(f"--table {table}", "there is no such table", f"say one of {', '.join(TABLES)}")
        if target.endswith("/"):
            raise FedtraceError(f"--table {table}", "a folder gets every table", f"name a file: {target}{table}.csv")
    if target.endswith("/") and layout != "csv":
        raise FedtraceError(target, f"{layout} is one file", f"name a file in it: {target}report")


def _table(name: str, found: Analysis) -> str:
    """One table as CSV."""
    from analyzer.report.spreadsheet import spreadsheet
    from analyzer.report.tables import TABLES

    return spreadsheet(TABLES[name], found)
