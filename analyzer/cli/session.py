"""`fedtrace session`: one attempt in full."""

from __future__ import annotations

from typing import Any

import click

from analyzer.cli.options import PATHS, reads
from analyzer.cli.reading import attempt
from analyzer.cli.writing import console


@click.command()
@click.argument("id")
@PATHS
@reads
@click.option("--steps", is_flag=True, help="Instead of the ladder, each step with the state that it led to.")
def session(id: str, paths: tuple[str, ...], steps: bool, **how: Any) -> None:
    """One attempt in full: its ladder, why things were joined, and what the rules say of it.

    ID is a session's id, or its beginning, as `analyze` prints it; with --redact, as `analyze --redact` does, too.

    \b
    fedtrace session b2c35ec5 incident/
    """  # noqa: D301  (click looks for the control character, not for its escape)
    from analyzer.ladder import ladder
    from analyzer.report.terminal import Terminal

    found, analysis, _ = attempt(id, paths, how)
    findings = analysis.findings(found)
    with console() as screen:
        Terminal(screen).session(ladder(found, analysis.view, findings), findings, steps=steps)
