"""Loose files cut into cases by time: which days each covers, and which days have to be looked at together.

A case is a UTC day, over all files that cover a part of it or of the hour before or after. An attempt belongs to the
day on which it began, so one that crosses midnight, or the rotation of a file, is told once and whole. A file that
covers more than two days keeps its days together as one case, since it would be read again for each. What is more than
a worker may hold is cut further, as `parts` says. Knows no events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from analyzer.batch import parts
from analyzer.batch.cases import Options, Task
from analyzer.batch.covered import Covered, Span, together
from analyzer.batch.days import DAY_NS, day
from parsers.hold import SLOT_NS

MARGIN_NS = 3_600 * 10**9
"""An hour: longer than any attempt waits, so that who began before midnight is seen to the end."""
LONG_NS = 2 * DAY_NS
"""A file that covers more keeps its days together."""

LOOSE = "loose~"
"""How stems of loose days begin; no stem of a folder has a tilde."""


class Loose(Protocol):
    """Loose files, each of which is asked for when it is needed: there may be a million."""

    def instants(self) -> Iterable[tuple[int, int]]:
        """First and last of each; ns since 1970 UTC."""

    def spans(self, window_ns: tuple[int, int], margin_ns: int) -> Iterable[Span]:
        """Those that touch a window, or what is near it, in order of name."""

    def covered(self, window_ns: tuple[int, int], margin_ns: int) -> Iterable[Covered]:
        """What the files of these cover, but for their spans."""


def cut(loose: Loose, options: Options) -> Iterator[Task]:
    """A case for each day, or for days that one file keeps together, or for as much of them as can be held; in order
    of time.
    """
    for begin, end in _stretches(loose.instants()):
        for task in _tasks(loose, (begin * DAY_NS, end * DAY_NS)):
            if options.since_ns is None or task.window_ns is None or task.window_ns[1] > options.since_ns:
                yield task


def _tasks(loose: Loose, window_ns: tuple[int, int]) -> Iterator[Task]:
    """The case of days that are looked at together, or its parts."""
    begin_ns, end_ns = window_ns
    covered = together(loose.covered(window_ns, MARGIN_NS))
    if sum(covered.slots.values()) <= parts.HELD_MAX:
        first, last = day(begin_ns), day(end_ns - 1)
        name = first if first == last else f"{first}_{last}"
        task = _task(loose.spans(window_ns, MARGIN_NS), window_ns)
        yield replace(task, name=f"loose {name}", stem=f"{LOOSE}{name}")
        return
    slots, grain = covered.slots, covered.grain
    own = {s: weight for s, weight in slots.items() if (s + grain) * SLOT_NS > begin_ns and s * SLOT_NS < end_ns}
    for window in parts.cut(own, grain):
        # A wide slot may be of other days as well.
        window = window._replace(begin_ns=max(window.begin_ns, begin_ns), end_ns=min(window.end_ns, end_ns))
        part_ns = (window.begin_ns, window.end_ns)
        spans = list(loose.spans(part_ns, parts.MARGIN * SLOT_NS))
        part = replace(_task(spans, part_ns), proved=covered.proved, local=covered.local)
        yield from window.of(parts.reading(part, spans, window))


def _task(spans: Iterable[Span], window_ns: tuple[int, int]) -> Task:
    """The case of a window."""
    near_ns = tuple((s.path, s.first_ns) for s in spans)
    return Task(name="loose", stem="loose", paths=tuple(p for p, _ in near_ns), window_ns=window_ns, near_ns=near_ns)


def _stretches(instants: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """First day and day after the last, in days since 1970, of what is looked at together."""
    days: set[int] = set()
    long: set[tuple[int, int]] = set()
    for first_ns, last_ns in instants:
        begin, end = first_ns // DAY_NS, last_ns // DAY_NS + 1
        if last_ns - first_ns > LONG_NS:
            long.add((begin, end))
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
