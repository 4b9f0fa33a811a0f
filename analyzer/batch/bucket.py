"""Results elsewhere: in an object store, where what is put is whole, or in a folder of another machine.

What is shown was copied there, by the store itself where it can; how both looked then is kept, so that an unchanged
result is not copied again. What is kept is called by its content, so runs that should meet write the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from analyzer.batch.inputs import Mark, tells
from analyzer.batch.lease import Lease, Waits
from analyzer.batch.remote import mark, place_of
from analyzer.batch.store import LOCK, PARTS, Unwritable

SHOWN = ".work/shown.json"
"""How what is shown, and what it is a copy of, looked when a run ended."""
AT_ONCE = 64
"""Files that are copied together."""


class Bucket:
    """Results that a URL names."""

    def __init__(self, url: str) -> None:
        """Raises FedtraceError where its driver is missing, or does not come to it."""
        self.address = url
        self.place = place_of(url)
        self.system: Any = self.place.system
        self._whole = self.place.holds_objects
        self._lease: Lease | None = None
        self._listed: dict[str, Mark] | None = None
        """What was there when the run began; None where this is no run, but a worker."""
        self._before: dict[str, Any] = {}
        """What is shown, by name: what it is a copy of, and how both looked when the last run ended."""
        self._shown: dict[str, str] = {}
        """What this run shows, by name: what it is a copy of."""
        self._made: set[str] = set()

    def path(self, name: str) -> str:
        """As `Store` promises."""
        return self.place.at(name)

    def put(self, files: Mapping[str, bytes]) -> None:
        """As `Store` promises."""
        self._held()
        with self._refusals():
            if self._whole:
                *first, last = [(self.path(name), data) for name, data in files.items()]
                for some in (first, [last]):  # those of a call may come in any order
                    self.system.pipe(dict(some))
                return
            for name, data in files.items():
                part = f"{PARTS}/{uuid4().hex}"
                self._make_room(part)
                self.system.pipe_file(self.path(part), data)
                self._make_room(name)
                self.system.mv(self.path(part), self.path(name))

    def get(self, name: str) -> bytes | None:
        """As `Store` promises."""
        with self._refusals():
            try:
                found: bytes = self.system.cat_file(self.path(name))
            except FileNotFoundError:
                return None
        return found

    def show(self, files: Mapping[str, str], fresh: bool) -> None:
        """As `Store` promises."""
        self._held()
        wanted = [(name, kept) for name, kept in files.items() if fresh or not self._as_before(name, kept)]
        with self._refusals():
            for first in range(0, len(wanted), AT_ONCE):
                some = wanted[first : first + AT_ONCE]
                if self._whole:
                    self.system.copy([self.path(kept) for _, kept in some], [self.path(name) for name, _ in some])
                else:
                    self.put({name: self.system.cat_file(self.path(kept)) for name, kept in some})
        self._shown |= files

    def size(self, name: str) -> int | None:
        """As `Store` promises."""
        with self._refusals():
            try:
                return mark(self.system.info(self.path(name)))[0]
            except FileNotFoundError:
                return None

    def sizes(self, names: Sequence[str]) -> list[int | None]:
        """As `Store` promises."""
        if not names:
            return []
        listed = self._list(names[0].rpartition("/")[0]) if self._listed is None else self._listed
        marks = [listed.get(name) for name in names]
        return [None if found is None else found[0] for found in marks]

    def below(self, folder: str) -> list[str]:
        """As `Store` promises."""
        return sorted(self._list(folder))

    def names(self, folder: str) -> list[str]:
        """As `Store` promises."""
        with self._refusals():
            try:
                listed = self.system.ls(self.path(folder), detail=True)
            except FileNotFoundError:
                return []
        return sorted(info["name"].rstrip("/").rpartition("/")[2] for info in listed)

    def drop_all(self, folder: str) -> None:
        """As `Store` promises."""
        self._held()
        with self._refusals():
            try:
                self.system.rm(self.path(folder), recursive=True)
            except FileNotFoundError:
                return

    def drop(self, name: str) -> None:
        """As `Store` promises; object stores have no folders, elsewhere empty ones are left."""
        self._held()
        with self._refusals():
            try:
                self.system.rm_file(self.path(name))
            except FileNotFoundError:
                return

    @contextmanager
    def locked(self, waits: Waits) -> Iterator[None]:
        """As `Store` promises. Where a killed run has left its lock, that is waited out."""
        with self._refusals():
            # It is written from a thread of its own, and a driver may be one connection, which bears one.
            own = {**self.system.storage_options, "skip_instance_cache": True}
            lease = Lease(type(self.system)(*self.system.storage_args, **own), self.path(LOCK))
            if not self._whole:
                self._make_room(LOCK)
            if not lease.take(waits):
                raise Unwritable(
                    self.place.shown, "another run is writing here", "wait for its end, or name another folder"
                )
        self._lease = lease
        try:
            if not self._whole:
                self.drop_all(PARTS)
                self._made.clear()
            self._listed = self._list("")
            told = self.get(SHOWN)
            self._before = json.loads(told) if told else {}
            yield
            self._remember()
        finally:
            self._lease = None
            lease.free()

    def _remember(self) -> None:
        """Keep how what is shown looks, and what it is a copy of."""
        listed = self._list("")
        looked = {n: [k, listed[k], listed[n]] for n, k in self._shown.items() if k in listed and n in listed}
        told = json.dumps(looked, sort_keys=True).encode()
        if self.get(SHOWN) != told:
            self.put({SHOWN: told})

    def _as_before(self, name: str, kept: str) -> bool:
        """Whether a copy is as it was left, and so is what it was made of."""
        before, listed = self._before.get(name), self._listed or {}
        if before is None or before[0] != kept or name not in listed or kept not in listed:
            return False
        marks = (listed[kept], listed[name])
        return all(map(tells, marks)) and list(map(list, marks)) == before[1:]

    def _list(self, folder: str) -> dict[str, Mark]:
        """How all files below a folder look, by name."""
        with self._refusals():
            try:
                found = self.system.find(self.path(folder).rstrip("/"), detail=True)
            except FileNotFoundError:
                return {}
        return {self.place.name(path): mark(info) for path, info in found.items()}

    def _make_room(self, name: str) -> None:
        """Make the folder of a file."""
        folder = self.path(name).rpartition("/")[0]
        if folder not in self._made:
            self.system.makedirs(folder, exist_ok=True)
            self._made.add(folder)

    def _held(self) -> None:
        if self._lease is not None and self._lease.lost:
            raise Unwritable(self.place.shown, "another run has begun to write here", "wait for its end, and run again")

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except Unwritable:
            raise
        except Exception as error:  # a driver may raise whatever its library does
            raise Unwritable(self.place.shown, *self.place.reason(error)) from None
