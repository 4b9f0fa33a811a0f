"""Reading inputs for a verb: what memory and threads it may take, and how far it is, on a terminal."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from analyzer.cli.options import told

if TYPE_CHECKING:
    from analyzer.analysis import Analysis
    from parsers.case import Case
    from parsers.source import Reading, Source

PROGRESS_FROM_BYTES = 50_000_000
"""Inputs above 50 MB show their progress."""


def read(paths: Sequence[str], how: dict[str, Any], everything: bool = False) -> Case:
    """Read the inputs, large ones with progress, and take the names out of them where that is asked for."""
    return _read(paths, how, everything)[0]


def as_they_are(how: dict[str, Any], because: str) -> None:
    """Refuse `--redact` for a verb that needs the inputs themselves. Raises FedtraceError."""
    if how["redact"]:
        from parsers.errors import FedtraceError

        raise FedtraceError("--redact", because, "to send something, `fedtrace events --jsonl --redact` writes it")


def analysed(paths: Sequence[str], how: dict[str, Any]) -> Analysis:
    """Read, correlate and judge."""
    from analyzer.analysis import analysis

    case, local_domains = _read(paths, how)
    return analysis(case, local_domains, told(how).ports)


def _read(paths: Sequence[str], how: dict[str, Any], everything: bool = False) -> tuple[Case, tuple[str, ...]]:
    """The inputs, and the local domains that the user named, both without names where that is asked for."""
    # numpy is never asked for linear algebra, but its library starts threads that spin for 0.07 s unless told before.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from parsers.case import read_case

    # Events are many, frozen and without cycles; looking for cycles among them costs half as much again as reading.
    # At its end the interpreter looks all the same, but not among what is frozen.
    gc.disable()
    atexit.register(gc.freeze)
    with _progress() as watch:
        case = read_case(paths, replace(told(how), everything=everything), watch)
    if not how["redact"]:
        return case, how["local_domains"]
    from parsers.names import domain
    from parsers.redact import Redaction, redacted
    from parsers.standins import own_words

    redaction = Redaction(own_words("parsers", "analyzer"), (source.name for source in case.sources))
    return redacted(case, redaction), tuple(redaction.domain(domain(name)) for name in how["local_domains"])


@contextmanager
def _progress() -> Iterator[Callable[[Source, Reading], None]]:
    """Tell on stderr how far a large input is read, where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda source, reading: None
        return
    done = threading.Event()
    now: list[tuple[Source, Reading, int]] = []

    def tell() -> None:
        while not done.wait(0.5):
            if now:
                source, reading, total = now[-1]
                share = f", {100 * reading.size_bytes // total} %" if total else ""
                click.echo(f"\r\x1b[K{source.name}: {reading.frames or 0:,} frames{share}", nl=False, err=True)

    def watch(source: Source, reading: Reading) -> None:
        if reading.size_bytes >= PROGRESS_FROM_BYTES or str(source.path) == "-":
            now.append((source, reading, reading.size_bytes))

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()
        if now:
            click.echo("\r\x1b[K", nl=False, err=True)
