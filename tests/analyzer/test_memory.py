"""What inputs held, from run to run: nothing is lost by a kill or written twice, what has left is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from analyzer.batch import memory
from analyzer.batch.aside import Aside
from analyzer.batch.fingerprints import Content
from analyzer.batch.memory import MEMORY, Memory
from analyzer.batch.store import Disk


class Noting(Disk):
    """A folder of results that tells which files are written."""

    def __init__(self, root: Path) -> None:
        super().__init__(str(root))
        self.written: list[str] = []

    def put(self, files: Mapping[str, bytes]) -> None:
        """As ever."""
        self.written += files
        super().put(files)


def remembered(store: Disk) -> Memory:
    """What the next run begins with."""
    return Memory(Aside(), store)


def content(digest: str, size: int = 1) -> Content:
    """Of a file, written at the second 1."""
    return Content(digest, {"a file": (size, 10**9, 7)})


def chunks(root: Path) -> list[str]:
    """Names of what is kept."""
    return sorted(path.name for path in (root / MEMORY).iterdir())


def test_a_run_that_ends_is_remembered_whole_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one, over the same, writes nothing; over one file more, only the chunk that has it."""
    monkeypatch.setattr(memory, "CHUNK", 2)
    store = Noting(tmp_path)
    first = remembered(store)
    for stem in ("c", "a", "d", "b"):
        first.note(stem, content(f"of {stem}"))
    first.keep()
    assert len(chunks(tmp_path)) == 2
    assert remembered(store).of("a") == content("of a")
    assert remembered(store).of("e") is None

    store.written.clear()
    again = remembered(store)
    for stem in ("a", "b", "c", "d"):
        again.note(stem, again.of(stem))
    again.keep()
    assert store.written == []

    more = remembered(store)
    for stem in ("a", "b", "c", "d", "e"):
        more.note(stem, more.of(stem) or content("of e"))
    more.keep()
    assert (len(store.written), len(chunks(tmp_path))) == (1, 3)


def test_a_killed_run_leaves_what_it_noted_and_the_later_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside what the run before kept; the last that ends leaves nothing of it."""
    monkeypatch.setattr(memory, "NOTE_EVERY", 2)
    store = Disk(str(tmp_path))
    first = remembered(store)
    for stem in ("a", "b", "c", "d"):
        first.note(stem, content("old"))
    first.keep()

    for digest, stems in (("new", "abcd"), ("newer", "ab"), ("newest", "a")):  # each is killed after that
        killed = remembered(store)
        for stem in stems:
            killed.note(stem, content(digest))

    last = remembered(store)
    assert [last.of(stem) for stem in "abcd"] == [content("newer"), content("newer"), content("new"), content("new")]
    for stem in "abcd":
        last.note(stem, last.of(stem))
    last.keep()
    assert len(chunks(tmp_path)) == 1
    assert remembered(store).of("b") == content("newer")


def test_large_inputs_are_noted_at_once(tmp_path: Path) -> None:
    """A killed run does not read a quarter of a gigabyte again."""
    first = remembered(Disk(str(tmp_path)))
    first.note("small", content("of small"))
    assert not (tmp_path / MEMORY).exists()
    first.note("large", content("of large", memory.NOTE_BYTES))
    assert remembered(Disk(str(tmp_path))).of("small") == content("of small")

    many = Content("of many", {f"{number:0100}": (1, 10**9, 7) for number in range(memory.CHUNK_LEN // 100)})
    first.note("many", many)  # nor is what is known of very many held
    assert remembered(Disk(str(tmp_path))).of("many") == many


def test_what_has_left_the_archive_is_counted_and_forgotten(tmp_path: Path) -> None:
    """A part of a case is no case by itself; what cannot be read now is there all the same."""
    store = Disk(str(tmp_path))
    first = remembered(store)
    for stem in ("gone", "cut", "cut~2014-05-19", "kept", "refused"):
        first.note(stem, content(f"of {stem}"))
    first.keep()

    second = remembered(store)
    for stem in ("cut", "kept"):
        second.note(stem, second.of(stem))
    second.note("refused", None)
    assert second.gone() == (1, ("gone",))
    second.keep()
    assert [remembered(store).of(stem) for stem in ("gone", "refused")] == [None, None]


def test_a_part_of_a_case_has_its_inputs(tmp_path: Path) -> None:
    """They are not remembered once more."""
    store = Disk(str(tmp_path))
    first = remembered(store)
    first.note("cut", content("of all"))
    assert first.of("cut~2014-05-19") == content("of all")
    first.note("cut~2014-05-19", content("of all"))
    first.keep()

    (chunk,) = (tmp_path / MEMORY).iterdir()
    assert chunk.read_text().count("\n") == 0
