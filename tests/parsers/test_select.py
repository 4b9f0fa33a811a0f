"""What is chosen: federation by port, by DNS and by content, with what came before it; and nothing else."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from parsers.capture.packet import RST, SYN
from parsers.source import How
from tests.parsers.packets import (
    HERE,
    OPEN,
    SECOND,
    THERE,
    answer,
    enhanced,
    ether,
    interface,
    ip,
    lookup,
    made,
    name,
    pcap,
    question,
    read,
    section,
    segment,
    srv,
    syn,
    tcp,
    udp,
)

WEB = [segment(50_000 + index, 443, b"\x17\x03\x03" + bytes(40)) for index in range(20)]
ASKED = "_xmpp-server._tcp.example.org"


def chosen(path: Path, how: How | None = None) -> list[int]:
    """Numbers of the frames chosen, in the order in which they come."""
    packets, errors, lost, _ = read(path, how)
    assert lost == []
    return [one.frame for one in (*packets, *errors)]


def hello(*protocols: bytes, server: bytes = b"example.org") -> bytes:
    """A TLS ClientHello with these application protocols and a server name."""
    alpn = b"".join(bytes([len(one)]) + one for one in protocols)
    sni = struct.pack(">HBH", len(server) + 3, 0, len(server)) + server
    extensions = struct.pack(">HH", 0, len(sni)) + sni
    extensions += struct.pack(">HHH", 16, len(alpn) + 2, len(alpn)) + alpn
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\x01" + b"\1\0" + struct.pack(">H", len(extensions)) + extensions
    return b"\x16\3\1" + struct.pack(">H", len(body) + 4) + b"\1" + struct.pack(">I", len(body))[1:] + body


def test_federation_ports_are_chosen_and_a_web_page_is_not(tmp_path: Path) -> None:
    """5269 and 5270 by default, others when asked for."""
    path = made(tmp_path, pcap(*WEB, syn(1, 5269), *WEB, syn(2, 5270), syn(3, 7000)))
    assert chosen(path) == [21, 42]
    assert chosen(path, How(ports=(7000,))) == [43]


def test_lookups_of_services_and_what_they_lead_to(tmp_path: Path) -> None:
    """The SRV lookup, the target's address, its alias, the domain's own address; in any case of letters; no others."""
    frames = [
        lookup(question("www.example.com", 1)),
        lookup(question("_XMPP-server._TCP.Example.Org")),
        lookup(answer(ASKED, (ASKED, 33, srv(5269, "xmpp.example.org")))),
        lookup(question("XMPP.example.org", 1)),
        lookup(answer("xmpp.example.org", ("xmpp.example.org", 5, name("host.example.net")), rrtype=1)),
        lookup(question("host.example.net", 28)),
        lookup(question("example.org", 1)),
        lookup(question("other.example.org", 1)),
        lookup(question("_ldap._tcp.example.org")),
        lookup(question("_jabber._tcp.example.com")),
    ]
    assert chosen(made(tmp_path, pcap(*frames))) == [2, 3, 4, 5, 6, 7, 10]


def test_a_lookup_before_its_reason_is_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address asked for before the SRV answer names its owner, in the same block and in one before."""
    frames = [
        lookup(question("xmpp.example.org", 1)),
        lookup(answer(ASKED, (ASKED, 33, srv(5269, "xmpp.example.org")))),
    ]
    path = made(tmp_path, pcap(*frames))
    assert chosen(path) == [1, 2]
    monkeypatch.setattr("parsers.capture.select.BLOCK_LEN", 1)
    assert chosen(path) == [1, 2]


def test_names_asked_for_by_the_user(tmp_path: Path) -> None:
    """Shell patterns; `*` for every message."""
    path = made(
        tmp_path, pcap(*(lookup(question(text, 1)) for text in ("a.example.org", "b.example.net", "c.example.org")))
    )
    assert chosen(path) == []
    assert chosen(path, How(dns_names=("*.Example.org.",))) == [1, 3]
    assert chosen(path, How(dns_names=("*",))) == [1, 2, 3]


