"""Things that lasted from one instant to another, found by what they overlap, without a look at all others.

Knows instants, ns since 1970 UTC, and nothing of the things.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Spans(Generic[Thing]):
    """Things in the order in which they began."""

    def __init__(self, spans: Iterable[tuple[int, int, Thing]] = ()) -> None:
        """`spans` are (first instant, last instant, thing), in any order."""
        self._begins: list[int] = []
        self._ends: list[int] = []
        self._things: list[Thing] = []
        self._latest: list[int] = []
        """For each, the last instant of it and of all before it."""
        for began_ns, ended_ns, thing in sorted(spans, key=lambda span: span[0]):
            self.add(began_ns, ended_ns, thing)

    def add(self, began_ns: int, ended_ns: int, thing: Thing) -> None:
        """One more, which began no sooner than all others."""
        self._begins.append(began_ns)
        self._ends.append(ended_ns)
        self._things.append(thing)
        self._latest.append(max(ended_ns, self._latest[-1]) if self._latest else ended_ns)

    def touching(self, first_ns: int, last_ns: int) -> list[Thing]:
        """Those that began at `last_ns` or before and ended at `first_ns` or later, in the order of their beginnings.

        With `first_ns` after `last_ns`: those that lasted all the time between the two.
        """
        found = []
        place = bisect_right(self._begins, last_ns) - 1
        while place >= 0 and self._latest[place] >= first_ns:
            if self._ends[place] >= first_ns:
                found.append(self._things[place])
            place -= 1
        found.reverse()
        return found
