"""What a command and the processes that it starts cost, also those that it does not wait for. Linux only.

Workers of a batch are children of a server of forks, so the kernel counts them to nobody: they are looked at while they
run. What one does in its last half second is missed.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import CommandFailed

LOOK_EVERY_S = 0.5
"""Looking costs some milliseconds, which a machine of two processors lacks."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What one run cost."""

    wall_s: float
    """From start to end, seconds."""
    cpu_s: float
    """User and system time of all processes together, seconds."""
    own_cpu_s: float
    """That of the command itself, seconds."""
    peak_bytes: int
    """Largest resident size of the command itself."""
    worker_peak_bytes: int
    """Largest of any other process; 0 where there was none."""


def run(command: Sequence[str], succeeds_with: Collection[int] = (0,)) -> Family:
    """Run it with nothing to read and nobody to talk to. Raises CommandFailed."""
    with tempfile.TemporaryFile() as said:
        begin = time.monotonic()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
        )
        others: dict[int, tuple[float, int]] = {}
        while (ended := os.wait4(child.pid, os.WNOHANG))[0] == 0:
            others |= _of_session(child.pid)
            time.sleep(LOOK_EVERY_S if time.monotonic() - begin > 5 else LOOK_EVERY_S / 10)
        wall_s = time.monotonic() - begin
        _, status, usage = ended
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if child.returncode not in succeeds_with or b"Traceback" in (told := said.read()):
            raise CommandFailed(f"{command[0]} ended with {child.returncode}: {told[-300:].decode(errors='replace')}")
    return Family(
        wall_s=wall_s,
        own_cpu_s=usage.ru_utime + usage.ru_stime,
        cpu_s=usage.ru_utime + usage.ru_stime + sum(cpu_s for cpu_s, _ in others.values()),
        peak_bytes=usage.ru_maxrss * 1024,
        worker_peak_bytes=max((peak for _, peak in others.values()), default=0),
    )


def _of_session(leader: int) -> dict[int, tuple[float, int]]:
    """CPU seconds and peak bytes of each process of a session but its leader, by process id."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == leader:
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) != leader:
                continue
            peak = next((x for x in (folder / "status").read_text().splitlines() if x.startswith("VmHWM")), "VmHWM: 0")
        except OSError:
            continue  # it has just ended
        found[int(folder.name)] = ((int(fields[11]) + int(fields[12])) / _TICKS, int(peak.split()[1]) * 1024)
    return found
