"""The second engine: what tshark dissects gives the same events as our own reader, and more where ours knows less."""

from __future__ import annotations

import os
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from parsers.capture.dissected import dissected, dissected_whole
from parsers.capture.files import read_ring
from parsers.capture.packet import IcmpError, Lost, Packet
from parsers.capture.select import packets
from parsers.errors import FedtraceError, SourceUnreadable
from parsers.events import Event, StreamHeader
from parsers.source import How, Reading, Source
from tests.conftest import SHARED
from tests.packets import BEGIN_S, FEATURES, header, ip, pcap, talk, tcp, udp

pytestmark = pytest.mark.needs_tshark
CHECKOUT = Path(__file__).resolve().parents[2]

DIFFER = {
    "suricata-verify__10.7.29.101_49898-178.63.41.150_25.pcap": "tshark stops at a broken record, ours reads on",
    "suricata-verify__tls_DER-incomplete-header.pcap": "tshark stops at a broken record, ours reads on",
    "libpcap__pcapng-invalid-vers-1.pcapng": "tshark refuses the version of its section, ours reads the packet in it",
    "sample-captures__BT_USB_LinCooked_Eth_80211_RT.ntar.gz": "tshark stops at a broken Bluetooth packet, the first",
    "tcpdump__brcm-tag-prepend.pcap": "link type 282, which tshark 4.0 refuses; ours counts its frames",
    "tcpdump__edsa-high-vid.pcap": "link type 285, which tshark 4.0 refuses; ours counts its frames",
    "tcpdump__ip6_frag_asan.pcap": "cut inside IPv6 extension headers: tshark does not say what would have followed",
    "zeek__ip6-ext-trunc.pcap": "cut inside IPv6 extension headers: tshark does not say what would have followed",
    "zeek__trunc-hdr.pcap": "cut inside IPv6 extension headers: tshark does not say what would have followed",
    "nDPI__fuzz-2006-09-29-28586.pcap": "broken IP headers, which tshark leaves out as it leaves out cut ones",
}
"""Captures in which the engines do not see the same, and why."""
NOTHING = How()


def seen(path: Path, engine: str) -> tuple[list[Event] | str, tuple[object, ...]]:
    """Events of a capture, or that it cannot be read; and what is known of the file."""
    reading = Reading()
    try:
        events = read_ring([(Source(name="x", path=path, format="capture"), reading)], How(engine=engine))
    except FedtraceError:
        return "unreadable", ()
    return events, (reading.frames, reading.first_ns, reading.last_ns, reading.resolution_ns)


def disagreeing(paths: list[Path]) -> dict[str, str]:
    """Captures of which the engines do not give the same, with the first event that only one gives."""

    def compare(path: Path) -> tuple[str, str]:
        (own, own_file), (other, other_file) = seen(path, "own"), seen(path, "tshark")
        if own == "unreadable" or (own, own_file) == (other, other_file):
            return path.name, ""
        apart = [e for e in own if e not in other] or [e for e in other if e not in own] or [own_file, other_file]
        return path.name, str(apart[0])

    with ThreadPoolExecutor(2) as pool:
        return {name: apart for name, apart in pool.map(compare, paths) if apart}


def some(paths: list[Path], step: int) -> list[Path]:
    """Of captures by size every `step`th, and those that are known to differ; all with FEDTRACE_EVERY_CAPTURE."""
    by_size = sorted((p for p in paths if p.is_file()), key=lambda p: (p.stat().st_size, p.name))
    if os.environ.get("FEDTRACE_EVERY_CAPTURE"):
        return by_size
    return [p for i, p in enumerate(by_size) if i % step == 0 or p.name in DIFFER]


def test_our_captures() -> None:
    """Every capture of the checkout."""
    ours = [*CHECKOUT.glob("tests/data/*.pcap"), *CHECKOUT.glob("notebooks/cases/*/*.pcap")]
    assert len(ours) >= 10
    assert disagreeing(ours) == {}


@pytest.mark.needs_shared
def test_lab_captures() -> None:
    """Recorded cases."""
    assert disagreeing(some(list(SHARED.glob("lab/*/*.pcap")), 8)) == {}


