"""Exit codes that no verdict gives; those of verdicts are `analyzer.judge.worst_exit_code`'s."""

from __future__ import annotations

from typing import NoReturn

import click

UNUSABLE = 2
"""The input could not be used."""
BUG = 4
"""A bug of ours."""
INTERRUPTED = 130
"""Ctrl-C, in the number that shells have for it: 1 would be a verdict."""


def bug(trace: str) -> NoReturn:
    """End with a bug of ours, whose traceback this is."""
    click.echo(trace, err=True)
    click.echo("fedtrace: this is a bug of ours; please report it with the lines above", err=True)
    raise click.exceptions.Exit(BUG)
