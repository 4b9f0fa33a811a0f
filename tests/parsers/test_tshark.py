"""From a finding's frames to pyshark's packets: in a notebook, from several cells, with the numbers of the capture."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from parsers.capture import tshark
from parsers.capture.tshark import packets
from parsers.errors import SourceUnreadable, TsharkMissing
from tests.packets import FEATURES, header, pcap, talk

SAID = list(talk((">", header("a.example", "b.example")), ("<", header("b.example", "a.example", "s1") + FEATURES)))


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A conversation of eleven frames."""
    path = tmp_path / "-r a.pcap"
    path.write_bytes(pcap(SAID))
    return path


@pytest.mark.needs_tshark
def test_chosen_frames(capture: Path) -> None:
    """Only the frames asked for, by the numbers of the capture, each with its layers; XMPP is dissected as such."""
    found = packets(capture, [6, 4, 4, 1, 99, 0])
    assert [number for number, _ in found] == [1, 4, 6]
    syn, opening = found[0][1], found[1][1]
    assert [layer.layer_name for layer in syn.layers] == ["eth", "ip", "tcp"]
    assert [layer.layer_name for layer in opening.layers][-1] == "xmpp"
    assert int(syn.tcp.dstport) == 5269
    assert opening.sniff_timestamp == "1378458840.030000000"


@pytest.mark.needs_tshark
def test_in_a_notebook(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop runs already, cells come one after the other, and threads do not disturb each other."""
    monkeypatch.chdir(capture.parent)
    (capture.parent / "config.ini").write_text("[tshark]\ntshark_path = /nowhere/evil\n")

    async def cell() -> list[int]:
        return [number for number, _ in packets(capture, [1, 2])]

    async def cells() -> None:
        for _ in range(3):
            assert await cell() == [1, 2]

    asyncio.run(cells())
    got: list[list[int]] = []
    threads = [threading.Thread(target=lambda: got.append([n for n, _ in packets(capture, [3])])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [[3], [3]]


@pytest.mark.needs_tshark
def test_more_than_editcap_takes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many frames come in several goes."""
    monkeypatch.setattr(tshark, "_AT_ONCE", 4)
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(SAID))
    assert [number for number, _ in packets(path, range(1, 100))] == list(range(1, len(SAID) + 1))


@pytest.mark.needs_tshark
def test_lost_packets_are_told(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyshark is not believed: fewer packets than frames are an error."""
    monkeypatch.setattr(tshark, "_dissected", lambda *_: [])
    with pytest.raises(SourceUnreadable, match="pyshark gave 0 of 2 packets"):
        packets(capture, [1, 2])


@pytest.mark.needs_tshark
def test_no_capture(tmp_path: Path) -> None:
    """What is no capture is refused in a sentence."""
    path = tmp_path / "notes"
    path.write_bytes(b"\0\1\2\3" * 20)
    with pytest.raises(SourceUnreadable, match="editcap cannot read it: "):
        packets(path, [1])


def test_nothing_and_too_much(capture: Path) -> None:
    """No frames are no packets, and nobody looks at more than ten thousand."""
    assert packets(capture, []) == []
    with pytest.raises(SourceUnreadable, match="more than 10000 frames at once; ask for fewer"):
        packets(capture, range(1, 20_000))


def test_without_tshark(capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cell says what is missing."""
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(TsharkMissing, match="tshark is not installed"):
        packets(capture, [1])
