"""A case of which more would be held than a worker may, cut into parts by time, and some of these by pairs of domains.

A part is a case of its own, with its rows and its page: the attempts that began in its window. Of its files those
conversations are held that began in the window or within a slot of it, each to its end. Windows are as long as they may
be, and end at midnight rather than at an hour, and at an hour rather than between. Knows no events.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from typing import NamedTuple

from analyzer.batch.cases import Options, Task
from analyzer.batch.covered import Covered, Span
from parsers.hold import SLOT_NS

HELD_MAX = 200_000
"""Weight that a worker holds: 280 MB at most, beside 120 MB of program and 60 MB that reading a capture takes."""
ROOM = HELD_MAX
"""Weight up to which a share takes in what begins: it cannot be cut any further."""
AT_ONCE = 1 << 12
"""Conversations that a worker reads at once: 125 MB where each is in the middle of its stream."""
MARGIN = 1
"""Slots before and after a window that are held with it: five minutes, longer than any attempt waits."""
_ROUND = (86_400 * 10**9 // SLOT_NS, 3_600 * 10**9 // SLOT_NS)
"""A day and an hour, in slots."""


class Window(NamedTuple):
    """What one part, or one and its shares, are of."""

    begin_ns: int
    """Its first instant, ns since 1970 UTC."""
    end_ns: int
    """The instant after its last."""
    shares: int = 1
    """Into how many it is parted by pairs of domains."""

    @property
    def within_ns(self) -> tuple[int, int]:
        """What is held for it."""
        return (self.begin_ns - MARGIN * SLOT_NS, self.end_ns + MARGIN * SLOT_NS)

    def of(self, task: Task) -> Iterator[Task]:
        """The parts of a case in this window."""
        at = datetime.fromtimestamp(self.begin_ns // 10**9, UTC)
        stamp = at.date().isoformat() if at.hour == at.minute == 0 else f"{at:%Y-%m-%dT%H:%M}"
        for number in range(self.shares):
            pairs = f" pairs {number + 1} of {self.shares}" if self.shares > 1 else ""
            safe = f"{stamp}{pairs}".replace(":", "").replace(" ", "-")
            yield replace(
                task,
                name=f"{task.name} {stamp}{pairs}",
                part_of=task.name,
                stem=f"{task.stem}~{safe}",  # no stem of a folder has a tilde
                window_ns=(self.begin_ns, self.end_ns),
                within_ns=self.within_ns,
                share=(number, self.shares) if pairs else None,
            )


def reading(task: Task, spans: Iterable[Span], window: Window) -> Task:
    """A case with how much of its logs is read for a window, and near which instants files begin."""
    known = {span: span.read_for((window.begin_ns, window.end_ns)) for span in spans}
    return replace(
        task,
        near_ns=tuple((span.path, read[2] if read else span.first_ns) for span, read in known.items()),
        lines=tuple((span.path, read[:2]) for span, read in known.items() if read),
    )


def parts(task: Task, covered: Covered, options: Options) -> list[Task]:
    """The parts of a folder's or an archive's case, in order of time."""
    found: list[Task] = []
    unread, dated = covered.unread, frozenset(s.path for s in covered.spans)
    for number, window in enumerate(cut(covered.slots, covered.grain)):
        if options.since_ns is not None and window.end_ns <= options.since_ns:
            continue
        spans = [s for s in covered.spans if s.touches((window.begin_ns, window.end_ns), MARGIN * SLOT_NS)]
        read = replace(
            reading(task, spans, window),
            sources=tuple(s.name for s in spans),
            dated=dated,
            proved=covered.proved,
            local=covered.local,
        )
        for part in window.of(read):
            if not number:  # what nothing dates stands at the epoch
                part = replace(part, window_ns=(0, window.end_ns), within_ns=(0, window.within_ns[1]))
            if unread:
                part, unread = replace(part, sources=(*part.sources, *unread)), ()
            found.append(part)
    return found


def cut(slots: Mapping[int, int], grain: int = 1) -> Iterator[Window]:
    """The windows of a case, in order of time, by the weight of each of its slots, or of `grain` of them together: with
    what is held around it, each weighs no more than `HELD_MAX`, or has shares that do not. Where nothing began there is
    none.
    """
    most, margin = HELD_MAX, max(MARGIN, grain)
    known = sorted(slots)
    sums = [0, *accumulate(slots[slot] for slot in known)]

    def weight(begin: int, end: int) -> int:
        return sums[bisect_right(known, end - 1)] - sums[bisect_right(known, begin - 1)]

    end = known[0] if known else 0
    while (place := bisect_right(known, end - 1)) < len(known):
        begin = known[place]
        last = known[-1] + grain
        if weight(begin - margin, last) <= most:
            yield Window(begin * SLOT_NS, last * SLOT_NS)
            return
        for step in (*(each for each in _ROUND if each > grain), grain):
            end = begin
            while weight(begin - margin, (after := (end // step + 1) * step) + margin) <= most:
                end = after
            if end > begin:
                break
        shares = 1
        if end == begin:
            end = begin + grain
            # Half as many again: questions, and what names no domains, are held by each.
            shares = -(-3 * weight(begin - margin, end + margin) // (2 * most))
        yield Window(begin * SLOT_NS, end * SLOT_NS, shares)
