"""Lines of one stream: what they say together is told once, and in the order of the file."""

from __future__ import annotations

from parsers.events import Event, Said, StreamEnd, Topic, Where
from parsers.logs.threads import WAIT_LINES, Line, Threads


def at(line: int, tag: str | None = None) -> Event:
    """What a line tells."""
    return StreamEnd(at_ns=line, width_ns=1, where=Where(source="log", line=line), tag=tag)


def connected(line: int, *, outgoing: bool) -> Said:
    """A connection whose line names no stream."""
    where = Where(source="log", line=line)
    return Said(at_ns=line, width_ns=1, where=where, topic=Topic.CONNECTED, text="", level="", outgoing=outgoing)


def told(*lines: Line) -> list[tuple[int | None, str | None]]:
    """Where each event stands that comes of some lines, and its stream."""
    threads = Threads()
    events = [event for line in lines for event in threads.add(line)]
    return [(event.where.line, event.tag) for event in (*events, *threads.end())]


def test_the_whole_element_counts_whether_it_comes_before_or_after() -> None:
    """Its opening tag is silent; of two opening tags each is an element."""
    short = Line([at(1)], "s2s1", None, "result True", "short", echo=True)
    whole = Line([at(2)], "s2s1", None, "result True", "whole")
    assert told(short, whole) == [(2, None)]
    assert told(whole, short) == [(2, None)]
    assert told(short, short) == [(1, None), (1, None)]
    assert told(short, whole, short) == [(2, None), (1, None)]
    assert told(short, whole._replace(tag="s2s2")) == [(1, None), (2, None)]
    assert told(short, whole._replace(events=())) == [(1, None)], "it was told before: the short one stands for it"


def test_a_line_without_a_stream_takes_that_of_the_next_one() -> None:
    """If that goes the same way, and not from far."""
    opened = Line([connected(1, outgoing=True)], about="connected", form="tcp", adopts=True)
    nothing = Line(())
    assert told(opened, nothing, Line((), "s2sout1", True)) == [(1, "s2sout1")]
    assert told(opened, Line([at(2)], "s2sin1", False)) == [(1, None), (2, None)]
    assert told(opened, Line([at(2)])) == [(1, None), (2, None)]
    assert told(opened, *[nothing] * (WAIT_LINES + 1), Line((), "s2sout1", True)) == [(1, None)]
    assert told(opened) == [(1, None)]


def test_features_without_a_stream_their_opening_tag_and_the_whole_again() -> None:
    """Told once, with the stream."""
    first = Line([at(1)], None, None, "features True", "module", echo=True, adopts=True)
    short = Line((), "s2sin1", False, "features True", "short", echo=True)
    assert told(first, short) == [(1, "s2sin1")]
    assert told(first, short, Line([at(3, "s2sin1")], "s2sin1", False, "features True", "whole")) == [(3, "s2sin1")]
