"""Where inputs come from: what lies in an archive, how each file looks from outside, and where its bytes are.

Files are called by their names in the archive, wherever that is and however its place is written. Here for archives on
a disk, which are read as they lie there. Reads no input, and knows no case.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from errno import EACCES
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG
from typing import NamedTuple, Protocol

from parsers.archive import archive_kind
from parsers.errors import FedtraceError, SourceUnreadable
from parsers.inputs import may_list
from parsers.links import NO_FILE, WHY, is_lost, is_no_file, not_followed, not_opened

Mark = tuple[int, int, int | str]
"""How a file looks from outside: size in bytes, time of the last change in ns since 1970, inode or version."""
Kinds = Mapping[str, tuple[Mark, bool]]
"""Files that were looked into, by name: how each looked from outside, and whether it is a packed archive."""


class Entry(NamedTuple):
    """What lies directly in an archive."""

    name: str
    """What it is called there."""
    folder: bool
    """Whether it is a folder."""
    packed: bool = False
    """Whether it is a packed archive."""
    link: bool = False
    """Whether it is a link, to whatever."""
    mark: Mark | None = None
    """How a file looks from outside, where looking into it costs something."""


class Inputs(Protocol):
    """An archive, wherever it is. Every method raises FedtraceError where a file cannot be looked at."""

    def entries(self, leave_out: str, known: Kinds) -> list[Entry]:
        """What lies directly in it, in order of name, without what is hidden, the folder of results, and those links of
        which it can be told that they lead to what is read anyway.

        What is `known` and looks as it did then is not looked into.
        """

    def marks(self, paths: Sequence[str]) -> dict[str, Mark]:
        """How the files look from outside that are called so, and those below them; in order of name."""

    def fetched(self, marks: Mapping[str, Mark]) -> Mapping[str, Path | FedtraceError]:
        """Where the bytes of files are by now, or why they may not be read."""

    def refusal(self, path: str) -> str | None:
        """Why a file may not be read, or a folder not be listed; None where it may. Costs no more than a look."""


class Disk:
    """An archive on a disk."""

    def __init__(self, root: str) -> None:
        """`root` is the archive."""
        self.root = root

    def entries(self, leave_out: str, known: Kinds) -> list[Entry]:
        """As `Inputs` promises."""
        root = Path(self.root)
        try:
            found = sorted(
                (e.name, e.is_symlink(), e.is_dir(), e.is_file())
                for e in os.scandir(root)
                if not e.name.startswith(".")
            )
            out, here = Path(leave_out).resolve(), root.resolve()
        except OSError as error:
            reason = (error.strerror or "cannot be looked into").lower()
            raise SourceUnreadable(self.root, reason, "name the folder of the cases, and check your rights") from None
        entries = []
        for name, link, folder, file in found:
            if link:
                if os.path.realpath(root / name) != os.fspath(out) and is_lost(root / name, root):
                    entries.append(Entry(name, folder=False, link=True))
            elif folder and (name != out.name or here != out.parent):
                entries.append(Entry(name, folder=True))
            elif file:
                entries.append(Entry(name, folder=False, packed=_packed(root / name)))
        return entries

    def marks(self, paths: Sequence[str]) -> dict[str, Mark]:
        """As `Inputs` promises."""
        inside = os.path.join(self.root, "")  # noqa: PTH118  (of 10,000 files, no objects)
        return {name: _mark(inside, name) for name in _files(inside, paths)}

    def fetched(self, marks: Mapping[str, Mark]) -> Mapping[str, Path | FedtraceError]:
        """As `Inputs` promises: they are where they lie."""
        inside = os.path.join(self.root, "")  # noqa: PTH118  (of 10,000 files, no objects)
        return {name: _not_read(inside + name, name) or Path(inside + name) for name in marks}

    def refusal(self, path: str) -> str | None:
        """As `Inputs` promises."""
        file = Path(self.root) / path
        try:
            if file.is_symlink():
                return WHY
            if is_no_file(file):
                return NO_FILE
            if file.is_dir():
                return None if may_list(file) else os.strerror(EACCES).lower()
            with file.open("rb") as opened:
                opened.read(1)
        except OSError as error:
            return unreadable(path, error).problem
        return None


def tells(mark: Mark) -> bool:
    """Whether a file that has changed would look otherwise: some drivers tell no more than its size."""
    return bool(mark[1] or mark[2])


def unreadable(path: str, error: OSError) -> SourceUnreadable:
    """Why a file cannot be read."""
    return SourceUnreadable(path, (error.strerror or "cannot be read").lower(), "check the path and your rights")


def _files(inside: str, paths: Sequence[str]) -> list[str]:
    """Every file that is called so `inside`, or is below it, in order of name.

    A folder that may not be listed stands for what is in it.
    """
    found: list[str] = []

    def refused(error: OSError) -> None:
        if not isinstance(error, PermissionError):
            raise error
        found.append(error.filename.removeprefix(inside))

    try:
        for path in paths:
            if not _is_folder(inside + path):
                found.append(path)
                continue
            for folder, below, names in os.walk(inside + path, onerror=refused):
                below[:] = [name for name in below if not name.startswith(".")]
                within = folder.removeprefix(inside)
                # What leads to a folder is among the folders.
                files = [f"{within}/{name}" for name in (*names, *below) if not name.startswith(".")]
                try:
                    found += [file for file in files if _is_input(inside + file, inside + path)]
                except PermissionError:  # its names may be listed, and nothing in it be looked at
                    below[:] = []
                    found.append(within)
    except OSError as error:
        reason = (error.strerror or "cannot be looked into").lower()
        where = str(error.filename or paths[0]).removeprefix(inside)
        raise SourceUnreadable(where, reason, "check your rights") from None
    return sorted(found)


def _is_folder(path: str) -> bool:
    """Whether it is a folder, and no link to one; of what cannot be looked at, whoever asks for its mark is told."""
    try:
        return S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _not_read(file: str, name: str) -> FedtraceError | None:
    """Why what lies there is not read, whatever is in it; what cannot be looked at is left to whoever reads it."""
    try:
        mode = os.lstat(file).st_mode
    except OSError:
        return None
    if S_ISLNK(mode):
        return not_followed(name)
    return None if S_ISREG(mode) or S_ISDIR(mode) else not_opened(name)


def _is_input(file: str, folder: str) -> bool:
    """Whether it is a file, or a link that has to be told of, or what is neither."""
    mode = os.lstat(file).st_mode
    return is_lost(Path(file), Path(folder)) if S_ISLNK(mode) else not S_ISDIR(mode)


def _mark(inside: str, path: str) -> Mark:
    try:
        seen = os.lstat(inside + path)
    except OSError as error:
        raise unreadable(path, error) from None
    return (seen.st_size, seen.st_mtime_ns, seen.st_ino)


def _packed(file: Path) -> bool:
    try:
        return archive_kind(file) is not None
    except OSError:
        return False  # whoever reads it says why
