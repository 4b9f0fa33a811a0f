"""Loose files cut into days, as whoever keeps a folder of rotated logs and captures meets it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd

from analyzer.batch.cases import Options
from analyzer.batch.days import DAY_NS
from analyzer.batch.loose import Span, cut
from analyzer.batch.run import batch

HOUR_NS = 3_600 * 10**9
MAY_19_NS = 16_209 * DAY_NS


def days(*spans: Span) -> list[tuple[str, list[str]]]:
    """Name and files of each case."""
    return [(task.name, list(task.paths)) for task in cut(spans, Options())]


def test_a_day_is_seen_with_the_hours_around_it() -> None:
    """A file of the next day's first hour is read for both days, one of its second hour is not."""
    noon = Span("noon.pcap", MAY_19_NS + 12 * HOUR_NS, MAY_19_NS + 13 * HOUR_NS)
    night = Span("night.pcap", MAY_19_NS + 24 * HOUR_NS, MAY_19_NS + 25 * HOUR_NS)
    later = Span("later.pcap", MAY_19_NS + 26 * HOUR_NS, MAY_19_NS + 27 * HOUR_NS)

    assert days(noon, night, later) == [
        ("loose 2014-05-19", ["noon.pcap", "night.pcap"]),
        ("loose 2014-05-20", ["night.pcap", "later.pcap"]),
    ]


def test_a_file_of_many_days_keeps_them_together() -> None:
    """It would be read again for each; days that it does not cover stand alone."""
    log = Span("prosody.log", MAY_19_NS, MAY_19_NS + 3 * DAY_NS - 1)
    inside = Span("inside.pcap", MAY_19_NS + DAY_NS + HOUR_NS, MAY_19_NS + DAY_NS + 2 * HOUR_NS)
    after = Span("after.pcap", MAY_19_NS + 5 * DAY_NS + 2 * HOUR_NS, MAY_19_NS + 5 * DAY_NS + 3 * HOUR_NS)

    assert days(log, inside, after) == [
        ("loose 2014-05-19_2014-05-21", ["prosody.log", "inside.pcap"]),
        ("loose 2014-05-24", ["after.pcap"]),
    ]
    assert cut([log, inside], Options(since_ns=MAY_19_NS + 3 * DAY_NS)) == []


LINES = """\
{day} 23:59:58 s2sout{n}a\tinfo\tBeginning new connection attempt to example.net ([198.51.100.10]:5269)
{next} 00:00:01 s2sout{n}a\tinfo\tOutgoing s2s connection cupdomain.com->example.net complete
{next} 12:00:00 s2sout{n}b\tinfo\tBeginning new connection attempt to gmail.com ([198.51.100.11]:5269)
{next} 12:00:01 s2sout{n}b\tinfo\tOutgoing s2s connection cupdomain.com->gmail.com complete
"""


def test_an_attempt_across_midnight_is_told_once_and_whole(tmp_path: Path) -> None:
    """On the day on which it began; two files of a rotation that each cross midnight, one of them packed."""
    archive, out = tmp_path / "archive", tmp_path / "out"
    archive.mkdir()
    (archive / "prosody.log").write_text(LINES.format(day="May 20", next="May 21", n=2))
    older = LINES.format(day="May 19", next="May 20", n=1)
    (archive / "prosody.log.1.gz").write_bytes(gzip.compress(older.encode(), mtime=0))
    (archive / "case.toml").write_text("year = 2014\n")
    batch(str(archive), str(out), Options(), map)
    sessions = pd.read_parquet(out / "sessions")

    told = sorted(zip(sessions.receiver, sessions.began.astype(str), sessions.outcome, strict=True))
    assert told == [
        ("example.net", "2014-05-19 23:59:58+00:00", "established"),
        ("example.net", "2014-05-20 23:59:58+00:00", "established"),
        ("gmail.com", "2014-05-20 12:00:00+00:00", "established"),
        ("gmail.com", "2014-05-21 12:00:00+00:00", "established"),
    ]
    assert (sessions.day.astype(str) == sessions.began.dt.date.astype(str)).all()
    assert sorted(pd.read_parquet(out / "cases").index) == [f"loose 2014-05-{day}" for day in (19, 20, 21)]
