"""Folders that a program makes for itself: gone when it ends, and when it was killed with the next."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from parsers import scratch
from parsers.scratch import Scratch


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all temporary files, here and in processes that are begun."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def killed(what: str) -> None:
    """A process that is killed after it did this."""
    code = f"import os, signal; from parsers.scratch import Scratch; {what}; os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9


def test_a_folder_is_there_while_it_is_needed(place: Path) -> None:
    """Until the end of a `with`, or until nobody has it any more."""
    with Scratch() as folder:
        (folder / "file").write_text("x")
        assert folder.parent == place
    assert not list(place.iterdir())

    kept = Scratch()
    assert kept.path.is_dir()
    del kept
    assert not list(place.iterdir())


def test_a_process_that_ends_without_further_ado_takes_its_folders_along(place: Path) -> None:
    """All that it has by then."""
    folders = [Scratch(), Scratch()]
    scratch.remove_own()
    assert not list(place.iterdir()) and len(folders) == 2


def test_what_a_killed_process_left_is_cleared_away(place: Path) -> None:
    """With all that is in it; what is still held is left alone."""
    killed("s = Scratch(); (s.path / 'capture').write_text('x')")
    (left,) = place.iterdir()
    with Scratch() as held:
        scratch.clear()
        assert not left.exists()
        assert held.is_dir()


def test_what_is_not_ours_is_left_alone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other names, files, links, and folders of other users."""
    for name in ("fedtrace-abc", "other-held", "fedtrace-sub"):
        (place / name).mkdir()
    (place / "fedtrace-file-held").write_text("x")
    (place / "fedtrace-link-held").symlink_to(place / "fedtrace-sub")
    before = sorted(place.iterdir())
    scratch.clear()
    assert sorted(place.iterdir()) == before

    killed("s = Scratch()")
    monkeypatch.setattr("os.geteuid", lambda: -1)
    scratch.clear()
    assert len(list(place.iterdir())) == len(before) + 1


def test_where_nothing_can_be_locked_nothing_is_cleared_away(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could tell whether it is held; it goes away all the same when it is not needed."""

    def refused(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(scratch, "flock", refused)
    with Scratch() as folder:
        scratch.clear()
        assert folder.is_dir()
    assert not list(place.iterdir())
