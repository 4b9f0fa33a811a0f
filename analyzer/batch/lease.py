"""A lock where no system frees it when its holder dies: an object that the holder writes anew every few seconds.

Who finds one waits whether it changes: clocks of several machines are not compared. Where a store can make an object
only if there is none, two runs cannot take it at once; elsewhere they are kept apart as far as can be.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from socket import gethostname
from typing import Any
from uuid import uuid4

BEAT_S = 10.0
"""Seconds from one writing to the next."""
PATIENCE = 3
"""Writings that are missed until its holder is taken for dead."""
HOLDER_MAX = 100
"""Characters of what a lock says of its holder: anybody may have written it."""

Waits = Callable[[str, float], None]
"""Hears whose lock is waited for, and how many seconds at most."""


class Lease:
    """The lock, for one run."""

    def __init__(self, system: Any, path: str) -> None:
        """`system` is the fsspec file system that the object is in."""
        self._system, self._path = system, path
        self._name, self._number = f"process {os.getpid()} on {gethostname()}, {uuid4().hex[:12]}", 0
        self._ended = threading.Event()
        self._beats = threading.Thread(target=self._beat, daemon=True)
        self.lost = False
        """Whether another run has taken it."""

    def take(self, waits: Waits = lambda holder, seconds: None) -> bool:
        """Whether it could be taken; `waits` hears it before it is waited. Raises what the driver does."""
        if not self._made() and not (self._left(waits) and self._taken_over()):
            return False
        self._beats.start()
        return True

    def free(self) -> None:
        """Let others take it."""
        self._ended.set()
        self._beats.join()
        if not self.lost:
            with suppress(Exception):  # else it is waited for once
                self._system.rm_file(self._path)

    def _told(self) -> bytes:
        return f"{self._name} {self._number}".encode()

    def _found(self) -> bytes | None:
        try:
            found: bytes = self._system.cat_file(self._path)
        except FileNotFoundError:
            return None
        return found

    def _made(self) -> bool:
        """Whether there was none, and it is ours now."""
        # Some drivers, as that of sftp://, take `create` and write over what is there all the same.
        if self._found() is not None:
            return False
        try:
            self._system.pipe_file(self._path, self._told(), mode="create")
        except FileExistsError:
            return False
        except Exception:
            # There is one, or the store cannot make what is not there: they say the one as variously as the other.
            if self._found() is not None:
                return False
            self._system.pipe_file(self._path, self._told())
        return True

    def _left(self, waits: Waits) -> bool:
        """Whether nobody writes the one that was found."""
        found = self._found()
        if found is not None:
            holder, _, _ = found.decode("utf-8", "replace").rpartition(" ")
            waits(holder[:HOLDER_MAX], PATIENCE * BEAT_S)
        for _ in range(PATIENCE):
            self._ended.wait(BEAT_S)
            if self._found() != found:
                return False
        return True

    def _taken_over(self) -> bool:
        """Whether it is ours now: of several that take it at once the last does."""
        self._system.pipe_file(self._path, self._told())
        self._ended.wait(BEAT_S / 10)
        return self._found() == self._told()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            with suppress(Exception):  # a network that fails is told by who writes results
                if self._found() != self._told():
                    self.lost = True
                    return
                self._number += 1
                self._system.pipe_file(self._path, self._told())