def test_dns_over_tcp_is_kept_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One segment speaks of the service: the handshake before it and the rest of a long answer come too."""
    message = question(ASKED)
    asked = struct.pack(">H", len(message)) + message
    frames = [
        syn(1_000, 53),
        segment(53, 1_000, flags=SYN | 16, src=THERE, dst=HERE),
        syn(2_000, 53),
        segment(1_000, 53, asked),
        segment(2_000, 53, struct.pack(">H", 31) + question("www.example.com")),
        segment(53, 1_000, bytes(1_000), src=THERE, dst=HERE),
    ]
    path = made(tmp_path, pcap(*frames))
    assert chosen(path) == [1, 2, 4, 6]
    monkeypatch.setattr("parsers.capture.select.BLOCK_LEN", 1)
    assert chosen(path) == [1, 2, 4, 6]


def test_a_port_that_an_srv_answer_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connections are read, and openings that came before the answer; not a client's service's port."""
    frames = [
        syn(1_000, 25_269),
        segment(25_269, 1_000, flags=RST, src=THERE, dst=HERE),
        lookup(answer(ASKED, (ASKED, 33, srv(25_269, "xmpp.example.org")))),
        segment(1_001, 25_269, b"\x16\x03\x01"),
        lookup(
            answer("_xmpp-client._tcp.example.org", ("_xmpp-client._tcp.example.org", 33, srv(5_555, "c.example.org")))
        ),
        syn(1_002, 5_555),
    ]
    path = made(tmp_path, pcap(*WEB, *frames))
    assert chosen(path) == [21, 22, 23, 24, 25]
    monkeypatch.setattr("parsers.capture.select.BLOCK_LEN", 1)
    assert chosen(path) == [21, 22, 23, 24, 25]


def test_a_system_port_is_read_of_the_target_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Direct TLS on 443 must not make every web page federation."""
    asked = "_xmpps-server._tcp.example.org"
    address = bytes([203, 0, 113, 9])
    frames = [
        syn(1_000, 443),
        syn(1_001, 443, dst="203.0.113.10"),
        lookup(answer(asked, (asked, 33, srv(443, "x.example.org")), ("x.example.org", 1, address))),
        segment(1_000, 443, bytes(100)),
        segment(443, 1_000, flags=RST, src=THERE, dst=HERE),
        segment(443, 1_001, flags=RST, src="203.0.113.10", dst=HERE),
        unreachable(ip(tcp(1_000, 443))),
        unreachable(ip(tcp(1_001, 443), dst="203.0.113.10")),
    ]
    path = made(tmp_path, pcap(*frames))
    assert chosen(path) == [1, 3, 4, 5, 7]
    monkeypatch.setattr("parsers.capture.select.BLOCK_LEN", 1)
    assert chosen(path) == [1, 3, 4, 5, 7]


@pytest.mark.parametrize(
    "payload",
    [
        OPEN,
        OPEN.replace(b"'", b'"'),
        b"<stream:stream to='example.org'",
        b"<?xml version='1.0'?>\n<s:stream xmlns:s='http://etherx.jabber.org/streams'>",
        b"<db:result from='a.example' to='b.example'>",
        b"<db:verify id='1'",
        b"<stream:features>",
        b"<stream:error>",
        b"</stream:stream>",
        b"<presence from='a@a.example' to='b@b.example' type='subscribe'/>",
        b"<message type='chat'\n to='b@b.example' id='1' from='a@a.example'><body>",
        hello(b"xmpp-server"),
        hello(b"h2", b"xmpp-server", server=b"xmpp-server"),
    ],
)
def test_content_is_known_on_any_port(tmp_path: Path, payload: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole conversation comes, with its opening, both ways; a neighbour's does not."""
    frames = [
        syn(1_000, 7_000),
        syn(1_001, 7_000),
        segment(7_000, 1_000, flags=SYN | 16, src=THERE, dst=HERE),
        segment(1_000, 7_000, payload),
        segment(1_001, 7_000, b"GET / HTTP/1.1"),
        segment(7_000, 1_000, b"anything", src=THERE, dst=HERE),
    ]
    path = made(tmp_path, pcap(*frames))
    assert chosen(path) == [1, 3, 4, 6]
    monkeypatch.setattr("parsers.capture.select.BLOCK_LEN", 1)
    assert chosen(path) == [1, 3, 4, 6]


