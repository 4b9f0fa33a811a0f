"""Figures of a run for Prometheus' node exporter, in its text format (its textfile collector reads `*.prom`).

How long the run took is left out: the same archive gives the same bytes. When it ended is the time of the file, which
the exporter tells as `node_textfile_mtime_seconds`.
"""

from __future__ import annotations

from analyzer.batch.tally import Tally

METRICS = "fedtrace.prom"
"""Name of the file."""
STATES = ("failing", "degraded", "undetermined", "healthy", "nothing", "unreadable", "broken")
"""States of a case, each with its figure, also when it is 0."""


def metrics(tally: Tally) -> str:
    """The file's text."""
    lines = [
        "# HELP fedtrace_cases Cases by the worst of their pairs of domains.",
        "# TYPE fedtrace_cases gauge",
        *(f'fedtrace_cases{{state="{state}"}} {tally.states[state]}' for state in STATES),
    ]
    for name, says, count in (
        ("cases_failed", "Cases that could not be read, or on which fedtrace failed.", tally.lost),
        ("inputs", "Files read, or that could not be.", tally.sources),
        ("inputs_unread", "Of these, captures and logs that could not be read.", tally.unread),
        ("attempts", "Attempts to federate.", tally.attempts),
        ("pairs", "Pairs of domains, each in one direction, by case.", tally.pairs),
        ("pairs_failing", "Of these, failing.", tally.failing),
    ):
        lines += [f"# HELP fedtrace_{name} {says}", f"# TYPE fedtrace_{name} gauge", f"fedtrace_{name} {count}"]
    return "\n".join(lines) + "\n"
