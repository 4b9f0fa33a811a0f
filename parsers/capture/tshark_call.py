"""Calling tshark and its companions: where they are, which version, and what a call may take.

Captures are hostile and dissectors have faults, so a call is kept small: no shell, no profile or plugin of the user,
no name resolution, a limit of memory and of time.
Knows neither what is asked nor what is answered.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Event, Timer

from parsers.errors import TsharkMissing
from parsers.scratch import Scratch

OLDEST = (4, 0)
"""The oldest version that is used: the fields and taps asked for are in it, and no older one gets its faults mended."""
MEMORY_MAX = 6 << 30
"""Bytes of address space of one call: tshark keeps some 0.8 kB for a packet, and libraries map 1 GiB."""
SECONDS_MAX = 3_600
"""Time of one call: it dissects some 10,000 packets a second, and who has waited an hour has named too much."""
LINE_MAX = 8 << 20
"""Bytes of one line of its output: the payload of the longest packet that is believed, in hex, is 1 MiB."""
_COMPLAINT_MAX = 300
_INSTALL = "install Wireshark's command line tools (Debian: apt-get install tshark)"
_IDLE_WORDS = re.compile(r"Running as user|dangerous\.$")
"""What tshark says to root, whatever happens."""


def program(name: str = "tshark") -> str:
    """Where a program of Wireshark's is. Raises TsharkMissing."""
    path = shutil.which(name)
    if path is None:
        raise TsharkMissing("Wireshark", f"{name} is not installed", _INSTALL)
    found = _version(str(Path(path).absolute()))
    if found < OLDEST:
        wanted, is_ = ".".join(map(str, OLDEST)), ".".join(map(str, found)) or "of no known version"
        raise TsharkMissing("Wireshark", f"{name} is {is_}, and fedtrace needs {wanted} or later", _INSTALL)
    return str(Path(path).absolute())


def version() -> str:
    """Version of tshark, "4.0.17". Raises TsharkMissing."""
    return ".".join(map(str, _version(program())))


@cache
def _version(path: str) -> tuple[int, ...]:
    """Version of a program; empty when it does not tell."""
    try:
        asked = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    told = re.search(rb"\b(\d+)\.(\d+)\.(\d+)", asked.stdout)
    return tuple(map(int, told.groups())) if told else ()


@contextmanager
def workplace() -> Iterator[Path]:
    """An empty folder that is gone afterwards: for the files of a call, and in place of the user's settings."""
    with Scratch() as folder:
        yield folder


def environment(folder: Path) -> dict[str, str]:
    """What a call knows of the machine: nothing of the user's profile, plugins and Lua scripts."""
    home = str(folder)
    return {
        **dict.fromkeys(
            ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "WIRESHARK_CONFIG_DIR", "WIRESHARK_DATA_DIR"), home
        ),
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def bound(pid: int) -> None:
    """Limit memory and computing time of a process, where the system can."""
    if hasattr(resource, "prlimit"):
        try:
            resource.prlimit(pid, resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
            resource.prlimit(pid, resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
        except (ProcessLookupError, PermissionError, ValueError):
            pass  # it is at its end already, or has narrower limits


def said(path: Path) -> str:
    """A path as an argument: absolute, so that it is neither an option nor standard input."""
    return str(path.absolute())


class Call:
    """One call of tshark, whose lines are read while it runs."""

    def __init__(self, folder: Path, arguments: Sequence[str], name: str = "tshark") -> None:
        """Prepare it. `folder` is a `workplace`. Raises TsharkMissing."""
        self.complaint = ""
        """Why it ended before its work was done; "" while it runs, and when it went well."""
        self._command = [program(name), *arguments]
        self._folder = folder

    def lines(self) -> Iterator[bytes]:
        """What it prints, line by line, without their ends."""
        late = Event()
        with (
            tempfile.TemporaryFile(dir=self._folder) as errors,
            subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment(self._folder),
                cwd=self._folder,
            ) as process,
        ):

            def stop() -> None:
                late.set()
                process.kill()

            bound(process.pid)
            timer = Timer(SECONDS_MAX, stop)
            timer.daemon = True
            timer.start()
            try:
                assert process.stdout is not None
                while line := process.stdout.readline(LINE_MAX):
                    yield line.rstrip(b"\n")
                process.wait()
            finally:
                timer.cancel()
                process.kill()
            if process.returncode:
                errors.seek(0)
                took_long = f"it took more than {SECONDS_MAX} s"
                self.complaint = took_long if late.is_set() else _reason(errors.read(1 << 16))


def _reason(errors: bytes) -> str:
    """The last thing that was complained of."""
    lines = [line.strip() for line in errors.decode("utf-8", "replace").splitlines()]
    told = [line for line in lines if line and not _IDLE_WORDS.search(line)]
    return told[-1][:_COMPLAINT_MAX] if told else "it ended before its work was done"
