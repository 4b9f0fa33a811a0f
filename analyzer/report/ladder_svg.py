"""A ladder as figures: where lanes, arrows and words stand, sheet by sheet, for the page's SVG.

Lengths are CSS pixels at the size it is drawn for. Knows no colour and writes no markup: the template does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from analyzer.ladder import Ladder, Rung
from analyzer.report.ladder_text import rung_clock, rung_says
from analyzer.report.words import escape, place

RUNGS_MAX = 120
"""Rungs drawn of one attempt: five printed pages. What proves a finding is always among them; the rest are counted."""
RUNGS_A_SHEET = 24
"""Rungs of one drawing: with the head of the lanes they fill an A4 page, so that a print cuts none of them in two."""
CHARACTER = 6.7
"""Width of a character of the monospaced font at 11 px, in which all words are set: else nobody could say whether
they fit."""
TIME = 132
"""Width of the left column: the time of day, and under it the place."""
MARGIN = 62
"""From the left column to the first lane, and from the last lane to the edge: half the head of a lane."""
GAP = 160
"""From one lane to the next: what the head of a lane needs."""
WIDTH_MIN = 780
"""Width of a ladder with few lanes: words need it, and on A4 they can still be read."""
HEAD = 52
"""Height of the names of the lanes."""
ROW = 36
"""Height of a rung: its words, and the arrow under them."""


class Head(NamedTuple):
    """What stands above a lane."""

    x: int
    """Where the lane is."""
    wall: bool
    """It is the firewall."""
    lines: tuple[str, ...]
    """Kind, domain and address, each cut to the room there is."""


class Drawn(NamedTuple):
    """One rung."""

    y: int
    """Where its row begins."""
    time: str
    """The time of day."""
    place: str
    """Where it is seen, cut to the room there is."""
    words: str
    """What was said, cut to the width of the drawing."""
    words_x: float
    """Where the words begin."""
    start: int
    """Where the arrow begins."""
    end: int
    """Where it ends; the same as `start` for what was only written down there."""
    kind: str
    """"note", "right", "left" or "stopped"."""
    proves: bool
    """It is evidence of a finding."""
    expected: bool
    """False for what the protocol does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One drawing: as much of a ladder as fits a printed page."""

    width: int
    """Width of the drawing."""
    height: int
    """Height of the drawing."""
    heads: tuple[Head, ...]
    """The lanes, named on every sheet."""
    rungs: tuple[Drawn, ...]
    """The rungs, from top to bottom."""


def kept(ladder: Ladder) -> tuple[Rung, ...]:
    """The rungs that are drawn: all, or what proves a finding and the first of the others, in order of time."""
    if len(ladder.rungs) <= RUNGS_MAX:
        return ladder.rungs
    proofs = [n for n, rung in enumerate(ladder.rungs) if rung.proves][:RUNGS_MAX]
    others = (n for n, rung in enumerate(ladder.rungs) if not rung.proves)
    chosen = sorted([*proofs, *islice(others, RUNGS_MAX - len(proofs))])
    return tuple(ladder.rungs[n] for n in chosen)


def sheets(ladder: Ladder) -> Iterator[Sheet]:
    """The ladder, page by page; none for an attempt of which nothing can be drawn."""
    count = len(ladder.lanes)
    width = max(TIME + 2 * MARGIN + GAP * (count - 1), WIDTH_MIN)
    gap = (width - TIME - 2 * MARGIN) // max(count - 1, 1)
    lanes = [TIME + MARGIN + gap * n for n in range(count)]
    letters = int((min(gap, GAP) - 6) / CHARACTER)
    heads = tuple(
        Head(x, lane.kind == "firewall", tuple(_cut(line, letters) for line in _named(ladder, n)))
        for n, (x, lane) in enumerate(zip(lanes, ladder.lanes, strict=True))
    )
    rungs = kept(ladder)
    for first in range(0, len(rungs), RUNGS_A_SHEET):
        page = rungs[first : first + RUNGS_A_SHEET]
        drawn = tuple(_drawn(rung, HEAD + ROW * n, lanes, width) for n, rung in enumerate(page))
        yield Sheet(width=width, height=HEAD + ROW * len(page) + 8, heads=heads, rungs=drawn)


def _named(ladder: Ladder, lane: int) -> tuple[str, ...]:
    """Lines above a lane: what it is, for whom, and its address, with a sign where it has more."""
    kind, domain, addresses = ladder.lanes[lane]
    address = "" if not addresses else addresses[0] + (f" +{len(addresses) - 1}" if len(addresses) > 1 else "")
    return tuple(escape(line) for line in (kind, domain or "", address) if line)


def _drawn(rung: Rung, y: int, lanes: list[int], width: int) -> Drawn:
    """Words in the middle over their arrow, moved aside where they would leave the drawing."""
    start, end = lanes[rung.start], lanes[rung.end]
    words = _cut(rung_says(rung), int((width - TIME - 8) / CHARACTER))
    room = len(words) * CHARACTER
    x = min(max((start + end) / 2 - room / 2, TIME), width - 4 - room)
    kind = "stopped" if rung.stopped else "note" if start == end else "right" if start < end else "left"
    return Drawn(
        y=y,
        time=rung_clock(rung),
        place=_place(rung),
        words=words,
        words_x=round(x, 1),
        start=start,
        end=end,
        kind=kind,
        proves=bool(rung.proves),
        expected=rung.expected,
    )


def _place(rung: Rung) -> str:
    """The place with its frame or line whole: of a long name the beginning is cut."""
    told, room = place(rung.event.where), int((TIME - 8) / CHARACTER)
    return told if len(told) <= room else "…" + told[1 - room :]


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