@pytest.mark.parametrize(
    "payload",
    [
        b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>",
        b"<html><body><message from to>",
        b"<message to='b@b.example'>",
        b"<stream>",
        b"<iq",
        b"<",
        b"xmpp-server",
        hello(b"h2", server=b"xmpp-server"),
        hello(b"h2", server=b"\x0bxmpp-server"),
        hello(b"xmpp-client"),
        b"\x16\x03\x01\x02\x00\x02xmpp-server" + bytes(60),
        b"\x16",
    ],
)
def test_what_only_looks_like_it_is_not(tmp_path: Path, payload: bytes) -> None:
    """XML of other kinds, and TLS whose server name alone says xmpp-server."""
    assert chosen(made(tmp_path, pcap(segment(1_000, 7_000, payload)))) == []


def test_a_hello_of_two_segments(tmp_path: Path) -> None:
    """Post-quantum keys make it longer than a segment, and the protocol may stand in the second."""
    whole = hello(b"h2", b"xmpp-server")
    frames = [segment(1_000, 7_000, whole[:70]), segment(9, 7_000, b"x"), segment(1_000, 7_000, whole[70:], seq=71)]
    assert chosen(made(tmp_path, pcap(*frames))) == [1, 3]


def test_openings_forgotten_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan fills the ring: what was pushed out may have been what is now asked for."""
    monkeypatch.setattr("parsers.capture.select.BLOCK_LEN", 100)
    monkeypatch.setattr("parsers.capture.select._OPENINGS_BYTES", 20_000)
    learnt = lookup(answer(ASKED, (ASKED, 33, srv(25_269, "x.example.org"))))
    frames = [syn(1_000, 25_269), *(syn(1_001, 2_000 + port) for port in range(999)), syn(1_002, 25_269), learnt]
    packets, _, lost, _ = read(made(tmp_path, pcap(*frames)))
    assert [packet.frame for packet in packets] == [1_001, 1_002]
    assert [(one.count, one.unit) for one in lost] == [(800, "frames")]


def unreachable(quoted: bytes, kind: int = 3, code: int = 1) -> bytes:
    """An ICMP error from a router."""
    return ether(ip(struct.pack(">BBHI", kind, code, 0, 0) + quoted[:28], proto=1, src="192.0.2.1", dst=HERE))


def test_icmp_errors_about_what_is_read(tmp_path: Path) -> None:
    """They quote the packet that did not arrive; those about web pages are left."""
    frames = [
        unreachable(ip(tcp(1_000, 5269))),
        unreachable(ip(tcp(1_000, 443))),
        unreachable(ip(udp(40_000, 53), proto=17, dst="10.0.0.53"), code=3),
        unreachable(ip(tcp(1_000, 5269)), kind=0),
        unreachable(ip(tcp(1_000, 5269)), kind=11),
    ]
    _, errors, _, _ = read(made(tmp_path, pcap(*frames)))
    assert [(error.frame, error.code, error.proto, error.dport) for error in errors] == [
        (1, "host", 6, 5269),
        (3, "port", 17, 53),
        (5, "ttl-exceeded", 6, 5269),
    ]
    assert errors[0] == (1, SECOND * 10**9, "192.0.2.1", "host", 6, HERE, 1_000, THERE, 5269)


def test_icmp_errors_of_six_and_of_ports_learnt_later(tmp_path: Path) -> None:
    """ICMPv6 has its own types; an error before the SRV answer is remembered."""
    here, there = "2001:db8::6", "2001:db8::7"
    quoted = ip(tcp(1_000, 25_269), src=here, dst=there)
    frames = [
        ether(ip(b"\1\1" + bytes(6) + quoted, proto=58, src="2001:db8::1", dst=here)),
        unreachable(ip(tcp(1_000, 443))),
        lookup(answer(ASKED, (ASKED, 33, srv(25_269, "x.example.org")))),
    ]
    _, errors, _, _ = read(made(tmp_path, pcap(*frames)))
    assert [(error.frame, error.code, error.reporter, error.dst) for error in errors] == [
        (1, "admin", "2001:db8::1", there)
    ]


def fragments(body: bytes, size: int, proto: int) -> list[bytes]:
    """The datagram in IPv4 fragments."""
    return [
        ether(ip(body[at : at + size], proto=proto, place=at // 8 | (0x2000 if at + size < len(body) else 0)))
        for at in range(0, len(body), size)
    ]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 0, 2)])
def test_fragments_are_put_together(tmp_path: Path, order: tuple[int, ...]) -> None:
    """In any order, with repetitions; the frame is the one that completes the datagram, as in Wireshark."""
    parts = fragments(tcp(1_000, 5269, OPEN), 48, 6)
    packets, _, lost, _ = read(made(tmp_path, pcap(*(parts[index] for index in order))))
    assert [(packet.frame, packet.payload) for packet in packets] == [(len(order), OPEN)]
    assert lost == []


def test_fragments_of_six(tmp_path: Path) -> None:
    """The fragment header stands before the transport's."""
    message = udp(53, 40_000, answer(ASKED, (ASKED, 33, srv(5269, "x.example.org"))))
    frames = [
        ether(ip(struct.pack(">BBHI", 17, 0, place, 9) + part, proto=44, src="2001:db8::53", dst="2001:db8::6"))
        for place, part in ((1, message[:64]), (64, message[64:]))
    ]
    packets, _, lost, _ = read(made(tmp_path, pcap(*frames)))
    assert [(packet.frame, packet.sport, packet.payload) for packet in packets] == [(2, 53, message[8:])]
    assert lost == []


