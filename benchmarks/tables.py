"""A million events to a DataFrame: `python -m benchmarks.tables EVENTS`, to be measured as a whole."""

from __future__ import annotations

import sys
from pathlib import Path

from analyzer.frames import framed
from analyzer.report.tables import EVENTS
from analyzer.trace import Trace

CASE = Path(__file__).parents[1] / "notebooks" / "cases" / "callback-blocked"
"""Real events of every kind that a capture shows, repeated until they are enough."""
EVENTS_MADE = 1_000_000
SECONDS_MAX = 10.0
"""CPU time that a million of them may take, start-up and the demo case included."""


def main(count: int) -> None:
    """Make the frame; ends with an assertion where it is not whole."""
    trace = Trace.read(CASE)
    seen = EVENTS.records(trace.analysis)
    records = (seen * (count // len(seen) + 1))[:count]
    assert len(framed(EVENTS, records)) == count


if __name__ == "__main__":
    main(int(sys.argv[1]))
