"""Segments that simply follow each other come together, and say the same as one by one."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.capture import select
from parsers.capture.frames import IDLE_NS, Reader
from parsers.capture.packet import Packet
from parsers.capture.runs import BATCH_MIN, RUN_MAX, RUN_MIN, SILENCE_NS, Run
from parsers.capture.select import packets, packets_and_runs
from parsers.events import CaptureGap, Event, Retransmission
from parsers.source import How, Reading
from tests.conftest import SHARED
from tests.packets import ACK, BEGIN_S, FIN, PSH, RST, SYN, header, pcap, tcp

US, THEM, ELSEWHERE = ("10.0.0.5", 40000), ("198.51.100.10", 5269), ("203.0.113.7", 40000)
OPEN = header("cupdomain.com", "gmail.com")
STANZA = b"<message from='a@cupdomain.com' to='b@gmail.com'><body>hello</body></message>"


@pytest.fixture(autouse=True, scope="module")
def runs_in_every_batch() -> Iterator[None]:
    """Captures of a few packets say as much of runs as long ones do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("parsers.capture.runs.BATCH_MIN", 0)
        yield


def capture(folder: Path, *captured: bytes, step_ms: int = 10) -> Path:
    """A capture of these frames."""
    path = folder / "trace.pcap"
    path.write_bytes(pcap(captured, step_ms))
    return path


def stream(count: int, ours: tuple[str, int] = US) -> list[bytes]:
    """A conversation in which we send a header and stanzas, each of which is acknowledged."""
    frames = [tcp(*ours, *THEM, SYN, 999), tcp(*THEM, *ours, SYN | ACK, 4999, 1000), tcp(*ours, *THEM, ACK, 1000, 5000)]
    seq = 1000
    for data in (OPEN, *[STANZA] * count):
        frames.append(tcp(*ours, *THEM, ACK | PSH, seq, 5000, data))
        seq += len(data)
        frames.append(tcp(*THEM, *ours, ACK, 5000, seq))
    return [*frames, tcp(*ours, *THEM, ACK | FIN, seq, 5000)]


def talk(turns: list[int], ours: tuple[str, int]) -> list[bytes]:
    """A conversation of such turns: 0 we say something, 1 they do, 2 they say nothing and acknowledge."""
    frames = stream(0, ours)[:-1]
    here, there = 1000 + len(OPEN), 5000
    for turn in turns:
        if turn == 0:
            frames.append(tcp(*ours, *THEM, ACK | PSH, here, there, STANZA))
            here += len(STANZA)
        else:
            frames.append(tcp(*THEM, *ours, ACK, there, here, STANZA if turn == 1 else b""))
            there += len(STANZA) if turn == 1 else 0
    return frames


def timed(frames: list[bytes], silences: dict[int, int]) -> bytes:
    """A capture of these frames, with silences of so many seconds before some of them."""
    out, now = [pcap([])], BEGIN_S
    for number, frame in enumerate(frames):
        now += silences.get(number, 0)
        out.append(struct.pack("<IIII", now, number, len(frame), len(frame)) + frame)
    return b"".join(out)


def told(path: Path) -> list[str]:
    """What is given, in words: a packet by its frame, a run by those that it holds."""
    said = []
    for item in packets_and_runs(path, How(), Reading()):
        if isinstance(item, Run):
            numbers = [packet.frame for packet in item.packets()]
            said.append(f"run {numbers[0]}-{numbers[-1]}" if numbers == sorted(numbers) else "out of order")
        else:
            assert isinstance(item, Packet)
            said.append(str(item.frame))
    return said


def both_ways(path: Path) -> tuple[list[Event], list[Event]]:
    """The events of a capture: packet by packet, and by runs."""
    found = []
    for chosen in (packets, packets_and_runs):
        reader = Reader()
        reader.read("trace.pcap", chosen(path, How(), Reading()), Reading())
        found.append(reader.close())
    return found[0], found[1]