def test_fragments_that_never_come_are_said_when_they_matter(tmp_path: Path) -> None:
    """Federation's and DNS's; not those of a video."""
    missing = fragments(tcp(1_000, 5269, OPEN), 48, 6)[:-1]
    video = fragments(udp(4_000, 4_001, bytes(3_000)), 1_480, 17)[:-1]
    packets, _, lost, _ = read(made(tmp_path, pcap(*missing, *video)))
    assert packets == []
    assert [(one.count, one.unit, one.frame) for one in lost] == [(len(missing), "frames", 1)]


def test_frames_come_in_order(tmp_path: Path) -> None:
    """Packets, lookups, errors and fragments of one block are one river."""
    frames = [
        syn(1_000, 5269),
        unreachable(ip(tcp(1_000, 5269))),
        lookup(question(ASKED)),
        *fragments(tcp(1_000, 5269, OPEN), 48, 6),
        segment(1_000, 5269, b"x"),
    ]
    packets, errors, _, _ = read(made(tmp_path, pcap(*frames)))
    assert [one.frame for one in packets] == [1, 3, 3 + len(frames) - 4, len(frames)]
    assert [one.frame for one in errors] == [2]


@pytest.mark.needs_tshark
@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_frame_numbers_are_wiresharks(tmp_path: Path, form: str) -> None:
    """Every field of every packet of a mixed capture is what tshark says it is."""
    frames = [
        *WEB,
        syn(1_000, 5269),
        ether(b"\0" * 28, 0x0806),
        segment(5269, 1_000, flags=SYN | 16, src=THERE, dst=HERE, seq=4_294_967_295),
        ether(ip(tcp(1_000, 5269, b"in a tag", seq=7)), tags=b"\x81\0\0\5"),
        *fragments(tcp(1_000, 5269, OPEN), 48, 6),
        ether(ip(tcp(1_000, 5269, OPEN), src="2001:db8::6", dst="2001:db8:0:0:1::7")),
        ether(ip(tcp(1_000, 5269, b"x"))) + bytes(5),
    ]
    content = pcap(*frames) if form == "pcap" else section() + interface() + b"".join(map(enhanced, frames))
    path = made(tmp_path, content)
    fields = [
        "frame.number",
        "frame.time_epoch",
        "ip.src",
        "ipv6.src",
        "ip.dst",
        "ipv6.dst",
        "tcp.srcport",
        "tcp.dstport",
    ]
    fields += ["tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.len", "tcp.payload"]
    command = ["tshark", "-n", "-r", str(path), "-Y", "tcp.port == 5269", "-T", "fields", "-E", "separator=|"]
    command += ["-o", "tcp.desegment_tcp_streams:FALSE", *(word for field in fields for word in ("-e", field))]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    packets, _, _, _ = read(path)
    ours = []
    for one in packets:
        seconds, ns = divmod(one.at_ns, 10**9)
        four, six = ((one.src, one.dst), ("", "")) if ":" not in one.src else (("", ""), (one.src, one.dst))
        ends = (four[0], six[0], four[1], six[1], one.sport, one.dport)
        values = (
            one.frame,
            f"{seconds}.{ns:09}",
            *ends,
            one.seq,
            one.ack,
            f"0x{one.flags:04x}",
            one.length,
            one.payload.hex(),
        )
        ours.append("|".join(map(str, values)))
    assert ours == shown
