"""Lines that speak of one stream: what two of them say is told once, and one that names none takes the next one's.

Some servers log an element's opening tag and, where a module is loaded for it, the whole element in the line before or
after; and some log the connection or the features of a stream without its name just before they name it.
Events wait for at most a few lines. Knows no program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from parsers.events import Event, Said

WAIT_LINES = 8
"""Lines that tell nothing may stand between a line and the one that names its stream."""


class Line(NamedTuple):
    """One line of a log, as far as others bear on it."""

    events: Iterable[Event]
    """What it tells."""
    tag: str | None = None
    """The stream that it names."""
    outgoing: bool | None = None
    """Whether the server opened that stream."""
    about: str | None = None
    """The element that it quotes, else the topic: two lines about the same may be one thing told twice."""
    form: object = None
    """Which form of messages it has: two lines of one form are two things."""
    echo: bool = False
    """A line beside it may tell the same in full."""
    adopts: bool = False
    """It speaks of the stream that the next lines name."""

    def repeats(self, other: Line) -> bool:
        """Whether both tell one thing."""
        return (
            self.about is not None
            and (self.about, self.tag) == (other.about, other.tag)
            and self.form is not other.form
        )


class Threads:
    """Joins the lines of one log, in its order."""

    def __init__(self) -> None:
        self.waiting: Line | None = None
        """A line whose events are held back."""
        self._passed = 0
        self._full: Line | None = None

    def add(self, line: Line) -> Iterable[Event]:
        """The events that can be told now."""
        before, self.waiting = self.waiting, None
        if before is None:
            return self._told(line)
        if before.adopts and line.tag is not None:
            before = _adopted(before, line)
        if before.repeats(line):
            if line.echo:
                self.waiting = before
                return ()
            return line.events or before.events
        if not line.events and line.tag is None and self._passed < WAIT_LINES:
            self._passed += 1
            self.waiting = before
            return ()
        return (*before.events, *self._told(line))

    def told(self, line: Line) -> bool:
        """Whether the line before told in full what a line tells."""
        return line.echo and self._full is not None and self.waiting is None and self._full.repeats(line)

    def end(self) -> Iterable[Event]:
        """What still waits."""
        before, self.waiting = self.waiting, None
        return before.events if before is not None else ()

    def _told(self, line: Line) -> Iterable[Event]:
        """A line that nothing before it bears on."""
        if self.told(line):
            self._full = None
            return ()
        self._full = None
        if line.echo or line.adopts:
            self.waiting, self._passed = line, 0
            return ()
        self._full = line if line.about is not None else None
        return line.events


def _adopted(line: Line, named: Line) -> Line:
    """A line's events with the stream of a later line, if that goes the same way."""
    ways = {event.outgoing for event in line.events if isinstance(event, Said)}
    if ways and named.outgoing not in ways:
        return line._replace(adopts=False)
    events = [replace(event, tag=named.tag) for event in line.events]
    return line._replace(events=events, tag=named.tag, outgoing=named.outgoing, adopts=False)
