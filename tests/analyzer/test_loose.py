"""Loose files cut into days, as whoever keeps a folder of rotated logs and captures meets it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import analyzer.batch.ledger as ledger_module
import analyzer.batch.work as work_module
import parsers.case
from analyzer.batch import parts
from analyzer.batch.aside import Aside
from analyzer.batch.cases import Options, Task
from analyzer.batch.covered import Covered, Span
from analyzer.batch.days import DAY_NS
from analyzer.batch.ledger import Ledger
from analyzer.batch.loose import cut
from analyzer.batch.outcome import Outcome
from analyzer.batch.run import Work, batch
from analyzer.batch.work import COVERED, Done, Job
from parsers.events import Event
from parsers.source import Reading, Source
from tests import packets
from tests.analyzer.test_batch import tree
from tests.packets import FEATURES, header, pcap, talk

HOUR_NS = 3_600 * 10**9
MAY_19_NS = 16_209 * DAY_NS


def ledger(*spans: Span) -> Ledger:
    """What a run knows of loose files that cover this."""
    found = Ledger(Aside())
    for span in spans:
        task = Task(name=span.path, stem=span.path, paths=(span.path,), only_span=True)
        found.note(Done(task, Outcome(case=span.path, state=COVERED), None, None, (), covered=Covered((span,), {})))
    return found


def days(*spans: Span) -> list[tuple[str, list[str]]]:
    """Name and files of each case."""
    return [(task.name, list(task.paths)) for task in cut(ledger(*spans), Options())]


def test_a_day_is_seen_with_the_hours_around_it() -> None:
    """A file of the next day's first hour is read for both days, one of its second hour is not."""
    noon = Span("noon.pcap", MAY_19_NS + 12 * HOUR_NS, MAY_19_NS + 13 * HOUR_NS)
    night = Span("night.pcap", MAY_19_NS + 24 * HOUR_NS, MAY_19_NS + 25 * HOUR_NS)
    later = Span("later.pcap", MAY_19_NS + 26 * HOUR_NS, MAY_19_NS + 27 * HOUR_NS)

    assert days(noon, night, later) == [
        ("loose 2014-05-19", ["night.pcap", "noon.pcap"]),
        ("loose 2014-05-20", ["later.pcap", "night.pcap"]),
    ]


def test_a_file_of_many_days_keeps_them_together() -> None:
    """It would be read again for each; days that it does not cover stand alone."""
    log = Span("prosody.log", MAY_19_NS, MAY_19_NS + 3 * DAY_NS - 1)
    inside = Span("inside.pcap", MAY_19_NS + DAY_NS + HOUR_NS, MAY_19_NS + DAY_NS + 2 * HOUR_NS)
    after = Span("after.pcap", MAY_19_NS + 5 * DAY_NS + 2 * HOUR_NS, MAY_19_NS + 5 * DAY_NS + 3 * HOUR_NS)

    assert days(log, inside, after) == [
        ("loose 2014-05-19_2014-05-21", ["inside.pcap", "prosody.log"]),
        ("loose 2014-05-24", ["after.pcap"]),
    ]
    assert list(cut(ledger(log, inside), Options(since_ns=MAY_19_NS + 3 * DAY_NS))) == []


def test_an_attempt_across_midnight_and_a_rotation_is_told_once_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the day on which it began; another of noon the day after is that day's."""
    said = (
        (">", header("cupdomain.com", "gmail.com")),
        ("<", header("gmail.com", "cupdomain.com", "stream-id-1") + FEATURES),
        (">", b"<db:result from='cupdomain.com' to='gmail.com'>secret-key</db:result>"),
        ("<", b"<db:result type='valid' from='gmail.com' to='cupdomain.com'/>"),
    )
    frames, noon = list(talk(*said)), list(talk(*said, client=("10.0.0.5", 40123)))
    archive, out = tmp_path / "archive", tmp_path / "out"
    archive.mkdir()
    midnight_s = (MAY_19_NS + DAY_NS) // 10**9
    for name, begin_s, part in (
        ("cups.pcap0", midnight_s - 4, frames[:6]),
        ("cups.pcap1", midnight_s + 2, frames[6:]),
        ("cups.pcap2", midnight_s + 43_200, noon),
    ):
        monkeypatch.setattr(packets, "BEGIN_S", begin_s)
        (archive / name).write_bytes(pcap(part, step_ms=1000))
    batch(str(archive), str(out), Options(), map)
    sessions = pd.read_parquet(out / "sessions").sort_values("began")

    told = list(zip(sessions.began.astype(str), sessions.day.astype(str), sessions.outcome, strict=True))
    assert told == [
        ("2014-05-19 23:59:56+00:00", "2014-05-19", "established"),
        ("2014-05-20 12:00:00+00:00", "2014-05-20", "established"),
    ]
    assert sorted(pd.read_parquet(out / "cases").index) == ["loose 2014-05-19", "loose 2014-05-20"]
    events = pd.read_parquet(out / "events")
    assert not events.duplicated(["source", "frame", "kind"]).any()
    assert (events.day.astype(str) == events["at"].dt.date.astype(str)).all()


