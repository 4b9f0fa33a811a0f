"""Run a command and say what it cost; and the arithmetic of comparing such costs.

Knows no program in particular.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run of a command cost, its own children included."""

    cpu_s: float
    """User and system time together, seconds."""
    wall_s: float
    """From start to end, seconds."""
    peak_bytes: int
    """Largest resident size of any one of its processes; never less than that of the process that started it."""


_TRACEBACK = "Traceback (most recent call last)"


class CommandFailed(Exception):
    """A command ended with a status that it should not end with; `str()` is the last it said."""


def run(command: Sequence[str], succeeds_with: Collection[int] = (0,)) -> Cost:
    """Run it with nothing to read and nobody to talk to.

    `wait4` counts what the kernel counted for this child and the children that it waited for, and nothing else.
    A Python program that breaks ends with 1, whatever 1 means to it otherwise, so a traceback is never a success.
    Python may keep what it compiled, as it does for whoever runs it a second time: machines for tests forbid it.
    Raises CommandFailed.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begin = time.monotonic()
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as child:
        assert child.stderr is not None
        said = child.stderr.read().decode(errors="replace").strip()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in succeeds_with or _TRACEBACK in said:
        raise CommandFailed(f"{command[0]} ended with {child.returncode}: {said[-300:]}")
    return Cost(
        cpu_s=usage.ru_utime + usage.ru_stime, wall_s=time.monotonic() - begin, peak_bytes=usage.ru_maxrss * 1024
    )


def median(costs: Sequence[Cost]) -> Cost:
    """The middle of each figure by itself; the largest memory, since a limit must always hold."""
    return Cost(
        cpu_s=statistics.median(cost.cpu_s for cost in costs),
        wall_s=statistics.median(cost.wall_s for cost in costs),
        peak_bytes=max(cost.peak_bytes for cost in costs),
    )


def scaled(cost: Cost, read: int, total: int) -> Cost:
    """The cost of `total` frames, where `read` of them were measured. The memory stays that of the slice."""
    return Cost(cpu_s=cost.cpu_s * total / read, wall_s=cost.wall_s * total / read, peak_bytes=cost.peak_bytes)


def interleaved(contestants: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """Let all run once, then all again, …: what slows the machine for a while then slows all alike. Medians by name."""
    costs: dict[str, list[Cost]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, measure in contestants.items():
            costs[name].append(measure())
    return {name: median(several) for name, several in costs.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What fedtrace promises on a capture."""

    share: int
    """Its CPU time is at most 1/share of the rival's."""
    peak_bytes: int
    """It needs less memory than this."""

    def held_in_time(self, ours: Cost, rival: Cost) -> bool:
        """Is it fast enough?"""
        return ours.cpu_s * self.share <= rival.cpu_s

    def held_in_memory(self, ours: Cost) -> bool:
        """Is it small enough?"""
        return ours.peak_bytes < self.peak_bytes


def as_share(ours: Cost, rival: Cost) -> str:
    """Our CPU time as a share of the rival's: "1/52 of", or "1.8 times" where we need more."""
    if ours.cpu_s <= rival.cpu_s:
        return f"1/{rival.cpu_s / ours.cpu_s:.3g} of"
    return f"{ours.cpu_s / rival.cpu_s:.3g} times"
