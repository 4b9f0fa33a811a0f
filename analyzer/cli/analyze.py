"""`fedtrace analyze`: the verdicts of a case, in the layout that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from analyzer.cli.options import PATHS, reads
from analyzer.cli.reading import analysed
from analyzer.cli.writing import console, out
from analyzer.report.layouts import LAYOUTS, TEXT, layout_named, layout_of


@click.command()
@PATHS
@reads
@click.option(
    "--format",
    "layout_name",
    type=click.Choice([layout.name for layout in LAYOUTS]),
    help="The layout; without it the ending of the output decides, else it is text.",
)
@click.option("-o", "--output", metavar="FILE", help="Write here instead of to stdout: report.json.")
def analyze(paths: tuple[str, ...], layout_name: str | None, output: str | None, **how: Any) -> None:
    """Say for each pair of domains whether federation works, and if not, why.

    PATH is a capture, log, transcript or archive, a folder, a shell pattern or `-`. Exit code: 0 every pair is healthy
    or degraded, 1 a pair is failing, 2 the input could not be used, 3 nothing could be judged, 4 a bug of fedtrace.
    """
    from analyzer.judge import worst_exit_code

    layout = layout_named(layout_name) if layout_name else layout_of(output or "")
    found = analysed(paths, how)
    if layout is TEXT and output is None:
        from analyzer.report.terminal import Terminal

        with console() as screen:
            Terminal(screen).report(*found)
    else:
        with out(Path(output) if output else None) as write:
            write(layout.text(found))
    for broken in found.judgement.broken:
        click.echo(f"fedtrace: rule {broken.rule} failed on session {broken.session}: {broken.error}", err=True)
    raise click.exceptions.Exit(worst_exit_code(found.judgement))