def test_what_is_together(tmp_path: Path) -> None:
    """The handshake stands alone, then what follows comes together, no more than `RUN_MAX` at once."""
    assert told(capture(tmp_path, *stream(20))) == ["1", "2", "3", "4", "run 5-45", "46"]
    assert RUN_MAX == 64
    assert told(capture(tmp_path, *stream(40))) == ["1", "2", "3", "4", "run 5-68", "run 69-85", "86"]


def test_few_are_told_one_by_one(tmp_path: Path) -> None:
    """A run of a few segments would cost more than it saves."""
    assert RUN_MIN == 8
    assert told(capture(tmp_path, *stream(1))) == ["1", "2", "3", "4", "5", "6", "7", "8"]
    assert told(capture(tmp_path, *stream(2))) == ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]
    assert told(capture(tmp_path, *stream(4))) == ["1", "2", "3", "4", "run 5-13", "14"]


def test_a_small_capture_is_told_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finding its runs would take longer than its packets do."""
    monkeypatch.setattr("parsers.capture.runs.BATCH_MIN", BATCH_MIN)
    assert told(capture(tmp_path, *stream(120))) == [str(number) for number in range(1, 247)]
    assert told(capture(tmp_path, *stream(130)))[4:6] == ["run 5-68", "run 69-132"]


def test_what_separates(tmp_path: Path) -> None:
    """What is missing, what comes again, and a long silence end a run."""
    whole = stream(20)
    assert told(capture(tmp_path, *whole[:21], *whole[22:])) == ["1", "2", "3", "4", "run 5-22", "run 23-44", "45"]
    again = [*whole[:24], whole[3], *whole[24:]]
    assert told(capture(tmp_path, *again)) == ["1", "2", "3", "4", "run 5-24", "25", "26", "run 27-46", "47"]
    assert told(capture(tmp_path, *whole, step_ms=SILENCE_NS // 10**6)) == [str(number) for number in range(1, 47)]


def test_what_comes_again_is_in_no_run(tmp_path: Path) -> None:
    """However much of it there is: a run that began with it would be read one by one."""
    whole = stream(20)
    data = [frame for frame in whole[3:23] if STANZA in frame]
    again = [*whole[:23], *data[-8:], *whole[23:]]
    alone = [str(number) for number in range(24, 32)]
    assert told(capture(tmp_path, *again)) == ["1", "2", "3", "4", "run 5-23", *alone, "run 32-53", "54"]


def test_a_run_read_one_by_one(tmp_path: Path) -> None:
    """Its segments have their own bytes, long after the capture's window has moved on."""
    path = capture(tmp_path, *stream(20))
    items = list(packets_and_runs(path, How(), Reading()))
    found = [packet for item in items for packet in (item.packets() if isinstance(item, Run) else [item])]
    assert found == list(packets(path, How(), Reading()))


def test_conversations_that_alternate(tmp_path: Path) -> None:
    """Each has its own run, told when its last segment is due."""
    mixed = [frame for pair in zip(stream(20), stream(20, ELSEWHERE), strict=True) for frame in pair]
    assert told(capture(tmp_path, *mixed)) == [
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "run 9-89",
        "run 10-90",
        "91",
        "92",
    ]


