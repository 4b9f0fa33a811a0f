"""What a run has to know of very many files: it is on the disk, and what cannot be put there ends the run."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator
from errno import EACCES
from pathlib import Path
from tempfile import gettempdir

import pytest

from analyzer.batch import run
from analyzer.batch.aside import Aside
from analyzer.batch.cases import Options, Task
from analyzer.batch.covered import Covered, Span
from analyzer.batch.days import DAY_NS
from analyzer.batch.fingerprints import Content
from analyzer.batch.ledger import Ledger
from analyzer.batch.outcome import Outcome
from analyzer.batch.run import Progress, batch
from analyzer.batch.work import COVERED, Done, Job
from parsers.scratch import Scratch
from tests.analyzer.test_batch import archive
from tests.command import fedtrace

__all__ = ["archive"]

FILES = 3_000
HELD_BYTES = 500
"""Of each file, at most: its name, while the archive is listed, and no more."""


def done(job: Job) -> Done:
    """Each file is of an hour of its own."""
    name = job.task.name
    content = Content("digest", job.task.paths and dict.fromkeys(job.task.paths, (0, 1, 1)))
    if not job.task.only_span:
        return Done(job.task, Outcome(case=name, state="nothing"), content, None, ())
    at_ns = int(name) * 3_600 * 10**9
    covered = Covered((Span(name, at_ns, at_ns, name),), {at_ns // 300_000_000_000: 12})
    return Done(job.task, Outcome(case=name, state=COVERED), content, "k" * 32 + name, (), covered=covered)


def test_very_many_loose_files_are_not_held_in_memory(tmp_path: Path) -> None:
    """Neither while they are asked what they cover, nor while their days are read."""
    folder = tmp_path / "archive"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:08}").touch()
    held: list[int] = []

    def answers(work: run.Work, jobs: Iterable[Job]) -> Iterator[Done]:
        return map(done, jobs)

    def heard(progress: Progress) -> None:
        held.append(tracemalloc.get_traced_memory()[0])

    run.prepare()  # which is imported with the first answer
    tracemalloc.start()
    try:
        came = batch(str(folder), str(tmp_path / "out"), Options(), answers, heard)
    finally:
        tracemalloc.stop()

    assert len(held) == FILES + FILES // 24
    assert max(held) - held[0] < FILES * HELD_BYTES
    assert len(came.outcomes) == FILES // 24


def test_loose_files_are_found_by_what_they_cover() -> None:
    """Also one of a month, which covers what lies far behind its begin."""
    ledger = Ledger(Aside())
    for name, first_ns, last_ns in (
        ("month", 0, 30 * DAY_NS),
        ("day", 10 * DAY_NS, 11 * DAY_NS),
        ("next", 12 * DAY_NS, 12 * DAY_NS),
    ):
        task = Task(name=name, stem=name, paths=(name,), only_span=True)
        covered = Covered((Span(name, first_ns, last_ns),), {first_ns: 1})
        ledger.note(Done(task, Outcome(case=name, state=COVERED), None, None, (), covered=covered))

    def near(begin: int, end: int, margin_ns: int = 0) -> list[str]:
        return [span.path for span in ledger.spans((begin * DAY_NS, end * DAY_NS), margin_ns)]

    assert near(0, 1) == ["month"]
    assert near(10, 11) == near(11, 12) == ["day", "month"]
    assert near(11, 12, 1) == ["day", "month", "next"]
    assert near(31, 40) == []
    assert [covered.slots for covered in ledger.covered((31 * DAY_NS, 40 * DAY_NS), 2 * DAY_NS)] == [{0: 1}]


def test_a_full_disk_below_tmpdir_ends_the_run(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As does one where nothing may be written: in one sentence that says where."""

    class Full(Aside):
        def __init__(self) -> None:
            super().__init__()
            self.tables.execute("PRAGMA max_page_count = 16")

    def no_folder(self: Scratch) -> None:
        raise PermissionError(EACCES, "Permission denied")

    for where, what, does, why in (
        (run, "Aside", Full, "database or disk is full"),
        (Scratch, "__init__", no_folder, "permission denied"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(where, what, does)
            ended = fedtrace("batch", archive, "--out", tmp_path / "out")
        said = f"a run keeps its notes there, and cannot: {why}; make room, or set TMPDIR to another folder"
        assert (ended.exit_code, ended.stderr) == (2, f"fedtrace: {gettempdir()}: {said}\n")
    assert fedtrace("batch", archive, "--out", tmp_path / "out").exit_code == 1
