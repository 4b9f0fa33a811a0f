"""What a piece of work is called: by the content of all its inputs, the program that does it, and what was asked.

What a file held is remembered beside how it looked from outside, so that it is read again only when that changes.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from shutil import which
from typing import NamedTuple

import analyzer
import parsers
from analyzer.batch.cases import Options, Task
from analyzer.batch.inputs import Disk, Inputs, Mark, tells, unreadable
from parsers.errors import FedtraceError
from parsers.fingerprint import fingerprint
from parsers.inputs import NOWHERE

MADE_WITH = ("fedtrace", "pyarrow", "cryptography", "dnspython", "jinja2")
"""Packages whose versions may change a byte of a result."""

KEYLOG = "--keylog "
"""Before the path of a key log, which is no file of the archive."""


class Content(NamedTuple):
    """What the inputs of a case hold."""

    digest: str
    """Fingerprint of their names and bytes, hex."""
    marks: Mapping[str, Mark]
    """How each looked from outside when it was read, by path."""
    counted: tuple[str, str] | None = None
    """Of a loose file the key of the work that found what it covers, and that as JSON, which who comes to the same key
    can read: it is too little for a file of its own.
    """
    unread: Mapping[str, str] = {}
    """Why inputs could not be read, by path: as long as that is so, nothing else is known of them."""

    def json(self) -> str:
        """As a text, in a line."""
        return json.dumps(self)

    @staticmethod
    def of_json(text: str) -> Content:
        """What `json` said; an earlier program may have said less."""
        digest, marks, *counted = json.loads(text)
        return Content(digest, {path: (size, at_ns, which) for path, (size, at_ns, which) in marks.items()}, *counted)


def marks_of(inputs: Inputs, task: Task, also: Sequence[str], keylog: Path | None) -> dict[str, Mark]:
    """How a case's inputs look from outside, `also` among them. Raises FedtraceError where one cannot be looked at."""
    marks = inputs.marks([*task.paths, *also])
    return marks if keylog is None else marks | keylog_marks(keylog)


def keylog_marks(keylog: Path | None) -> dict[str, Mark]:
    """The same of a key log, which lies beside whoever reads, wherever the archive is; of none, nothing."""
    # Who names a link means what it leads to.
    keylogs = [] if keylog is None else [os.path.realpath(keylog)]
    return {f"{KEYLOG}{path}": mark for path, mark in Disk("").marks(keylogs).items()}


def is_same(inputs: Inputs, marks: Mapping[str, Mark], known: Content) -> bool:
    """Whether a case's inputs look as they did when they were `known`, and what could not be read still cannot: rights
    that were mended change nothing else of a file.
    """
    alike = known.marks == marks and all(map(tells, marks.values()))
    return alike and all(inputs.refusal(path) == why for path, why in known.unread.items())


def content_of(inputs: Inputs, marks: Mapping[str, Mark], known: Content | None) -> Content:
    """What a case's inputs hold; they are read unless they are as they were when it was `known`.

    Of one that cannot be read it says why. Raises FedtraceError where one has vanished, or there is no room for it.
    """
    if known is not None and is_same(inputs, marks, known):
        return known
    places = fetched(inputs, marks)
    whole = hashlib.sha256()
    unread: dict[str, str] = {}
    for path in marks:
        place = places[path] if path in places else Path(path.removeprefix(KEYLOG))
        if isinstance(place, Path):
            try:
                told = fingerprint(place)
            except OSError as error:
                if isinstance(error, FileNotFoundError) or path.startswith(KEYLOG):
                    raise unreadable(path, error) from None
                told = unread[path] = inputs.refusal(path) or unreadable(path, error).problem
        else:
            told = unread[path] = place.problem
        whole.update(f"{path!r} {told}\n".encode())
    return Content(whole.hexdigest(), marks, unread=unread)


def fetched(inputs: Inputs, marks: Mapping[str, Mark], spared: Collection[str] = ()) -> dict[str, Path | FedtraceError]:
    """Where the bytes of a case's inputs are by now, or why they may not be read. Those that are spared are nowhere:
    what they are called may tell others apart.
    """
    wanted = {path: mark for path, mark in marks.items() if not path.startswith(KEYLOG) and path not in spared}
    return {**inputs.fetched(wanted), **{path: NOWHERE for path in marks if path in spared}}


def key_of(task: Task, content: Content, options: Options) -> str:
    """The name of the work on a case, hex."""
    asked = [task.name, task.stem, task.paths, task.window_ns, task.near_ns, task.only_span, _asked(options)]
    part = [task.within_ns, task.share, task.sources, task.lines, task.proved, task.local]
    told = json.dumps([content.digest, program(), asked, part])
    return hashlib.sha256(told.encode()).hexdigest()[:40]


def called(*told: str) -> str:
    """The name of what is made of these, hex."""
    whole = hashlib.sha256(program().encode())
    for each in told:
        whole.update(f"{each}\n".encode())
    return whole.hexdigest()[:40]


@cache
def _asked(options: Options) -> str:
    """Options as a text: the same for all cases."""
    return json.dumps(asdict(options), sort_keys=True, default=str)


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
