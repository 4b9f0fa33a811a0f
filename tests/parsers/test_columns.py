"""Link layers and headers: whatever is around a TCP segment, it is found; what is not read is named."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from parsers.capture.packet import Packet
from tests.parsers.packets import HERE, THERE, ether, ip, made, pcap, read, tcp, udp

SIX, SEVEN = "2001:db8::6", "2001:db8::7"
BODY = tcp(40_000, 5269, b"hello", seq=4_000_000_000, ack=3_000_000_000, options=bytes(12))
FOUR_PACKET, SIX_PACKET = ip(BODY), ip(BODY, src=SIX, dst=SEVEN)


def only(path: Path) -> Packet:
    """The one packet of a capture, which must have no loss."""
    chosen, _, lost, _ = read(path)
    assert lost == []
    (packet,) = chosen
    return packet


def vlan(*tags: int) -> bytes:
    """Tags of these ethertypes."""
    return b"".join(struct.pack(">HH", tag, 5) for tag in tags)


PPP_FOUR, PPP_SIX = b"\x00\x21", b"\x00\x57"
LINKS = {
    "ethernet": (1, ether, ether),
    "802.1Q": (1, lambda p: ether(p, tags=vlan(0x8100)), lambda p: ether(p, tags=vlan(0x8100))),
    "QinQ": (1, lambda p: ether(p, tags=vlan(0x88A8, 0x8100)), lambda p: ether(p, tags=vlan(0x9100, 0x8100, 0x8100))),
    "SNAP": (
        1,
        lambda p: ether(b"\xaa\xaa\x03\0\0\0\x08\x00" + p, len(p) + 8),
        lambda p: ether(b"\xaa\xaa\x03\0\0\0\x86\xdd" + p, len(p) + 8),
    ),
    "PPPoE": (
        1,
        lambda p: ether(b"\x11\0\0\1" + struct.pack(">H", len(p) + 2) + PPP_FOUR + p, 0x8864),
        lambda p: ether(b"\x11\0\0\1" + struct.pack(">H", len(p) + 2) + PPP_SIX + p, 0x8864, vlan(0x8100)),
    ),
    "PPPoE, short protocol": (
        1,
        lambda p: ether(b"\x11\0\0\1" + struct.pack(">H", len(p) + 1) + b"\x21" + p, 0x8864),
        lambda p: ether(b"\x11\0\0\1" + struct.pack(">H", len(p) + 1) + b"\x57" + p, 0x8864),
    ),
    "SLL": (
        113,
        lambda p: struct.pack(">HHHQH", 0, 1, 6, 0, 0x0800) + p,
        lambda p: struct.pack(">HHHQHHH", 0, 1, 6, 0, 0x8100, 5, 0x86DD) + p,
    ),
    "SLL2": (
        276,
        lambda p: struct.pack(">HHIHBBQ", 0x0800, 0, 3, 1, 0, 6, 0) + p,
        lambda p: struct.pack(">HHIHBBQ", 0x86DD, 0, 3, 1, 0, 6, 0) + p,
    ),
    "NULL": (0, lambda p: b"\2\0\0\0" + p, lambda p: b"\0\0\0\x1e" + p),
    "LOOP": (108, lambda p: b"\0\0\0\2" + p, lambda p: b"\0\0\0\x18" + p),
    "RAW": (101, lambda p: p, lambda p: p),
    "RAW of BSD": (12, lambda p: p, lambda p: p),
    "IPv4 and IPv6": (228, lambda p: p, lambda p: p),
    "PPP": (9, lambda p: PPP_FOUR + p, lambda p: b"\xff\x03" + PPP_SIX + p),
    "PPP, short protocol": (9, lambda p: b"\x21" + p, lambda p: b"\xff\x03\x57" + p),
    "PPP in HDLC": (50, lambda p: b"\xff\x03" + PPP_FOUR + p, lambda p: b"\xff\x03" + PPP_SIX + p),
    "C-HDLC": (104, lambda p: b"\x0f\0\x08\x00" + p, lambda p: b"\x0f\0\x86\xdd" + p),
}


@pytest.mark.parametrize("link", LINKS)
def test_every_link_layer(tmp_path: Path, link: str) -> None:
    """A segment of IPv4 and one of IPv6 come out whole, whatever they came in."""
    number, four, six = LINKS[link]
    for packet, frame in ((FOUR_PACKET, four(FOUR_PACKET)), (SIX_PACKET, six(SIX_PACKET))):
        found = only(made(tmp_path, pcap(frame, link=number)))
        ends = (HERE, THERE) if packet is FOUR_PACKET else (SIX, SEVEN)
        assert found[:1] + found[2:] == (
            (1, 6, ends[0], 40_000, ends[1], 5269, 64, b"hello", 5, 4_000_000_000, 3_000_000_000, 0x10)
        )


def test_padding_is_not_payload(tmp_path: Path) -> None:
    """Short Ethernet frames are filled up; the IP length says where the packet ends."""
    for packet in (ip(tcp(1, 5269, b"x")), ip(tcp(1, 5269, b"x"), src=SIX, dst=SEVEN)):
        found = only(made(tmp_path, pcap(ether(packet) + bytes(14))))
        assert (found.payload, found.length) == (b"x", 1)


def test_the_snap_length_cuts_and_the_length_says_so(tmp_path: Path) -> None:
    """`length` is what went over the wire."""
    found = only(made(tmp_path, pcap(ether(ip(tcp(1, 5269, bytes(900)))), snap=96)))
    assert (len(found.payload), found.length) == (96 - 54, 900)


def test_offloaded_packets_without_a_length(tmp_path: Path) -> None:
    """Segmentation offload hands over packets whose IP length is 0: what was captured is the payload."""
    packet = bytearray(ip(tcp(1, 5269, bytes(100))))
    packet[2:4] = b"\0\0"
    found = only(made(tmp_path, pcap(ether(bytes(packet)))))
    assert (len(found.payload), found.length) == (100, 100)


def test_options_and_extension_headers_are_stepped_over(tmp_path: Path) -> None:
    """IPv4 options; IPv6 hop-by-hop, routing, destination options and an atomic fragment in one packet."""
    assert only(made(tmp_path, pcap(ether(ip(BODY, options=bytes(40)))))).payload == b"hello"
    headers = b"\x2b\0" + bytes(6) + b"\x3c\2" + bytes(22) + b"\x2c\0" + bytes(6) + b"\x06" + bytes(7)
    found = only(made(tmp_path, pcap(ether(ip(headers + BODY, proto=0, src=SIX, dst=SEVEN)))))
    assert (found.payload, found.sport, found.src) == (b"hello", 40_000, SIX)


@pytest.mark.parametrize(
    "datagram",
    [
        udp(53, 4789, b"\x12\x34\x81\x80\0\1\0\1" + bytes(40)),
        udp(443, 2152, b"\x41\xff" + bytes(60)),
        udp(2152, 2152, b"\x32\1\0\4" + bytes(8)),
        udp(123, 6081, b"\x24\2\0\xe8" + bytes(44)),
        udp(9, 4789, b"\x08"),
    ],
    ids=["DNS", "QUIC", "GTP-U echo", "NTP", "too short"],
)
def test_what_only_has_the_port_of_an_encapsulation_is_not_named(tmp_path: Path, datagram: bytes) -> None:
    """Clients take any port; were it suspected, tshark would be asked to read the capture again."""
    assert read(made(tmp_path, pcap(ether(ip(datagram, proto=17)))))[3].unknown == {}


@pytest.mark.parametrize(
    ("frame", "link", "named"),
    [
        (ether(ip(bytes(40), proto=47)), 1, "GRE"),
        (ether(ip(FOUR_PACKET, proto=4)), 1, "IP in IP"),
        (ether(ip(SIX_PACKET, proto=41)), 1, "IPv6 in IP"),
        (ether(ip(bytes(40), proto=50, src=SIX, dst=SEVEN)), 1, "ESP"),
        (ether(b"\0\0\1\x40" + FOUR_PACKET, 0x8847), 1, "MPLS"),
        (ether(ip(udp(9, 4789, b"\x08\0\0\0\0\0\x64\0" + bytes(60)), proto=17)), 1, "VXLAN"),
        (ether(ip(udp(9, 8472, b"\x88\0\0\7\0\0\x64\0" + bytes(60)), proto=17)), 1, "VXLAN"),
        (ether(ip(udp(9, 6081, b"\2\0\x65\x58\0\0\x64\0" + bytes(60)), proto=17)), 1, "Geneve"),
        (ether(ip(udp(9, 6081, b"\x08\0\x08\0\0\0\0\0" + bytes(60)), proto=17, src=SIX, dst=SEVEN)), 1, "Geneve"),
        (ether(ip(udp(2152, 2152, b"\x34\xff\0\x40\0\0\0\7" + bytes(60)), proto=17)), 1, "GTP-U"),
        (b"\x2d" + bytes(40), 9, "compressed PPP"),
        (bytes(60), 105, "link type 105"),
        (ether(b"\x42" + bytes(40), 0x0800), 1, "broken IP header"),
    ],
)
def test_what_may_hold_packets_but_is_not_read_is_named(tmp_path: Path, frame: bytes, link: int, named: str) -> None:
    """Never silently left out."""
    chosen, _, lost, reading = read(made(tmp_path, pcap(frame, frame, link=link)))
    assert (chosen, lost, reading.unknown) == ([], [], {named: 2})


def test_ordinary_traffic_is_not_named(tmp_path: Path) -> None:
    """ARP, spanning tree, LCP, OSPF, a web page: nothing to say of them."""
    frames = [
        ether(bytes(28), 0x0806),
        ether(b"\x42\x42\x03" + bytes(40), 43),
        ether(b"\x11\0\0\1\0\x06\xc0\x21" + bytes(40), 0x8864),
        ether(ip(bytes(40), proto=89)),
        ether(ip(tcp(80, 40_000, b"HTTP/1.1 200 OK"))),
    ]
    chosen, _, lost, reading = read(made(tmp_path, pcap(*frames)))
    assert (chosen, lost, reading.unknown, reading.frames) == ([], [], {}, 5)


@pytest.mark.parametrize("packet", [FOUR_PACKET, SIX_PACKET, ip(bytes(8) + BODY, proto=0, src=SIX, dst=SEVEN)])
def test_cut_headers_are_counted(tmp_path: Path, packet: bytes) -> None:
    """Wherever the snap length cuts before the TCP header ends: one frame lost, because it may be federation's."""
    whole = len(packet) - len(BODY) + 20
    for length in range(1, whole + 14):
        chosen, _, lost, reading = read(made(tmp_path, pcap(ether(packet), snap=length)))
        assert (chosen, [(one.count, one.unit, one.frame) for one in lost]) == ([], [(1, "frames", 1)]), length
        assert reading.unknown == {}


