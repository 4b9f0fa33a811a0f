"""The file around the packets: recognised by content, read in constant memory, its damage said."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from parsers.capture.container import is_capture, windows
from parsers.capture.inflate import zstd
from parsers.capture.packet import Lost
from parsers.errors import SourceUnreadable
from parsers.source import How, Reading
from tests.parsers.packets import SECOND, enhanced, interface, made, pcap, read, section, segment

FRAMES = [segment(40_000 + index, 5269, b"x" * index) for index in range(50)]
NG = section() + interface() + b"".join(enhanced(frame) for frame in FRAMES)


def sports(path: Path | str) -> list[int]:
    """The sender's ports, which number the frames."""
    return [packet.sport - 40_000 for packet in read(path)[0]]


def test_content_says_what_a_capture_is() -> None:
    """Names lie; the first bytes do not, also inside gzip and zstd."""
    assert is_capture(pcap(*FRAMES)) == "pcap"
    assert is_capture(pcap(*FRAMES, order=">")) == "pcap"
    assert is_capture(NG) == "pcapng"
    assert is_capture(gzip.compress(NG)) == "pcapng in gzip"
    assert is_capture(zstd.compress(pcap(*FRAMES))) == "pcap in zstd"
    assert is_capture(b"Nov 23 02:00:00 host prosody: started") is None
    assert is_capture(gzip.compress(b"a log")) is None
    assert is_capture(b"\x1f\x8b\x08") is None
    assert is_capture(b"") is None


@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstd.compress], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("content", [pcap(*FRAMES), NG], ids=["pcap", "pcapng"])
def test_packed_captures_read_as_plain_ones(tmp_path: Path, packed: object, content: bytes) -> None:
    """Whatever is around it, the same frames."""
    assert callable(packed)
    path = made(tmp_path, packed(content), "misleading.txt")
    chosen, _, lost, reading = read(path)
    assert [packet.frame for packet in chosen] == list(range(1, 51))
    assert lost == []
    assert (reading.frames, reading.size_bytes) == (50, path.stat().st_size)


def test_a_window_is_no_border(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that straddle the border of two windows are read once and whole."""
    monkeypatch.setattr("parsers.capture.container.WINDOW_LEN", 700)
    for content in (pcap(*FRAMES), NG):
        chosen, _, lost, _ = read(made(tmp_path, content))
        assert [(packet.frame, len(packet.payload)) for packet in chosen] == [(n + 1, n) for n in range(50)]
        assert lost == []


def test_a_file_that_grows_while_it_is_read_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Room is made for as much as it had when it was opened; what came since is read all the same."""
    monkeypatch.setattr("parsers.capture.container.SMALL_LEN", 600)
    monkeypatch.setattr("parsers.capture.inflate.Bytes.unpacked_len", 24)
    chosen, _, lost, reading = read(made(tmp_path, pcap(*FRAMES)))

    assert ([packet.frame for packet in chosen], lost) == (list(range(1, 51)), [])
    assert reading.frames == 50


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"just some text, called .pcap\n" * 10, "is no capture"),
        (pcap()[:20], "ends inside the header of a pcap file"),
        (section()[:16], "ends inside the header of a pcapng file"),
        (b"snoop\0\0\0\0\0\0\2", "is a Solaris snoop capture"),
        (gzip.compress(b"a log", mtime=0), "is no capture"),
        (gzip.compress(NG, mtime=0)[:5], "cannot be unpacked"),
    ],
)
def test_what_is_no_capture_is_said_in_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    """Each gives `SourceUnreadable` with the file's name."""
    path = made(tmp_path, content)
    with pytest.raises(SourceUnreadable, match=sentence) as refused:
        read(path)
    assert str(path) in str(refused.value)


def test_a_folder_or_nothing_is_no_capture(tmp_path: Path) -> None:
    """Both are said for what they are."""
    with pytest.raises(SourceUnreadable, match="is a directory"):
        read(tmp_path)
    with pytest.raises(SourceUnreadable, match="does not exist"):
        read(tmp_path / "gone.pcap")


def test_rights_are_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No rights, one sentence. The system is asked to refuse, since it never refuses root."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = made(tmp_path, NG)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceUnreadable, match="may not be read by this user"):
        read(path)


def test_a_pipe_is_read_as_it_grows(tmp_path: Path) -> None:
    """A writer that gives single bytes is waited for; a pipe cannot be sought in."""
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            for byte in pcap(*FRAMES[:3]):
                pipe.write(bytes([byte]))

    writer = threading.Thread(target=write)
    writer.start()
    assert sports(path) == [0, 1, 2]
    writer.join()


def test_a_pipe_that_ends_early_is_no_capture(tmp_path: Path) -> None:
    """A FIFO whose writer goes away at once."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(b"\xd4\xc3"))
    writer.start()
    with pytest.raises(SourceUnreadable, match="is no capture"):
        read(path)
    writer.join()


def test_standard_input_is_a_source() -> None:
    """`-` reads a pipe, packed or not."""
    script = (
        "from tests.parsers.packets import read\n"
        "chosen, _, lost, reading = read('-')\n"
        "print(len(chosen), len(lost), reading.frames)\n"
    )
    for content in (pcap(*FRAMES), gzip.compress(NG)):
        ran = subprocess.run([sys.executable, "-c", script], input=content, capture_output=True, check=True)
        assert ran.stdout.split() == [b"50", b"0", b"50"], ran.stderr


def test_the_clock_offset_is_in_every_instant(tmp_path: Path) -> None:
    """`How.offset_ns` moves packets and the span of the reading alike."""
    path = made(tmp_path, pcap(*FRAMES[:2]))
    chosen, _, _, reading = read(path, How(offset_ns=5))
    assert chosen[0].at_ns == reading.first_ns == SECOND * 10**9 + 5
    assert reading.last_ns == SECOND * 10**9 + 1_005
    assert reading.resolution_ns == 1_000


def test_a_cut_gzip_gives_its_good_part(tmp_path: Path) -> None:
    """What could be unpacked is read; that something is missing is said."""
    noise = [segment(40_000, 5269, os.urandom(1_000)) for _ in range(200)]
    packed = gzip.compress(pcap(*noise))
    chosen, _, lost, _ = read(made(tmp_path, packed[: len(packed) // 2]))
    assert 80 < len(chosen) < 120
    assert [one.what for one in lost] == ["the last record is cut off", "the gzip file ends before its data does"]


def test_a_wrong_gzip_checksum_costs_nothing_but_trust(tmp_path: Path) -> None:
    """All bytes are there, and the doubt is said."""
    packed = bytearray(gzip.compress(pcap(*FRAMES)))
    packed[-8] ^= 1
    chosen, _, lost, _ = read(made(tmp_path, bytes(packed)))
    assert len(chosen) == 50
    assert [one.what[:26] for one in lost] == ["the gzip checksum is wrong"]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """A capture of four windows takes one window's memory: the same buffer comes again and again."""
    big = made(tmp_path, pcap(*[segment(1, 2, bytes(60_000))] * 1_100))
    buffers = {id(part.memory) for part in windows(big, Reading()) if not isinstance(part, Lost)}
    assert len(buffers) == 1
