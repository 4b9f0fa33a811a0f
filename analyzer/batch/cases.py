"""Which cases an archive holds: each subfolder, each packed archive, and the loose files beside them.

Names of cases are hostile: what becomes a file name of ours is made safe here. Reads no input.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from parsers.archive import archive_kind
from parsers.case_file import NAME as CASE_FILE
from parsers.errors import FedtraceError, SourceUnreadable
from parsers.source import How

STEM_MAX = 100
"""Characters of a file name of ours that come from a case's name; file systems bear 255 bytes."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user wants of every case."""

    how: How = field(default_factory=How)
    """How inputs are read."""
    local_domains: tuple[str, ...] = ()
    """The domains on our side."""
    since_ns: int | None = None
    """Attempts that began before it are left out."""
    only: tuple[str, ...] = ()
    """Attempts from or to these domains only, in A-labels; all where none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One case that is to be read."""

    name: str
    """What people call it: the folder's or archive's name; of loose files the days."""
    stem: str
    """The same as the name of a file of ours, unique in the archive."""
    paths: tuple[str, ...]
    """The folder, the archive, or the loose files."""
    window_ns: tuple[int, int] | None = None
    """Attempts that began outside [first, second) are another case's; None where the files are of this case only."""
    within_ns: tuple[int, int] | None = None
    """What is held of the files: conversations that began in [first, second); None for all."""
    share: tuple[int, int] | None = None
    """Of how many shares, by pairs of domains, which one's attempts are this case's; None for all."""
    sources: tuple[str, ...] = ()
    """Names of the inputs that are read; all where none is named."""
    lines: tuple[tuple[str, tuple[int, int]], ...] = ()
    """Path, and first and last line, of logs of which not all lines are read."""
    only_span: bool = False
    """Nothing is asked but what the files cover."""
    near_ns: tuple[tuple[str, int], ...] = ()
    """Path and first instant of files, for clocks that leave out the year or the day."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What lies directly below the folder."""

    tasks: tuple[Task, ...]
    """Its subfolders and packed archives, in order of name."""
    loose: tuple[Task, ...]
    """Its other files, of which nothing is asked yet but what they cover."""
    says: tuple[str, ...]
    """Its own `case.toml`, if it has one: it is said of loose files."""


def archive_of(path: str, leave_out: str) -> Archive:
    """The cases of an archive; hidden files, links, and the folder of results are left out.

    Raises SourceUnreadable where it is no folder, cannot be looked into, or holds nothing.
    """
    root = Path(path)
    try:
        entries = sorted(e.path for e in os.scandir(root) if not e.name.startswith(".") and not e.is_symlink())
    except OSError as error:
        reason = (error.strerror or "cannot be looked into").lower()
        raise SourceUnreadable(path, reason, "name the folder of the cases, and check your rights") from None
    whole: list[Path] = []
    loose: list[Path] = []
    for entry in map(Path, entries):
        if entry.is_dir():
            if entry.resolve() != Path(leave_out).resolve():
                whole.append(entry)
        elif entry.is_file() and entry.name != CASE_FILE:
            (whole if _packed(entry) else loose).append(entry)
    if not whole and not loose:
        raise SourceUnreadable(path, "there is no case in it", "name a folder that holds folders, archives or files")
    stems = iter(stems_of([entry.name for entry in (*whole, *loose)]))
    tasks = tuple(Task(name=e.name, stem=next(stems), paths=(str(e),)) for e in whole)
    spans = tuple(Task(name=e.name, stem=next(stems), paths=(str(e),), only_span=True) for e in loose)
    says = root / CASE_FILE
    return Archive(tasks, spans, (str(says),) if says.is_file() else ())


def files_of(task: Task) -> list[str]:
    """Every file of a case that may be read, in order of name. Raises FedtraceError where one cannot be looked for."""
    found: list[str] = []

    def refused(error: OSError) -> None:
        raise error

    try:
        for path in task.paths:
            if not Path(path).is_dir():
                found.append(path)
                continue
            for folder, below, names in os.walk(path, onerror=refused):
                below[:] = [name for name in below if not name.startswith(".")]
                files = [os.path.join(folder, name) for name in names if not name.startswith(".")]  # noqa: PTH118  (10,000 files, no objects)
                found += [file for file in files if Path(file).is_file() and not Path(file).is_symlink()]
    except OSError as error:
        reason = (error.strerror or "cannot be looked into").lower()
        raise FedtraceError(str(error.filename or task.name), reason, "check your rights") from None
    return sorted(found)


def stems_of(names: Iterable[str]) -> list[str]:
    """Names as names of files: letters, digits, `.`, `_`, `-`; what had to be changed carries its own fingerprint.

    None begins with `.` or `_`, which readers of data sets pass over; and no two differ in case only.
    """
    stems: list[str] = []
    taken: set[str] = set()
    for name in names:
        stem = _UNSAFE.sub("_", name)[:STEM_MAX].lstrip("._")
        if stem != name or stem.lower() in taken:
            digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
            stem = f"{stem or 'case'}-{digest[:12]}"
        taken.add(stem.lower())
        stems.append(stem)
    return stems


def _packed(file: Path) -> bool:
    try:
        return archive_kind(file) is not None
    except OSError:
        return False  # whoever reads it says why
