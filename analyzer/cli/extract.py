"""`fedtrace extract`: the frames of one attempt as a pcapng."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from analyzer.cli.options import PATHS, reads
from analyzer.cli.reading import attempt
from analyzer.cli.writing import whole


@click.command()
@click.argument("id")
@PATHS
@reads
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE.pcapng",
    help="Write here.",
)
def extract(id: str, paths: tuple[str, ...], output: Path, **how: Any) -> None:
    """The frames of one attempt, from every capture, as one pcapng for Wireshark.

    ID is a session's id, or its beginning, as `analyze` prints it. It takes whole conversations, callbacks, lookups and
    ICMP errors; each frame that proves a finding has a comment (in Wireshark: filter `frame.comment`). Each capture is
    an interface with its name. Bytes are as captured, with all that they hold: messages and dialback keys too. Time
    stamps are those of the report: where a capture's clock was found to be wrong, the file says by how much it was
    corrected. Of itself Wireshark reads XMPP on port 5222 only: Analyze, Decode As… makes it read 5269 too.

    With --redact, packets have IP, TCP and UDP headers with the addresses of `analyze --redact`, and DNS over UDP with
    its names; all other payload is cut, and comments say what fedtrace read in it. ID may be that of either report.

    \b
    fedtrace extract b2c35ec584bc incident/ -o attempt.pcapng
    fedtrace extract b2c35ec584bc incident/ --redact -o attempt.pcapng     # to send to somebody
    """  # noqa: D301  (click looks for the control character, not for its escape)
    from analyzer.excerpt import excerpts
    from analyzer.report.extract import refusal, write
    from analyzer.report.packets import Captured, Redacted
    from analyzer.report.words import count
    from parsers.errors import FedtraceError

    session, analysis, original = attempt(id, paths, how)
    shown = Captured() if original is None else Redacted(original)
    found = excerpts(session, analysis)
    if (problem := refusal(session, found, shown)) is not None:
        raise problem
    # Of a member of an archive the archive is among the parents.
    inputs = {p for s in (original or analysis).case.sources for p in (s.path, *s.path.parents)}
    if output.exists() and any(p.exists() and p.samefile(output) for p in inputs):
        raise FedtraceError(str(output), "this is one of the inputs", "name another file")
    with whole(output) as file:
        frames, captures = write(session, found, analysis, shown, file)
    click.echo(f"{count(frames, 'frame')} of {count(captures, 'capture')} in {output}", err=True)
    if captures > 1:
        click.echo(
            "What two captures show Wireshark calls a retransmission: `frame.interface_id == 0` filters the first.",
            err=True,
        )
