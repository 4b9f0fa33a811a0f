"""Loose files cut into cases by time: which days each covers, and which days have to be looked at together.

A case is a UTC day, over all files that cover a part of it or of the hour before or after. An attempt belongs to the
day on which it began, so one that crosses midnight, or the rotation of a file, is told once and whole. A file that
covers more than two days keeps its days together as one case, since it would be read again for each. Domains need no
cut: a verdict is of one pair. Knows no events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from analyzer.batch.cases import Options, Task
from analyzer.batch.days import DAY_NS, day

MARGIN_NS = 3_600 * 10**9
"""An hour: longer than any attempt waits, so that who began before midnight is seen to the end."""
LONG_NS = 2 * DAY_NS
"""A file that covers more keeps its days together."""


class Span(NamedTuple):
    """What a loose file covers."""

    path: str
    """The file."""
    first_ns: int
    """Its first instant, ns since 1970 UTC."""
    last_ns: int
    """Its last."""


def cut(spans: Sequence[Span], options: Options) -> list[Task]:
    """A case for each day, or for days that one file keeps together, in order of time."""
    tasks = []
    for begin, end in _stretches(spans):
        window_ns = (begin * DAY_NS, end * DAY_NS)
        if options.since_ns is not None and window_ns[1] <= options.since_ns:
            continue
        inside = [s for s in spans if _touches(s, window_ns)]
        first, last = day(window_ns[0]), day(window_ns[1] - 1)
        name = first if first == last else f"{first}_{last}"
        tasks.append(
            Task(
                name=f"loose {name}",
                stem=f"loose~{name}",  # no stem of a folder has a tilde
                paths=tuple(s.path for s in inside),
                window_ns=window_ns,
                near_ns=tuple((s.path, s.first_ns) for s in inside),
            )
        )
    return tasks


def _touches(span: Span, window_ns: tuple[int, int]) -> bool:
    return span.first_ns < window_ns[1] + MARGIN_NS and span.last_ns >= window_ns[0] - MARGIN_NS


def _stretches(spans: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """First day and day after the last, in days since 1970, of what is looked at together."""
    days: set[int] = set()
    long: list[tuple[int, int]] = []
    for span in spans:
        begin, end = span.first_ns // DAY_NS, span.last_ns // DAY_NS + 1
        if span.last_ns - span.first_ns > LONG_NS:
            long.append((begin, end))
        else:
            days.update(range(begin, end))
    pieces = sorted([*long, *((d, d + 1) for d in days)], key=lambda piece: (piece[0], -piece[1]))
    held: tuple[int, int] | None = None
    for begin, end in pieces:
        if held is not None and begin < held[1]:
            held = (held[0], max(held[1], end))
            continue
        if held is not None:
            yield held
        held = (begin, end)
    if held is not None:
        yield held
