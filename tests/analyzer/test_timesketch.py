"""The timeline as Timesketch imports it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from analyzer.report.timesketch import timesketch
from tests import scene
from tests.analyzer.reports import analysis_of

REFUSED = """
    0.000002  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.11  back   syn-ack
    0.13  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
    0.14  back   StreamHeader from=gmail.com to=cupdomain.com id=1
    0.15  back   StreamError condition=host-unknown text="\x1b[2J"
"""


def test_each_line_has_what_timesketch_demands() -> None:
    """message, datetime, timestamp_desc; the instant twice, and both agree to the microsecond; in order of time."""
    text = timesketch(analysis_of(scene.tap("cups.pcap", REFUSED), local=("cupdomain.com",)))
    rows = [json.loads(line) for line in text.splitlines()]
    assert len(rows) == 5
    for row in rows:
        assert row["message"] and row["timestamp_desc"] == "Frame captured"
        moment = datetime.fromisoformat(row["datetime"])
        assert moment.utcoffset() == timedelta(0)
        assert row["timestamp"] == int(moment.timestamp()) * 1_000_000 + moment.microsecond
    assert rows[0]["datetime"] == "2013-09-06T09:14:00.000002+00:00"
    assert [row["timestamp"] for row in rows] == sorted(row["timestamp"] for row in rows)


def test_an_event_names_its_attempt_and_the_rules_that_it_proves() -> None:
    """A search for a tag, a session or a file finds the evidence."""
    text = timesketch(analysis_of(scene.tap("cups.pcap", REFUSED), local=("cupdomain.com",)))
    first, *_, last = [json.loads(line) for line in text.splitlines()]
    assert last["tag"] == ["stream-host-unknown"]
    assert last["session"] == first["session"]
    assert (last["source"], last["frame"], last["step"]) == ("cups.pcap", 6, "stream:ERRORED")
    assert (last["initiator"], last["receiver"]) == ("cupdomain.com", "gmail.com")
    assert first["step"] == "flow:SYN_SENT"
    assert "\x1b" not in text


def test_an_instant_that_no_calendar_has_is_clamped() -> None:
    """A damaged capture may claim any year; the line stays."""
    tap = scene.tap("cups.pcap", "300000000000  10.0.0.5:40000 > 198.51.100.10:5269  syn")
    (row,) = [json.loads(line) for line in timesketch(analysis_of(tap)).splitlines()]
    assert row["datetime"].startswith("9999-12-31")
