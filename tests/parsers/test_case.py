"""The files of one incident: which they are, how they are called, and where each was recorded."""

from __future__ import annotations

import dataclasses
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from analyzer.cli import main
from analyzer.correlator import correlate
from analyzer.judge import judge
from analyzer.report.rows import source_rows
from parsers import case as cases
from parsers import jsonl
from parsers.case import Case, read_case
from parsers.errors import FedtraceError, UnknownFormat
from parsers.events import Damage, Said, TcpMark, Where
from parsers.inputs import inputs_of
from parsers.source import How, Reading, Source
from tests.packets import FEATURES, header, pcap, talk

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks/cases"
TALK = pcap(
    talk((">", header("cupdomain.com", "gmail.com")), ("<", header("gmail.com", "cupdomain.com", "s1") + FEATURES))
)


def put(folder: Path, *names: str, content: bytes = TALK) -> Path:
    """Files of that content in a folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def names(*paths: Path | str) -> list[str]:
    """How the inputs are called."""
    return [source.name for source in inputs_of([str(path) for path in paths]).sources]


def refused(*paths: Path | str, how: How | None = None) -> str:
    """The sentence with which a case is refused."""
    with pytest.raises(FedtraceError) as caught:
        read_case([str(path) for path in paths], how or How())
    return str(caught.value)


# --- which files, and what they are called


def test_a_folder_is_read_at_any_depth(tmp_path: Path) -> None:
    """In order of name; hidden files, hidden folders, and further names of what is in it are left out."""
    put(tmp_path, "b.pcap", "a.pcap", "logs/c.pcap", ".hidden.pcap", ".git/d.pcap")
    (tmp_path / "link.pcap").symlink_to(tmp_path / "a.pcap")

    assert names(tmp_path) == ["a.pcap", "b.pcap", "c.pcap"]


def test_files_of_the_same_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    """Only as much of the path as it takes, and only for those that need it."""
    put(tmp_path, "inside/asa/trace.pcap", "outside/asa/trace.pcap", "peer/trace.pcap", "peer/cups.pcap")

    assert names(tmp_path) == [
        "cups.pcap",
        "inside/asa/trace.pcap",
        "outside/asa/trace.pcap",
        "peer/trace.pcap",
    ]


def test_a_pattern_names_files_and_folders(tmp_path: Path) -> None:
    """Where no shell expands it: in quotes, or on Windows."""
    put(tmp_path, "case-1/a.pcap", "case-2/b.pcap", "notes.txt")

    assert names(f"{tmp_path}/case-*") == ["a.pcap", "b.pcap"]
    assert names(f"{tmp_path}/*/b.pcap") == ["b.pcap"]
    assert "no such file or folder" in refused(f"{tmp_path}/*.pcapng")
    assert "no such file or folder" in refused(tmp_path / "missing.pcap")


def test_a_file_named_twice_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its folder, by its own path, and by another spelling of that."""
    put(tmp_path, "a.pcap")
    monkeypatch.chdir(tmp_path)

    assert names(tmp_path, tmp_path / "a.pcap", "a.pcap", "./a.pcap") == ["a.pcap"]


