"""An archive that was read before: what a second run does, what a killed one leaves, what goes wrong in one."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterable
from errno import EACCES
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pytest

import analyzer.batch.fingerprints
import analyzer.batch.work
from analyzer.batch import run
from analyzer.batch.cases import Options, archive_of
from analyzer.batch.inputs import Disk
from analyzer.batch.run import batch
from analyzer.batch.spread import local
from parsers.errors import FedtraceError
from tests.analyzer import killed
from tests.analyzer.test_batch import archive, tree
from tests.command import FEDTRACE, HEALTHY, REFUSED, fedtrace

__all__ = ["archive"]

KILLS = 20


def kept(root: Path) -> set[str]:
    """The cases that are done; what they share has a hyphen in its name."""
    return {p.stem for p in (root / ".work" / "kept").glob("*.json") if "-" not in p.stem}


# --- a second run


def test_what_has_not_changed_is_not_read_again(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its bytes for a fingerprint, nor its events; what has changed is."""
    out = str(tmp_path / "out")
    (archive / "broken" / "cups.pcap").write_bytes(HEALTHY)
    assert batch(str(archive), out, Options(), map).fresh == 4
    before = tree(tmp_path / "out")

    with monkeypatch.context() as patched:
        patched.setattr(analyzer.batch.fingerprints, "fingerprint", lambda file: pytest.fail(f"{file} was read"))
        assert batch(str(archive), out, Options(), map).fresh == 0
    assert tree(tmp_path / "out") == before

    (archive / "healthy" / "cups.pcap").write_bytes(REFUSED)
    came = batch(str(archive), out, Options(), map)
    assert came.fresh == 1
    assert [o.state for o in came.outcomes].count("failing") == 3


