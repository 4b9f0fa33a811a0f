"""Exit codes that no verdict gives; those of verdicts are `analyzer.judge.worst_exit_code`'s."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from analyzer.cli.writing import tell

UNUSABLE = 2
"""The input could not be used."""
BUG = 4
"""A bug of ours."""
INTERRUPTED = 130
"""Ctrl-C, in the number that shells have for it: 1 would be a verdict."""
TERMINATED = 143
"""SIGTERM, by which systemd, Kubernetes and `kill` end a program, likewise."""


class Terminated(BaseException):
    """SIGTERM came. It ends the program as Ctrl-C does, past all that bears an Exception."""


@contextmanager
def terminable() -> Iterator[None]:
    """In here SIGTERM raises Terminated, so that nothing of ours is left behind; unless somebody else sees to it."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def terminate(*_: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough: what it does may take a moment
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def bug(trace: str) -> NoReturn:
    """End with a bug of ours, whose traceback this is."""
    tell(trace)
    tell("fedtrace: this is a bug of ours; please report it with the lines above")
    raise click.exceptions.Exit(BUG)
