"""Runs and workers that are killed, and that may hold little: functions that another process can import."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import analyzer.batch.run
from analyzer.batch import parts
from analyzer.batch.cases import Options
from analyzer.batch.run import batch
from analyzer.batch.work import Done, Job, work
from analyzer.cli import main
from parsers.scratch import Scratch


def run(archive: str, root: str, killed_at: int, counted: Any = None) -> None:
    """A whole run in this process, killed before the given line of ours; `counted` is told how many lines there are."""
    count = 0

    def line(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        count += 1
        if count == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return line

    # A process that is killed loses nothing that it has written, only a machine that fails does.
    os.fsync = lambda file: None
    sys.settrace(lambda frame, event, _: line if "analyzer/batch/" in frame.f_code.co_filename else None)
    batch(archive, root, Options(), map)
    sys.settrace(None)
    if counted is not None:
        counted.value = count


def works_at_the_second_try(job: Job) -> Done:
    """The first worker that is given the case `refused` dies of it."""
    died = Path(job.root) / "died"
    if job.task.name == "refused" and not died.exists():
        died.write_text("once")
        os.kill(os.getpid(), signal.SIGKILL)
    return work(job)


def dies_of_it(job: Job) -> Done:
    """Every worker that is given the case `refused` dies of it."""
    if job.task.name == "refused":
        os.kill(os.getpid(), signal.SIGKILL)
    return work(job)


def never_answers(job: Job) -> Done:
    """Whoever is given the case `refused` has a folder of his own, says so, and reads on for a minute."""
    if job.task.name == "refused":
        folder = Scratch()
        (Path(job.root) / "begun").write_text(str(folder.path))
        for _ in range(6000):
            time.sleep(0.01)
    return work(job)


def tells_who(job: Job) -> Done:
    """The case is called by the process that works on it."""
    done = work(job)
    return done._replace(outcome=done.outcome._replace(case=str(os.getpid())))


def stopped(archive: str, root: str, *how: str) -> None:
    """The command, of which one case is never done; whoever began the tests may have had signals ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    analyzer.batch.run.work = never_answers
    main(["batch", archive, "--out", root, *how])


def holds_little() -> None:
    """From now on a worker may hold two conversations and a few events."""
    parts.HELD_MAX = 60


def jobs(archive: Path, root: Path) -> Sequence[Job]:
    """What the workers are given."""
    from analyzer.batch.cases import archive_of
    from analyzer.batch.inputs import Disk

    root.mkdir(exist_ok=True)
    return [
        Job(task, Options(), str(root), archive=str(archive))
        for task in archive_of(Disk(str(archive)), str(archive), str(root)).tasks
    ]
