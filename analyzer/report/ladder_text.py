"""A ladder in characters: the lanes as columns, a line for each rung, what was said and where beside it.

Knows the width of a line; colour and the encoding of the terminal are the caller's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from analyzer.ladder import Ladder, Lane, Rung
from analyzer.report.words import UNDATED, clock, escape, place, says, time_of
from parsers.events import Event, TcpMark

GAP = 8
"""Columns from one lane to the next, where there is room."""
GAP_MIN = 4
"""An arrow needs two columns between its ends to be seen as one."""
SAYS_MIN = 34
"""Columns for what was said: below that the lanes move together."""
_MARGIN = 14
"""Columns for the time of day, and the blanks behind it."""
LETTERS = "ABCDEGHIJKLMNOPQRSTUVWXYZ"
"""What lanes are called above the ladder; F is for the firewall."""


class Line(NamedTuple):
    """A line of the ladder and how to show it."""

    text: str
    """At most as wide as asked for, but for the place at its end, which is never cut."""
    style: str
    """"" for most, "dim", or "bold" for what proves a finding."""


class _Signs(NamedTuple):
    """Characters that draw: box drawing where the encoding has it."""

    lane: str
    wall: str
    stroke: str
    right: str
    left: str
    stop: str
    leave_right: str
    leave_left: str
    note: str
    cut: str
    times: str
    to: str


UNICODE = _Signs("│", "┃", "─", "▶", "◀", "✘", "├", "┤", "●", "…", "×", "→")
ASCII = _Signs("|", "#", "-", ">", "<", "X", "|", "|", "*", "~", "x", "->")


def rungs(ladder: Ladder, width: int, *, ascii_only: bool = False) -> Iterator[Line]:
    """The ladder at that width: a line for each lane with its names, then the rungs."""
    signs = ASCII if ascii_only else UNICODE
    letters = _letters(ladder.lanes)
    for letter, lane in zip(letters, ladder.lanes, strict=True):
        yield Line(f"  {letter}  {lane_says(lane)}", "")
    yield Line("", "")
    room = width - _MARGIN - SAYS_MIN
    gap = max(min(GAP, room // max(len(ladder.lanes), 1)), GAP_MIN)
    columns = [gap * index for index in range(len(ladder.lanes))]
    yield Line(" " * _MARGIN + "".join(letter.ljust(gap) for letter in letters).rstrip(), "dim")
    empty = [signs.wall if lane.kind == "firewall" else signs.lane for lane in ladder.lanes]
    for rung in ladder.rungs:
        drawn = _drawn(rung, columns, empty, signs)
        yield _line(rung, drawn.ljust(columns[-1] + 3), width, signs)


def _letters(lanes: tuple[Lane, ...]) -> list[str]:
    """A letter for each lane; beyond the alphabet a plus sign."""
    left = iter(LETTERS)
    return ["F" if lane.kind == "firewall" else next(left, "+") for lane in lanes]


def lane_says(lane: Lane) -> str:
    """`server of cupdomain.com   10.10.0.5 = 203.0.113.5`."""
    name = lane.kind if lane.domain is None else f"{lane.kind} of {escape(lane.domain)}"
    return f"{name}   {escape(' = '.join(lane.addresses))}".rstrip()


def _drawn(rung: Rung, columns: list[int], empty: list[str], signs: _Signs) -> str:
    """The lanes with the arrow of one rung."""
    row = [" "] * (columns[-1] + 1)
    for column, sign in zip(columns, empty, strict=True):
        row[column] = sign
    start, end = columns[rung.start], columns[rung.end]
    if start == end:
        row[start] = signs.note
        return "".join(row)
    for column in range(min(start, end) + 1, max(start, end)):
        # A lane that is passed stays in sight, unless it is the one line between two strokes.
        row[column] = signs.stroke
    row[start] = signs.leave_right if start < end else signs.leave_left
    if rung.stopped:
        row[end] = signs.stop
    elif start < end:
        row[end - 1] = signs.right
    else:
        row[end + 1] = signs.left
    return "".join(row)


def _line(rung: Rung, drawn: str, width: int, signs: _Signs) -> Line:
    """One rung: when, from where to where, what, and where that stands."""
    where = place(rung.event.where)
    told = rung_says(rung, signs.times).replace("→", signs.to)
    room = max(width - _MARGIN - len(drawn) - len(where) - 3, SAYS_MIN - 16)
    told = told if len(told) <= room else told[: room - 1] + signs.cut
    style = "bold" if rung.proves else "dim" if isinstance(rung.event, TcpMark) and rung.event.mark == "ack" else ""
    return Line(f"{rung_clock(rung):<12}  {drawn}{told.ljust(room)}  {where}", style)


def rung_says(rung: Rung, times: str = UNICODE.times) -> str:
    """What a rung stands for, in words."""
    told = _words(rung.event)
    if rung.times > 1:
        until = "" if rung_clock(rung) == UNDATED else f", until {clock(rung.last_ns)}"
        told = f"{rung.times}{times} {told}{until}"
    return told if rung.expected else f"{told} (unexpected)"


def rung_clock(rung: Rung) -> str:
    """The time of day, as far as it is told."""
    return time_of(rung.event)


def _words(event: Event) -> str:
    """What was said; of a packet's addresses only the ports, since the lanes show the hosts."""
    if isinstance(event, TcpMark) and event.flow is not None:
        return f"{event.mark.upper()} {event.flow.src_port} > {event.flow.dst_port}"
    return says(event)
