"""Loose files cut into cases by time: which days each covers, and which days have to be looked at together.

A case is a UTC day, over all files that cover a part of it or of the hour before or after. An attempt belongs to the
day on which it began, so one that crosses midnight, or the rotation of a file, is told once and whole. A file that
covers more than two days keeps its days together as one case, since it would be read again for each. What is more than
a worker may hold is cut further, as `parts` says. Knows no events.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from analyzer.batch import parts
from analyzer.batch.cases import Options, Task
from analyzer.batch.covered import Covered, Span, local_of, proved_by
from analyzer.batch.days import DAY_NS, day
from parsers.count import wider
from parsers.hold import SLOT_NS

MARGIN_NS = 3_600 * 10**9
"""An hour: longer than any attempt waits, so that who began before midnight is seen to the end."""
LONG_NS = 2 * DAY_NS
"""A file that covers more keeps its days together."""

LOOSE = "loose~"
"""How stems of loose days begin; no stem of a folder has a tilde."""


def cut(loose: Sequence[Covered], options: Options) -> list[Task]:
    """A case for each day, or for days that one file keeps together, or for as much of them as can be held; in order
    of time. Each of `loose` is one file.
    """
    tasks = []
    for begin, end in _stretches([s for file in loose for s in file.spans]):
        window_ns = (begin * DAY_NS, end * DAY_NS)
        inside = [f for f in loose if any(s.touches(window_ns, MARGIN_NS) for s in f.spans)]
        slots: Counter[int] = Counter()
        grain = max(file.grain for file in inside)
        for file in inside:
            slots.update(wider(file.slots, grain))
        if slots.total() <= parts.HELD_MAX:
            first, last = day(window_ns[0]), day(window_ns[1] - 1)
            name = first if first == last else f"{first}_{last}"
            task = _task([s for file in inside for s in file.spans if s.touches(window_ns, MARGIN_NS)], window_ns)
            tasks.append(replace(task, name=f"loose {name}", stem=f"{LOOSE}{name}"))
            continue
        begin_ns, end_ns = window_ns
        own = {s: weight for s, weight in slots.items() if (s + grain) * SLOT_NS > begin_ns and s * SLOT_NS < end_ns}
        for window in parts.cut(own, grain):
            # A wide slot may be of other days as well.
            window = window._replace(begin_ns=max(window.begin_ns, begin_ns), end_ns=min(window.end_ns, end_ns))
            part_ns = (window.begin_ns, window.end_ns)
            spans = [s for file in inside for s in file.spans if s.touches(part_ns, parts.MARGIN * SLOT_NS)]
            part = replace(_task(spans, part_ns), proved=proved_by(inside), local=local_of(inside))
            tasks += window.of(parts.reading(part, spans, window))
    return [t for t in tasks if options.since_ns is None or t.window_ns is None or t.window_ns[1] > options.since_ns]


def _task(spans: Sequence[Span], window_ns: tuple[int, int]) -> Task:
    """The case of a window."""
    near_ns = tuple((s.path, s.first_ns) for s in spans)
    return Task(name="loose", stem="loose", paths=tuple(p for p, _ in near_ns), window_ns=window_ns, near_ns=near_ns)


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
