"""An archive elsewhere: its files are fetched, those of one case at a time, into a private folder that goes away.

They are called by their names in it, never by where they were fetched to, and fetched to names of ours.
Knows no case, and no driver but through `remote`.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import gettempdir
from types import TracebackType
from typing import Any

from analyzer.batch.inputs import Entry, Kinds, Mark
from analyzer.batch.remote import Place, is_link, is_remote, mark, place_of
from parsers.archive import FREE_MIN, KIND_LEN, kind_of
from parsers.errors import FedtraceError, SourceUnreadable
from parsers.links import not_followed
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
        self._held: dict[str, Path | FedtraceError] = {}
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
            if is_link(info):
                entries.append(Entry(name, folder=False, link=True))
            elif info["type"] == "directory":
                if out is None or out.system != self._system or out.root != self.place.at(name):
                    entries.append(Entry(name, folder=True))
            elif info["type"] == "file" and not info["name"].endswith("/"):
                self._seen[name] = mark(self._whole(info["name"], info))
                entries.append(Entry(name, folder=False, mark=self._seen[name]))
        packed = self._packed([e.name for e in entries if e.mark is not None], known)
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
                if self.place.holds_objects:
                    below = self._objects(path)
                else:
                    below = self._files(path, self._system.info(self.place.at(path)))
                found |= {name: mark(info) for name, info in below}
        return dict(sorted(found.items()))

    def _whole(self, full: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """All that the driver says of a file: in the list of a web server there are only names."""
        if told.get("size") is not None:
            return told
        found: Mapping[str, Any] = self._system.info(full)
        return found

    def _objects(self, folder: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """What is called as if it lay in a folder, and what the driver says of it: one question for all of them."""
        below = self._system.find(self.place.at(folder), detail=True)
        if not below:  # an empty folder, or nothing
            self._system.info(self.place.at(folder))
        for full, told in below.items():
            name, info = self.place.name(full), self._whole(full, told)
            hidden = any(part.startswith(".") for part in name.removeprefix(folder).split("/"))
            if not hidden and info["type"] == "file" and not full.endswith("/"):
                yield name, info

    def _files(self, name: str, info: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The same of a file, or of the files below a folder, by what the driver says of that.

        A folder that may not be listed stands for what is in it: `find` would pass over it. Where a link leads, drivers
        do not say.
        """
        if is_link(info):
            self._held[name] = not_followed(name)
            yield name, info
            return
        if info["type"] == "file":
            yield name, info
        if info["type"] != "directory":
            return
        try:
            listed = self._system.ls(self.place.at(name), detail=True)
        except PermissionError as error:
            what, next_step = self.place.reason(error)
            self._held[name] = SourceUnreadable(name, f"its files cannot be listed: {what}", next_step)
            yield name, info
            return
        for each in listed:
            below = self.place.name(each["name"])
            if not below.rpartition("/")[2].startswith("."):
                yield from self._files(below, each)

    def fetched(self, marks: Mapping[str, Mark]) -> Mapping[str, Path | FedtraceError]:
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
                for name, held in pool.map(lambda name: self._fetch(name, places[name], marks[name]), lacking):
                    self._held[name] = held
        return {name: self._held[name] for name in marks}

    def refusal(self, path: str) -> str | None:
        """As `Inputs` promises."""
        held = self._held.get(path)
        if isinstance(held, FedtraceError):
            return held.problem
        try:
            self._system.cat_file(self.place.at(path), start=0, end=1)
        except PermissionError as error:
            return self._refused(path, error).problem
        except Exception:  # whoever fetches it says what is wrong
            return None
        return None

    def _refused(self, name: str, error: PermissionError) -> FedtraceError:
        return SourceUnreadable(name, *self.place.reason(error))

    def _fetch(self, name: str, file: Path, looked: Mark) -> tuple[str, Path | FedtraceError]:
        """Fetch a file, whole or not at all; or why we may not."""
        with self.place.asked(name):
            try:
                self._system.get_file(self.place.at(name), str(file))
            except PermissionError as error:
                return name, self._refused(name, error)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise FedtraceError(gettempdir(), "no space left on device", "make room, or set TMPDIR") from None
                raise
        if file.stat().st_size != looked[0]:
            raise FedtraceError(name, "it was written to while it was read", "run again when it is whole")
        # Clocks that leave out the year go by when the file was written.
        os.utime(file, ns=(looked[1], looked[1]))
        return name, file

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
