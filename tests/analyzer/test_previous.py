"""What a run of a batch says of the run before: what is new, and when nothing can be called so."""

from __future__ import annotations

import shutil
from multiprocessing import get_context
from pathlib import Path

import pytest

import analyzer.batch.fingerprints
import analyzer.batch.work
from analyzer.batch import run
from analyzer.batch.cases import Options
from analyzer.batch.run import batch
from analyzer.batch.spread import local
from tests.analyzer import killed
from tests.analyzer.test_batch import archive, tree
from tests.analyzer.test_page import text_of
from tests.command import HEALTHY, REFUSED, fedtrace

__all__ = ["archive"]


def new(root: Path) -> str:
    """What the page says of the run before."""
    told = text_of((root / "summary.html").read_text())
    return told[told.index("New since the previous run") :].partition("Cases worth a look")[0].strip()


def add(archive: Path, name: str, data: bytes) -> None:
    """One case more."""
    (archive / name).mkdir(parents=True)
    (archive / name / "cups.pcap").write_bytes(data)


def test_an_archive_that_grows_is_compared_with_what_it_was(tmp_path: Path) -> None:
    """However often it was read meanwhile, and however many cases have the same cause."""
    archive, out = tmp_path / "archive", tmp_path / "out"
    add(archive, "monday", HEALTHY)
    add(archive, "half", b"")
    batch(str(archive), str(out), Options(), map)
    assert new(out) == "New since the previous run No earlier run is known to compare with."

    add(archive, "tuesday", REFUSED)
    batch(str(archive), str(out), Options(), map)
    first = tree(out)
    assert "Compared with the run before: 2 cases, of which 1 could not be read; the last thing" in new(out)
    assert "cupdomain.com → gmail.com ✘ failing" in new(out)

    batch(str(archive), str(out), Options(), map)
    (out / "summary.html").unlink()
    batch(str(archive), str(out), Options(), local(2))
    assert tree(out) == first

    add(archive, "wednesday", REFUSED)
    batch(str(archive), str(out), Options(), map)
    assert "Compared with the run before: 3 cases" in new(out)
    assert new(out).endswith("Nothing: every pair with a cause had the same cause then.")


def test_a_run_that_was_asked_something_else_is_not_compared_with(archive: Path, tmp_path: Path) -> None:
    """All would be new that it had left out; one that looked further back has left out nothing."""
    out = tmp_path / "out"
    early, late = 10**18, 10**18 + 1
    for options, compared in (
        (Options(only=("example.net",), since_ns=early), "No earlier run is known"),
        (Options(since_ns=late), "given other options. It had 4 cases, of which 1 could not be read,"),
        (Options(since_ns=early), "given other options. It had 4 cases, of which 1 could not be read;"),
        (Options(since_ns=late), "Compared with the run before: 4 cases, of which 1 could not be read; the last"),
        (Options(), "Nothing can be called new"),
    ):
        batch(str(archive), str(out), options, map)
        assert compared in new(out), options


def test_another_version_tells_other_causes(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive is the same; that the program is not is told."""
    out = tmp_path / "out"
    batch(str(archive), str(out), Options(), map)
    for module in (run, analyzer.batch.fingerprints):
        monkeypatch.setattr(module, "program", lambda: "the next version")
    batch(str(archive), str(out), Options(), map)

    assert "It was a run of another version of fedtrace" in new(out)
    assert "Nothing: every pair with a cause" in new(out)


def test_a_run_that_was_killed_is_not_compared_with(tmp_path: Path) -> None:
    """Wherever it was killed, the page is that of an undisturbed run after the last that ended."""
    archive, before = tmp_path / "archive", tmp_path / "before"
    processes = get_context("forkserver")
    processes.set_forkserver_preload(["analyzer.batch.results", "tests.analyzer.killed"])
    counted = processes.Value("i", 0)

    def run(root: Path, killed_at: int, counted: object = None) -> int | None:
        process = processes.Process(target=killed.run, args=(str(archive), str(root), killed_at, counted))
        process.start()
        process.join()
        return process.exitcode

    add(archive, "monday", HEALTHY)
    assert run(before, 0) == 0
    add(archive, "tuesday", REFUSED)
    whole = Path(shutil.copytree(before, tmp_path / "whole"))
    assert run(whole, 0, counted) == 0
    assert "Compared with the run before: 1 case;" in new(whole)
    # The last lines are those in which the page is written and the run is noted.
    for left in (60, 30, 20, 10, 2):
        out = Path(shutil.copytree(before, tmp_path / f"out-{left}"))
        assert run(out, counted.value - left) == -9
        assert run(out, 0) == 0
        assert tree(out) == tree(whole), left


def test_another_question_replaces_the_results_and_says_so(archive: Path, tmp_path: Path) -> None:
    """Who asks for one domain in the folder of the nightly run hears that its results are gone."""
    fedtrace("batch", archive, "--out", tmp_path / "out")
    other = fedtrace("batch", archive, "--out", tmp_path / "out", "--only", "example.net")

    assert "what a run with other options said is replaced, and nothing is called new" in other.stderr
    assert "with other options" not in fedtrace("batch", archive, "--out", tmp_path / "new").stderr
