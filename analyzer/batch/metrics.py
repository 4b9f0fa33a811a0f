"""Figures of a run for Prometheus' node exporter, in its text format (its textfile collector reads `*.prom`).

How long the run took is left out: the same archive gives the same bytes. When it ended is the time of the file, which
the exporter tells as `node_textfile_mtime_seconds`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from analyzer.batch.outcome import Outcome

METRICS = "fedtrace.prom"
"""Name of the file."""
STATES = ("failing", "degraded", "undetermined", "healthy", "nothing", "unreadable", "broken")
"""States of a case, each with its figure, also when it is 0."""


def metrics(outcomes: Sequence[Outcome]) -> str:
    """The file's text."""
    states = Counter(o.state for o in outcomes)
    lines = [
        "# HELP fedtrace_cases Cases by the worst of their pairs of domains.",
        "# TYPE fedtrace_cases gauge",
        *(f'fedtrace_cases{{state="{state}"}} {states[state]}' for state in STATES),
    ]
    for name, says, count in (
        ("cases_failed", "Cases that could not be read, or on which fedtrace failed.", _failed(states)),
        ("inputs", "Files read, or that could not be.", sum(o.sources for o in outcomes)),
        ("inputs_unread", "Of these, captures and logs that could not be read.", sum(o.unread for o in outcomes)),
        ("attempts", "Attempts to federate.", sum(o.attempts for o in outcomes)),
        ("pairs", "Pairs of domains, each in one direction, by case.", sum(o.pairs for o in outcomes)),
        ("pairs_failing", "Of these, failing.", sum(o.failing for o in outcomes)),
    ):
        lines += [f"# HELP fedtrace_{name} {says}", f"# TYPE fedtrace_{name} gauge", f"fedtrace_{name} {count}"]
    return "\n".join(lines) + "\n"


def _failed(states: Counter[str]) -> int:
    return states["unreadable"] + states["broken"]
