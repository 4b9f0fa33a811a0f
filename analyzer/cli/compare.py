"""`fedtrace compare`: two attempts side by side."""

from __future__ import annotations

from typing import Any

import click

from analyzer.cli.options import PATHS, reads
from analyzer.cli.reading import analysed
from analyzer.cli.writing import console


@click.command()
@click.argument("good")
@click.argument("bad")
@PATHS
@reads
def compare(good: str, bad: str, paths: tuple[str, ...], **how: Any) -> None:
    """Two attempts side by side: the first step where they part, and what differed before it.

    GOOD and BAD are ids of sessions, or their beginnings, as `analyze` prints them for the same PATHs: an attempt that
    got through, and one that did not. Two incidents are compared by naming both folders.

    \b
    fedtrace compare 5d77c8dc49f7 b2c35ec584bc incident/
    """  # noqa: D301  (click looks for the control character, not for its escape)
    from analyzer.compare import compare as compared
    from analyzer.report.compare_text import ASCII, lines
    from parsers.errors import FedtraceError

    analysis = analysed(paths, how)
    one, other = analysis.session(good), analysis.session(bad)
    if one is other:
        raise FedtraceError(f"{good} and {bad}", "this is one session", "name two")
    with console() as screen:
        width = min(screen.width, 120) if screen.is_terminal else 100
        for line in lines(compared(one, other), analysis.findings(one), analysis.findings(other), width):
            screen.print(line.translate(ASCII) if screen.options.ascii_only else line, soft_wrap=True)
