"""Workers that die, on this machine and on a cluster: every case is told, and told the same."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from analyzer.batch import parts
from analyzer.batch.cases import Options
from analyzer.batch.run import batch
from analyzer.batch.spread import DIED, dask_map, local
from analyzer.batch.work import work
from parsers.errors import FedtraceError
from tests.analyzer import killed
from tests.analyzer.test_batch import archive, tree
from tests.analyzer.test_parts import day

__all__ = ["archive", "day"]


def test_a_worker_that_dies_is_survived(archive: Path, tmp_path: Path) -> None:
    """The case that it held is given to another; the answers are those of an undisturbed run."""
    jobs = killed.jobs(archive, tmp_path / "out")
    undisturbed = killed.jobs(archive, tmp_path / "whole")
    found = list(local(2)(killed.works_at_the_second_try, jobs))

    assert (tmp_path / "out" / "died").exists()
    assert {d.task.name: d.outcome for d in found} == {d.task.name: d.outcome for d in map(work, undisturbed)}
    assert len(found) == len(jobs)


@pytest.mark.parametrize("apart", [False, True])
def test_one_worker_is_this_process_unless_it_is_to_be_apart(archive: Path, tmp_path: Path, apart: bool) -> None:
    """As it is where the archive or the results are elsewhere: lists of a million objects are not the worker's."""
    found = list(local(1, apart)(killed.tells_who, killed.jobs(archive, tmp_path / "out")))

    (worker,) = {done.outcome.case for done in found}
    assert (worker != str(os.getpid())) == apart


def test_a_case_that_kills_every_worker_is_a_row(archive: Path, tmp_path: Path) -> None:
    """The others, who were worked on beside it, are told as ever."""
    found = list(local(2)(killed.dies_of_it, killed.jobs(archive, tmp_path / "out")))
    told = {d.task.name: d.outcome for d in found}

    assert len(found) == len(told) == 4
    assert (told["refused"].state, told["refused"].problem) == ("broken", DIED)
    assert told["healthy"].state == "healthy"


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("by", "said", "exit_code"), [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143)]
)
def test_a_run_that_is_stopped_says_how_far_it_came(
    archive: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    workers: str,
    by: signal.Signals,
    said: str,
    exit_code: int,
) -> None:
    """At once, whatever is being read; nobody goes on, nothing is left below TMPDIR, and the next run goes on."""
    out, scratch = tmp_path / "out", tmp_path_factory.mktemp("s")  # a socket's name must not be long
    begun = out / "begun"
    for how in (["--json-log"], []):
        begun.unlink(missing_ok=True)
        line = [str(archive), str(out), "--workers", workers, *how]
        code = f"from tests.analyzer import killed; killed.stopped(*{line!r})"
        env = {**os.environ, "TMPDIR": str(scratch)}
        with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, env=env) as running:
            while running.poll() is None and not (begun.exists() and begun.read_text()):
                time.sleep(0.01)
            running.send_signal(by)
            _, stderr = running.communicate()
        assert running.returncode == exit_code, stderr
        assert not list(scratch.iterdir())
        *_, last = stderr.splitlines()
        if how:
            told = json.loads(last)
            assert (told["event"], told["problem"], told["exit_code"]) == ("run", said, exit_code)
            assert told["of"] in (4, None) and told["done"] < 4
        else:
            assert re.fullmatch(rf"fedtrace: {said}( after \d of 4 cases)?; the next run goes on .*", last)
    assert batch(str(archive), str(out), Options(), map).exit_code == 1


def test_ctrl_c_in_the_first_moment_is_one_line(archive: Path, tmp_path: Path) -> None:
    """A terminal tells it to all: to who is being started and to those that he is about to give birth to."""
    line = ["batch", str(archive), "--out", str(tmp_path / "out"), "--workers", "2"]
    # Whoever runs the tests in the background has them ignore it, and what they start.
    heeded = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{heeded}; from analyzer.cli import main; main({line!r})"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
        while running.poll() is None and not any("forkserver" in line for line in _of_session(running.pid)):
            time.sleep(0.001)
        os.killpg(running.pid, signal.SIGINT)
        _, stderr = running.communicate()
    said = "fedtrace: interrupted; the next run goes on where this one stopped\n"
    assert (running.returncode, stderr) == (130, said)


