"""Instants of logs: as programs print them, with and without year, date and zone."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.clock import DAY, SECOND, Clock
from parsers.errors import FedtraceError
from parsers.source import How


def ns(text: str) -> int:
    """An ISO instant in UTC, whole seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


NEAR = How(near_ns=ns("2013-09-06T09:14:00"), near_why="from a.pcap beside it")


@pytest.mark.parametrize(
    ("text", "instant", "width_ns"),
    [
        ("2026-11-22 11:08:05", "2026-11-22T11:08:05", SECOND),
        ("2026-11-22T11:08:05Z", "2026-11-22T11:08:05", SECOND),
        ("2023-04-06 05:54:47+08:00", "2023-04-05T21:54:47", SECOND),
        ("2015.09.29 17:38:01", "2015-09-29T17:38:01", SECOND),
        ("Apr 29 2013 12:59:50", "2013-04-29T12:59:50", SECOND),
        ("Sun Nov 22 11:00:41 2026", "2026-11-22T11:00:41", SECOND),
        ("Sun Nov 22 11:00:41 UTC 2026", "2026-11-22T11:00:41", SECOND),
        ("22-Nov-2026 11:08:05", "2026-11-22T11:08:05", SECOND),
        ("[22-Nov-2026 11:08:05]", "2026-11-22T11:08:05", SECOND),
        ("[22/Nov/2026:11:08:05 +0000]", "2026-11-22T11:08:05", SECOND),
        ("20261122 11:08:05", "2026-11-22T11:08:05", SECOND),
        ("4/21/2017 7:52:03 AM", "2017-04-21T07:52:03", SECOND),
        ("4/21/2017 12:52:03 am", "2017-04-21T00:52:03", SECOND),
        ("21/4/2017 19:52:03", "2017-04-21T19:52:03", SECOND),
        ("1561740340", "2019-06-28T16:45:40", SECOND),
    ],
)
def test_a_date_is_read_as_programs_print_it(text: str, instant: str, width_ns: int) -> None:
    """Dates that say all but perhaps the zone."""
    assert Clock(How()).read(text) == (ns(instant), width_ns)


@pytest.mark.parametrize(
    ("text", "fraction_ns", "width_ns"),
    [
        ("22-Nov-2026 11:08:05.203", 203_000_000, 1_000_000),
        ("2026-11-22 11:08:05,203", 203_000_000, 1_000_000),
        ("2026-11-22 11:08:05:203", 203_000_000, 1_000_000),
        ("2026-11-22 11:08:05.965221+00:00", 965_221_000, 1_000),
        ("2026-11-22T11:08:05.965221123Z", 965_221_123, 1),
    ],
)
def test_fractions_stay_whole_numbers(text: str, fraction_ns: int, width_ns: int) -> None:
    """The last digit says how wide the instant is."""
    assert Clock(How()).read(text) == (ns("2026-11-22T11:08:05") + fraction_ns, width_ns)


@pytest.mark.parametrize(
    ("texts", "instant"),
    [
        (["5/4/2017 7:52:03 AM", "5/13/2017 7:52:03 AM"], "2017-05-04T07:52:03"),
        (["5/4/2017 07:52:03", "13/4/2017 07:52:03"], "2017-04-05T07:52:03"),
        (["5/4/2017 07:52:03", "5/4/2017 08:52:03", "5/5/2017 07:52:03"], "2017-05-04T07:52:03"),
        (["5-4-2017 07:52:03", "6-4-2017 07:52:03"], "2017-04-05T07:52:03"),
        (["12/04/2017 07:52:03", "01/05/2017 07:52:03", "12/13/2017 07:52:03"], "2017-12-04T07:52:03"),
    ],
)
def test_a_source_shows_how_it_orders_its_dates(texts: list[str], instant: str) -> None:
    """A number above 12 is a day, and the day is what changes first; two changes at once show nothing."""
    clock = Clock(How(zone="UTC"))
    clock.learn(texts)
    assert clock.read(texts[0])[0] == ns(instant)


def test_a_zone_that_is_told_is_applied_and_nothing_is_assumed() -> None:
    """Berlin is two hours ahead in summer."""
    clock = Clock(How(zone="Europe/Berlin"))
    assert clock.read("2013-09-06 11:14:03") == (ns("2013-09-06T09:14:03"), SECOND)
    assert clock.assumed == []


def test_a_missing_zone_is_assumed_and_said_once() -> None:
    """However many lines there are."""
    clock = Clock(How())
    clock.read("2013-09-06 11:14:03")
    clock.read("2013-09-06 11:15:03")
    assert clock.assumed == ["zone UTC (the lines name none; --zone says otherwise)"]


