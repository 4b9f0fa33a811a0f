"""The arithmetic of the benchmark runner; what it measures is not for a test."""

from __future__ import annotations

import sys

import pytest

from benchmarks.measure import CommandFailed, Cost, Target, as_share, interleaved, median, run, scaled


def cost(cpu_s: float, peak_mb: int = 100) -> Cost:
    """A cost of which only CPU time and memory matter."""
    return Cost(cpu_s=cpu_s, wall_s=2 * cpu_s, peak_bytes=peak_mb * 1_000_000)


def test_the_median_forgives_one_slow_run_but_no_memory() -> None:
    """One run on a busy machine does not count; one run with much memory does."""
    assert median([cost(1.0), cost(9.0), cost(1.2, peak_mb=250)]) == cost(1.2, peak_mb=250)


def test_a_slice_is_scaled_by_its_frames() -> None:
    """A tenth of the frames measured, so ten times the time; the memory as it was."""
    assert scaled(cost(2.0), read=4_000, total=40_000) == cost(20.0)


@pytest.mark.parametrize(
    ("ours", "rival", "said"),
    [(0.5, 25.0, "1/50 of"), (2.0, 2.0, "1/1 of"), (3.0, 1.5, "2 times"), (0.6, 20.0, "1/33.3 of")],
)
def test_a_ratio_reads_as_a_share(ours: float, rival: float, said: str) -> None:
    """Less than the rival is a fraction of one; more is a multiple."""
    assert as_share(cost(ours), cost(rival)) == said


def test_a_target_is_met_at_the_limit_and_missed_beyond() -> None:
    """At most 1/25 of the time, less than 200 MB."""
    target = Target(share=25, peak_bytes=200_000_000)
    assert target.held_in_time(cost(1.0), cost(25.0))
    assert not target.held_in_time(cost(1.01), cost(25.0))
    assert target.held_in_memory(cost(1.0, peak_mb=199))
    assert not target.held_in_memory(cost(1.0, peak_mb=200))


def test_programs_run_in_turn() -> None:
    """A B A B, so that a busy minute hits both."""
    order: list[str] = []

    def measure(name: str) -> Cost:
        order.append(name)
        return cost(float(len(order)))

    found = interleaved({"a": lambda: measure("a"), "b": lambda: measure("b")}, rounds=3)
    assert order == ["a", "b", "a", "b", "a", "b"]
    assert (found["a"].cpu_s, found["b"].cpu_s) == (3.0, 4.0)


def test_a_run_counts_the_children_of_the_command() -> None:
    """Time that only a child of the command took is part of what it cost."""
    grandchild = "import time\nwhile time.process_time() < 0.3: pass"
    spawn = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}], check=True)"
    assert run([sys.executable, "-c", spawn]).cpu_s >= 0.3


def test_a_command_that_fails_is_not_measured() -> None:
    """It says how it ended and what it said last; a status that is an answer is no failure."""
    command = [sys.executable, "-c", "import sys; sys.exit('no such file')"]
    with pytest.raises(CommandFailed, match=r"ended with 1: no such file"):
        run(command)
    assert run(command, succeeds_with=(0, 1)).wall_s > 0


def test_a_traceback_is_never_an_answer() -> None:
    """fedtrace ends with 1 when a pair is failing, and so does a Python program that broke."""
    with pytest.raises(CommandFailed, match="ZeroDivisionError"):
        run([sys.executable, "-c", "1 / 0"], succeeds_with=(0, 1))
