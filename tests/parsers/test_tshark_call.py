"""How tshark is called: found or missed in one sentence, bounded, and without anything of the user's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from parsers.capture import tshark_call
from parsers.capture.tshark_call import Call, environment, program, said, version, workplace
from parsers.errors import TsharkMissing


def fake(folder: Path, does: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program called tshark first in the PATH."""
    path = folder / "tshark"
    path.write_text(f"#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'TShark (Wireshark) 4.2.1'; exit; fi\n{does}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One sentence says what is missing and how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        TsharkMissing, match=r"^Wireshark: tshark is not installed; install Wireshark's command line tools"
    ):
        program()


@pytest.mark.parametrize(("told", "is_"), [("TShark (Wireshark) 2.6.20 ", "2.6.20"), ("hello", "of no known version")])
def test_too_old(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: str, is_: str) -> None:
    """A version that lacks what is asked for is named, with the one that is needed."""
    path = tmp_path / "tshark"
    path.write_text(f"#!/bin/sh\necho '{told}'\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(TsharkMissing, match=f"tshark is {is_}, and fedtrace needs 4.0 or later"):
        program()


def test_not_a_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Something called tshark that cannot be run is of no known version."""
    path = tmp_path / "tshark"
    path.write_bytes(b"\x7fELF nothing")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TsharkMissing, match="of no known version"):
        program()


def test_lines_and_complaint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Lines come as they are printed; the last thing complained of is the reason of a failure."""
    fake(tmp_path, 'echo one; echo two; echo "Running as user" >&2; echo "bad file" >&2; exit 2', monkeypatch)
    assert version() == "4.2.1"
    with workplace() as folder:
        call = Call(folder, ())
        assert list(call.lines()) == [b"one", b"two"]
        assert call.complaint == "bad file"
    assert not folder.exists()


def test_silent_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program that says nothing has still failed."""
    fake(tmp_path, "exit 1", monkeypatch)
    with workplace() as folder:
        call = Call(folder, ())
        assert list(call.lines()) == []
        assert call.complaint == "it ended before its work was done"


def test_takes_too_long(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A dissector in a loop without end is stopped."""
    fake(tmp_path, "echo one; exec sleep 60", monkeypatch)
    monkeypatch.setattr(tshark_call, "SECONDS_MAX", 1)
    with workplace() as folder:
        call = Call(folder, ())
        assert list(call.lines()) == [b"one"]
        assert call.complaint == "it took more than 1 s"


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The limit is the child's, and only its."""
    fake(tmp_path, "sleep 0.2; ulimit -v", monkeypatch)
    with workplace() as folder:
        assert list(Call(folder, ()).lines()) == [str(tshark_call.MEMORY_MAX >> 10).encode()]
    unbounded = subprocess.run(["/bin/sh", "-c", "ulimit -v"], capture_output=True, check=True)
    assert unbounded.stdout.strip() != str(tshark_call.MEMORY_MAX >> 10).encode()


def test_an_end_that_came_first() -> None:
    """A process that is gone already needs no limit."""
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    tshark_call.bound(process.pid)


def test_left_early(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who stops reading leaves no process behind."""
    fake(tmp_path, "echo $$; exec sleep 60", monkeypatch)
    with workplace() as folder:
        lines = Call(folder, ()).lines()
        pid = int(next(lines))
        lines.close()  # type: ignore[attr-defined]
    assert not Path(f"/proc/{pid}").exists()


def test_nothing_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the profile nor the plugins of the user, and a path is never an option or standard input."""
    monkeypatch.setenv("SSLKEYLOGFILE", "/secret")
    known = environment(tmp_path)
    assert known["HOME"] == known["WIRESHARK_CONFIG_DIR"] == known["XDG_CONFIG_HOME"] == str(tmp_path)
    assert "SSLKEYLOGFILE" not in known
    assert said(Path("-")).startswith("/")
    assert said(Path("-X lua_script:a.lua")).startswith("/")