def test_an_ambiguous_zone_is_not_guessed() -> None:
    """EST is a zone of America and one of Australia."""
    clock = Clock(How())
    clock.read("Sep 25 2013 15:47:07 EST")
    assert "EST is ambiguous" in clock.assumed[0]


def test_a_missing_year_is_that_of_the_neighbour_and_said() -> None:
    """The capture beside it is of 2013."""
    clock = Clock(NEAR)
    assert clock.read("Sep  6 09:14:03") == (ns("2013-09-06T09:14:03"), SECOND)
    assert "year 2013 (from a.pcap beside it; --year says otherwise)" in clock.assumed


def test_the_year_turns_in_the_middle_of_a_log() -> None:
    """The line after New Year is of the next year."""
    clock = Clock(How(year=2013, zone="UTC"))
    assert clock.read("Dec 31 23:59:59")[0] == ns("2013-12-31T23:59:59")
    assert clock.read("Jan  1 00:00:01")[0] == ns("2014-01-01T00:00:01")
    assert clock.assumed == []


def test_the_29th_of_february_finds_a_year_that_has_it() -> None:
    """2012 is the nearest to a neighbour of 2013."""
    assert Clock(NEAR).read("Feb 29 12:00:00")[0] == ns("2012-02-29T12:00:00")


def test_a_time_of_day_gets_the_day_that_is_told() -> None:
    """--date names the day of the first line; midnight brings the next."""
    clock = Clock(How(date="2013-09-06", zone="UTC"))
    assert clock.read("23:59:58.500") == (ns("2013-09-06T23:59:58") + 500_000_000, 1_000_000)
    assert clock.read("23:59:57.000")[0] == ns("2013-09-06T23:59:57"), "lines a second out of order stay on their day"
    assert clock.read("00:00:01.000")[0] == ns("2013-09-07T00:00:01")
    assert clock.assumed == []


def test_a_time_of_day_without_a_day_is_near_its_neighbour() -> None:
    """Just after midnight the neighbour's evening is the day before."""
    clock = Clock(How(near_ns=ns("2013-09-07T00:10:00"), near_why="from a.pcap beside it"))
    assert clock.read("23:55:00.000")[0] == ns("2013-09-06T23:55:00")
    assert "date 2013-09-06 of the first line (from a.pcap beside it; --date says otherwise)" in clock.assumed


def test_without_a_neighbour_nothing_is_invented() -> None:
    """A date without a year, and nothing that tells it, is no instant."""
    with pytest.raises(ValueError):
        Clock(How()).read("Sep  6 09:14:03")
    with pytest.raises(ValueError):
        Clock(How()).read("09:14:03")


@pytest.mark.parametrize("text", ["", "hello", "25:00:00", "2013-13-06 09:14:03", "99/99/2013 09:14:03", "1:2:3 7"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    """With ValueError, which readers take for a line of another kind."""
    with pytest.raises(ValueError):
        Clock(NEAR).read(text)


@pytest.mark.parametrize("how", [How(zone="Mars/Olympus"), How(zone="../etc/passwd"), How(date="yesterday")])
def test_a_zone_or_day_that_does_not_exist_is_refused_in_one_sentence(how: How) -> None:
    """With what to say instead."""
    with pytest.raises(FedtraceError, match="say it as"):
        Clock(how)


def test_an_offset_moves_every_instant() -> None:
    """What case.toml or the user says of a clock that was wrong."""
    assert Clock(How(offset_ns=-DAY)).read("2013-09-06T09:14:03Z")[0] == ns("2013-09-05T09:14:03")


@given(st.integers(ns("1990-01-01T00:00:00"), ns("2150-01-01T00:00:00")))
def test_nanoseconds_survive(at_ns: int) -> None:
    """What is printed with nine digits is read to the nanosecond."""
    seconds, rest = divmod(at_ns, SECOND)
    text = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest:09d}Z"
    assert Clock(How()).read(text) == (at_ns, 1)


@given(st.text(max_size=40))
def test_any_text_is_an_instant_or_refused(text: str) -> None:
    """Nothing else is raised, whatever a log holds."""
    with suppress(ValueError):
        Clock(NEAR).read(text)


def test_a_told_day_tells_the_year_of_lines_that_name_their_own() -> None:
    """`--date` beside logs of which some have a day and no year: it does them no harm."""
    clock = Clock(How(date="2013-09-06", zone="UTC"))

    assert clock.read("Sep  7 09:14:03")[0] == ns("2013-09-07T09:14:03")
    assert clock.assumed == []
