"""An archive elsewhere: its files are fetched, those of one case at a time, into a private folder that goes away.

Files are called by their names in the archive, never by where they were fetched to, and fetched to names of ours.
Knows no case, and no driver but through `remote`.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import gettempdir
from types import TracebackType
from typing import Any

from analyzer.batch.inputs import Entry, Kinds, Mark
from analyzer.batch.remote import Place, is_remote, mark, place_of
from parsers.archive import FREE_MIN, KIND_LEN, kind_of
from parsers.errors import FedtraceError
from parsers.scratch import Scratch

AT_ONCE = 8
"""Files that are fetched side by side, where the driver can."""
LOOKED_INTO_AT_ONCE = 64
"""Files whose first bytes are asked for together."""


class Fetched:
    """An archive that a URL names; to be used in a `with`, after which nothing of it is left on the disk."""

    def __init__(self, url: str) -> None:
        """Raises FedtraceError where its driver is missing, or does not come to it."""
        self.place: Place = place_of(url)
        self._system: Any = self.place.system
        self._seen: dict[str, Mark] = {}
        self._held: dict[str, Path] = {}
        self._scratch: Scratch | None = None

    def __enter__(self) -> Fetched:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._scratch is not None:
            self._scratch.remove()
        self._scratch, self._held = None, {}

    def entries(self, leave_out: str, known: Kinds) -> list[Entry]:
        """As `Inputs` promises; what files looked like is remembered, and not asked for again."""
        out = place_of(leave_out) if is_remote(leave_out) else None
        with self.place.asked():
            listed = self._system.ls(self.place.root or "/", detail=True)
        found = {self.place.name(info["name"]): info for info in listed}
        entries = []
        for name, info in sorted(found.items()):
            if not name or name.startswith("."):
                continue
            if info["type"] == "directory":
                if out is None or out.system != self._system or out.root != self.place.at(name):
                    entries.append(Entry(name, name, folder=True))
            elif info["type"] == "file" and not info["name"].endswith("/"):
                self._seen[name] = mark(info)
                entries.append(Entry(name, name, folder=False, mark=self._seen[name]))
        packed = self._packed([e.name for e in entries if not e.folder], known)
        # What could not be looked into is not remembered.
        return [
            e if e.folder else e._replace(packed=packed.get(e.name, False), mark=e.mark if e.name in packed else None)
            for e in entries
        ]

    def marks(self, paths: Sequence[str]) -> dict[str, Mark]:
        """As `Inputs` promises."""
        found: dict[str, Mark] = {}
        for path in paths:
            if path in self._seen:
                found[path] = self._seen[path]
                continue
            with self.place.asked(path):
                below = self._system.find(self.place.at(path), detail=True)
                if not below:  # an empty folder, or nothing
                    self._system.info(self.place.at(path))
                for full, told in below.items():
                    name, info = self.place.name(full), told or self._system.info(full)
                    hidden = any(part.startswith(".") for part in name.removeprefix(path).split("/"))
                    if not hidden and info["type"] == "file" and not full.endswith("/"):
                        found[name] = mark(info)
        return dict(sorted(found.items()))

    def fetched(self, marks: Mapping[str, Mark]) -> Mapping[str, Path]:
        """As `Inputs` promises."""
        lacking = [name for name in marks if name not in self._held]
        if lacking:
            self._scratch = self._scratch or Scratch()
            folder = self._scratch.path
            if shutil.disk_usage(folder).free < sum(marks[name][0] for name in lacking) + FREE_MIN:
                what = f"it cannot be fetched: less room than it needs is free on the disk of {gettempdir()}"
                raise FedtraceError(lacking[0], what, "make room, or set TMPDIR")
            places = {name: folder / f"{len(self._held) + n:06d}" for n, name in enumerate(lacking)}
            with ThreadPoolExecutor(AT_ONCE if getattr(self._system, "async_impl", False) else 1) as pool:
                for name in pool.map(lambda name: self._fetch(name, places[name], marks[name]), lacking):
                    self._held[name] = places[name]
        return {name: self._held[name] for name in marks}

    def _fetch(self, name: str, file: Path, looked: Mark) -> str:
        """Fetch a file, whole or not at all."""
        with self.place.asked(name):
            try:
                self._system.get_file(self.place.at(name), str(file))
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise FedtraceError(gettempdir(), "no space left on device", "make room, or set TMPDIR") from None
                raise
        if file.stat().st_size != looked[0]:
            raise FedtraceError(name, "it was written to while it was read", "run again when it is whole")
        # Clocks that leave out the year go by when the file was written.
        os.utime(file, ns=(looked[1], looked[1]))
        return name

    def _packed(self, names: Sequence[str], known: Kinds) -> dict[str, bool]:
        """Which files are packed archives; one that cannot be looked into is none, and whoever reads it says why."""
        found = {n: known[n][1] for n in names if n in known and known[n][0] == self._seen[n]}
        unknown = [name for name in names if name not in found and self._seen[name][0]]
        for first in range(0, len(unknown), LOOKED_INTO_AT_ONCE):
            some = unknown[first : first + LOOKED_INTO_AT_ONCE]
            ends = [min(KIND_LEN, self._seen[name][0]) for name in some]
            with self.place.asked():
                heads = self._system.cat_ranges([self.place.at(n) for n in some], [0] * len(some), ends)
            for name, head in zip(some, heads, strict=True):
                if isinstance(head, bytes):
                    found[name] = kind_of(head) is not None
        return found