def _of_session(leader: int) -> Iterator[str]:
    """The command lines of the processes that a terminal would tell."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.getsid(int(process.name)) == leader:
                yield (process / "cmdline").read_text()


def test_a_folder_for_temporary_files_with_a_long_name(archive: Path, tmp_path: Path) -> None:
    """A socket in it would have more letters than sockets may: one sentence with what to do."""
    (tmp_path / ("x" * 100)).mkdir()
    command = [Path(sys.executable).parent / "fedtrace", "batch", archive, "--out", tmp_path / "out", "--workers", "2"]
    env = {**os.environ, "TMPDIR": str(tmp_path / ("x" * 100))}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    said = "no worker can be started with a socket in there (AF_UNIX path too long)"
    told = f"fedtrace: {env['TMPDIR']}: {said}; set TMPDIR to a shorter path, or leave out --workers\n"
    assert (done.returncode, done.stderr) == (2, told)


def test_modules_that_lie_in_the_archive_are_not_run(archive: Path, tmp_path: Path) -> None:
    """Not even when the run is begun there."""
    ran = tmp_path / "ran"
    for name in ("pyarrow", "numpy", "signal", "analyzer"):
        (archive / f"{name}.py").write_text(f"open({str(ran)!r}, 'w').close()")
    command = [Path(sys.executable).parent / "fedtrace", "batch", ".", "--out", tmp_path / "out", "--workers", "2"]
    done = subprocess.run(command, cwd=archive, capture_output=True, text=True, timeout=120, check=False)

    assert not ran.exists()
    assert "2 with a failing pair" in done.stdout


@pytest.mark.filterwarnings("ignore")  # what a cluster that loses a worker has to say is not ours
def test_a_cluster_works_and_loses_a_worker(archive: Path, tmp_path: Path) -> None:
    """On two processes of a cluster, one of which dies in the middle."""
    from dask.distributed import LocalCluster

    jobs = killed.jobs(archive, tmp_path / "out")
    undisturbed = killed.jobs(archive, tmp_path / "whole")
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path / "dask")
    ) as cluster:
        found = list(dask_map(cluster.scheduler_address)(killed.works_at_the_second_try, jobs))

    assert (tmp_path / "out" / "died").exists()
    assert {d.task.name: d.outcome for d in found} == {d.task.name: d.outcome for d in map(work, undisturbed)}


@pytest.mark.filterwarnings("ignore")  # what a cluster that ends has to say is not ours
def test_a_case_that_is_cut_is_the_same_on_a_cluster(
    day: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parts, which two processes of the cluster share, and a day of loose files: the bytes of one process."""
    from dask.distributed import Client, LocalCluster

    (tmp_path / "archive" / "cups").mkdir(parents=True)
    (tmp_path / "archive" / "cups" / "a.pcap").write_bytes(day)
    (tmp_path / "archive" / "loose.pcap").write_bytes(day)
    monkeypatch.setattr(parts, "HELD_MAX", 60)
    batch(str(tmp_path / "archive"), str(tmp_path / "one"), Options(), local(1))
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path / "dask")
    ) as cluster:
        with Client(cluster, set_as_default=False) as client:
            client.run(killed.holds_little)
        batch(str(tmp_path / "archive"), str(tmp_path / "two"), Options(), dask_map(cluster.scheduler_address))

    assert len(pd.read_parquet(tmp_path / "two" / "cases")) > 10
    assert tree(tmp_path / "two") == tree(tmp_path / "one")


def test_an_address_that_is_none_is_told_at_once(archive: Path, tmp_path: Path) -> None:
    """One sentence with what to check."""
    with pytest.raises(FedtraceError, match=r"--scheduler nonsense://x:1: no scheduler answers"):
        list(dask_map("nonsense://x:1")(work, killed.jobs(archive, tmp_path / "out")))
    with pytest.raises(FedtraceError, match=r"--scheduler 10.0.0.9: it names no port; write tcp://10.0.0.9:8786"):
        list(dask_map("10.0.0.9")(work, killed.jobs(archive, tmp_path / "out")))