@pytest.mark.needs_shared
def test_public_captures() -> None:
    """Captures of all kinds, damaged ones too; a capture that agrees after all leaves the list."""
    groups = ("damaged", "dns", "formats", "icmp", "linktypes", "misc", "tcp", "xmpp")
    paths = [path for group in groups for path in (SHARED / "captures" / group).iterdir()]
    assert disagreeing(some(paths, 12)).keys() == DIFFER.keys()


def streams(events: list[Event]) -> list[tuple[str, int | None]]:
    """Who opens a stream, and the frame."""
    return [(e.from_domain or "", e.where.frame) for e in events if isinstance(e, StreamHeader)]


GRE = struct.pack(">HH", 0, 0x0800)
VXLAN = struct.pack(">II", 0x0800_0000, 100 << 8)
TALK = list(talk((">", header("a.example", "b.example")), ("<", header("b.example", "a.example", "s1") + FEATURES)))
AROUND = {
    "GRE": lambda frame: ip("203.0.113.1", "203.0.113.2", 47, GRE + frame[14:]),
    "VXLAN": lambda frame: udp("203.0.113.1", 50000, "203.0.113.2", 4789, VXLAN + frame),
    "MPLS": lambda frame: frame[:12] + b"\x88\x47" + struct.pack(">I", 16 << 12 | 0x1FF) + frame[14:],
    "IP in IP": lambda frame: ip("203.0.113.1", "203.0.113.2", 4, frame[14:]),
}
"""Encapsulations that our reader leaves to tshark."""


@pytest.mark.parametrize("name", AROUND)
def test_encapsulated(tmp_path: Path, name: str) -> None:
    """Without being asked, tshark reads what is inside, and the source says so; ours alone counts it as unknown."""
    path = tmp_path / "inside.pcap"
    path.write_bytes(pcap(AROUND[name](frame) for frame in TALK))
    source, reading = Source(name="inside.pcap", path=path, format="capture"), Reading()
    assert streams(read_ring([(source, reading)], How())) == [("a.example", 4), ("b.example", 6)]
    assert reading.assumed[0].endswith(f"for our reader does not know {name} ({len(TALK)} frames)")
    assert (reading.frames, reading.resolution_ns) == (len(TALK), 1_000)
    alone = Reading()
    assert streams(read_ring([(source, alone)], How(engine="own"))) == []
    assert alone.unknown == {name: len(TALK)}


def snoop(frames: list[bytes]) -> bytes:
    """A Solaris snoop capture of Ethernet frames (RFC 1761)."""
    out = [b"snoop\0\0\0", struct.pack(">II", 2, 4)]
    for number, frame in enumerate(frames):
        padded = frame + bytes(-len(frame) % 4)
        out.append(struct.pack(">IIIIII", len(frame), len(frame), 24 + len(padded), 0, BEGIN_S, number) + padded)
    return b"".join(out)


def test_foreign_format(tmp_path: Path) -> None:
    """A format that only tshark knows is read by it, with its clock and its count."""
    path = tmp_path / "sun.snoop"
    path.write_bytes(snoop(TALK))
    reading = Reading()
    events = read_ring([(Source(name="sun.snoop", path=path, format="capture"), reading)], How())
    assert streams(events) == [("a.example", 4), ("b.example", 6)]
    assert (reading.frames, reading.first_ns) == (len(TALK), BEGIN_S * 10**9)
    assert [word.split(" 4.")[0] for word in reading.assumed] == ["read by tshark"]
    with pytest.raises(SourceUnreadable, match="is a Solaris snoop capture; make a pcapng of it"):
        read_ring([(Source(name="sun.snoop", path=path, format="capture"), Reading())], How(engine="own"))


def both(path: Path) -> tuple[list[Packet | IcmpError | Lost], list[Packet | IcmpError | Lost]]:
    """The frames that matter, by both engines."""
    return list(packets(path, NOTHING, Reading())), list(dissected(path, NOTHING, Reading()))


