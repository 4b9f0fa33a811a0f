"""Captures that ask for memory: thousands of streams at once, of which none ever ends what it has begun.

What each of them says takes forty times as much in a parser as on the wire, or as much again in every event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.conversation import SEGMENT, Frame
from benchmarks.frames import ACK, PSH, SYN, End, tcp
from benchmarks.traffic import BEGIN_US

STEP_US = 20
"""Between two frames."""
BYTES_EACH = 40_000
"""Said by each stream."""
NAME_LEN = 900
"""Of a name in every stanza."""
_HOME = End(b"\x0a\0\0\x01", 5269)
_HEADER = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback'"
    " xmlns:stream='http://etherx.jabber.org/streams' from='im%d.example' to='home.example' version='1.0'>"
)


def unclosed(streams: int) -> Iterator[Frame]:
    """An element in which each one inside has another name; its end never comes."""
    names = "".join(f"<{number:x}/>".replace("<", "<n", 1) for number in range(BYTES_EACH // 8))
    return _taking_turns(streams, lambda _: f"<message>{names}".encode())


def long_names(streams: int) -> Iterator[Frame]:
    """Stanzas, each of a kind of its own, from and to domains as long as they may be."""
    long = "x" * NAME_LEN

    def said(stream: int) -> bytes:
        one = f"<message type='{stream}-%d' from='{long}.example' to='{long}.example'/>"
        return "".join(one % number for number in range(BYTES_EACH // len(one))).encode()

    return _taking_turns(streams, said)


def _taking_turns(streams: int, said: Callable[[int], bytes]) -> Iterator[Frame]:
    """Each opens a stream and says its part, a segment at a time, and after each comes the next."""
    at_us = BEGIN_US
    ends = [End(b"\x14" + number.to_bytes(3, "big"), 33_000) for number in range(streams)]
    for end in ends:
        yield at_us, tcp(end, _HOME, 100, 0, SYN, at_us // 1000, b"")
        yield at_us, tcp(_HOME, end, 500, 101, SYN | ACK, at_us // 1000, b"")
        at_us += STEP_US
    place = 0
    while place < BYTES_EACH:
        for number, end in enumerate(ends):
            part = ((_HEADER % number).encode() + said(number))[place : place + SEGMENT]
            yield at_us, tcp(end, _HOME, 101 + place, 501, PSH | ACK, at_us // 1000, part)
            at_us += STEP_US
        place += SEGMENT
