"""What inputs held, remembered from run to run, so that what has not changed is not read again.

Kept in chunks, so that no more than one is in memory. A run that is killed leaves what it had noted by then, beside
what it found; whatever is not remembered is read again, no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from analyzer.batch.aside import Aside
from analyzer.batch.fingerprints import Content
from analyzer.batch.store import Store

MEMORY = ".work/memory"
"""Folder of the chunks, each called by what is in it; below them those that a run which is under way has noted."""
CHUNK = 1_000
"""Contents in a chunk, at most."""
CHUNK_LEN = 1 << 23
"""Characters from which on it takes no further one: of a case of 25,000 files they are 4 million."""
NOTE_EVERY = 200
"""Contents after which those that are new are written."""
NOTE_BYTES = 1 << 28
"""Bytes of inputs after which they are written, however few they are: a killed run reads no more than that again."""
GONE_SHOWN = 3
"""Names that are told of those that are no more."""
_CASES, _NOT_MET = "instr(stem, '~') = 0", "AND stem NOT IN (SELECT stem FROM seen)"
_NEW = "new-"
"""How the names of those begin that are new: they come after all others, and one that is noted later counts."""


class Memory:
    """What inputs held by the stem of their case: as earlier runs say, and as this one finds."""

    def __init__(self, aside: Aside, store: Store) -> None:
        """All that is remembered in a folder of results."""
        self._tables, self._store = aside.tables, store
        for name in ("known", "seen"):
            self._tables.execute(f"CREATE TABLE {name} (stem TEXT PRIMARY KEY, told TEXT)")
        self._last: tuple[Content | None, str | None] = None, None
        """What was asked for last: what has not changed is noted as it was told."""
        self._noted = 0
        self._new: list[str] = []
        self._new_len = self._new_bytes = 0
        for name in sorted(store.names(MEMORY)):
            lines = (store.get(f"{MEMORY}/{name}") or b"").decode().split("\n")
            told = (line.split(" ", 1) for line in lines if " " in line)
            self._tables.executemany("REPLACE INTO known VALUES (?, ?)", told)
            if name.startswith(_NEW):
                self._noted = int(name.removeprefix(_NEW)) + 1

    def of(self, stem: str) -> Content | None:
        """What the inputs of a case held last time; None where nobody remembers. A part of a case has its inputs."""
        told = self._told("known", stem) or self._told("seen", stem.partition("~")[0])
        content = None if told is None else Content.of_json(told)
        self._last = content, told
        return content

    def note(self, stem: str, content: Content | None) -> None:
        """What they hold now, None where they could not be read; written now and then."""
        told = None if content is None else self._last[1] if content is self._last[0] else content.json()
        # Of 25,000 files, those of each part of their case would take 8 MB again.
        if told is not None and "~" in stem and told == self._told("seen", stem.partition("~")[0]):
            return
        self._tables.execute("REPLACE INTO seen VALUES (?, ?)", (stem, told))
        if content is None or told == self._told("known", stem):
            return
        self._new.append(f"{stem} {told}")
        self._new_len += len(self._new[-1])
        self._new_bytes += sum(size for size, *_ in content.marks.values())
        if len(self._new) >= NOTE_EVERY or self._new_len >= CHUNK_LEN or self._new_bytes >= NOTE_BYTES:
            self._write_new()

    def keep(self) -> None:
        """Remember what this run has seen, and nothing else."""
        kept = {self._keep(some) for some in self._chunks()}
        for name in self._store.names(MEMORY):
            if name not in kept:
                self._store.drop(f"{MEMORY}/{name}")
        self._noted = 0
        self._new.clear()

    @property
    def cases(self) -> int:
        """How many cases and loose files earlier runs remember; a part, or a day, is none."""
        return self._count("")

    def knows(self, stem: str) -> bool:
        """Whether earlier runs remember a case or file."""
        return self._told("known", stem) is not None

    def gone(self) -> tuple[int, tuple[str, ...]]:
        """How many they remember that this run has not met, and the first of them."""
        query = f"SELECT stem FROM known WHERE {_CASES} {_NOT_MET} ORDER BY stem LIMIT {GONE_SHOWN}"
        return self._count(_NOT_MET), tuple(stem for (stem,) in self._tables.execute(query))

    def _count(self, which: str) -> int:
        query = f"SELECT count(*) FROM known WHERE {_CASES} {which}"
        found: int = self._tables.execute(query).fetchone()[0]
        return found

    def _told(self, table: str, stem: str) -> str | None:
        found = self._tables.execute(f"SELECT told FROM {table} WHERE stem = ?", (stem,)).fetchone()
        return found[0] if found else None

    def _write_new(self) -> None:
        self._store.put({f"{MEMORY}/{_NEW}{self._noted:06}": "\n".join(self._new).encode()})
        self._noted += 1
        self._new.clear()
        self._new_len = self._new_bytes = 0

    def _chunks(self) -> Iterator[str]:
        rows = self._tables.execute("SELECT stem, told FROM seen WHERE told IS NOT NULL ORDER BY stem")
        lines: list[str] = []
        length = 0
        for stem, told in rows:
            lines.append(f"{stem} {told}")
            length += len(told)
            if len(lines) >= CHUNK or length >= CHUNK_LEN:
                yield "\n".join(lines)
                lines, length = [], 0
        if lines:
            yield "\n".join(lines)

    def _keep(self, chunk: str) -> str:
        """Keep a chunk, unless it is; its name."""
        data = chunk.encode()
        name = hashlib.sha256(data).hexdigest()[:40]
        if self._store.size(f"{MEMORY}/{name}") != len(data):
            self._store.put({f"{MEMORY}/{name}": data})
        return name