def test_cut_by_the_snap_length(tmp_path: Path) -> None:
    """Payload and headers that the snap length cut are so for both engines."""
    path = tmp_path / "cut.pcap"
    frame = tcp("10.0.0.5", 40000, "198.51.100.10", 5269, 24, 1, 1, header("a.example", "b.example"))
    whole = pcap([frame])
    for kept in (100, 54, 48, 36, 20):
        path.write_bytes(whole[:32] + struct.pack("<II", kept, len(frame)) + frame[:kept])
        own, other = both(path)
        assert own == other
        assert own


def test_icmp_error(tmp_path: Path) -> None:
    """An error tells of the connection that it quotes, in IPv4 and IPv6."""
    path = tmp_path / "error.pcap"
    syn4 = tcp("10.0.0.5", 40000, "198.51.100.10", 5269, 2, 1)
    syn6 = tcp("2001:db8::5", 40000, "2001:db8::10", 5269, 2, 1)
    errors = [
        ip("198.51.100.1", "10.0.0.5", 1, bytes((3, 13, 0, 0, 0, 0, 0, 0)) + syn4[14:42]),
        ip("2001:db8::1", "2001:db8::5", 58, bytes((1, 4, 0, 0, 0, 0, 0, 0)) + syn6[14:]),
    ]
    path.write_bytes(pcap([syn4, syn6, *errors]))
    own, other = both(path)
    assert own == other
    assert [(found.frame, found.code) for found in own if isinstance(found, IcmpError)] == [(3, "admin"), (4, "port")]


def test_offset_and_clock(tmp_path: Path) -> None:
    """What is known of a clock's error is in every instant, once."""
    path = tmp_path / "late.pcap"
    path.write_bytes(pcap(TALK))
    how, own, other = How(offset_ns=-5), Reading(), Reading()
    assert list(packets(path, how, own)) == list(dissected(path, how, other))
    assert own.first_ns == other.first_ns == BEGIN_S * 10**9 - 5


def test_frames_that_tshark_does_not_give(tmp_path: Path) -> None:
    """tshark stops at a broken record, ours reads on: what it left out is counted, or refused where ours is as good."""
    path = tmp_path / "broken.pcap"
    data = pcap(TALK * 3)
    at = data.index(TALK[3])
    path.write_bytes(data[: at - 8] + b"\xff\xff\xff\x7f" + data[at - 4 :])
    lost = [found for found in dissected(path, NOTHING, Reading()) if isinstance(found, Lost)]
    assert any(found.what.startswith("tshark did not give all frames: ") and found.frame == 3 for found in lost)
    with pytest.raises(SourceUnreadable, match="tshark did not give all frames"):
        list(dissected_whole(path, NOTHING, Reading()))


def test_no_capture_at_all(tmp_path: Path) -> None:
    """What tshark cannot read either is refused in one sentence."""
    path = tmp_path / "-r notes.bin"
    path.write_bytes(b"\0\1\2\3" * 20)
    with pytest.raises(SourceUnreadable, match=r"tshark cannot read it: .*isn't a capture file"):
        list(dissected(path, NOTHING, Reading()))
    with pytest.raises(SourceUnreadable, match="no such file"):
        list(dissected(tmp_path / "nowhere.pcap", NOTHING, Reading()))


def test_what_tshark_does_not_decode(tmp_path: Path) -> None:
    """What ended in ciphertext is counted by the protocol that holds it; other networks' frames are not."""
    path = tmp_path / "esp.pcap"
    other = bytes(12) + b"\x60\x03" + bytes(60)
    path.write_bytes(pcap([ip("203.0.113.1", "203.0.113.2", 50, bytes(40)), other, *TALK]))
    reading = Reading()
    assert len(list(dissected(path, NOTHING, reading))) == len(TALK)
    assert reading.unknown == {"esp that tshark does not decode": 1}


def test_more_than_tshark_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be hours of work is cut, and said."""
    monkeypatch.setattr("parsers.capture.dissected._PLAIN_MAX", 200)
    path = tmp_path / "long.pcap"
    path.write_bytes(pcap(TALK))
    lost = [found for found in dissected(path, NOTHING, Reading()) if isinstance(found, Lost)]
    assert [found.what for found in lost] == ["what follows is more than tshark is asked to dissect"]
