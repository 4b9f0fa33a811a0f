"""A private database on the disk: what a run has to know of a million files, and need not hold in memory.

It goes away with the program. Knows no run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import gettempdir

from analyzer.batch.store import Unwritable
from parsers.scratch import Scratch

# Nobody reads it after us: nothing has to be safe on the disk, and nothing is ever taken back.
_SETTINGS = ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -8000")
NEXT_STEP = "make room, or set TMPDIR to another folder"
"""What to do where nothing can be kept."""


class Aside:
    """The database, empty. SQLite comes with Python, and looks up what does not fit into memory."""

    def __init__(self) -> None:
        """Raises Unwritable where there can be none."""
        try:
            self._folder = Scratch()
        except OSError as error:
            raise _unwritable(error.strerror or "it does not say why") from None
        with refusals():
            self.tables = sqlite3.connect(self._folder.path / "run.sqlite", isolation_level=None)
            """Its tables. What is written may fail for want of room: see `refusals`."""
            for setting in _SETTINGS:
                self.tables.execute(f"PRAGMA {setting}")
            self.tables.execute("BEGIN")


@contextmanager
def refusals() -> Iterator[None]:
    """In here a database that cannot be written is told as Unwritable."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _unwritable(str(error)) from None


def _unwritable(why: str) -> Unwritable:
    return Unwritable(gettempdir(), f"a run keeps its notes there, and cannot: {why.lower()}", NEXT_STEP)
