"""Runs of plain segments: what is taken at one stroke, and that this tells what one by one would have told."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from parsers.capture.batch import Batch
from parsers.capture.conversation import File
from parsers.capture.files import read_ring
from parsers.capture.frames import IDLE_NS, Reader
from parsers.capture.packet import Packet
from parsers.capture.runs import Run, runs
from parsers.capture.select import chosen
from parsers.events import Event
from parsers.source import How, Reading, Source
from tests.packets import ACK, FIN, PSH, RST, SYN, header, pcap, tcp

US, THEM = ("10.0.0.5", 40000), ("198.51.100.10", 5269)
STANZA = b"<message from='a@cupdomain.com' to='b@gmail.com'><body>hi</body></message>"


def out(seq: int, ack: int, payload: bytes = b"", flags: int = ACK, port: int = US[1]) -> bytes:
    """A segment of ours."""
    return tcp(US[0], port, *THEM, flags, seq, ack, payload)


def back(seq: int, ack: int, payload: bytes = b"", flags: int = ACK, port: int = US[1]) -> bytes:
    """A segment of theirs."""
    return tcp(*THEM, US[0], port, flags, seq, ack, payload)


def parts(folder: Path, *captured: bytes, step_ms: int = 1) -> list[Packet | Run]:
    """What is made of one batch of these frames."""
    path = folder / "trace.pcap"
    path.write_bytes(pcap(captured, step_ms=step_ms))
    found = [item for item in chosen(path, How(), Reading()) if isinstance(item, Batch)]
    assert len(found) == 1
    return list(runs(found[0], File("trace.pcap", Reading()), IDLE_NS))


def shape(found: list[Packet | Run]) -> list[str]:
    """Frames of runs in brackets, others bare."""
    return [
        f"[{' '.join(str(p.frame) for p in one.packets())}]" if isinstance(one, Run) else str(one.frame)
        for one in found
    ]


def test_what_simply_follows_is_one_run(tmp_path: Path) -> None:
    """Two stanzas out, one back, and acknowledgements."""
    found = parts(tmp_path, out(1, 1, b"one"), back(1, 4), out(4, 1, b"two"), back(1, 7, b"three"), out(7, 6))

    (run,) = found
    assert isinstance(run, Run)
    assert (run.there.pieces, run.there.seq, run.there.length) == ([b"one", b"two"], 1, 6)
    assert [frame for _, frame, _ in run.there.places] == [1, 3]
    assert (run.back.pieces, run.back.seq, run.back.length) == ([b"three"], 1, 5)
    assert (run.there.ack, run.there.acked and run.there.acked[1]) == (6, 5)
    assert (run.back.ack, run.back.acked and run.back.acked[1]) == (7, 4)
    assert [half.bare is not None and run.packet(half.bare).frame for half in (run.there, run.back)] == [5, 2]


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (out(4, 1, b"two", FIN | ACK), "a FIN"),
        (out(4, 1, b"two", RST | ACK), "a reset"),
        (out(1, 1, b"one"), "sent again"),
        (out(9, 1, b"two"), "a hole"),
        (out(4, 0, b"two"), "an acknowledgement that goes back"),
        (out(4, 1, b"two", PSH), "none at all"),
    ],
)
def test_what_is_not_plain_stands_alone(tmp_path: Path, odd: bytes, why: str) -> None:
    """And the run begins anew behind it."""
    before = [out(1, 1, b"one"), back(1, 1), back(1, 1)]
    behind = [back(1, 4), back(1, 4), back(1, 4)]

    assert shape(parts(tmp_path, *before, odd, *behind)) == ["[1 2 3]", "4", "[5 6 7]"], why


def test_a_long_silence_stands_alone(tmp_path: Path) -> None:
    """It is to be told."""
    captured = [out(1 + 3 * n, 1, b"one") for n in range(4)]

    assert shape(parts(tmp_path, *captured, step_ms=IDLE_NS // 10**6 - 1)) == ["[1 2 3 4]"]
    assert shape(parts(tmp_path, *captured, step_ms=IDLE_NS // 10**6)) == ["1", "2", "3", "4"]


def test_conversations_do_not_mix(tmp_path: Path) -> None:
    """Each has its own run, and one with itself has none."""
    captured = [out(1 + 3 * n, 1, b"one", port=port) for n in range(3) for port in (40000, 40001)]
    itself = [tcp(*THEM, *THEM, ACK, 1 + 3 * n, 1, b"one") for n in range(3)]

    assert sorted(shape(parts(tmp_path, *captured))) == ["[1 3 5]", "[2 4 6]"]
    assert shape(parts(tmp_path, *itself)) == ["1", "2", "3"]


def exchange(chance: random.Random, port: int) -> Iterator[bytes]:
    """A conversation, some of whose segments are lost, late, sent again, joined or cut in two."""
    if chance.random() < 0.8:
        yield out(999, 0, flags=SYN, port=port)
        yield back(4999, 1000, flags=SYN | ACK, port=port)
        yield out(1000, 5000, port=port)
    here, there = 1000, 5000
    says = [header("cupdomain.com", "gmail.com"), *[STANZA] * 30]
    held: list[bytes] = []
    for said in says:
        for piece in (said[:20], said[20:]) if chance.random() < 0.3 else (said,):
            if chance.random() < 0.5:
                made = out(here, there, piece, ACK | PSH, port)
                here += len(piece)
            else:
                made = back(there, here, piece, ACK | PSH, port)
                there += len(piece)
            held.append(made)
            if chance.random() < 0.05:
                held.append(made)
            if chance.random() < 0.5:
                held.append(chance.choice((out, back))(here, there, port=port) if chance.random() < 0.1 else b"")
            if chance.random() < 0.4:
                held.append(out(here, there, port=port))
                held.append(back(there, here, port=port))
        if chance.random() < 0.05:
            chance.shuffle(held)
        yield from (one for one in held if one and chance.random() > 0.01)
        held.clear()
    if chance.random() < 0.5:
        yield out(here, there, flags=FIN | ACK, port=port)
        yield back(there, here + 1, flags=FIN | ACK, port=port)


@pytest.mark.parametrize("seed", range(25))
def test_runs_tell_what_single_segments_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """The same events, whatever happened to the segments."""
    chance = random.Random(seed)
    talks = [exchange(chance, 40_000 + number) for number in range(4)]
    captured: list[bytes] = []
    while talks:
        one = chance.choice(talks)
        if (frame := next(one, None)) is None:
            talks.remove(one)
        else:
            captured.append(frame)
    path = tmp_path / "trace.pcap"
    path.write_bytes(pcap(captured))

    def told() -> list[Event]:
        return read_ring([(Source(name="trace.pcap", path=path, format="capture"), Reading())], How())

    in_runs = told()
    monkeypatch.setattr(Reader, "in_runs", False)
    assert in_runs == told()
    assert in_runs
