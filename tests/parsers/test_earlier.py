"""What an earlier reading told of a small capture is taken for another, where that would come to the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsers import case as case_module
from parsers.case import read_case
from parsers.count import Count
from parsers.earlier import Earlier
from parsers.events import Event
from parsers.hold import CONVERSATION_WEIGHT, INPUT_WEIGHT, Hold, TooMuch
from parsers.source import How
from tests.packets import BEGIN_S, FEATURES, header, pcap, talk

BEGIN_NS = BEGIN_S * 10**9


@pytest.fixture
def trace(tmp_path: Path) -> str:
    """A capture of one stream, and another one beside it, which is called as a file of the same ring buffer is."""
    opening = (
        (">", header("cupdomain.com", "a.example")),
        ("<", header("a.example", "cupdomain.com", "id") + FEATURES),
    )
    for name in ("trace.pcap", "trace.pcap1"):
        (tmp_path / name).write_bytes(pcap(talk(*opening)))
    return str(tmp_path / "trace.pcap")


def told(path: str) -> dict[str, bytes]:
    """What a first reading tells of it."""
    count = Count(keep=100)
    case = read_case([path], How(), hold=count)
    assert count.keeps
    return {path: Earlier("trace.pcap", case.readings["trace.pcap"], case.events["trace.pcap"]).told()}


def test_it_is_not_read_again(trace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources, readings and events are those that another reading comes to."""
    again, earlier = read_case([trace], How()), told(trace)
    monkeypatch.setattr(case_module, "read_ring", None)
    known = read_case([trace], How(), hold=Hold((BEGIN_NS, BEGIN_NS + 10**9)), earlier=earlier)

    assert known.sources == again.sources
    assert (known.readings, known.events) == (again.readings, again.events)


@pytest.mark.parametrize(
    "hold",
    [
        pytest.param(Hold((BEGIN_NS + 1, BEGIN_NS + 10**9)), id="began-before-what-is-held"),
        pytest.param(Hold((BEGIN_NS, BEGIN_NS + 40_000_000)), id="ends-after-it"),
        pytest.param(Hold(share=(0, 2)), id="a-share"),
    ],
)
def test_what_is_wanted_in_part_is_read_again(trace: str, hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of its conversations are held is for who reads it."""
    read: list[object] = []
    ring = case_module.read_ring
    monkeypatch.setattr(case_module, "read_ring", lambda *given, **more: read.append(given) or ring(*given, **more))
    read_case([trace], How(), hold=hold, earlier=told(trace))

    assert len(read) == 2


def test_a_ring_buffer_is_read_again(trace: str) -> None:
    """Its files are one capture, of which an earlier reading saw each by itself."""
    ring = [trace, f"{trace}1"]
    again = read_case(ring, How())
    assert again.events.keys() == {"trace.pcap"}
    assert read_case(ring, How(), earlier=told(trace)).events == again.events


def test_what_is_called_otherwise_by_now_is_read_again(trace: str, tmp_path: Path) -> None:
    """Its events carry its name."""
    (tmp_path / "asa").mkdir()
    other = tmp_path / "asa" / "trace.pcap"
    other.write_bytes(Path(trace).read_bytes())
    case = read_case([trace, str(other)], How(), earlier=told(trace))

    assert {event.where.source for events in case.events.values() for event in events} == {
        f"{tmp_path.name}/trace.pcap",
        "asa/trace.pcap",
    }


def test_it_takes_as_much_room(trace: str) -> None:
    """Its conversation and events weigh what they weigh when they are read."""
    events: list[Event] = read_case([trace], How()).river()
    weight = INPUT_WEIGHT + CONVERSATION_WEIGHT + len(events)

    assert read_case([trace], How(), hold=Hold(most=weight), earlier=told(trace)).river() == events
    with pytest.raises(TooMuch):
        read_case([trace], How(), hold=Hold(most=weight - 1), earlier=told(trace))