def test_an_archive_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case is one incident, not a file server."""
    monkeypatch.setattr("parsers.inputs.FILES_MAX", 2)

    assert "more than 2 files" in refused(put(tmp_path, "a.pcap", "b.pcap", "c.pcap"))


def test_standard_input_is_a_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-`, read without a look at it before."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(TALK)))
    case = read_case(["-"], How())

    assert [source.name for source in case.readable] == ["-"]
    assert case.readings["-"].frames == 10


# --- what can be read


def test_what_cannot_be_read_stays_in_the_case_with_its_reason(tmp_path: Path) -> None:
    """Notes, an empty file, the beginning of a capture header: the good capture is read all the same."""
    put(tmp_path, "good.pcap")
    put(tmp_path, "notes.txt", content=b"call TAC\n")
    put(tmp_path, "empty.pcap", content=b"")
    put(tmp_path, "stub.pcap", content=TALK[:10])
    case = read_case([str(tmp_path)], How())

    assert [source.name for source in case.readable] == ["good.pcap"]
    assert {source.name: source.format for source in case.sources}["stub.pcap"] is None
    assert set(case.problems) == {"notes.txt", "empty.pcap", "stub.pcap"}
    assert isinstance(case.problems["notes.txt"], UnknownFormat)
    assert "empty" in case.problems["empty.pcap"].problem


def test_a_case_of_nothing_is_refused_once(tmp_path: Path) -> None:
    """No file at all; one bad file, with its own reason; several, with theirs."""
    (tmp_path / "logs").mkdir()
    assert "there is no file in it" in refused(tmp_path)

    put(tmp_path, "notes.txt", content=b"call TAC\n")
    assert "notes.txt: no format recognises it" in refused(tmp_path)

    put(tmp_path, "empty.pcap", content=b"")
    assert "none of 2 files could be read (no format recognises it; the file is empty)" in refused(tmp_path)


def test_a_format_that_was_named_is_not_doubted(tmp_path: Path) -> None:
    """`--as jsonl`: each line that is no event is damage; a name that no format has is refused."""
    put(tmp_path, "notes.txt", content=b"call TAC\n")
    case = read_case([str(tmp_path / "notes.txt")], How(format="jsonl"))

    (damage,) = case.river()
    assert isinstance(damage, Damage) and damage.what.startswith("no JSON")
    assert "no format has this name" in refused(tmp_path / "notes.txt", how=How(format="snoop"))


def test_a_disk_that_fails_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operating system's word, as the reason of that source."""
    put(tmp_path, "a.pcap", "b.pcap")
    whole = cases.read_ring

    def failing(parts: Sequence[tuple[Source, Reading]], *more: object, **named: object) -> object:
        if parts[0][0].name == "a.pcap":
            raise OSError(5, "Input/output error")
        return whole(parts, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(cases, "read_ring", failing)
    case = read_case([str(tmp_path)], How())

    assert {name: error.problem for name, error in case.problems.items()} == {"a.pcap": "input/output error"}
    assert list(case.events) == ["b.pcap"]


def test_a_file_that_cannot_be_looked_at_has_no_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A share that went away between listing and reading."""

    def gone(self: Path, **_: object) -> os.stat_result:
        raise OSError("stale file handle")

    monkeypatch.setattr(Path, "stat", gone)

    assert cases._size(Path("trace.pcap")) == 0


def test_each_source_is_announced_before_it_is_read(tmp_path: Path) -> None:
    """For the progress line: its size is known, its frames are not yet."""
    put(tmp_path, "a.pcap", "b.pcap")
    seen: list[tuple[str, int, int | None]] = []
    read_case([str(tmp_path)], How(), lambda s, r: seen.append((s.name, r.size_bytes, r.frames)))

    assert seen == [("a.pcap", len(TALK), None), ("b.pcap", len(TALK), None)]


def test_the_river_is_one_order_of_all_events(tmp_path: Path) -> None:
    """By time, then by source."""
    river = read_case([str(put(tmp_path, "a.pcap", "b.pcap"))], How()).river()

    assert [(event.at_ns, event.where.source) for event in river] == sorted((e.at_ns, e.where.source) for e in river)
    assert {event.where.source for event in river} == {"a.pcap", "b.pcap"}


# --- ring buffers


def taps(*called: str) -> dict[str, str]:
    """Taps of files of these names in one folder."""
    return cases._taps([Source(name=name, path=Path("/case") / name, format="capture") for name in called])


@pytest.mark.parametrize(
    "ring",
    [
        ("cups_00001_20131231235959.pcapng", "cups_00002_20140101000959.pcapng"),  # dumpcap -b
        ("cups_20131231235959_00001.pcapng", "cups_20140101000959_00002.pcapng"),  # dumpcap -b printname:nametimenum
        ("cups.pcap0", "cups.pcap1", "cups.pcap2"),  # tcpdump -C -W
        ("cups.pcap", "cups.pcap1", "cups.pcap2", "cups.pcap10"),  # tcpdump -C
        ("packets.cap00", "packets.cap01"),  # utils network capture-rotate
        ("cups.pcap0.gz", "cups.pcap1.gz"),
    ],
)
def test_files_of_a_ring_buffer_share_a_tap(ring: tuple[str, ...]) -> None:
    """Named after the first of them, in whatever order they are given."""
    assert taps(*reversed(ring), "other.pcap") == dict.fromkeys(ring, ring[0])
    assert all(map(cases.may_be_of_ring, ring[1:]))


@pytest.mark.parametrize(
    "apart",
    [
        ("inside.pcap", "outside.pcap"),
        ("cups_00001_20131231235959.pcapng",),
        ("cups_00001_20131231235959.pcapng", "peer_00002_20140101000959.pcapng"),
        ("trace1.pcap", "trace2.pcap"),  # somebody's numbering: these may be two places
        ("inside/cups.pcap0", "outside/cups.pcap1"),
    ],
)
def test_other_files_stand_for_themselves(apart: tuple[str, ...]) -> None:
    """A lone ring file, two rings, numbers before the ending, and the same ring's name in two folders."""
    assert taps(*apart) == {}
    assert not cases.may_be_of_ring("trace1.pcap")


def test_a_conversation_over_the_border_of_two_ring_files_is_one(tmp_path: Path) -> None:
    """tcpdump -C 1: the header is in the first file, the answer in the second; the older one is read first."""
    at = 24 + sum(16 + len(frame) for frame in list(talk((">", header("cupdomain.com", "gmail.com"))))[:4])
    put(tmp_path, "cups.pcap1", content=TALK[:at])
    put(tmp_path, "cups.pcap0", content=TALK[:24] + TALK[at:])
    case = read_case([str(tmp_path)], How())

    assert list(case.events) == ["cups.pcap0"]
    view = correlate(case.events, case.sources, case.readings)
    (connection,) = view.connections
    assert (connection.initiator, connection.receiver) == ("cupdomain.com", "gmail.com")
    assert [e.where.source for e in case.river() if isinstance(e, TcpMark)][:3] == ["cups.pcap1"] * 3
    # Each file is told with its own events, of all that the two share.
    told = {row["name"]: row["events"] for row in source_rows(case.sources, case, view)}
    assert told == {n: sum(e.where.source == n for e in case.river()) for n in ("cups.pcap0", "cups.pcap1")}
    assert min(told.values()) > 0


def test_a_bad_file_of_a_ring_leaves_the_others(tmp_path: Path) -> None:
    """The last one has not even a whole header."""
    put(tmp_path, "cups.pcap0", "cups.pcap1")
    put(tmp_path, "cups.pcap2", content=TALK[:10])
    case = read_case([str(tmp_path)], How())

    assert [source.name for source in case.readable] == ["cups.pcap0", "cups.pcap1"]
    assert list(case.problems) == ["cups.pcap2"]


# --- events told again


def verdicts(case: Case) -> list[tuple[object, ...]]:
    """Who fails whom, why, how surely, and on what evidence."""
    judgement = judge(correlate(case.events, case.sources, case.readings))
    return [
        (v.initiator, v.receiver, v.state, v.cause and (v.cause.rule, v.cause.confidence, v.cause.match.events))
        for v in judgement.verdicts
    ]


@pytest.mark.parametrize("path", sorted(p.name for p in NOTEBOOKS.iterdir() if p.is_dir()))
def test_events_told_again_give_the_same_verdicts(tmp_path: Path, path: str) -> None:
    """`fedtrace events --jsonl` of all captures of a case, and of each alone, is as good as they are."""
    told = tmp_path / "told.jsonl"
    for inputs in (NOTEBOOKS / path, *sorted((NOTEBOOKS / path).glob("*.pcap"))):
        told.write_bytes(CliRunner().invoke(main, ["events", "--jsonl", str(inputs)]).stdout_bytes)

        assert verdicts(read_case([str(told)], How())) == verdicts(read_case([str(inputs)], How()))


def line(source: str, at_ns: int) -> str:
    """One event of a source."""
    mark = TcpMark(at_ns=at_ns, width_ns=1000, where=Where(source=source, frame=1), mark="syn")
    return jsonl.line(mark) + "\n"


def test_a_source_told_of_is_known_as_far_as_its_events_go(tmp_path: Path) -> None:
    """Its coverage is not more than that, and the report says so; what was no event stays with the file."""
    told = line("inside.pcap", 10) + line("outside.pcap", 30) + line("inside.pcap", 20) + "no event\n"
    case = read_case([str(put(tmp_path, "told.jsonl", content=told.encode()) / "told.jsonl")], How())

    assert [(s.name, s.assumed) for s in case.sources] == [
        ("told.jsonl", ()),
        ("inside.pcap", ("recorded from its first event in told.jsonl to its last",)),
        ("outside.pcap", ("recorded from its first event in told.jsonl to its last",)),
    ]
    assert [(n, r.first_ns, r.last_ns) for n, r in case.readings.items()][1:] == [
        ("inside.pcap", 10, 20),
        ("outside.pcap", 30, 30),
    ]
    assert {tap: [type(e) for e in events] for tap, events in case.events.items()} == {
        "told.jsonl": [Damage],
        "inside.pcap": [TcpMark, TcpMark],
        "outside.pcap": [TcpMark],
    }


def test_a_source_told_of_twice_is_two(tmp_path: Path) -> None:
    """The capture itself lies beside what was told of it, or two tellers tell of one name: nothing is mixed."""
    put(tmp_path, "cups.pcap")
    put(tmp_path, "a.jsonl", "b.jsonl", content=line("cups.pcap", 10).encode())
    case = read_case([str(tmp_path)], How())
    marks = {tap: len([e for e in events if isinstance(e, TcpMark)]) for tap, events in case.events.items()}

    assert marks == {"a.jsonl": 0, "b.jsonl": 0, "cups.pcap": 6, "a.jsonl/cups.pcap": 1, "b.jsonl/cups.pcap": 1}
    assert all(e.where.source == tap for tap, events in case.events.items() for e in events)


def test_ring_files_told_of_share_their_tap(tmp_path: Path) -> None:
    """As they did when they were captures."""
    told = line("cups.pcap0", 20) + line("cups.pcap1", 10)
    case = read_case([str(put(tmp_path, "told.jsonl", content=told.encode()) / "told.jsonl")], How())

    assert [event.at_ns for event in case.events["cups.pcap0"]] == [10, 20]
    assert {source.tap for source in case.sources[1:]} == {"cups.pcap0"}


def test_an_input_that_tells_of_countless_sources_is_bounded(tmp_path: Path) -> None:
    """Each line names another: the first are kept, the rest is counted."""
    lines = "".join(line(f"{number:04}.pcap", number) for number in range(cases.RETOLD_MAX + 5))
    case = read_case([str(put(tmp_path, "told.jsonl", content=lines.encode()) / "told.jsonl")], How())
    (damage,) = case.events["told.jsonl"]

    assert len(case.sources) == 1 + cases.RETOLD_MAX
    assert isinstance(damage, Damage) and (damage.lost, damage.unit) == (5, "lines")


def test_names_in_a_log_that_are_longer_than_names_can_be_are_cut(tmp_path: Path) -> None:
    """A line may have 64 KiB, and thousands of lines a tag, a domain and an address of so many characters each."""
    long = "a" * 20_000
    path = tmp_path / "prosody.log"
    path.write_text(
        f"2014-05-19 10:00:00 s2sout1\tinfo\tBeginning new connection attempt to {long}.example ([1:{long}]:5269)\n"
        f"2014-05-19 10:00:01 s2sout{long}\tinfo\tOutgoing s2s connection cupdomain.com->{long}.example complete\n"
    )

    events = read_case([str(path)], How()).river()

    assert [type(event) for event in events] == [Said, Said]
    for event in events:
        fields = [getattr(event, field.name) for field in dataclasses.fields(event)]
        assert max(len(told) for told in fields if isinstance(told, str)) <= 1023
    assert events[0].to_domain == long[:1023] == events[1].to_domain  # type: ignore[attr-defined]
