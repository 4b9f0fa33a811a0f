"""`fedtrace session`: one attempt in full."""

from __future__ import annotations

from typing import Any

import click

from analyzer.cli.options import PATHS, reads
from analyzer.cli.reading import analysed
from analyzer.cli.writing import console


@click.command()
@click.argument("id")
@PATHS
@reads
@click.option("--steps", is_flag=True, help="Instead of the ladder, each step with the state that it led to.")
def session(id: str, paths: tuple[str, ...], steps: bool, **how: Any) -> None:
    """One attempt in full: its ladder, why things were joined, and what the rules say of it.

    ID is a session's id, or its beginning, as `analyze` prints it.
    """
    from analyzer.ladder import ladder
    from analyzer.report.rows import by_session
    from analyzer.report.terminal import Terminal
    from parsers.errors import FedtraceError

    analysis = analysed(paths, how)
    found = [s for s in analysis.view.sessions if s.id.startswith(id)]
    if not found:
        known = ", ".join(s.id for s in analysis.view.sessions[:8]) or "none"
        raise FedtraceError(id, "no session has this id", f"these inputs hold {len(analysis.view.sessions)}: {known}")
    if len(found) > 1:
        raise FedtraceError(id, f"{len(found)} sessions begin so", f"say one of {', '.join(s.id for s in found[:8])}")
    with console(None) as screen:
        findings = by_session(analysis.judgement).get(found[0].id, ())
        Terminal(screen).session(ladder(found[0], analysis.view, findings), findings, steps=steps)
