"""`fedtrace analyze`: the verdicts of a case, in the layout that is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from analyzer.cli.options import PATHS, reads
from analyzer.cli.reading import analysed
from analyzer.cli.writing import console, out


@click.command()
@PATHS
@reads
@click.option("--format", "layout", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of to stdout."
)
def analyze(paths: tuple[str, ...], layout: str, output: Path | None, **how: Any) -> None:
    """Say for each pair of domains whether federation works, and if not, why.

    PATH is a capture, log, transcript or archive, a folder, a shell pattern or `-`. Exit code: 0 every pair is healthy
    or degraded, 1 a pair is failing, 2 the input could not be used, 3 nothing could be judged, 4 a bug of fedtrace.
    """
    from analyzer.judge import worst_exit_code

    found = analysed(paths, how)
    if layout == "json":
        from analyzer.report.rows import report

        with out(output) as write:
            write(json.dumps(report(*found), ensure_ascii=False, indent=1) + "\n")
    else:
        from analyzer.report.terminal import Terminal

        with console(output) as screen:
            Terminal(screen).report(*found)
    for broken in found.judgement.broken:
        click.echo(f"fedtrace: rule {broken.rule} failed on session {broken.session}: {broken.error}", err=True)
    raise click.exceptions.Exit(worst_exit_code(found.judgement))
