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
from parsers.errors import FedtraceError

if TYPE_CHECKING:
    from analyzer.analysis import Analysis
    from analyzer.session import Session
    from parsers.case import Case
    from parsers.redact import Original
    from parsers.source import Reading, Source

PROGRESS_FROM_BYTES = 50_000_000
"""Inputs above 50 MB show their progress."""
HELD_MAX = 4_000_000
"""Weight of what is analysed in one go, as `parsers.hold` weighs: some 6 GB of nothing but federation, or 300,000
connections, for which 5 GB of memory are taken."""
_KEPT: list[object] = []
"""The latest case and this list itself: a cycle is not taken apart at the end, which takes a fiftieth of the time."""


def read(paths: Sequence[str], how: dict[str, Any], everything: bool = False) -> Case:
    """Read the inputs, large ones with progress, and take the names out of them where that is asked for."""
    return _read(paths, how, everything)[0]


def as_they_are(how: dict[str, Any], because: str) -> None:
    """Refuse `--redact` for a verb that needs the inputs themselves. Raises FedtraceError."""
    if how["redact"]:
        from parsers.errors import FedtraceError

        raise FedtraceError("--redact", because, "to send something, `analyze`, `events` and `extract` take it")


def analysed(paths: Sequence[str], how: dict[str, Any]) -> Analysis:
    """Read, correlate and judge."""
    from analyzer.analysis import analysis

    case, local_domains, _ = _read(paths, how)
    found = analysis(case, local_domains, told(how).ports)
    _KEPT[:] = found, _KEPT
    return found


def attempt(id: str, paths: Sequence[str], how: dict[str, Any]) -> tuple[Session, Analysis, Original | None]:
    """An attempt by its id, what is known of the case, and, redacted, the case that it stands for.

    Redacted, an attempt has another id: it may be named by either. Raises FedtraceError where no attempt has it.
    """
    from analyzer.analysis import analysis

    case, local_domains, original = _read(paths, how)
    ports = told(how).ports
    shown = analysis(case, local_domains, ports)
    if original is not None and not any(s.id.startswith(id) for s in shown.view.sessions):
        plain = analysis(original.case, how["local_domains"], ports)
        if any(s.id.startswith(id) for s in plain.view.sessions):
            id = _id_shown(plain.session(id), plain, shown, original) or id
    return shown.session(id), shown, original


def _id_shown(session: Session, plain: Analysis, shown: Analysis, original: Original) -> str | None:
    """The id that an attempt has redacted: of the same domains, host and instant, the one at the same place of them."""

    def redacted(one: Session) -> tuple[str, str, str | None, int]:
        name, address = original.redaction.domain, original.redaction.standins.address
        return name(one.initiator), name(one.receiver), one.host and address(one.host), one.began_ns

    key = redacted(session)
    before = [s.id for s in plain.view.sessions if redacted(s) == key]
    after = [s.id for s in shown.view.sessions if (s.initiator, s.receiver, s.host, s.began_ns) == key]
    return dict(zip(before, after, strict=False)).get(session.id)


def _read(
    paths: Sequence[str], how: dict[str, Any], everything: bool = False
) -> tuple[Case, tuple[str, ...], Original | None]:
    """The inputs, and the local domains that the user named, both without names where that is asked for; then also the
    inputs as they are.
    """
    # numpy is never asked for linear algebra, but its library starts threads that spin for 0.07 s unless told before.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from parsers.case import read_case
    from parsers.hold import Hold, TooMuch

    # Events are many, frozen and without cycles; looking for cycles among them costs half as much again as reading.
    # At its end the interpreter looks all the same, but not among what is frozen.
    gc.disable()
    atexit.register(gc.freeze)
    with _progress() as watch:
        try:
            case = read_case(paths, replace(told(how), everything=everything), watch, hold=Hold(most=HELD_MAX))
        except TooMuch:
            raise FedtraceError(
                ", ".join(paths),
                "there is more federation in it than is analysed in one go, which would take more than 5 GB of memory",
                "`fedtrace batch` cuts it by time; or name fewer files",
            ) from None
    if not how["redact"]:
        return case, how["local_domains"], None
    from parsers.names import domain
    from parsers.redact import Original, Redaction, redacted
    from parsers.standins import own_words

    redaction = Redaction(own_words("parsers", "analyzer"), (source.name for source in case.sources))
    shown = redacted(case, redaction)
    return shown, tuple(redaction.domain(domain(name)) for name in how["local_domains"]), Original(case, redaction)


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
