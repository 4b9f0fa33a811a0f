"""What waits in many conversations at once: it has one room, and what gives way is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from parsers.capture import frames, room
from parsers.capture.frames import Reader
from parsers.capture.packet import Packet
from parsers.capture.room import UNFINISHED, gathered
from parsers.events import CaptureGap, Damage, Event, Stanza, StreamHeader
from parsers.source import Reading
from tests.packets import ACK, SYN, header

STREAMS = 6
SEGMENT = 1000
OPENING = header("a.example", "b.example")
ELEMENT = b"<message><body>" + b"x" * 20_000
TAG = b"<message><x a='" + b"y" * 9_000
NAMES = b"<message>" + b"".join(b"<n%d/>" % number for number in range(900))
PREFIXES = b"<message><x " + b" ".join(b"xmlns:p%d='u'" % number for number in range(600)) + b">"
KEPT = b"<stream:features>" + b"<a>b&amp;b</a>" * 600
RECORD = b"\x16\x03\x03\x3e\x80" + b"\x0b\0\x3e\x7c" + b"\0" * 9_000
MESSAGE = b"\xff\xff" + b"\0" * 9_000


def packets(first: bytes, then: bytes, port: int = 5269, hole: int = 0) -> Iterator[Packet]:
    """Conversations that take turns: each says the same, in segments, the rest of it after a hole."""
    frame = 0

    def packet(client: int, flags: int, seq: int, payload: bytes = b"") -> Packet:
        nonlocal frame
        frame += 1
        ends = ("10.0.0.5", 40_000 + client, "10.9.9.9", port)
        return Packet(frame, frame * 1_000_000, 6, *ends, 64, payload, len(payload), seq, 0, flags)

    for client in range(STREAMS):
        yield packet(client, SYN, 0)
        if first:
            yield packet(client, ACK, 1, first)
    for at in range(0, len(then), SEGMENT):
        for client in range(STREAMS):
            yield packet(client, ACK, 1 + len(first) + hole + at, then[at : at + SEGMENT])


def read(reader: Reader, chosen: Iterator[Packet]) -> int:
    """The most that waits between two packets."""
    most = 0

    def watched() -> Iterator[Packet]:
        nonlocal most
        for packet in chosen:
            sides = {id(side): side for held in reader._running.values() for side in held[0].sides}
            most = max(most, sum(side.held_len for side in sides.values()))
            yield packet

    reader.read("trace.pcap", watched(), Reading())
    return most


def unfinished(events: list[Event]) -> list[Damage]:
    """What gave way."""
    return [e for e in events if isinstance(e, Damage) and e.what == UNFINISHED]


@pytest.mark.parametrize(
    ("first", "then", "port"),
    [
        pytest.param(OPENING, TAG, 5269, id="a tag"),
        pytest.param(OPENING, NAMES, 5269, id="names"),
        pytest.param(OPENING, PREFIXES, 5269, id="prefixes"),
        pytest.param(OPENING, KEPT, 5269, id="features"),
        pytest.param(b"", RECORD, 5269, id="a record of TLS"),
        pytest.param(b"", MESSAGE, 53, id="a message of DNS"),
    ],
)
def test_what_has_no_end_in_many_conversations_gives_way(
    monkeypatch: pytest.MonkeyPatch, first: bytes, then: bytes, port: int
) -> None:
    """Whatever it is that never ends, there is one room for all of it, and what was there of it is damage."""
    monkeypatch.setattr(frames, "SWEEP_EVERY", 8)
    read(endless := Reader(), packets(first, then, port))
    alone = sum(side.held_len for conversation in endless._conversations() for side in conversation.sides)
    most = alone // 3
    monkeypatch.setattr(room, "HELD_MAX", most)

    reader = Reader()
    waited = read(reader, packets(first, then, port))

    assert waited < most + 9 * (SEGMENT + 300) + room.HELD_MAX // 2
    assert len(damage := unfinished(reader.close())) == 1
    assert damage[0].unit == "bytes" and 0 < damage[0].lost <= STREAMS * len(then)


def test_reading_goes_on_behind_what_gave_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the next stanza: only the element is lost that was being read."""
    monkeypatch.setattr(frames, "SWEEP_EVERY", 8)
    monkeypatch.setattr(room, "HELD_MAX", 20_000)
    reader = Reader()
    read(reader, packets(OPENING, TAG + b"'/></message><presence from='a@a.example' to='b@b.example'/>"))

    events = reader.close()

    assert unfinished(events)
    assert sum(isinstance(e, StreamHeader) for e in events) == STREAMS
    assert {(e.name, e.from_domain, e.to_domain) for e in events if isinstance(e, Stanza)} >= {
        ("presence", "a.example", "b.example")
    }
    assert sum(isinstance(e, Stanza) and e.name == "presence" for e in events) == STREAMS


def test_what_waits_behind_holes_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hole that was not filled until there is no room stays one."""
    monkeypatch.setattr(frames, "SWEEP_EVERY", 1_000)
    monkeypatch.setattr(Reader, "gather_bytes", SEGMENT)
    monkeypatch.setattr(room, "HELD_MAX", 60_000)
    reader = Reader()
    waited = read(reader, packets(OPENING, ELEMENT, hole=7))

    assert waited < 60_000
    assert {e.missing_bytes for e in reader.close() if isinstance(e, CaptureGap)} >= {7}


def test_a_long_text_takes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a stanza's body nothing is held, so nothing gives way for it."""
    monkeypatch.setattr(frames, "SWEEP_EVERY", 8)
    monkeypatch.setattr(room, "HELD_MAX", STREAMS * 20_000)
    reader = Reader()
    read(reader, packets(OPENING, ELEMENT + b"</body></message>"))

    events = reader.close()

    assert not [e for e in events if isinstance(e, Damage)]
    assert sum(isinstance(e, Stanza) for e in events) == STREAMS


def test_the_more_are_under_way_the_less_each_gathers() -> None:
    """All together gather what one room holds; a decoder is not called for a few bytes all the same."""
    assert gathered(2, room.GATHER_BYTES) == room.GATHER_BYTES
    assert gathered(4_096, room.GATHER_BYTES) * 4_096 <= room.GATHERED_MAX
    assert gathered(1 << 20, room.GATHER_BYTES) == room.GATHER_MIN
    assert gathered(2, 1) == 1


def test_who_is_between_two_stanzas_gives_way_first_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What expat keeps of earlier ones goes, and reading goes on with the next."""
    monkeypatch.setattr(frames, "SWEEP_EVERY", 8)
    monkeypatch.setattr(Reader, "gather_bytes", 1)
    monkeypatch.setattr(room, "HELD_MAX", 800_000)
    stanzas = b"".join((b"<presence from='a@a%d.example' to='b@b.example'/>" % n).ljust(100) for n in range(30))
    reader = Reader()
    waited = read(reader, packets(OPENING + NAMES + b"</message>", stanzas))

    events = reader.close()

    assert waited > 400_000
    assert not [e for e in events if isinstance(e, Damage)]
    assert sum(isinstance(e, Stanza) and e.name == "presence" for e in events) == STREAMS * 30
