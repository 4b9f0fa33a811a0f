"""`fedtrace filter`: what to type into Wireshark."""

from __future__ import annotations

from typing import Any

import click

from analyzer.cli.options import PATHS, reads
from analyzer.cli.reading import analysed, as_they_are


@click.command()
@click.argument("id")
@PATHS
@reads
def filter(id: str, paths: tuple[str, ...], **how: Any) -> None:
    """Wireshark's display filter for one attempt or one finding, a line for each capture.

    ID is a session's id, or its beginning, as `analyze` prints it: then the filter shows its conversations, callbacks,
    lookups and ICMP errors. Or it is the id of a finding, as `analyze` prints it below the evidence, and `session`:
    then it shows the frames that the finding cites.

    \b
    fedtrace filter b2c35ec584bc incident/
    """  # noqa: D301  (click looks for the control character, not for its escape)
    from analyzer.excerpt import cited, excerpts
    from analyzer.report.filters import frames_filter, session_filter
    from analyzer.report.words import escape
    from parsers.errors import FedtraceError

    as_they_are(how, "a redacted extract holds one session, and needs no filter")
    analysis = analysed(paths, how)
    finding = analysis.finding(id)
    if finding is not None:
        told = {name: frames_filter(frames) for name, frames in cited(finding, analysis.case).items()}
    else:
        session = analysis.session(id)
        told = {excerpt.source.name: session_filter(excerpt) for excerpt in excerpts(session, analysis)}
    if not told:
        raise FedtraceError(id, "no capture shows a frame of it", "only logs tell of it: `analyze` prints their lines")
    for name, text in told.items():
        click.echo(f"{escape(name)}: {text}")