def test_a_copy_with_other_times_is_fingerprinted_and_not_read(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work is called by what files hold."""
    out = str(tmp_path / "out")
    batch(str(archive), out, Options(), map)
    os.utime(archive / "refused" / "cups.pcap", (1, 1))
    monkeypatch.setattr(analyzer.batch.work, "_results", lambda job: pytest.fail("it was read again"))
    (archive / "broken" / "cups.pcap").unlink()
    (archive / "broken").rmdir()

    assert batch(str(archive), out, Options(), map).exit_code == 1


def test_a_case_that_has_left_the_archive_leaves_the_results(archive: Path, tmp_path: Path) -> None:
    """With its page, its rows, and what was kept of it."""
    out = tmp_path / "out"
    batch(str(archive), str(out), Options(), map)
    (archive / "refused" / "cups.pcap").unlink()
    (archive / "refused").rmdir()
    batch(str(archive), str(out), Options(), map)

    assert not [name for name in tree(out) if "refused" in name]
    assert "refused" not in pd.read_parquet(out / "sessions").index.get_level_values("case")
    assert len(kept(out)) == 3


def test_the_folder_of_another_archive_is_left_alone(archive: Path, tmp_path: Path) -> None:
    """A path that was mistyped costs nobody the results of months; who means it says so."""
    other, out = tmp_path / "other", tmp_path / "out"
    (other / "tuesday").mkdir(parents=True)
    (other / "tuesday" / "cups.pcap").write_bytes(HEALTHY)
    fedtrace("batch", archive, "--out", out)
    before = tree(out)

    refused = fedtrace("batch", other, "--out", out)
    assert (refused.exit_code, refused.stderr) == (
        2,
        f"fedtrace: {out}: it is of another archive: not one of its cases and files (4) is in {other}; check its path, "
        "name another folder, or say --replace to have what was said of the other removed\n",
    )
    assert tree(out) == before

    replaced = fedtrace("batch", other, "--out", out, "--replace")
    assert (replaced.exit_code, replaced.stdout) == (
        0,
        "1 case: 0 with a failing pair, 0 that could not be read, 1 read now\n",
    )
    assert f"no more in {other}: 4 of the cases and loose files of the run before (" in replaced.stderr
    assert "Compared with the run before" not in (out / "summary.html").read_text()
    (other / "wednesday").mkdir()
    (other / "wednesday" / "cups.pcap").write_bytes(REFUSED)
    assert fedtrace("batch", other, "--out", out).exit_code == 1


def test_a_folder_with_other_files_is_no_folder_of_results(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that of a case, nor one with somebody's notes: they would be read no more, overwritten or removed."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "summary.html").write_text("mine")
    for folder, name in ((mine, "summary.html"), (archive / "healthy", "cups.pcap")):
        refused = fedtrace("batch", archive, "--out", folder)
        assert (refused.exit_code, refused.stderr) == (
            2,
            f"fedtrace: {folder}: other files are in it, and it is no folder of results ({name}); name an empty "
            "folder, or one that is not there\n",
        )
    assert [path.read_text() for path in mine.iterdir()] == ["mine"]

    def no_rights(folder: Path) -> None:
        raise PermissionError(EACCES, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(os, "listdir", no_rights)
        refused = fedtrace("batch", archive, "--out", mine)
    said = f"fedtrace: {mine}: nothing can be written there: permission denied; name another folder\n"
    assert (refused.exit_code, refused.stderr) == (2, said)

    (tmp_path / "out" / "lost+found").mkdir(parents=True)  # a disk of its own
    assert fedtrace("batch", archive, "--out", tmp_path / "out").exit_code == 1
    shutil.rmtree(tmp_path / "out" / ".work")
    assert fedtrace("batch", archive, "--out", tmp_path / "out").exit_code == 1


def test_a_key_log_that_is_not_there_replaces_nothing(archive: Path, tmp_path: Path) -> None:
    """Each case would tell of it, in the place of what was known of it."""
    out = tmp_path / "out"
    fedtrace("batch", archive, "--out", out)
    before = tree(out)
    refused = fedtrace("batch", archive, "--out", out, "--keylog", tmp_path / "keys")

    said = f"fedtrace: {tmp_path}/keys: no such file or directory; check the path and your rights\n"
    assert (refused.exit_code, refused.stderr) == (2, said)
    assert tree(out) == before


def test_nobody_has_to_listen(archive: Path, tmp_path: Path) -> None:
    """Who closes stderr ends no run, and the exit code is that of the cases, or of what could not be used."""
    for asked, code in ((archive, 1), (tmp_path / "nowhere", 2)):
        command = [*FEDTRACE, "batch", asked, "--out", tmp_path / "out"]
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert run.stderr is not None
        run.stderr.close()
        assert run.wait(timeout=60) == code


def test_a_killed_run_goes_on_where_it_stopped(archive: Path, tmp_path: Path) -> None:
    """Killed twenty times, anywhere, the end is that of an undisturbed run, byte for byte."""
    processes = get_context("forkserver")
    processes.set_forkserver_preload(["analyzer.batch.results", "tests.analyzer.killed"])
    counted = processes.Value("i", 0)
    whole, out = tmp_path / "whole", tmp_path / "out"

    def run(root: Path, killed_at: int, counted: object = None) -> int | None:
        process = processes.Process(target=killed.run, args=(str(archive), str(root), killed_at, counted))
        process.start()
        process.join()
        return process.exitcode

    for name in ("healthy", "broken"):
        (archive / name / "cups.pcap").unlink()
        (archive / name).rmdir()
    assert run(whole, 0, counted) == 0
    luck = random.Random(6)
    deaths = 0
    for _ in range(KILLS):
        if not luck.randrange(4):
            # What a run that was killed early has left is done anew.
            out.rename(tmp_path / f"left-{deaths}") if out.exists() else None
        deaths += run(out, luck.randrange(1, counted.value // 2)) == -9
        for name, data in tree(out).items() if out.exists() else ():
            assert data == tree(whole)[name], f"{name} is half-written"
    assert deaths >= KILLS // 2
    assert run(out, 0) == 0
    assert tree(out) == tree(whole)
    assert not list((out / ".work" / "parts").iterdir())


def test_a_resumed_run_says_what_it_read(archive: Path, tmp_path: Path) -> None:
    """And not what the killed one had read."""

    def killed(work: run.Work, jobs: Iterable[run.Job]) -> Iterable[run.Done]:
        assert len([work(job) for job in jobs]) == 4
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch(str(archive), str(tmp_path / "out"), Options(), killed)
    result = fedtrace("batch", archive, "--out", tmp_path / "out")
    assert result.stdout == "4 cases: 2 with a failing pair, 1 that could not be read, 0 read now\n"


def test_a_case_that_is_no_more_in_the_archive_is_told(archive: Path, tmp_path: Path) -> None:
    """Somebody named another archive, or a disk is not mounted: what goes from the results is said."""
    fedtrace("batch", archive, "--out", tmp_path / "out")
    some = next(e for e in sorted(archive.iterdir()) if e.is_dir())
    some.rename(tmp_path / "elsewhere")
    again = fedtrace("batch", archive, "--out", tmp_path / "out")
    said = f"no more in {archive}: 1 of the cases and loose files of the run before (broken); what was said"
    assert said in again.stderr
    assert "no more in" not in fedtrace("batch", archive, "--out", tmp_path / "out").stderr


def test_results_do_not_lie_among_the_cases(archive: Path) -> None:
    """The archive is not the folder of results; one in it may be."""
    before = tree(archive)
    refused = fedtrace("batch", archive, "--out", f"{archive}/../archive")

    assert refused.exit_code == 2
    assert "this is the archive itself; name another folder, or one in it" in refused.stderr
    within = fedtrace("batch", archive, "--out", next(e for e in sorted(archive.iterdir()) if e.is_dir()) / "results")
    assert within.exit_code == 2
    assert "it lies in what would be read as a case; name a folder directly in the archive" in within.stderr
    assert tree(archive) == before


# --- who does the work


def test_the_result_does_not_depend_on_who_works(archive: Path, tmp_path: Path) -> None:
    """One process, two, or one that answers in another order: the same bytes."""

    def backwards(work: run.Work, jobs: Iterable[run.Job]) -> Iterable[run.Done]:
        return [work(job) for job in reversed(list(jobs))]

    batch(str(archive), str(tmp_path / "one"), Options(), local(1))
    batch(str(archive), str(tmp_path / "two"), Options(), local(2))
    batch(str(archive), str(tmp_path / "last"), Options(), backwards)

    assert tree(tmp_path / "one") == tree(tmp_path / "two") == tree(tmp_path / "last")


def test_two_runs_do_not_write_into_one_folder(archive: Path, tmp_path: Path) -> None:
    """The second says so and leaves it alone."""

    def meanwhile(work: run.Work, jobs: Iterable[run.Job]) -> Iterable[run.Done]:
        second = fedtrace("batch", archive, "--out", tmp_path / "out")
        said = "another run is writing here; wait for its end, or name another folder"
        assert (second.exit_code, second.stderr) == (2, f"fedtrace: {tmp_path}/out: {said}\n")
        return map(work, jobs)

    assert batch(str(archive), str(tmp_path / "out"), Options(), meanwhile).exit_code == 1


# --- what goes wrong


def test_a_file_that_grows_while_it_is_read_is_not_taken_for_whole(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its case says so, and is read the next time."""
    reading = analyzer.batch.work._results

    def grows(job: run.Job) -> object:
        found = reading(job)
        if job.task.name == "healthy":
            (archive / "healthy" / "more.pcap").write_bytes(REFUSED)
            (archive / "healthy" / "cups.pcap").write_bytes(HEALTHY + REFUSED[24:])
        return found

    monkeypatch.setattr(analyzer.batch.work, "_results", grows)
    came = batch(str(archive), str(tmp_path / "out"), Options(), map)
    told = {o.case: o.problem for o in came.outcomes}
    assert told["healthy"] == "it was written to while it was read; run again when it is whole"

    monkeypatch.undo()
    came = batch(str(archive), str(tmp_path / "out"), Options(), map)
    assert {o.case: o.attempts for o in came.outcomes}["healthy"] == 2


def test_a_file_that_vanishes_is_a_row(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever rotates logs does not wait for us."""
    reading = analyzer.batch.work._results

    def vanishes(job: run.Job) -> object:
        found = reading(job)
        if job.task.name == "healthy":
            (archive / "healthy" / "cups.pcap").unlink()
        return found

    monkeypatch.setattr(analyzer.batch.work, "_results", vanishes)
    came = batch(str(archive), str(tmp_path / "out"), Options(), map)
    told = {o.case: o.problem for o in came.outcomes}

    assert "healthy/cups.pcap: no such file or directory" in (told["healthy"] or "")
    assert came.exit_code == 1


def test_a_bug_of_ours_is_a_row_and_the_others_go_on(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is 4; nothing is kept of it."""
    reading = analyzer.batch.work._results

    def fails(job: run.Job) -> object:
        return reading(job) if job.task.name != "healthy" else {}["a bug"]

    monkeypatch.setattr(analyzer.batch.work, "_results", fails)
    told: list[run.Progress] = []
    came = batch(str(archive), str(tmp_path / "out"), Options(), map, told.append)

    assert came.exit_code == 4
    (trace,) = (progress.done.trace for progress in told if progress.done.trace)
    assert trace.startswith("Traceback") and "KeyError: 'a bug'" in trace
    assert next(o for o in came.outcomes if o.case == "healthy").problem == "KeyError: 'a bug'"
    assert len(kept(tmp_path / "out")) == 3


def test_a_folder_that_is_none_and_a_place_where_nothing_can_be_written(archive: Path, tmp_path: Path) -> None:
    """One sentence each."""
    with pytest.raises(FedtraceError, match=r"missing: no such file or directory; name the folder of the cases"):
        archive_of(Disk(str(tmp_path / "missing")), "missing", "")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FedtraceError, match="there is no case in it"):
        archive_of(Disk(str(tmp_path / "empty")), "empty", "")
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "out"):
        result = fedtrace("batch", archive, "--out", place)
        said = f"fedtrace: {place}: nothing can be written there: not a directory; name another folder\n"
        assert (result.exit_code, result.stderr) == (2, said)


def test_a_full_disk_ends_the_run_in_one_sentence(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is half-written is not taken for whole by the next."""
    fsync, left = os.fsync, iter(range(17))

    def full(file: int) -> None:
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        fsync(file)

    monkeypatch.setattr(os, "fsync", full)
    result = fedtrace("batch", archive, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr.endswith("out: no space left on device; make room, or name another folder\n")

    monkeypatch.undo()
    batch(str(archive), str(tmp_path / "out"), Options(), map)
    batch(str(archive), str(tmp_path / "whole"), Options(), map)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
