"""What is counted of a case is bounded, however long its logs are and however many sources they tell of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parsers import count
from parsers.count import Count, wider
from parsers.events import Dialback, Flow, Said, Topic, Where
from parsers.hold import SLOT_NS

HOUR, HALF_DAY = 12, 144
"""Slots."""


def said(slot: int, source: str = "a.log", line: int = 1) -> Said:
    """A line of a log."""
    where = Where(source=source, line=line)
    return Said(topic=Topic.AUTHED, text="", level="info", at_ns=slot * SLOT_NS, width_ns=1, where=where)


def counted(*events: Said) -> Count:
    """What comes of some lines, each of which begins a stream."""
    found = Count()
    for event in events:
        found.begins(event.at_ns, 10)
        found.look([event], lambda event: event.at_ns)
    return found


def test_a_long_time_is_counted_in_wider_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours, then half days and so on, so that there are never more than may be; no weight is lost."""
    monkeypatch.setattr(count, "SLOTS_MAX", 10)
    assert counted(*map(said, range(10))).grain == 1
    hours = counted(*map(said, range(11)))
    years = counted(*(said(slot) for slot in range(-50_000, 50_000, 7)))

    assert (hours.grain, hours.slots) == (HOUR, {0: 11 * 11})
    assert len(years.slots) <= 10
    assert all(slot % years.grain == 0 for slot in years.slots)
    assert years.slots.total() == 11 * len(range(-50_000, 50_000, 7))


def test_few_events_stay_and_are_counted_once() -> None:
    """All of an input, or none; what tshark makes of it besides is counted as well."""
    found, events = Count(keep=3), list(map(said, range(2)))
    for _ in range(2):
        found.look(events, lambda event: event.at_ns)
    found.look([said(9)], lambda event: event.at_ns)
    assert (found.keeps, len(events), dict(found.slots)) == (True, 2, {0: 1, 1: 1, 9: 1})

    many = list(map(said, range(4)))
    for _ in range(2):
        found.look(many, lambda event: event.at_ns)
        many.append(said(7))
    assert (found.keeps, len(many), dict(found.slots)) == (False, 1, {0: 2, 1: 2, 2: 1, 3: 1, 7: 1, 9: 1})


def test_lines_of_a_long_time_are_noted_for_wider_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of all logs together; each knows its first and last line of half a day where there are too many hours."""
    monkeypatch.setattr(count, "LINES_MAX", 40)
    found = counted(*(said(slot, f"{slot % 2}.log", line=slot + 1) for slot in range(4 * HALF_DAY)))

    assert found.lines_grain == HALF_DAY
    assert found.lines["0.log"] == {n * HALF_DAY: (n * HALF_DAY + 1, (n + 1) * HALF_DAY - 1) for n in range(4)}
    assert found.grain == 1


def test_of_too_many_sources_no_lines_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON lines may tell of a million: half of what is known of one would be read as all of it."""
    monkeypatch.setattr(count, "LINES_MAX", 40)
    found = counted(*(said(slot, f"{slot}.log") for slot in range(100)), said(5, "0.log"))

    assert found.lines == {}
    assert found.slots.total() == 101 * 11


def test_weights_are_brought_to_one_grain() -> None:
    """Also those of before 1970."""
    assert wider({-1: 1, 0: 2, 11: 3, 12: 4}, HOUR) == {-HOUR: 1, 0: 5, HOUR: 4}
    assert wider({-1: 1, 0: 2}, 1) == {-1: 1, 0: 2}


def test_what_is_remembered_of_keys_is_bounded_by_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who came first is proved, however often he is; of those who come later under long names nothing is."""
    flow = Flow(src_ip="203.0.113.7", src_port=50_000, dst_ip="10.0.0.5", dst_port=5269)

    def asked(name: str) -> list[Dialback]:
        key = Dialback(
            at_ns=0,
            width_ns=1,
            where=Where(source="a.pcap", frame=1),
            flow=flow,
            word="result",
            from_domain=name,
            to_domain="our.example",
            verdict=None,
        )
        valid = replace(key, flow=flow.reverse, from_domain="our.example", to_domain=name, verdict="valid")
        return [key, valid]

    monkeypatch.setattr(count, "PROVED_LEN_MAX", 10_000)
    found = Count()
    for number in range(50):
        found.look([*asked("first.example"), *asked(f"d{number}.{'x' * 500}")], lambda event: event.at_ns)

    assert found.proved["203.0.113.7", "first.example"] == 50
    assert 2 < len(found.proved) < 10
