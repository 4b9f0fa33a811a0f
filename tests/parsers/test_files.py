"""Capture files: known by content, and those of one ring buffer read as one capture."""

from __future__ import annotations

import struct
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.capture.files import FORMAT, read_ring
from parsers.errors import SourceUnreadable
from parsers.events import Event, Where
from parsers.format import Head
from parsers.source import How, Reading, Source
from tests.packets import FEATURES, header, pcap, talk, udp
from tests.parsers.packets import answer, question, srv

US, RESOLVER = ("10.0.0.5", 40000), ("10.0.0.53", 53)
QUESTION = "_xmpp-server._tcp.gmail.com"
PARTY = [
    udp(*US, *RESOLVER, question(QUESTION)),
    udp(*RESOLVER, *US, answer(QUESTION, (QUESTION, 33, srv(5269, "xmpp.gmail.com")))),
    *talk(
        (">", header("cupdomain.com", "gmail.com")),
        ("<", header("gmail.com", "cupdomain.com", "s1") + FEATURES),
        (">", b"<db:result from='cupdomain.com' to='gmail.com'>key</db:result>" + b" " * 3000),
        ("<", b"<db:result type='valid' from='gmail.com' to='cupdomain.com'/>"),
        (">", b"<presence from='a@cupdomain.com' to='b@gmail.com'/>"),
        segment=70,
    ),
]
"""A lookup, and a conversation in small segments whose elements span many frames."""


def files(folder: Path, borders: set[int]) -> list[tuple[Source, Reading]]:
    """The same frames as files of a ring buffer, a new one before each of the frames at `borders`."""
    records, starts, at = pcap(PARTY), [], 24
    while at < len(records):
        starts.append(at)
        at += 16 + struct.unpack_from("<I", records, at + 8)[0]
    starts.append(at)
    parts = []
    for begin, end in pairwise([0, *sorted(borders), len(PARTY)]):
        path = folder / f"from-{begin}.pcap"
        path.write_bytes(records[:24] + records[starts[begin] : starts[end]])
        parts.append((Source(name=path.name, path=path, format="capture"), Reading()))
    return parts


def counted_through(event: Event) -> Event:
    """The event with the frame number that it has in the whole."""
    before = int(event.where.source.removeprefix("from-").removesuffix(".pcap"))
    return replace(event, where=Where(source="from-0.pcap", frame=before + (event.where.frame or 0)))


@settings(max_examples=25, deadline=None)
@given(borders=st.sets(st.integers(min_value=1, max_value=len(PARTY) - 1), max_size=6), order=st.randoms())
def test_a_ring_buffer_is_read_as_one(
    tmp_path_factory: pytest.TempPathFactory, borders: set[int], order: st.DataObject
) -> None:
    """Wherever one file ends and the next begins, and however they are numbered: the same events, counted anew."""
    folder = tmp_path_factory.mktemp("ring")
    whole = read_ring(files(folder, set()), How())
    parts = files(folder, borders)
    order.shuffle(parts)

    assert [counted_through(event) for event in read_ring(parts, How())] == whole


def test_a_ring_file_that_is_no_capture_leaves_the_others(tmp_path: Path) -> None:
    """The disk was full: one file has nothing but the beginning of a header. It is named, the rest is read."""
    parts = files(tmp_path, {2, 9})
    parts[0][0].path.write_bytes(pcap([])[:10])
    refused = []
    events = read_ring(parts, How(), lambda source, error: refused.append(source.name))

    assert refused == ["from-0.pcap"]
    assert {event.where.source for event in events} == {"from-2.pcap", "from-9.pcap"}
    with pytest.raises(SourceUnreadable):
        read_ring(parts, How())


def test_a_ring_file_without_frames(tmp_path: Path) -> None:
    """The one that was begun when the capture was stopped."""
    parts = files(tmp_path, {5})
    empty = tmp_path / "last.pcap"
    empty.write_bytes(pcap([]))
    last = (Source(name="last.pcap", path=empty, format="capture"), Reading())

    assert read_ring([*parts, last], How()) == read_ring(parts, How())


def test_a_capture_is_known_by_its_content() -> None:
    """Its magic number, whatever it is called; a pipe is taken as one; prose is none."""

    def guess(path: str, raw: bytes) -> int:
        return FORMAT.guess(Head(path=Path(path), raw=raw, data=raw)).score

    assert guess("notes.txt", pcap([])) == 100
    assert guess("-", b"") == 100
    assert guess("trace.pcap", b"Dear TAC,") == 0


def test_one_file_alone_is_a_ring_of_one(tmp_path: Path) -> None:
    """Reading as a format gives the same events."""
    ((source, reading),) = files(tmp_path, set())

    assert list(FORMAT.read(source, How(), reading)) == read_ring([(source, Reading())], How())
    assert reading.frames == len(PARTY)
