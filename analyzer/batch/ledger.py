"""What a run knows of its pieces of work, on the disk: which are to be done, and what came of those that are.

Of a million cases none is held in memory. Rows are pickles, which nobody but this process writes or reads.
Knows no storage of results, and does no work.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from analyzer.batch.aside import Aside
from analyzer.batch.cases import Task
from analyzer.batch.covered import Covered, Span
from analyzer.batch.days import day
from analyzer.batch.loose import LONG_NS
from analyzer.batch.outcome import Outcome
from analyzer.batch.work import Done, Read

_TABLES = (
    "task (stage TEXT, told BLOB)",
    "waiting (rank INTEGER, task INTEGER, PRIMARY KEY (rank, task)) WITHOUT ROWID",
    "done (stem TEXT PRIMARY KEY, day TEXT, key TEXT, told BLOB)",
    "small (day TEXT, stem TEXT, PRIMARY KEY (day, stem)) WITHOUT ROWID",
    "uncut (stem TEXT PRIMARY KEY, told BLOB)",
    "loose (stem TEXT PRIMARY KEY, long INTEGER, first_ns INTEGER, last_ns INTEGER, spans BLOB, told BLOB)",
    "read (path BLOB PRIMARY KEY, told BLOB)",
    "key (key TEXT PRIMARY KEY) WITHOUT ROWID",
    "file (name TEXT PRIMARY KEY) WITHOUT ROWID",
)
_INDICES = ("task (stage)", "done (day, stem)", "loose (long, first_ns)")
READ_LEN_MAX = 128 << 20
"""Bytes of what small captures showed that a run knows: those of some 25,000. Of further ones the day reads them again.
A cluster is given all of it at once."""


class Row(NamedTuple):
    """A case that is done."""

    stem: str
    """Its name as that of a file."""
    case: str
    """Its name."""
    key: str | None
    """Under which its results are kept; None where it has to be tried again next time."""
    outcome: Outcome
    """What came of it."""


class Ledger:
    """The pieces of work of a run. All that is told in an order is told in that of names, but for what waits."""

    def __init__(self, aside: Aside) -> None:
        """Nothing yet."""
        self._aside = aside
        self._tables = aside.tables
        for table in _TABLES:
            self._tables.execute(f"CREATE TABLE {table}")
        for number, index in enumerate(_INDICES):
            self._tables.execute(f"CREATE INDEX index_{number} ON {index}")
        self._read_len = 0
        self.folders: set[str] = set()
        """Folders of results in which files of these cases lie."""

    # --- what is to be done

    def plan(self, stage: str, tasks: Iterable[Task]) -> int:
        """Note what is to be done in a stage; how many pieces that are."""
        rows = ((stage, pickle.dumps(task)) for task in tasks)
        return self._tables.executemany("INSERT INTO task VALUES (?, ?)", rows).rowcount

    def planned(self, stage: str) -> Iterator[tuple[int, Task]]:
        """What is to be done in a stage, each with its number, in the order in which it was planned."""
        query = "SELECT rowid, told FROM task WHERE stage = ? ORDER BY rowid"
        for number, told in self._tables.execute(query, (stage,)):
            yield number, pickle.loads(told)

    def wait(self, number: int, size: int) -> None:
        """A piece of work has to be done, of so many bytes."""
        self._tables.execute("INSERT INTO waiting VALUES (?, ?)", (-size, number))

    def waiting(self) -> Iterator[Task]:
        """All that waits, once. The largest first: one that is begun last is waited for by all."""
        query = "SELECT told FROM waiting JOIN task ON task.rowid = task ORDER BY rank, task"
        for (told,) in self._tables.execute(query):
            yield pickle.loads(told)

    def none_waits(self) -> None:
        """All that waited is done."""
        self._tables.execute("DELETE FROM waiting")

    # --- what came of it

    def note(self, done: Done) -> None:
        """A piece of work is done; where it is no case yet, what it covers."""
        stem = done.task.stem
        if done.covered is not None and done.task.only_span:  # nothing is kept of it under its key
            self._loose(stem, done.covered)
            if done.read is not None:
                self._read(done.task.paths[0], done.read)
            return
        if done.key is not None:
            self.keep(done.key)
        if done.covered is not None:
            told = pickle.dumps((done.task, done.covered))
            self._tables.execute("INSERT INTO uncut VALUES (?, ?)", (stem, told))
            return
        told = pickle.dumps((done.task.name, done.outcome))
        self._tables.execute("INSERT INTO done VALUES (?, ?, ?, ?)", (stem, day(done.outcome.first_ns), done.key, told))
        self._tables.executemany("INSERT INTO small VALUES (?, ?)", ((at, stem) for at in done.days))
        self.show(done.files)

    def _loose(self, stem: str, covered: Covered) -> None:
        first_ns, last_ns = min(s.first_ns for s in covered.spans), max(s.last_ns for s in covered.spans)
        told = pickle.dumps(covered.spans), pickle.dumps(covered._replace(spans=()))
        row = (stem, last_ns - first_ns > LONG_NS, first_ns, last_ns, *told)
        self._tables.execute("INSERT INTO loose VALUES (?, ?, ?, ?, ?, ?)", row)

    def _read(self, path: str, read: Read) -> None:
        self._read_len += len(read.told)
        if self._read_len <= READ_LEN_MAX:
            self._tables.execute("INSERT INTO read VALUES (?, ?)", (_bytes(path), pickle.dumps(read)))

    def read(self, paths: Iterable[str]) -> dict[str, Read]:
        """What small captures among these have shown in this run, as far as it is still known, by path."""
        query = "SELECT told FROM read WHERE path = ?"
        found = {path: self._tables.execute(query, (_bytes(path),)).fetchone() for path in paths}
        return {path: pickle.loads(row[0]) for path, row in found.items() if row is not None}

    def show(self, files: Iterable[str]) -> None:
        """These are files of the results."""
        for name in files:
            self.folders.add(name.partition("/")[0])
            self._tables.execute("REPLACE INTO file VALUES (?)", (name,))

    def shows(self, name: str) -> bool:
        """Whether a file is one of the results."""
        return self._tables.execute("SELECT 1 FROM file WHERE name = ?", (name,)).fetchone() is not None

    def keep(self, key: str) -> None:
        """What is kept under this is wanted."""
        self._tables.execute("REPLACE INTO key VALUES (?)", (key,))

    def keeps(self, key: str) -> bool:
        """Whether what is kept under this is wanted."""
        return self._tables.execute("SELECT 1 FROM key WHERE key = ?", (key,)).fetchone() is not None

    def keys(self) -> Iterator[str]:
        """Under which all is kept that is wanted."""
        return (key for (key,) in self._tables.execute("SELECT key FROM key ORDER BY key"))

    # --- cases

    def outcomes(self) -> Iterator[Outcome]:
        """What came of each case."""
        return (row.outcome for row in self.rows())

    def rows(self) -> Iterator[Row]:
        """All cases."""
        return map(_row, self._tables.execute("SELECT stem, key, told FROM done ORDER BY stem"))

    def days(self) -> list[str]:
        """Days of the cases, that of each case the one of its first attempt."""
        return [at for (at,) in self._tables.execute("SELECT DISTINCT day FROM done ORDER BY day")]

    def of_day(self, at: str) -> Iterator[Row]:
        """The cases of a day."""
        return map(_row, self._tables.execute("SELECT stem, key, told FROM done WHERE day = ? ORDER BY stem", (at,)))

    def small_days(self) -> list[str]:
        """Days on which cases have rows that are kept with their receipts."""
        return [at for (at,) in self._tables.execute("SELECT DISTINCT day FROM small ORDER BY day")]

    def small(self, at: str) -> Iterator[Row]:
        """The cases that have such rows on a day."""
        query = "SELECT stem, key, told FROM small JOIN done USING (stem) WHERE small.day = ? ORDER BY stem"
        return map(_row, self._tables.execute(query, (at,)))

    # --- what is no case yet

    def uncut(self) -> Iterator[tuple[Task, Covered]]:
        """Folders and archives of which more would have to be held than a worker may."""
        return (pickle.loads(told) for (told,) in self._tables.execute("SELECT told FROM uncut ORDER BY stem"))

    def instants(self) -> Iterator[tuple[int, int]]:
        """As `loose.Loose` promises."""
        return iter(self._tables.execute("SELECT first_ns, last_ns FROM loose"))

    def spans(self, window_ns: tuple[int, int], margin_ns: int) -> Iterator[Span]:
        """As `loose.Loose` promises."""
        for spans in self._near("spans", window_ns, margin_ns):
            yield from (span for span in spans if span.touches(window_ns, margin_ns))

    def covered(self, window_ns: tuple[int, int], margin_ns: int) -> Iterator[Covered]:
        """As `loose.Loose` promises."""
        return self._near("told", window_ns, margin_ns)

    def _near(self, what: str, window_ns: tuple[int, int], margin_ns: int) -> Iterator[Any]:
        """A column of the loose files that cover a part of a window, or of what is near it."""
        begin_ns, end_ns = window_ns[0] - margin_ns, window_ns[1] + margin_ns
        query = f"""
            SELECT {what} FROM loose WHERE rowid IN (
                SELECT rowid FROM loose WHERE long = 0 AND first_ns BETWEEN ?1 AND ?3 AND last_ns >= ?2
                UNION ALL SELECT rowid FROM loose WHERE long = 1 AND first_ns <= ?3 AND last_ns >= ?2
            ) ORDER BY stem
            """
        rows = self._tables.execute(query, (begin_ns - LONG_NS, begin_ns, end_ns - 1))
        return (pickle.loads(told) for (told,) in rows)


def _bytes(path: str) -> bytes:
    """A path as SQLite takes it: names of files need not be UTF-8."""
    return path.encode("utf-8", "surrogatepass")


def _row(found: tuple[str, str | None, bytes]) -> Row:
    stem, key, told = found
    case, outcome = pickle.loads(told)
    return Row(stem, case, key, outcome)
