"""Cases of which more would be held than a worker may, as whoever has a month of a busy server in a folder meets them.

What may be held is made tiny here, so that recorded cases of seconds are large.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

import analyzer.batch.results
import analyzer.batch.work
from analyzer.batch import parquet, parts
from analyzer.batch.cases import Options
from analyzer.batch.days import DAY_NS
from analyzer.batch.parts import cut
from analyzer.batch.run import Progress, batch
from analyzer.batch.spread import local
from parsers import count
from parsers.hold import SLOT_NS
from parsers.source import How
from tests import packets
from tests.analyzer.test_batch import tree
from tests.command import HEALTHY
from tests.conftest import SHARED
from tests.packets import FEATURES, header, pcap, talk
from tests.parsers.test_decrypted import DATA

MAY_19_NS = 16_209 * DAY_NS
FIRST = MAY_19_NS // SLOT_NS
"""The slot with which 19 May 2014 begins."""
DAY, HOUR = 288, 12
"""Slots."""
Row = tuple[str, ...]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A worker may hold two conversations and a few events."""
    monkeypatch.setattr(parts, "HELD_MAX", 60)
    return monkeypatch


def dialogue(peer: str, port: int, *more: tuple[str, bytes], host: str = "10.0.0.5") -> list[bytes]:
    """A server lets our stream in by dialback."""
    said = (
        (">", header("cupdomain.com", peer)),
        ("<", header(peer, "cupdomain.com", f"id-{peer}") + FEATURES),
        (">", f"<db:result from='cupdomain.com' to='{peer}'>secret-key</db:result>".encode()),
        ("<", f"<db:result type='valid' from='{peer}' to='cupdomain.com'/>".encode()),
    )
    return list(talk(*said, *more, client=(host, port)))


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A capture of a day with a stream each second hour; that of 2 o'clock lasts until 10 and ends in no XML."""
    found = []
    for number in range(12):
        monkeypatch.setattr(packets, "BEGIN_S", MAY_19_NS // 10**9 + number * 7200)
        more = [(">", b"</stream:stream>what is this?")] if number == 1 else []
        frames, step_ms = dialogue(f"d{number % 3}.example", 40_000 + number, *more), 10
        if number == 1:
            step_ms = 8 * 3_600_000 // len(frames)
        found += records(pcap(frames, step_ms))
    return together(found)


def together(found: list[bytes]) -> bytes:
    """Records as a capture, in order of time."""
    return pcap([]) + b"".join(sorted(found, key=lambda record: instant(record[:8])))


def records(capture: bytes) -> Iterator[bytes]:
    """The records of a pcap file."""
    at = 24
    while at < len(capture):
        end = at + 16 + int.from_bytes(capture[at + 8 : at + 12], "little")
        yield capture[at:end]
        at = end


def instant(head: bytes) -> tuple[int, int]:
    """Seconds and fraction of a record."""
    return int.from_bytes(head[:4], "little"), int.from_bytes(head[4:], "little")


def rows(out: Path, table: str, *columns: str) -> list[Row]:
    """What a data set says, in order, whichever case says it."""
    read = pd.read_parquet(out / table).reset_index()
    return sorted(tuple(map(str, row)) for row in read[list(columns)].itertuples(index=False))


def told(out: Path) -> dict[str, list[Row]]:
    """Attempts, conversations, events and damage."""
    return {
        "sessions": rows(out, "sessions", "session", "began", "ended", "initiator", "receiver", "outcome", "cause"),
        "connections": rows(out, "connections", "connection", "session", "began", "ended"),
        "events": rows(out, "events", "source", "frame", "line", "kind", "at", "session"),
        "damage": rows(out, "damage", "source", "frame", "at", "what", "lost"),
    }


def cases(out: Path) -> list[str]:
    """Names of the cases, in order."""
    return sorted(pd.read_parquet(out / "cases").index)


# --- windows


def windows(slots: dict[int, int], most: int, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """First slot and slot after the last of each window, in slots since the midnight of 19 May, and its shares."""
    monkeypatch.setattr(parts, "HELD_MAX", most)
    found = cut({FIRST + slot: weight for slot, weight in slots.items()})
    return [(w.begin_ns // SLOT_NS - FIRST, w.end_ns // SLOT_NS - FIRST, w.shares) for w in found]


def test_windows_are_long_and_end_at_round_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """At midnight if a day fits, else at an hour, else at five; where nothing is there is no window."""
    even = dict.fromkeys(range(4 * DAY), 1)
    assert windows(even, 10 * DAY, monkeypatch) == [(0, 4 * DAY, 1)]
    assert windows(even, 3 * DAY, monkeypatch) == [(0, 2 * DAY, 1), (2 * DAY, 4 * DAY, 1)]
    assert windows(dict.fromkeys(range(2 * HOUR), 1), HOUR + 2, monkeypatch) == [(0, HOUR, 1), (HOUR, 2 * HOUR, 1)]
    assert windows(dict.fromkeys(range(4), 1), 3, monkeypatch) == [(0, 2, 1), (2, 4, 1)]
    assert windows({}, 5, monkeypatch) == []
    assert windows({0: 5, DAY + 7: 5}, 5, monkeypatch) == [(0, DAY, 1), (DAY + 7, DAY + 8, 1)]


def test_what_is_held_around_a_window_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each weighs no more than is allowed, or is parted by pairs."""
    slots = {0: 3, 1: 1, 2: 4, 3: 1, 4: 5, 5: 9, 6: 2, 7: 6}
    for begin, end, shares in windows(slots, 10, monkeypatch):
        weight = sum(slots.get(slot, 0) for slot in range(begin - 1, end + 1))
        assert weight <= 10 or (end - begin == 1 and weight <= 10 * shares)


def test_wide_slots_are_not_cut_and_nothing_between_them_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a log of decades: a window ends where one does, and one with too much has shares."""
    monkeypatch.setattr(parts, "HELD_MAX", 100)
    for grain, weights in ((12, [30, 30, 30, 90, 400, 0, 10]), (144, [10] * 40), (1728, [200, 1, 1, 1, 99])):
        slots = {FIRST // grain * grain + n * grain: weight for n, weight in enumerate(weights) if weight}
        found = list(cut(slots, grain))
        for slot, weight in slots.items():
            begin_ns, end_ns = slot * SLOT_NS, (slot + grain) * SLOT_NS
            (window,) = (w for w in found if w.begin_ns < end_ns and begin_ns < w.end_ns)
            assert window.begin_ns <= begin_ns and end_ns <= window.end_ns
            assert weight <= 100 * window.shares


# --- parts


def test_a_large_folder_is_told_as_if_it_were_small(
    tmp_path: Path, day: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same attempts, conversations and events, each once; one that lasts over several parts is whole."""
    (tmp_path / "archive" / "cups").mkdir(parents=True)
    (tmp_path / "archive" / "cups" / "a.pcap").write_bytes(day)
    batch(str(tmp_path / "archive"), str(tmp_path / "whole"), Options(), map)
    monkeypatch.setattr(parts, "HELD_MAX", 60)
    batch(str(tmp_path / "archive"), str(tmp_path / "parts"), Options(), map)

    assert cases(tmp_path / "whole") == ["cups"]
    assert cases(tmp_path / "parts")[:3] == ["cups 2014-05-19", "cups 2014-05-19T02:00", "cups 2014-05-19T04:00"]
    assert told(tmp_path / "parts") == told(tmp_path / "whole")
    assert len(told(tmp_path / "whole")["sessions"]) == 12
    (long,) = (r for r in told(tmp_path / "parts")["sessions"] if r[1].startswith("2014-05-19 02:00"))
    assert long[2].startswith("2014-05-19 10:00") or long[2].startswith("2014-05-19 09:")


@pytest.mark.needs_tshark
def test_with_a_key_log_a_large_folder_is_cut_as_well(
    tmp_path: Path, day: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What TLS hides is told with its conversation, in whichever part that began."""
    tls = list(records((DATA / "starttls-1.3.pcap").read_bytes()))
    later_s = MAY_19_NS // 10**9 + 3 * 3600 - instant(tls[0])[0]
    moved = [(instant(r)[0] + later_s).to_bytes(4, "little") + r[4:] for r in tls]
    others = [r for r in records(day) if (40_000).to_bytes(2, "big") not in (r[50:52], r[52:54])]
    day = together([*others, *moved])
    (tmp_path / "archive" / "cups").mkdir(parents=True)
    (tmp_path / "archive" / "cups" / "a.pcap").write_bytes(day)
    options = Options(how=How(keylog=DATA / "starttls-1.3.keys"))
    batch(str(tmp_path / "archive"), str(tmp_path / "whole"), options, map)
    monkeypatch.setattr(parts, "HELD_MAX", 60)
    batch(str(tmp_path / "archive"), str(tmp_path / "parts"), options, map)

    assert len(cases(tmp_path / "parts")) > len(cases(tmp_path / "whole")) == 1
    assert told(tmp_path / "parts") == told(tmp_path / "whole")
    inside = [row for row in told(tmp_path / "parts")["events"] if row[3] == "Stanza"]
    assert len(inside) == 1


def test_a_large_archive_is_unpacked_for_each_part(tmp_path: Path, day: bytes, small: object) -> None:
    """Of its members those are read that touch the window."""
    (tmp_path / "archive").mkdir()
    with zipfile.ZipFile(tmp_path / "archive" / "ticket.zip", "w") as packed:
        packed.writestr("ticket/cups.pcap", day)
        packed.writestr("ticket/early.log", "2014-05-19 00:00:01 s2sout5\tinfo\tOutgoing s2s connection "
                        "cupdomain.com->d9.example complete\n")  # fmt: skip
    batch(str(tmp_path / "archive"), str(tmp_path / "out"), Options(), map)
    read = pd.read_parquet(tmp_path / "out" / "cases").sources

    assert len(told(tmp_path / "out")["sessions"]) == 13
    assert read["ticket.zip 2014-05-19"] == 2
    assert set(read.drop("ticket.zip 2014-05-19")) == {1}


def test_files_take_room_whatever_is_in_them(tmp_path: Path, small: pytest.MonkeyPatch) -> None:
    """What is known of each is held with the events: a case of many files without federation is cut as well."""
    (tmp_path / "archive" / "cups").mkdir(parents=True)
    for number in range(40):
        small.setattr(packets, "BEGIN_S", MAY_19_NS // 10**9 + number * 900)
        ntp = packets.udp("10.0.0.5", 123, "198.51.100.123", 123, b"what time is it?")
        (tmp_path / "archive" / "cups" / f"{number:02}.pcap").write_bytes(pcap([ntp]))
    batch(str(tmp_path / "archive"), str(tmp_path / "out"), Options(), map)

    assert cases(tmp_path / "out") == ["cups 2014-05-19", "cups 2014-05-19T07:00"]
    read = pd.read_parquet(tmp_path / "out" / "sources").reset_index()
    assert set(read.source) == {f"{number:02}.pcap" for number in range(40)}
    assert read.groupby("case").source.nunique().max() <= 30


def test_a_large_day_of_loose_files_is_cut(tmp_path: Path, day: bytes, small: object) -> None:
    """Files that do not touch a window are not read for it."""
    (tmp_path / "archive").mkdir()
    parted = list(records(day))
    half = next(n for n, record in enumerate(parted) if instant(record[:8])[0] >= MAY_19_NS // 10**9 + 12 * 3600)
    (tmp_path / "archive" / "cups.pcap0").write_bytes(pcap([]) + b"".join(parted[:half]))
    (tmp_path / "archive" / "cups.pcap1").write_bytes(pcap([]) + b"".join(parted[half:]))
    batch(str(tmp_path / "archive"), str(tmp_path / "out"), Options(), map)

    assert cases(tmp_path / "out")[:2] == ["loose 2014-05-19", "loose 2014-05-19T02:00"]
    sessions = told(tmp_path / "out")["sessions"]
    assert len(sessions) == len({row[0] for row in sessions}) == 12
    assert set(pd.read_parquet(tmp_path / "out" / "cases").sources) == {1}


def test_progress_goes_on_through_folders_their_parts_and_loose_days(tmp_path: Path, day: bytes, small: object) -> None:
    """Files are counted while they are asked what they cover; then each case, once, up to as many as there are."""
    (tmp_path / "archive" / "cups").mkdir(parents=True)
    (tmp_path / "archive" / "cups" / "a.pcap").write_bytes(day)
    (tmp_path / "archive" / "b").mkdir()
    (tmp_path / "archive" / "b" / "b.pcap").write_bytes(HEALTHY)
    (tmp_path / "archive" / "loose.pcap").write_bytes(day)
    heard: list[Progress] = []
    came = batch(str(tmp_path / "archive"), str(tmp_path / "out"), Options(), map, heard.append)

    files, *told = heard
    assert (files.done.task.name, files.number, files.total) == ("loose.pcap", 1, 1)
    assert [each.number for each in told if each.done.covered is None] == list(range(1, len(came.outcomes) + 1))
    assert told[-1].total == len(came.outcomes) > 12
    assert all(before.total <= after.total for before, after in pairwise(told[2:]))


def test_a_log_of_many_years_is_cut_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted together is a day or more then; the same attempts, each once."""
    (tmp_path / "archive" / "cups").mkdir(parents=True)
    with (tmp_path / "archive" / "cups" / "a.log").open("w") as log:
        for number in range(100):
            at = datetime(1990, 1, 1, tzinfo=UTC) + number * timedelta(days=60, hours=7)
            log.write(f"{at:%Y-%m-%d %H:%M:%S} s2sout{number:03}\tinfo\tOutgoing s2s connection ")
            log.write(f"cupdomain.com->d{number}.example complete\n")
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose" / "a.log").write_bytes((tmp_path / "archive" / "cups" / "a.log").read_bytes())
    batch(str(tmp_path / "archive"), str(tmp_path / "whole"), Options(), map)
    monkeypatch.setattr(parts, "HELD_MAX", 60)
    monkeypatch.setattr(count, "SLOTS_MAX", 50)
    monkeypatch.setattr(count, "LINES_MAX", 40)
    batch(str(tmp_path / "archive"), str(tmp_path / "parts"), Options(), map)
    batch(str(tmp_path / "loose"), str(tmp_path / "days"), Options(), map)

    assert len(told(tmp_path / "whole")["sessions"]) == 100
    assert told(tmp_path / "parts") == told(tmp_path / "days") == told(tmp_path / "whole")
    assert len(cases(tmp_path / "parts")) > 10


def test_findings_that_are_never_held_are_those_that_are(
    tmp_path: Path, day: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same numbers, on the same days; a large case has many on attempts that never ended."""
    (tmp_path / "archive" / "cups").mkdir(parents=True)
    (tmp_path / "archive" / "cups" / "a.pcap").write_bytes(day)
    columns = ("finding", "session", "rule", "verdict", "because", "day")
    batch(str(tmp_path / "archive"), str(tmp_path / "small"), Options(), map)
    monkeypatch.setattr(analyzer.batch.results, "FEW_ROWS", 0)
    monkeypatch.setattr(parquet, "RECORDS_AT_ONCE", 7)
    batch(str(tmp_path / "archive"), str(tmp_path / "large"), Options(), map)

    assert rows(tmp_path / "large", "findings", *columns) == rows(tmp_path / "small", "findings", *columns)
    read = pd.read_parquet(tmp_path / "large" / "findings").reset_index()
    assert list(read.finding) == list(range(len(read)))
    assert len(read) > 100


def test_parts_before_a_day_are_not_read(tmp_path: Path, day: bytes, small: object) -> None:
    """With `--since`."""
    (tmp_path / "archive" / "cups").mkdir(parents=True)
    (tmp_path / "archive" / "cups" / "a.pcap").write_bytes(day)
    since = Options(since_ns=MAY_19_NS + 20 * 3600 * 10**9)
    batch(str(tmp_path / "archive"), str(tmp_path / "out"), since, map)

    assert cases(tmp_path / "out") == ["cups 2014-05-19T20:00"]


def test_parts_do_not_depend_on_who_works_and_are_kept(tmp_path: Path, day: bytes, small: pytest.MonkeyPatch) -> None:
    """The same bytes from any map; a second run reads nothing, not even to see how large the case is."""

    def backwards(work: object, jobs: list[object]) -> list[object]:
        return [work(job) for job in reversed(list(jobs))]  # type: ignore[operator]

    (tmp_path / "archive" / "cups").mkdir(parents=True)
    (tmp_path / "archive" / "cups" / "a.pcap").write_bytes(day)
    batch(str(tmp_path / "archive"), str(tmp_path / "one"), Options(), local(1))
    batch(str(tmp_path / "archive"), str(tmp_path / "last"), Options(), backwards)  # type: ignore[arg-type]
    small.setattr(analyzer.batch.work, "_results", lambda job: pytest.fail(f"{job.task.name} was read again"))
    again = batch(str(tmp_path / "archive"), str(tmp_path / "one"), Options(), map)

    assert again.fresh == 0
    assert tree(tmp_path / "one") == tree(tmp_path / "last")


def test_streams_of_a_long_log_are_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that ends a part later is no second attempt; lines far from a part's window are not read for it."""
    (tmp_path / "archive" / "cups").mkdir(parents=True)
    lines = []
    for number in range(40):
        tag, peer = f"s2sout{number:06x}", f"d{number}.example"
        at = f"2014-05-{1 + number // 2:02} {12 * (number % 2):02}"
        lines.append(f"{at}:00:01 {tag}\tinfo\tOutgoing s2s connection cupdomain.com->{peer} complete")
        lines.append(f"{at}:00:02 socket\tdebug\tnothing of federation")
        lines.append(f"{at}:30:00 {tag}\tinfo\tOutgoing s2s stream cupdomain.com->{peer} closed: idle")
    lines.sort()
    (tmp_path / "archive" / "cups" / "prosody.log").write_text("\n".join(lines) + "\n")
    batch(str(tmp_path / "archive"), str(tmp_path / "whole"), Options(), map)
    monkeypatch.setattr(parts, "HELD_MAX", 60)
    batch(str(tmp_path / "archive"), str(tmp_path / "parts"), Options(), map)

    assert len(cases(tmp_path / "parts")) > 4
    assert told(tmp_path / "parts") == told(tmp_path / "whole")
    assert len(told(tmp_path / "whole")["sessions"]) == 40
    read = pd.read_parquet(tmp_path / "parts" / "sources").lines
    assert read.max() < len(lines) / 2


@pytest.mark.needs_shared
@pytest.mark.parametrize("name", ["30-many-domains-one-fails", "26-srv-failover", "24b-mtu-blackhole-stanza"])
def test_a_minute_that_is_too_much_is_parted_by_pairs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same attempts and verdicts, each once; where hosts share an address, who asked first is known less well."""
    (tmp_path / "archive").mkdir()
    options = Options(local_domains=("cupdomain.com",))
    copied = tmp_path / "archive" / "case"
    copied.mkdir()
    for file in (SHARED / "lab" / name).iterdir():
        if file.is_file() and file.suffix != ".json":
            (copied / file.name).write_bytes(file.read_bytes())
    batch(str(tmp_path / "archive"), str(tmp_path / "whole"), options, map)
    monkeypatch.setattr(parts, "HELD_MAX", 100)
    batch(str(tmp_path / "archive"), str(tmp_path / "parts"), options, map)

    assert any(" pairs 1 of " in case for case in cases(tmp_path / "parts"))
    for table, outcome in (("sessions", "outcome"), ("verdicts", "state")):
        columns = ("initiator", "receiver", outcome, "cause")
        assert rows(tmp_path / "parts", table, *columns) == rows(tmp_path / "whole", table, *columns)


def test_what_no_part_can_hold_is_damage_of_its_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood: what is told is whole, and the row of the case says how much was not read."""
    flood = [
        frame
        for number in range(20)
        for frame in talk((">", header("cupdomain.com", f"d{number}.example")), client=("10.0.0.5", 40_000 + number))
    ]
    (tmp_path / "archive" / "cups").mkdir(parents=True)
    (tmp_path / "archive" / "cups" / "a.pcap").write_bytes(pcap(flood, step_ms=1))
    monkeypatch.setattr(parts, "HELD_MAX", 100)
    monkeypatch.setattr(parts, "ROOM", 20)
    batch(str(tmp_path / "archive"), str(tmp_path / "out"), Options(local_domains=("cupdomain.com",)), map)

    told_of = pd.read_parquet(tmp_path / "out" / "cases").problem.dropna()
    assert len(told_of) and told_of.str.contains("more in a few minutes than is held at once").all()
    attempts = pd.read_parquet(tmp_path / "out" / "sessions").receiver
    assert 0 < len(attempts) == len(set(attempts)) < 20
