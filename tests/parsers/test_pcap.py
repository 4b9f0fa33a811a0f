"""The classic file: every header variant, and every way in which a record can be wrong."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.parsers.packets import SECOND, made, pcap, read, segment

FRAMES = [segment(40_000 + index, 5269, b"x" * index) for index in range(40)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "resolution_ns"), [(0xA1B2C3D4, 1_000), (0xA1B23C4D, 1), (0xA1B2CD34, 1_000)])
def test_every_header_variant(tmp_path: Path, order: str, magic: int, resolution_ns: int) -> None:
    """Microseconds, nanoseconds and Kuznetzov's records, in both byte orders."""
    chosen, _, lost, reading = read(made(tmp_path, pcap(*FRAMES, order=order, magic=magic, step=7)))
    assert [packet.payload for packet in chosen] == [b"x" * index for index in range(40)]
    assert chosen[3].at_ns == SECOND * 10**9 + 21 * resolution_ns
    assert (reading.resolution_ns, lost) == (resolution_ns, [])


def test_a_frame_check_sequence_in_the_link_type_is_not_part_of_it(tmp_path: Path) -> None:
    """The upper bits of the field tell of FCS bytes."""
    content = bytearray(pcap(*FRAMES))
    content[23] = 0x24
    assert len(read(made(tmp_path, bytes(content)))[0]) == 40


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 60])
def test_a_cut_last_record_is_said(tmp_path: Path, cut: int) -> None:
    """All records before it are read, and its bytes are counted."""
    content = pcap(*FRAMES)
    last = 16 + len(FRAMES[-1])
    chosen, _, lost, reading = read(made(tmp_path, content[:-cut]))
    assert len(chosen) == reading.frames == 39
    assert [(one.count, one.unit, one.frame) for one in lost] == [(last - cut, "bytes", 39)]
    assert lost[0].at_ns == chosen[-1].at_ns


def with_length(content: bytes, record: int, length: int) -> bytes:
    """The capture with the captured length of one record changed."""
    at = 24 + sum(16 + len(frame) for frame in FRAMES[:record])
    return content[: at + 8] + struct.pack("<I", length) + content[at + 12 :]


@pytest.mark.parametrize("length", [2_000_000_000, 0xFFFFFFFF, 262_145])
def test_an_absurd_record_is_passed_over(tmp_path: Path, length: int) -> None:
    """A record of 2 GB: nothing is allocated for it, and the records after it are read."""
    chosen, _, lost, reading = read(made(tmp_path, with_length(pcap(*FRAMES), 10, length)))
    assert [packet.sport - 40_000 for packet in chosen] == [*range(10), *range(11, 40)]
    assert [(one.count, one.frame) for one in lost] == [(16 + len(FRAMES[10]), 10)]
    assert reading.frames == 39


def test_an_absurd_record_with_nothing_after_it_ends_the_file(tmp_path: Path) -> None:
    """No way on: the rest is counted."""
    chosen, _, lost, _ = read(made(tmp_path, with_length(pcap(*FRAMES), 39, 2_000_000_000)))
    assert len(chosen) == 39
    assert [one.count for one in lost] == [16 + len(FRAMES[39])]


def test_damage_longer_than_a_window_is_one_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search goes on from window to window, and its bytes are counted once."""
    monkeypatch.setattr("parsers.capture.container.WINDOW_LEN", 1 << 20)
    front, back = pcap(*FRAMES[:20]), pcap(*FRAMES[20:])[24:]
    rubbish = b"\xff" * 3_000_000
    chosen, _, lost, _ = read(made(tmp_path, front + rubbish + back))
    assert len(chosen) == 40
    assert [(one.count, one.frame) for one in lost] == [(3_000_000, 20)]


def test_a_file_that_is_damage_only_is_given_up(tmp_path: Path) -> None:
    """Thousands of broken places must not be searched one by one for ever."""
    broken = b"".join(struct.pack("<IIII", SECOND, 0, 0xFFFFFFFF, 0) + pcap(*FRAMES[:6])[24:] for _ in range(2_000))
    chosen, _, lost, reading = read(made(tmp_path, pcap() + pcap(FRAMES[0])[24:] + broken))
    assert len(chosen) == reading.frames == 1 + 1_000 * 6
    assert len(lost) == 1_001
    assert lost[-1].count > 100_000


def test_rubbish_that_looks_like_records_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken place followed by millions of likely ones must not be looked at for ever."""
    monkeypatch.setattr("parsers.capture.pcap._RESYNC_TRIES_MAX", 1_000)
    rubbish = struct.pack("<I", SECOND)[2:] * 1_000_000
    _, _, lost, reading = read(made(tmp_path, pcap(*FRAMES[:3]) + b"\xff" * 16 + rubbish + pcap(*FRAMES)[24:]))
    assert reading.frames == 3
    assert [one.count for one in lost] == [16 + len(rubbish) + len(pcap(*FRAMES)) - 24]


def test_a_giant_of_another_link_type_is_passed_over(tmp_path: Path) -> None:
    """D-Bus and USB captures have records longer than a window; they have a frame number and nothing else."""
    head, record = pcap(link=231), struct.pack("<IIII", SECOND, 0, 20 << 20, 20 << 20)
    _, _, lost, reading = read(made(tmp_path, head + record + bytes(20 << 20) + pcap(b"x")[24:]))
    assert (reading.frames, reading.unknown, lost) == (2, {"link type 231": 2}, [])
    _, _, lost, reading = read(made(tmp_path, head + record + bytes(18 << 20)))
    assert [one.what for one in lost] == ["the last record is cut off"]


def test_a_capture_of_nothing_is_a_capture(tmp_path: Path) -> None:
    """A header alone: no frames, no damage."""
    chosen, _, lost, reading = read(made(tmp_path, pcap()))
    assert (chosen, lost, reading.frames, reading.first_ns) == ([], [], 0, None)