@pytest.fixture
def captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seven small captures of 19 and 20 May, one every five hours; the fifth is under way at midnight."""
    archive = tmp_path / "archive"
    archive.mkdir()
    for number in range(7):
        peer = f"peer{number}.example"
        opening = ((">", header("cupdomain.com", peer)), ("<", header(peer, "cupdomain.com", "id") + FEATURES))
        begin_s = MAY_19_NS // 10**9 + number * 5 * 3600 + 4 * 3600
        monkeypatch.setattr(packets, "BEGIN_S", begin_s - (number == 4) * 5)
        (archive / f"outside-{number}.pcap").write_bytes(pcap(talk(*opening), step_ms=2000))
    return archive


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the captures that are read, one after the other."""
    names: list[str] = []
    ring = parsers.case.read_ring

    def noted(files: Sequence[tuple[Source, Reading]], *how: Any, **more: Any) -> list[Event]:
        names.extend(source.name for source, _ in files)
        return ring(files, *how, **more)

    monkeypatch.setattr(parsers.case, "read_ring", noted)
    return names


@pytest.mark.parametrize("held_max", [200_000, 40])
def test_a_small_capture_is_read_once(
    held_max: int, captures: Path, read: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its day, or the parts of it, say what they would say if they read it again."""
    monkeypatch.setattr(parts, "HELD_MAX", held_max)
    batch(str(captures), str(tmp_path / "once"), Options(), map)
    assert read == [f"outside-{number}.pcap" for number in range(7)]

    monkeypatch.setattr(ledger_module, "READ_LEN_MAX", 10_000)
    read.clear()
    batch(str(captures), str(tmp_path / "some"), Options(), map)
    assert 7 < len(read) < 14

    monkeypatch.setattr(ledger_module, "READ_LEN_MAX", 0)
    read.clear()
    batch(str(captures), str(tmp_path / "again"), Options(), map)
    assert len(read) >= 14
    assert tree(tmp_path / "once") == tree(tmp_path / "some") == tree(tmp_path / "again")


def test_what_would_make_a_job_too_large_is_read_again(
    captures: Path, read: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A capture that says much with few events is given to no job as bytes."""
    monkeypatch.setattr(work_module, "SHOWN_LEN_MAX", 1)
    batch(str(captures), str(tmp_path / "out"), Options(), map)
    assert len(read) >= 14


def test_names_need_not_be_utf_8(captures: Path, read: list[str], tmp_path: Path) -> None:
    """A loose capture, and a folder, of such names are read as others are."""
    folder = captures / os.fsdecode(b"case-\xfe")
    folder.mkdir()
    (captures / "outside-1.pcap").rename(captures / os.fsdecode(b"outside-\xff.pcap"))
    (captures / "outside-2.pcap").rename(folder / os.fsdecode(b"b\xfd.pcap"))
    came = batch(str(captures), str(tmp_path / "out"), Options(), map)

    assert sorted((o.attempts, o.problem) for o in came.outcomes) == [(1, None), (2, None), (4, None)]
    assert len(read) == 7


def test_a_capture_that_was_written_to_in_between_is_read_again(captures: Path, tmp_path: Path) -> None:
    """Its day tells what is in it now."""

    def meanwhile(work: Work, jobs: Iterable[Job]) -> Iterator[Done]:
        for job in jobs:
            if not job.task.only_span:
                with (captures / "outside-1.pcap").open("ab") as file:
                    file.write((captures / "outside-2.pcap").read_bytes()[24:])
            yield work(job)

    batch(str(captures), str(tmp_path / "out"), Options(), meanwhile)
    events = pd.read_parquet(tmp_path / "out" / "events")
    assert set(events[events.source == "outside-1.pcap"]["at"].dt.hour) == {9, 14}


def test_a_log_without_a_year_is_dated_once_for_all_its_days(tmp_path: Path) -> None:
    """By the archive's own `case.toml`, or by when the file was written: that it lies beside others changes nothing."""
    archive, out = tmp_path / "archive", tmp_path / "out"
    archive.mkdir()
    line = "May {day} 12:00:01 s2sout{day}\tinfo\tOutgoing s2s connection cupdomain.com->example.net complete\n"
    for day in (19, 20, 21):
        (archive / f"prosody.log.{day}").write_text(line.format(day=day))
        os.utime(archive / f"prosody.log.{day}", (MAY_19_NS // 10**9,) * 2)
    batch(str(archive), str(out), Options(), map)
    assert sorted(pd.read_parquet(out / "sessions").day.astype(str)) == ["2014-05-19", "2014-05-20", "2014-05-21"]

    (archive / "case.toml").write_text("year = 2012\n")
    batch(str(archive), str(out), Options(), map)
    assert sorted(pd.read_parquet(out / "sessions").day.astype(str)) == ["2012-05-19", "2012-05-20", "2012-05-21"]
