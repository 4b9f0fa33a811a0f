"""`fedtrace verify`: whether the evidence of a report still stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from analyzer.cli.options import reads
from analyzer.cli.reading import as_they_are, read
from analyzer.cli.writing import out


@click.command()
@click.argument("report", type=click.Path(dir_okay=False, path_type=Path), metavar="REPORT.json")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@reads
def verify(report: Path, paths: tuple[str, ...], **how: Any) -> None:
    """Prove that each piece of a report's evidence still stands at its frame or line.

    REPORT.json is what `analyze --format json` wrote. It opens the files that the report names, to read them as
    captures and logs; where they lie elsewhere by now, name files, folders or archives as PATH: an input is known by
    its SHA-256. Options that the report was made with are given again. Exit code: 0 all evidence stands, 1 some does
    not, 2 the report or its inputs could not be used.

    \b
    fedtrace verify report.json
    fedtrace verify report.json incident/
    """  # noqa: D301  (click looks for the control character, not for its escape)
    from analyzer.report.proof import proof, told
    from analyzer.report.proof_text import lines

    as_they_are(how, "evidence is held against the inputs as they are")
    found = proof(told(report), paths, lambda files: read(files, how))
    with out(None) as write:
        write("".join(f"{line}\n" for line in lines(found)))
    raise click.exceptions.Exit(1 if found.fallen else 0)