@pytest.mark.parametrize("step_ms", [10, SILENCE_NS // 10**6 - 1, IDLE_NS // 10**6])
def test_the_same_is_said(tmp_path: Path, step_ms: int) -> None:
    """Header, acknowledgment and count of what was sent, by runs and one by one."""
    one_by_one, by_runs = both_ways(capture(tmp_path, *stream(200), step_ms=step_ms))
    assert by_runs == one_by_one
    assert {"StreamHeader", "Stanza", "Tally", "TcpMark"} <= {type(event).__name__ for event in by_runs}


def test_what_they_acknowledge_and_the_capture_lacks(tmp_path: Path) -> None:
    """A minute later they go on talking, and acknowledge what stands behind a hole, or was lost at the end."""
    path = tmp_path / "trace.pcap"
    behind = talk([*[0] * 20, *[1] * 20], US)
    path.write_bytes(timed([*behind[:6], *behind[7:]], {24: 61}))
    one_by_one, by_runs = both_ways(path)
    assert by_runs == one_by_one
    assert [event.where.frame for event in by_runs if isinstance(event, CaptureGap)] == [7]
    last = talk([0, *[1] * 20], US), talk([0, *[1] * 20], ELSEWHERE)
    path.write_bytes(timed([frame for whole in last for frame in (*whole[:5], *whole[6:])], {5: 61, 30: 61}))
    one_by_one, by_runs = both_ways(path)
    assert by_runs == one_by_one
    assert [event.where.frame for event in by_runs if isinstance(event, CaptureGap)] == [6, 31]


def test_a_space_that_comes_again(tmp_path: Path) -> None:
    """White space that keeps a stream alive is a byte of it; sent again it is no keep-alive probe of TCP."""
    frames = stream(20)[:-1]
    seq = 1000 + len(OPEN) + 20 * len(STANZA)
    space = tcp(*US, *THEM, ACK | PSH, seq, 5000, b" ")
    one_by_one, by_runs = both_ways(capture(tmp_path, *frames, space, space))
    assert by_runs == one_by_one
    assert [event.where.frame for event in by_runs if isinstance(event, Retransmission)] == [47]


@st.composite
def captured(draw: st.DrawFn) -> bytes:
    """Conversations whose frames are lost, come again, come late, or have others between them, at any time."""
    frames = []
    for ours in (US, ELSEWHERE):
        whole = talk(draw(st.lists(st.integers(0, 2), min_size=30, max_size=60)), ours)
        for _ in range(draw(st.integers(0, 4))):
            at = draw(st.integers(0, len(whole) - 1))
            number = draw(st.integers(990, 3000))
            kind = draw(st.sampled_from(["lost", "again", "late", "reset", "old ack", "probe", "opened"]))
            if kind == "lost":
                del whole[at]
            elif kind == "again":
                whole.insert(draw(st.integers(at, len(whole))), whole[at])
            elif kind == "late":
                whole.insert(draw(st.integers(at, len(whole) - 1)), whole.pop(at))
            elif kind == "reset":
                whole.insert(at, tcp(*THEM, *ours, RST | ACK, 5000, number))
            elif kind == "old ack":
                whole.insert(at, tcp(*THEM, *ours, ACK, 5000, number))
            elif kind == "probe":
                whole.insert(at, tcp(*ours, *THEM, ACK, number, 5000, b" "))
            else:
                whole.insert(at, tcp(*ours, *THEM, SYN, draw(st.sampled_from([999, 7]))))
        frames.append(whole)
    first, second = frames
    mixed = []
    while first or second:
        whole = second if not first or (second and draw(st.booleans())) else first
        count = draw(st.integers(1, 30))
        mixed += whole[:count]
        del whole[:count]
    silences = draw(st.dictionaries(st.integers(0, len(mixed)), st.sampled_from([59, 61, 299, 301]), max_size=3))
    return timed(mixed, silences)


@given(data=captured(), block=st.sampled_from([25, 16_384]))
@settings(deadline=None, max_examples=150)
def test_whatever_was_captured(data: bytes, block: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Runs say what their segments say one by one, wherever a block of the reader ends."""
    path = tmp_path_factory.getbasetemp() / "trace.pcap"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(select, "BLOCK_LEN", block)
        one_by_one, by_runs = both_ways(path)
    assert by_runs == one_by_one


@pytest.mark.needs_shared
@pytest.mark.parametrize(
    "path", sorted((SHARED / "lab").rglob("*.pcap*")), ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_recorded(path: Path) -> None:
    """So it is with what was recorded."""
    one_by_one, by_runs = both_ways(path)
    assert by_runs == one_by_one
