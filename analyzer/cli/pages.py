"""`fedtrace explain`, `rules` and `formats`: the documentation, from the parts themselves."""

from __future__ import annotations

import click


@click.command()
@click.argument("name")
@click.option("--cases", is_flag=True, help="With the cases that test the rule, where this is a checkout.")
def explain(name: str, cases: bool) -> None:
    """Print what a rule means, why it happens, and what to do."""
    from analyzer.explain import explain as text

    click.echo(text(name, cases=cases))


@click.command()
def rules() -> None:
    """List the rules by family: the stage that each is about, who can mend it, and what it says."""
    from itertools import groupby

    from analyzer.judge import all_rules

    for family, members in groupby(all_rules().items(), key=lambda member: member[0].partition("-")[0]):
        click.echo(family)
        for name, rule in members:
            click.echo(f"  {name:<40} {rule.stage.word:<8} {rule.owner.value:<9} {rule.title}")


@click.command()
def formats() -> None:
    """List the formats that can be read."""
    from parsers.ingest import formats as known

    for form in known():
        click.echo(f"{form.name:<12} {form.title}")