def test_cut_headers_of_other_ports_are_not(tmp_path: Path) -> None:
    """Where the ports can be seen, and are a web server's, nothing is missing."""
    _, _, lost, _ = read(made(tmp_path, pcap(ether(ip(tcp(40_000, 443))), snap=14 + 20 + 4)))
    assert lost == []
    _, _, lost, _ = read(made(tmp_path, pcap(ether(ip(tcp(40_000, 5269))), snap=14 + 20 + 4)))
    assert [one.count for one in lost] == [1]


def test_neighbours_do_not_leak_into_each_other(tmp_path: Path) -> None:
    """Frames of every shape in any order are what they are alone."""
    random_ = random.Random(1)
    shapes = [
        build(packet)
        for number, *builds in LINKS.values()
        if number == 1
        for packet, build in zip((FOUR_PACKET, SIX_PACKET), builds, strict=True)
    ]
    shapes += [shape[:cut] for shape in shapes for cut in (1, 20, 40)]
    frames = [random_.choice(shapes) for _ in range(2_000)]
    alone = {shape: read(made(tmp_path, pcap(shape)))[0] for shape in set(frames)}
    together = {packet.frame: packet for packet in read(made(tmp_path, pcap(*frames)))[0]}
    for number, frame in enumerate(frames, 1):
        expected = [packet._replace(frame=number, at_ns=0) for packet in alone[frame]]
        found = [together[number]._replace(at_ns=0)] if number in together else []
        assert found == expected


def test_rubbish_is_never_an_exception(tmp_path: Path) -> None:
    """Frames of random bytes, of every link type."""
    random_ = random.Random(2)
    frames = [
        ether(random_.randbytes(random_.randrange(1, 120)), random_.choice((0x0800, 0x86DD, 0x8100, 0x8864, 9)))
        for _ in range(3_000)
    ]
    for link in (0, 1, 9, 12, 50, 101, 104, 108, 113, 228, 229, 276, 999):
        _, _, _, reading = read(made(tmp_path, pcap(*frames, link=link)))
        assert reading.frames == 3_000
