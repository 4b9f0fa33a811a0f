"""What is written is a pcapng to others: to our own reader, and to Wireshark's."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from parsers.capture.clocks import Interface
from parsers.capture.excerpt import frames
from parsers.capture.pcapng_writer import COMMENT_MAX, PcapngWriter
from tests.parsers.packets import SECOND, syn

MICRO = Interface(link=1, snap_len=96, resolution=6, offset_s=0)
NANO = Interface(link=1, snap_len=0, resolution=0x80 | 30, offset_s=3, name="eth0")
AT_NS = SECOND * 10**9 + 123_456_789


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Two interfaces, three packets: one cut by the snap length, one without comment."""
    path = tmp_path / "new.pcapng"
    with path.open("wb") as file:
        writer = PcapngWriter(file, "fedtrace", "first line\nsecond → line")
        micro = writer.interface(MICRO, "inside.pcap", "as captured")
        nano = writer.interface(NANO, "outside.pcap eth0", "corrected")
        writer.packet(micro, AT_NS, 1_500, syn(40_000, 5269), ["one", "two → three"])
        writer.packet(nano, AT_NS, 54, syn(40_001, 5269) + b"x")
        writer.packet(nano, AT_NS + 1, 54, syn(40_002, 5269), ["ä" * COMMENT_MAX])
    return path


def test_our_own_reader_finds_what_was_written(written: Path) -> None:
    """Bytes, lengths on the wire, instants as fine as each interface tells them."""
    first, second, third = frames(written, range(1, 10), ())

    assert (first.data, first.wire_len) == (syn(40_000, 5269), 1_500)
    assert first.at_ns == AT_NS - 789
    assert first.interface == Interface(1, 96, 6, 0, "inside.pcap")
    assert (second.data[-1:], second.at_ns) == (b"x", AT_NS)
    assert second.interface == Interface(1, 0, 9, 0, "outside.pcap eth0")
    assert third.at_ns == AT_NS + 1


@pytest.mark.needs_tshark
def test_wireshark_shows_names_and_comments(written: Path) -> None:
    """Every packet on its interface; comments of the file, of interfaces and of packets."""
    fields = ["frame.interface_name", "frame.comment", "frame.len", "frame.cap_len", "tcp.srcport"]
    command = ["tshark", "-r", str(written), "-T", "json", *(w for f in fields for w in ("-e", f))]
    told = [p["_source"]["layers"] for p in json.loads(subprocess.run(command, capture_output=True, check=True).stdout)]

    assert [p["frame.interface_name"] for p in told] == [["inside.pcap"], ["outside.pcap eth0"], ["outside.pcap eth0"]]
    assert [p["tcp.srcport"] for p in told] == [["40000"], ["40001"], ["40002"]]
    assert (told[0]["frame.len"], told[0]["frame.cap_len"]) == (["1500"], ["54"])
    assert told[0]["frame.comment"] == ["one", "two → three"]
    assert "frame.comment" not in told[1]
    assert set(told[2]["frame.comment"][0]) == {"ä"}
    about = subprocess.run(["capinfos", str(written)], capture_output=True, check=True, text=True).stdout
    assert "second → line" in about
    assert "Comment = corrected" in about
