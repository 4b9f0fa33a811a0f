"""What a piece of work is called: by the content of all its inputs, the program that does it, and what was asked.

What a file held is remembered beside its size, time and inode, so that it is read again only when these change.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from shutil import which
from typing import NamedTuple

import analyzer
import parsers
from analyzer.batch.cases import Options, Task, files_of
from parsers.errors import FedtraceError, SourceUnreadable

MADE_WITH = ("fedtrace", "pyarrow", "cryptography", "dnspython", "jinja2")
"""Packages whose versions may change a byte of a result."""

Mark = tuple[int, int, int]
"""Size in bytes, time of the last change in ns, inode."""


class Content(NamedTuple):
    """What the inputs of a case hold."""

    digest: str
    """Fingerprint of their names and bytes, hex."""
    marks: Mapping[str, Mark]
    """How each looked from outside when it was read, by path."""


def marks_of(paths: Sequence[str]) -> dict[str, Mark]:
    """How files look from outside. Raises FedtraceError where one cannot be looked at."""
    return {path: _mark(path) for path in paths}


def content_of(task: Task, known: Content | None, also: Sequence[str] = ()) -> Content:
    """What a case's inputs hold, `also` among them; they are read unless they look as they did when it was `known`.

    Raises FedtraceError where one cannot be read.
    """
    marks = marks_of([*files_of(task), *also])
    if known is not None and known.marks == marks:
        return known
    whole = hashlib.sha256()
    for path in marks:
        whole.update(f"{path!r} {_digest(path)}\n".encode())
    return Content(whole.hexdigest(), marks)


def key_of(task: Task, content: Content, options: Options) -> str:
    """The name of the work on a case, hex."""
    asked = [task.name, task.stem, task.paths, task.window_ns, task.near_ns, task.only_span, _asked(options)]
    part = [task.within_ns, task.share, task.sources, task.lines]
    told = json.dumps([content.digest, program(), asked, part], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:40]


@cache
def _asked(options: Options) -> dict[str, object]:
    """Options as plain data: the same for all cases."""
    return asdict(options)


@cache
def program() -> str:
    """Fingerprint of the program: its version, its own source, and what it stands on."""
    whole = hashlib.sha256(platform.python_version().encode())
    for name in MADE_WITH:
        whole.update(f"{name}=={version(name)}\n".encode())
    # Captures that we do not know are shown to tshark, where there is one.
    tshark = which("tshark")
    if tshark is not None:
        whole.update(f"tshark {tshark} {Path(tshark).stat().st_size}\n".encode())
    for package in (parsers, analyzer):
        for root in map(Path, package.__path__):
            for path in sorted(p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
                whole.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return whole.hexdigest()


def _mark(path: str) -> Mark:
    try:
        seen = Path(path).stat()
    except OSError as error:
        raise _unreadable(path, error) from None
    return (seen.st_size, seen.st_mtime_ns, seen.st_ino)


def _digest(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: str, error: OSError) -> FedtraceError:
    return SourceUnreadable(path, (error.strerror or "cannot be read").lower(), "check the path and your rights")
