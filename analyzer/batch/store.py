"""Where results are kept: a file there is whole or it is not there, whenever the program is killed.

Here what is asked of every kind of storage, and the folder on a disk. Knows nothing of what is kept.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from analyzer.batch.lease import Waits
from parsers.errors import FedtraceError

WORK = ".work"
"""Folder of what the program keeps for itself, by which a folder of results is known, too."""
PARTS = f"{WORK}/parts"
"""Folder of files that are being written; what lies there when a run begins was left by one that was killed."""
LOCK = f"{WORK}/lock"
"""The file that a run locks; on a disk the system frees it when the run ends, however it ends."""


SYNCS = 16
"""Files that are synchronised at once: those of a small case."""


class Unwritable(FedtraceError):
    """Results cannot be written: it ends the run, and says nothing of a case."""


class Store(Protocol):
    """Results. Names are relative, with slashes; every method raises Unwritable where the storage refuses."""

    @property
    def address(self) -> str:
        """What names it to a worker."""

    @property
    def system(self) -> Any:
        """The fsspec file system that it is in; None for the disk."""

    def path(self, name: str) -> str:
        """What that calls a file."""

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files whole, by their names; the last is there when all others are."""

    def get(self, name: str) -> bytes | None:
        """A file's bytes; None where there is none."""

    def show(self, files: Mapping[str, str], fresh: bool) -> None:
        """Let files that are kept stand under other names too: names, and what is kept. `fresh`: kept just now."""

    def size(self, name: str) -> int | None:
        """A file's size in bytes; None where there is none."""

    def sizes(self, names: Sequence[str]) -> list[int | None]:
        """The same of files that lie in one folder."""

    def below(self, folder: str) -> Sequence[str]:
        """Names of all files below a folder, in order."""

    def names(self, folder: str) -> list[str]:
        """What lies directly in a folder, files and folders, is called there."""

    def drop_all(self, folder: str) -> None:
        """Remove a folder with all that is in it."""

    def drop(self, name: str) -> None:
        """Remove a file, and the folders that it leaves empty."""

    def locked(self, waits: Waits) -> AbstractContextManager[None]:
        """Keep other runs out, and clear away what a killed one left half-written; `waits` hears of what that takes."""


class Disk:
    """A folder of results on a disk."""

    system = None
    """As `Store` promises."""

    def __init__(self, root: str) -> None:
        """`root` is the folder; it is made with the first file."""
        self.root = Path(root)

    @property
    def address(self) -> str:
        """As `Store` promises."""
        return str(self.root)

    def path(self, name: str) -> str:
        """As `Store` promises."""
        return str(self.root / name)

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files whole, by their names: all written aside, then all synchronised, then each renamed in this order.

        A journal is written once for all that wait for it: one after the other, ten files wait ten times as long.
        """
        with self._refusals():
            parts = {name: self._part() for name in files}
            for name, data in files.items():
                parts[name].write_bytes(data)
            if len(parts) == 1:
                _synchronise(*parts.values())
            else:
                with ThreadPoolExecutor(SYNCS) as threads:
                    list(threads.map(_synchronise, parts.values()))
            for name, part in parts.items():
                self._in_place(part, name)

    def get(self, name: str) -> bytes | None:
        """As `Store` promises."""
        try:
            with self._refusals():
                return (self.root / name).read_bytes()
        except Unwritable:
            return None

    def show(self, files: Mapping[str, str], fresh: bool) -> None:
        """As `Store` promises; without bytes being copied where that can be."""
        for name, kept in files.items():
            self._show(kept, name)

    def _show(self, kept: str, name: str) -> None:
        with self._refusals():
            source, target = self.root / kept, self.root / name
            try:
                if os.path.samestat(source.stat(), target.stat()):
                    return
            except FileNotFoundError:
                pass
            part = self._part()
            try:
                os.link(source, part)
            except OSError:
                # File systems of some appliances have no links.
                shutil.copyfile(source, part)
                _synchronise(part)
            self._in_place(part, name)

    def size(self, name: str) -> int | None:
        """As `Store` promises."""
        try:
            return (self.root / name).stat().st_size
        except OSError:
            return None

    def sizes(self, names: Sequence[str]) -> list[int | None]:
        """As `Store` promises."""
        return list(map(self.size, names))

    def below(self, folder: str) -> list[str]:
        """As `Store` promises."""
        files = (path for path in (self.root / folder).rglob("*") if path.is_file())
        return sorted(path.relative_to(self.root).as_posix() for path in files)

    def names(self, folder: str) -> list[str]:
        """As `Store` promises."""
        path = self.root / folder
        with self._refusals():
            return sorted(os.listdir(path)) if path.is_dir() else []  # noqa: PTH208  (of 10,000 files, no objects)

    def drop_all(self, folder: str) -> None:
        """As `Store` promises."""
        with self._refusals():
            shutil.rmtree(self.root / folder)

    def drop(self, name: str) -> None:
        """As `Store` promises."""
        with self._refusals():
            path = self.root / name
            path.unlink(missing_ok=True)
            folder = path.parent
            while folder != self.root and not any(folder.iterdir()):
                folder.rmdir()
                folder = folder.parent

    @contextmanager
    def locked(self, waits: Waits) -> Iterator[None]:
        """As `Store` promises; nothing is waited for."""
        with self._refusals():
            lock = self.root / LOCK
            lock.parent.mkdir(parents=True, exist_ok=True)
            held = lock.open("wb")
        with held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Unwritable(
                    str(self.root), "another run is writing here", "wait for its end, or name another folder"
                ) from None
            shutil.rmtree(self.root / PARTS, ignore_errors=True)
            yield

    def _part(self) -> Path:
        folder = self.root / PARTS
        folder.mkdir(parents=True, exist_ok=True)
        return folder / uuid4().hex

    def _in_place(self, part: Path, name: str) -> None:
        target = self.root / name
        try:
            part.replace(target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            part.replace(target)
        # A link to bytes that stand there already is left alone by rename (POSIX).
        part.unlink(missing_ok=True)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = (error.strerror or "it does not say why").lower()
            if error.errno in (ENOSPC, EDQUOT):
                raise Unwritable(str(self.root), why, "make room, or name another folder") from None
            raise Unwritable(str(self.root), f"nothing can be written there: {why}", "name another folder") from None


def _synchronise(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
