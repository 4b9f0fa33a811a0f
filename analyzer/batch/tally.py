"""What the cases of a run came to together. Knows no single one any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from analyzer.batch.outcome import Outcome

LOST = ("unreadable", "broken")
"""States of a case that could not be read, or on which fedtrace failed."""


@dataclass(slots=True)
class Tally:
    """Sums over the cases of a run."""

    states: Counter[str] = field(default_factory=Counter)
    """How many cases are in each state."""
    sources: int = 0
    """Files read, or that could not be."""
    unread: int = 0
    """Of these, captures and logs that could not be read."""
    attempts: int = 0
    """Attempts to federate."""
    pairs: int = 0
    """Pairs of domains, each in one direction, by case."""
    failing: int = 0
    """Of these, failing."""
    used: int = 0
    """Cases of which an input was read."""
    rules_broken: int = 0
    """Rules of ours that failed, by case."""

    @property
    def cases(self) -> int:
        """How many they are."""
        return self.states.total()

    @property
    def lost(self) -> int:
        """How many could not be read, or fedtrace failed on them."""
        return sum(self.states[state] for state in LOST)

    @property
    def exit_code(self) -> int:
        """As `analyze` ends: 4 a bug of fedtrace, 1 a pair is failing, 2 no case could be used, 3 nothing judged."""
        if self.states["broken"] or self.rules_broken:
            return 4
        if self.states["failing"]:
            return 1
        if self.states["healthy"] or self.states["degraded"]:
            return 0
        # A note that lies beside cases is no input.
        return 2 if self.cases and not self.used else 3


def tally(outcomes: Iterable[Outcome]) -> Tally:
    """The sums over these."""
    found = Tally()
    for each in outcomes:
        found.states[each.state] += 1
        found.sources += each.sources
        found.unread += each.unread
        found.attempts += each.attempts
        found.pairs += each.pairs
        found.failing += each.failing
        found.used += each.state != "unreadable" and each.sources > 0
        found.rules_broken += each.rules_broken
    return found
