"""`fedtrace explain`, `rules` and `formats`: the documentation, from the parts themselves."""

from __future__ import annotations

from pathlib import Path

import click

from analyzer.cli.writing import fill


def _names(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """What a shell may complete."""
    from analyzer.explain import names

    return [name for name in names() if name.startswith(begun)]


@click.command()
@click.argument("name", required=False, shell_complete=_names)
@click.option("--cases", is_flag=True, help="With the cases that test the rule, where this is a checkout.")
@click.option("--all", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write every page below here.")
def explain(name: str | None, cases: bool, folder: Path | None) -> None:
    """Print what a rule means, why it happens, and what to do; what a format is; what the columns of a table are;
    what a step of the checklist asks, and what would answer it.

    \b
    fedtrace explain network-callback-blocked
    fedtrace explain prosody
    fedtrace explain sessions
    fedtrace explain config-5
    """  # noqa: D301  (click looks for the control character, not for its escape)
    from analyzer.explain import explain as text
    from analyzer.explain import pages

    if (name is None) == (folder is None):
        raise click.UsageError("say a name, or --all FOLDER")
    if name is not None:
        click.echo(text(name, cases=cases))
    elif folder is not None:
        fill(folder, pages())


@click.command()
def rules() -> None:
    """List the rules by family: the stage that each is about, who can mend it, and what it says.

    \b
    fedtrace rules
    """  # noqa: D301  (click looks for the control character, not for its escape)
    from itertools import groupby

    from analyzer.judge import all_rules

    for family, members in groupby(all_rules().items(), key=lambda member: member[0].partition("-")[0]):
        click.echo(family)
        for name, rule in members:
            click.echo(f"  {name:<40} {rule.stage.word:<8} {rule.owner.value:<9} {rule.title}")


@click.command()
def formats() -> None:
    """List the formats that can be read; `fedtrace explain NAME` says more of one.

    \b
    fedtrace formats
    """  # noqa: D301  (click looks for the control character, not for its escape)
    from parsers.ingest import formats as known

    for form in known():
        click.echo(f"{form.name:<12} {form.title}")
