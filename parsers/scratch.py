"""Private folders on the disk, each for as long as it is needed; those of a process that was killed are cleared away.

A folder is locked by who made it, and called `fedtrace-…-held` from then on: what is called so and is not locked is
nobody's any more. Knows nothing of what is put there.
"""

from __future__ import annotations

import os
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from shutil import rmtree
from stat import S_ISDIR
from tempfile import gettempdir, mkdtemp
from types import TracebackType
from weakref import WeakSet, finalize

_PREFIX, _HELD = "fedtrace-", "-held"


class Scratch:
    """A private folder below `TMPDIR`. It goes away with this object, with the program, or with a `with`."""

    def __init__(self) -> None:
        """Raises OSError where no folder can be made."""
        self.path = Path(mkdtemp(prefix=_PREFIX))
        """The folder."""
        lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        with suppress(OSError):  # where nothing can be locked, none is called so, and none is cleared away
            flock(lock, LOCK_EX | LOCK_NB)
            self.path = self.path.rename(self.path.with_name(self.path.name + _HELD))
        self.remove = finalize(self, _remove, self.path, lock)
        """Call it to let the folder go away now."""
        _made.add(self)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.remove()


_made: WeakSet[Scratch] = WeakSet()
"""The folders of this process."""


def remove_own() -> None:
    """Remove the folders of this process, which is about to end without further ado."""
    for each in list(_made):
        each.remove()


def clear() -> None:
    """Remove the folders that killed processes of the same user have left."""
    for path in sorted(Path(gettempdir()).glob(f"{_PREFIX}*{_HELD}")):
        with suppress(OSError):  # another may clear it away at the same time
            seen = path.lstat()
            if S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid():
                lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                try:
                    flock(lock, LOCK_EX | LOCK_NB)
                    rmtree(path, ignore_errors=True)
                finally:
                    os.close(lock)


def _remove(path: Path, lock: int) -> None:
    rmtree(path, ignore_errors=True)
    os.close(lock)
