"""The door: which formats there are, which one an input is of, and its events.

Formats are found by walking the package for modules with a `FORMAT`: importing one changes nothing global.
Knows no format by name.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import cast

import parsers
from parsers.capture.inflate import unpacked_head
from parsers.errors import AmbiguousFormat, SourceEmpty, SourceUnreadable, UnknownFormat
from parsers.events import Event
from parsers.format import HEAD_BYTES, Format, Guess, Head
from parsers.source import How, Reading, Source

CERTAIN = 100
"""The score of a magic number."""
BEST_UNDER = 40
"""A best guess below this is no guess."""
TIED_WITHIN = 10
"""Two guesses within so many points are a tie."""
_MAGIC = "capture"
"""The package of the formats that have a magic number."""
_PLACES = ("", _MAGIC, "logs", "transcripts")


@cache
def formats() -> tuple[Format, ...]:
    """Every format, in name order."""
    return tuple(sorted(_each(), key=lambda f: f.name))


def _each() -> Iterator[Format]:
    """Every format, those of one package after those of another, which is not imported before."""
    for place in _PLACES:
        yield from _formats_in(place)


@cache
def _formats_in(place: str) -> tuple[Format, ...]:
    paths = [f"{root}/{place}" for root in parsers.__path__]
    prefix = f"parsers.{place}." if place else "parsers."
    modules = [m.name for m in pkgutil.iter_modules(paths, prefix) if not m.ispkg and m.name != __name__]
    held = [getattr(importlib.import_module(name), "FORMAT", None) for name in modules]
    return tuple(cast(Format, known) for known in held if known is not None)


def format_named(name: str) -> Format:
    """The format of that name. Raises UnknownFormat."""
    for known in _each():
        if known.name == name:
            return known
    raise UnknownFormat(name, "no format has this name", "`fedtrace formats` lists them")


def guesses(head: Head) -> list[tuple[Format, Guess]]:
    """What every format makes of an input, best first."""
    made = [(known, _guess(known, head)) for known in formats()]
    return sorted(made, key=lambda pair: (-pair[1].score, pair[0].name))


def _guess(known: Format, head: Head) -> Guess:
    """What one format makes of an input; one that fails on it has not recognised it."""
    try:
        return known.guess(head)
    except Exception as error:  # one bad format must not spoil the choice
        return Guess(score=0, because=f"it failed to look: {type(error).__name__}")


def choose(head: Head) -> tuple[Format, Guess]:
    """The one format of an input. Raises UnknownFormat or AmbiguousFormat, both with the reasons."""
    for known in _formats_in(_MAGIC):
        # A magic number leaves nothing to guess, and the other packages need not even be imported.
        if (guess := _guess(known, head)).score == CERTAIN:
            return known, guess
    ranked = guesses(head)
    best, guess = ranked[0]
    if guess.score < BEST_UNDER and b"\0" in head.data and not head.lines:
        raise UnknownFormat(
            str(head.path),
            "it begins as no capture does, and holds NUL bytes, which no log should",
            "if it is a log, name its format with --as NAME (`fedtrace formats` lists them), else leave the file out",
        )
    if guess.score < BEST_UNDER:
        raise UnknownFormat(
            str(head.path),
            "no format recognises it",
            "name one with --as, or leave the file out; `fedtrace sniff` tells why",
        )
    second, rival = ranked[1]
    if rival.score >= BEST_UNDER and guess.score - rival.score < TIED_WITHIN:
        raise AmbiguousFormat(
            str(head.path),
            f"{best.name} ({guess.because}) and {second.name} ({rival.because}) both claim it",
            "say which with --as",
        )
    return best, guess


def dated(known: Format, head: Head) -> bool:
    """Whether an input says in which year and on which day it was written; a format that does not tell always does."""
    asked = getattr(known, "dated", None)
    return True if asked is None else bool(asked(head))


def head_of(source: Source) -> Head:
    """The beginning of an input; of standard input what its first read gives. Raises SourceUnreadable."""
    path = source.path
    if str(path) == "-":
        return _head_of_stdin(path)
    try:
        if source.file.is_dir() and not os.access(source.file, os.R_OK | os.X_OK):
            raise SourceUnreadable(source.name, "permission denied: its files cannot be listed", "check your rights")
        if source.file.is_dir():
            raise SourceUnreadable(source.name, "this is a folder", "name a file in it")
        with source.file.open("rb") as file:
            data = file.read(HEAD_BYTES)
    except OSError as error:
        reason = (error.strerror or "cannot be opened").lower()
        raise SourceUnreadable(source.name, reason, "check the path and your rights") from None
    if not data:
        raise SourceEmpty(source.name, "the file is empty", "take the capture or log again")
    return Head(path=path, raw=data, data=unpacked_head(data))


def _head_of_stdin(path: Path) -> Head:
    """What waits in standard input, left there for whoever reads it: a pipe that is still written gives but little."""
    peek = getattr(sys.stdin.buffer, "peek", None)
    try:
        data = b"" if peek is None else peek(HEAD_BYTES)[:HEAD_BYTES]
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise SourceUnreadable(str(path), reason, "check what is piped into fedtrace") from None
    if data[:1] != b"{":
        # The first bytes of a capture may come one by one, so that its magic number is not there yet.
        return Head(path=path, raw=b"", data=b"")
    return Head(path=path, raw=data, data=data)


def read(source: Source, how: How, reading: Reading) -> Iterator[Event]:
    """Events of one source whose format is known, in the order in which the format gives them."""
    if source.format is None:
        return iter(())
    return format_named(source.format).read(source, how, reading)
