"""Instants, durations and events as a person reads them; and nothing from the wire that steers a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.report.words import clock, count, day, duration, ends, escape, instant, place, says
from parsers.events import EVENT_TYPES, Event, Flow, Where
from tests.any_event import anything
from tests.scene import BEGIN_NS


def test_an_instant_keeps_its_nanoseconds() -> None:
    """UTC, as the report contract has it."""
    assert instant(BEGIN_NS + 3_412_000_007) == "2013-09-06T09:14:03.412000007Z"
    assert clock(BEGIN_NS + 3_412_000_007) == "09:14:03.412"
    assert day(BEGIN_NS) == "2013-09-06"


@given(st.integers(1 - (1 << 63), (1 << 63) - 1))
def test_any_instant_can_be_told(at_ns: int) -> None:
    """The whole range of 64 bits, before 1970 too, in words that sort as the instants do."""
    told = instant(at_ns)
    assert len(told) == 30
    assert told.endswith(f"{at_ns % 10**9:09d}Z")
    assert instant(at_ns) <= instant(at_ns + 1)


@pytest.mark.parametrize(
    ("ns", "told"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_500, "1.5 µs"),
        (412_345, "412 µs"),
        (12_000_000, "12 ms"),
        (37_500_000_000, "37.5 s"),
        (119_000_000_000, "119 s"),
        (200_000_000_000, "3 min 20 s"),
        (90_061_000_000_000, "25 h 1 min"),
        (-5_000_000_000, "-5 s"),
    ],
)
def test_a_duration_has_the_figures_that_matter(ns: int, told: str) -> None:
    """From nanoseconds to hours."""
    assert duration(ns) == told


def test_small_words() -> None:
    """Counts, places and ends."""
    assert (count(1, "frame"), count(41_207, "frame")) == ("1 frame", "41,207 frames")
    assert place(Where(source="outside.pcap", frame=1187)) == "outside.pcap#1187"
    assert place(Where(source="asa.log", line=4411)) == "asa.log:4411"
    assert place(Where(source="asa.log")) == "asa.log"
    assert ends(None) == ""
    six = Flow(src_ip="2001:db8::5", src_port=40000, dst_ip="192.0.2.1", dst_port=5269)
    assert ends(six) == "[2001:db8::5]:40000 > 192.0.2.1:5269"


@pytest.mark.parametrize(
    ("wire", "shown"),
    [
        ("plain gmail.com", "plain gmail.com"),
        ("bücher.example", "bücher.example"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\r\nlines", "two\\x0d\\x0alines"),
        ("\u202egnp.exe", "\\u202egnp.exe"),  # right-to-left override
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\udc80", "\\udc80"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_does_not_show_is_written_out(wire: str, shown: str) -> None:
    """Controls, bidi marks, invisible characters, halves of surrogate pairs."""
    assert escape(wire) == shown


def test_long_text_is_cut() -> None:
    """With an ellipsis, at the limit."""
    assert escape("x" * 1000, limit=10) == "xxxxxxxxx…"


@settings(deadline=None)  # the first draw of a class works out its fields
@given(st.sampled_from(EVENT_TYPES).flatmap(anything))
def test_any_event_is_told_in_one_harmless_line(event: Event) -> None:
    """Whatever its fields hold."""
    told = says(event)
    assert "\n" not in told
    assert all(character.isprintable() or character.isspace() for character in told)
    assert "\x1b" not in told
