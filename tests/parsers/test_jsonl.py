"""JSON lines as an input: what was written is read again, and a line that is no event is damage, never an end."""

from __future__ import annotations

import dataclasses
import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers import jsonl
from parsers.capture.inflate import zstd
from parsers.events import EVENT_TYPES, Damage, Event
from parsers.format import Head
from parsers.source import How, Reading, Source
from tests import scene

RIVER = scene.tap(
    "cups.pcap",
    """
    0.00  10.0.0.5:4000 > 10.0.0.53:53         query SRV _xmpp-server._tcp.gmail.com
    0.02  10.0.0.53:53 > 10.0.0.5:4000         answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.gmail.com
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.13  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
    """,
).events


def read(path: Path) -> tuple[list[Event], Reading]:
    """The events of a file, and what reading it came to."""
    reading = Reading()
    return list(jsonl.FORMAT.read(Source(name=path.name, path=path, format="jsonl"), How(), reading)), reading


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    """The same events, where they were first seen; the reading says how many lines, and from when to when."""
    path = tmp_path / "river.jsonl"
    path.write_text("".join(f"{jsonl.line(event)}\n" for event in RIVER), encoding="utf-8")
    events, reading = read(path)
    assert events == RIVER
    assert reading.lines == len(RIVER)
    assert (reading.first_ns, reading.last_ns) == (RIVER[0].at_ns, RIVER[-1].at_ns)


GOOD = jsonl.line(RIVER[2])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("not json", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[1]", "no event"),
        ('{"kind":"Unheard"}', "no event"),
        ('{"kind":["DnsQuery"]}', "no event"),
        ('{"kind":"StreamEnd"}', "wants a field 'at_ns'"),
        (GOOD.replace('"mark":"syn"', '"mark":"sin"'), "TcpMark.mark: 'sin' does not fit"),
        (GOOD.replace('"width_ns":1000', '"width_ns":"1000"'), "does not fit"),
        (GOOD.replace('"width_ns":1000', '"width_ns":true'), "does not fit"),
        (GOOD.replace('"mark"', '"colour":"red","mark"'), "no field 'colour'"),
        (GOOD.replace('"src_port":40000', '"src_port":{}'), "does not fit"),
        (GOOD.replace('"frame":4', '"frame":1e3'), "float does not fit"),
        (GOOD.replace('"frame":4', f'"frame":{1 << 63}'), "does not fit"),
        (GOOD.replace('"source":"cups.pcap"', '"source":"\\ud800"'), "does not fit"),
        ("x" * (jsonl.LINE_MAX + 10), "longer than 1 MiB"),
    ],
    ids=range(15),
)
def test_a_line_that_is_no_event_is_damage_and_the_rest_is_read(tmp_path: Path, line: str, says: str) -> None:
    """One sentence, the line's number, and the events before and after it."""
    path = tmp_path / "river.jsonl"
    path.write_text(f"{GOOD}\n\n{line}\n{GOOD}\n", encoding="utf-8")
    events, reading = read(path)
    (damage,) = [e for e in events if isinstance(e, Damage)]
    assert says in damage.what
    assert damage.where.line == 3
    assert [e for e in events if not isinstance(e, Damage)] == [RIVER[2], RIVER[2]]
    assert reading.lines == 4


FIELDS = sorted({f.name for kind in EVENT_TYPES for f in dataclasses.fields(kind)})
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(EVENT_TYPES), st.dictionaries(st.sampled_from(FIELDS), ANY_JSON, max_size=3), ANY_JSON)
def test_no_line_upsets_the_reader(kind: type[Event], fields: dict[str, object], anything: object) -> None:
    """Whatever stands in a field, or in place of the event: an event that can be written again, or one sentence."""
    whole = {**json.loads(GOOD), **fields, "kind": kind.__name__}
    for thing in ({"kind": kind.__name__, **fields}, whole, {**whole, "kind": anything}, anything):
        try:
            event = jsonl.event(json.dumps(thing))
        except ValueError as error:
            assert str(error)
        else:
            jsonl.line(event).encode()


@pytest.mark.parametrize(
    ("data", "mine"), [(GOOD.encode(), True), (b'{"a": 1}', False), (b"", False), (b"\0\1", False)]
)
def test_the_first_line_tells_the_format(data: bytes, mine: bool) -> None:
    """A line of ours begins with its kind; binary input has no lines."""
    guess = jsonl.FORMAT.guess(Head(path=Path("river"), raw=data, data=data))
    assert (guess.score > 40) is mine
    assert guess.because


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress], ids=["gzip", "zstd"])
def test_packed_lines_are_read_too(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """A cache or an attachment; one that was cut gives its good part, and says so."""
    path = tmp_path / "river.jsonl.gz"
    packed = pack("".join(f"{jsonl.line(event)}\n" for event in RIVER).encode() + random.Random(1).randbytes(600_000))
    path.write_bytes(packed[: len(packed) // 2])
    events, _ = read(path)
    assert events[: len(RIVER)] == RIVER
    assert any(isinstance(event, Damage) and event.where.source == "river.jsonl.gz" for event in events)


def test_an_offset_moves_every_instant(tmp_path: Path) -> None:
    """As for a capture: the clock that wrote it was wrong."""
    path = tmp_path / "river.jsonl"
    path.write_text(f"{GOOD}\nnot json\n", encoding="utf-8")
    reading = Reading()
    source = Source(name="river.jsonl", path=path, format="jsonl")
    moved, damage = jsonl.FORMAT.read(source, How(offset_ns=-5), reading)
    assert moved == dataclasses.replace(RIVER[2], at_ns=RIVER[2].at_ns - 5)
    assert damage.at_ns == reading.first_ns == moved.at_ns
