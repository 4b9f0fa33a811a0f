"""Two runs that want one lock, and one that was killed with it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import fsspec
import pytest

from analyzer.batch import lease
from analyzer.batch.lease import Lease

PATH = "/results/.work/lock"


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[fsspec.AbstractFileSystem]:
    """A store whose locks are waited for a moment only."""
    monkeypatch.setattr(lease, "BEAT_S", 0.01)
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def test_a_lock_is_one_runs(memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another sees it change, however long it has to wait for that; when it is free it can be taken."""
    monkeypatch.setattr(lease, "PATIENCE", 1000)
    first, second = Lease(memory, PATH), Lease(memory, PATH)

    assert first.take()
    assert not second.take()
    first.free()
    assert not memory.exists(PATH)
    assert Lease(memory, PATH).take()


def test_the_lock_of_a_killed_run_is_taken_over(memory: fsspec.AbstractFileSystem) -> None:
    """Nobody writes it any more, which is seen after a while; it is said before whose that was."""
    memory.pipe_file(PATH, b"somebody, somewhere 7")
    heard: list[tuple[str, float]] = []
    run = Lease(memory, PATH)

    assert run.take(lambda holder, seconds: heard.append((holder, seconds)))
    assert heard == [("somebody, somewhere", 0.03)]
    run.free()
    assert not memory.exists(PATH)


def test_a_lock_says_whose_it_is(memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """To who comes later: the process and the machine."""
    monkeypatch.setattr(lease, "PATIENCE", 1000)
    first, heard = Lease(memory, PATH), []
    assert first.take(lambda *said: heard.append(said))
    assert not heard
    assert not Lease(memory, PATH).take(lambda holder, _: heard.append(holder))
    first.free()

    assert str(heard[0]).startswith(f"process {os.getpid()} on ")


def test_who_has_lost_the_lock_knows_it_and_leaves_it(memory: fsspec.AbstractFileSystem) -> None:
    """A machine that slept for an hour was taken for dead."""
    run = Lease(memory, PATH)
    assert run.take()
    while not run.lost:
        memory.pipe_file(PATH, b"somebody 1")

    run.free()
    assert memory.cat_file(PATH) == b"somebody 1"


def test_a_store_that_cannot_make_what_is_not_there(
    memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks first, which is better than nothing."""
    plain = type(memory).pipe_file

    def pipe_file(self: object, path: str, value: bytes, mode: str = "overwrite") -> None:
        if mode == "create":
            raise NotImplementedError
        plain(self, path, value)

    monkeypatch.setattr(type(memory), "pipe_file", pipe_file)
    first = Lease(memory, PATH)
    assert first.take()
    monkeypatch.setattr(lease, "PATIENCE", 1000)
    assert not Lease(memory, PATH).take()
    first.free()


def test_a_driver_that_writes_over_what_it_was_asked_to_make(
    memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of sftp:// does: the second run does not take the lock from the first."""
    plain = type(memory).pipe_file
    monkeypatch.setattr(type(memory), "pipe_file", lambda self, path, value, mode="": plain(self, path, value))
    first = Lease(memory, PATH)
    assert first.take()
    monkeypatch.setattr(lease, "PATIENCE", 1000)
    assert not Lease(memory, PATH).take()
    assert not first.lost
    first.free()
