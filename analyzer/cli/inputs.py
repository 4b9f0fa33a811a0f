"""`fedtrace events` and `fedtrace sniff`: the inputs themselves, before anything is concluded from them."""

from __future__ import annotations

from typing import Any

import click

from analyzer.cli.exits import UNUSABLE
from analyzer.cli.options import PATHS, reads
from analyzer.cli.reading import read


@click.command()
@PATHS
@reads
@click.option("--jsonl", is_flag=True, help="One JSON object a line; `fedtrace analyze` reads it again.")
def events(paths: tuple[str, ...], jsonl: bool, **how: Any) -> None:
    """Print everything that was seen, in order of time.

    \b
    fedtrace events incident/ | grep db:verify
    fedtrace events --jsonl --redact incident/ > case.jsonl     # to send to somebody
    """  # noqa: D301  (click looks for the control character, not for its escape)
    from analyzer.report.words import moment, place, says
    from parsers.jsonl import line

    case = read(paths, how, everything=True)
    for event in case.river():
        if jsonl:
            click.echo(line(event))
        else:
            click.echo(f"{moment(event):<30}  {place(event.where):<22}  {says(event)}")


@click.command()
@PATHS
def sniff(paths: tuple[str, ...]) -> None:
    """Say of each input which format it has, and why.

    \b
    fedtrace sniff incident/
    """  # noqa: D301  (click looks for the control character, not for its escape)
    from analyzer.report.words import escape
    from parsers import ingest
    from parsers.errors import FedtraceError
    from parsers.inputs import inputs_of

    unusable = 0
    inputs = inputs_of(paths)
    for source in inputs.sources:
        try:
            if source.name in inputs.problems and source.name not in inputs.lost:
                raise inputs.problems[source.name]
            head = ingest.head_of(source)
            ranked = ingest.guesses(head)
        except FedtraceError as error:
            click.echo(f"{escape(source.name)}: {escape(error.problem)}")
            unusable += 1
            continue
        told = [f"{f.name} {g.score}: {escape(g.because)}" for f, g in ranked if g.score > 0]
        if ranked[0][1].score < ingest.BEST_UNDER:
            unusable += 1
            near = "; ".join(told) or f"none of {len(ranked)} comes near"
            told = [f"no format recognises it ({near})"]
        click.echo(f"{escape(source.name)}: {'; '.join(told)}")
    raise click.exceptions.Exit(UNUSABLE if unusable == len(inputs.sources) else 0)
