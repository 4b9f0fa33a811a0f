"""Who reads a capture, and what is said of it where nobody can."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsers.capture import engines
from parsers.capture.dissected import dissected
from parsers.capture.engines import engine_for
from parsers.capture.files import read_ring
from parsers.capture.select import packets_and_runs
from parsers.errors import TsharkMissing
from parsers.source import How, Reading, Source
from tests.packets import header, ip, pcap, talk

GRE = b"\0\0\x08\0"


def source(path: Path) -> Source:
    """An input as a capture."""
    return Source(name=path.name, path=path, format="capture")


@pytest.fixture
def mirrored(tmp_path: Path) -> Path:
    """A conversation inside GRE."""
    path = tmp_path / "gre.pcap"
    frames = talk((">", header("a.example", "b.example")))
    path.write_bytes(pcap(ip("203.0.113.1", "203.0.113.2", 47, GRE + frame[14:]) for frame in frames))
    return path


def test_who_reads(tmp_path: Path) -> None:
    """Ours reads pcap, tshark what only it knows, and each what it is told to."""
    ours, theirs = tmp_path / "a.pcap", tmp_path / "a.snoop"
    ours.write_bytes(pcap([]))
    theirs.write_bytes(b"snoop\0\0\0\0\0\0\2\0\0\0\4")
    assert engine_for(source(ours), How()) is packets_and_runs
    assert engine_for(source(theirs), How()) is dissected
    assert engine_for(source(theirs), How(engine="own")) is packets_and_runs
    assert engine_for(source(ours), How(engine="tshark")) is dissected
    assert engine_for(source(tmp_path / "nowhere"), How()) is packets_and_runs


def test_without_tshark(mirrored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ours does not decode stays counted, with a word of what would read it; only tshark by name fails."""
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    reading = Reading()
    assert read_ring([(source(mirrored), reading)], How()) == []
    assert reading.unknown == {"GRE": 8}
    assert reading.assumed[0].startswith(
        "our reader does not know GRE (8 frames); tshark might, but tshark is not installed; "
    )
    with pytest.raises(TsharkMissing):
        read_ring([(source(mirrored), Reading())], How(engine="tshark"))


def test_too_large_to_read_twice(mirrored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large capture the user decides."""
    monkeypatch.setattr(engines, "AGAIN_BYTES_MAX", 100)
    reading = Reading()
    assert read_ring([(source(mirrored), reading)], How()) == []
    assert "tshark might, which takes long for a file of this size: --engine tshark" in reading.assumed[0]


@pytest.mark.needs_tshark
def test_tshark_knows_no_more(tmp_path: Path) -> None:
    """Where tshark refuses the file, ours stands, and that is said."""
    path = tmp_path / "dsa.pcap"
    data = pcap(talk((">", header("a.example", "b.example"))))
    path.write_bytes(data[:20] + (9_999).to_bytes(4, "little") + data[24:])
    reading = Reading()
    assert read_ring([(source(path), reading)], How()) == []
    assert reading.assumed == ["our reader does not know link type 9999 (8 frames); nor does tshark"]
    assert reading.unknown == {"link type 9999": 8}


def test_what_tshark_cannot_know(tmp_path: Path) -> None:
    """Ciphertext of IPsec is nobody's: tshark is not asked."""
    path = tmp_path / "esp.pcap"
    path.write_bytes(pcap([ip("203.0.113.1", "203.0.113.2", 50, bytes(40))]))
    reading = Reading()
    assert read_ring([(source(path), reading)], How()) == []
    assert (reading.unknown, reading.assumed) == ({"ESP": 1}, [])
