"""A redacted extract: what Wireshark still sees of a session, what comments tell, and that no more is there."""

from __future__ import annotations

import io
import json
import struct
import subprocess
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

import pytest

from analyzer.analysis import Analysis, analysis
from analyzer.excerpt import excerpts
from analyzer.report.extract import write
from analyzer.report.packets import Captured, Redacted
from parsers.capture.excerpt import Frame, frames
from parsers.case import Case, read_case
from parsers.events import DnsAnswer, DnsQuery, TcpMark, Unreachable
from parsers.redact import Original, Redaction, redacted
from parsers.source import How
from parsers.standins import own_words
from tests.conftest import SHARED
from tests.originals import bytes_of, hardware_addresses, leaks, originals
from tests.packets import FEATURES, header, ip, pcap, talk, udp
from tests.parsers.packets import answer, enhanced, interface, question, section, srv

NAME = "_xmpp-server._tcp.verona-hospital.example"
OURS, PEER = "capulet-clinic.example", "verona-hospital.example"
SAID = (
    (">", header(OURS, PEER)),
    ("<", header(PEER, OURS, "stream-id-1") + FEATURES),
    (">", f"<db:result from='{OURS}' to='{PEER}'>c0ffeec0ffeec0ffee</db:result>".encode()),
    (">", f"<message from='juliet@{OURS}' to='romeo@{PEER}'><body>wherefore</body></message>".encode() * 40),
    ("<", b"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"),
)
MAC = b"\x52\x54\x00\xab\xcd\xef\x52\x54\x00\xfe\xdc\xba"
RESOLVER, CLIENT, SERVER = "172.20.7.53", "172.20.7.5", "198.51.100.77"
RESOLVER6, CLIENT6, SERVER6 = "2620:7:7::53", "2620:7:7::5", "2620:9:9::77"
SECRETS = (b"c0ffee", b"wherefore", b"juliet", b"stream xmlns", b"jabber:server", b"body")
"""What stood in payloads and in no event."""


def case_of(path: Path) -> tuple[Analysis, Original]:
    """The redacted case of a capture, and the case as it is."""
    case = read_case([str(path)], How())
    redaction = Redaction(own_words("parsers", "analyzer"), (source.name for source in case.sources))
    return analysis(redacted(case, redaction)), Original(case, redaction)


def extracted(path: Path, number: int = 0) -> tuple[bytes, list[Frame], Path]:
    """The redacted extract of a session: its bytes, its frames, and where it lies."""
    shown, original = case_of(path)
    session = shown.view.sessions[number]
    out = io.BytesIO()
    count, _ = write(session, excerpts(session, shown), shown, Redacted(original), out)
    new = path.parent / "redacted.pcapng"
    new.write_bytes(out.getvalue())
    read = list(frames(new, range(1, count + 2), ()))
    assert len(read) == count
    return out.getvalue(), sorted(read), new


def on_the_wire(frames: Iterable[bytes]) -> list[bytes]:
    """The same frames between cards that have addresses."""
    return [MAC + frame[12:] for frame in frames]


def lookup(client: str, resolver: str, target: bytes, kind: int) -> list[bytes]:
    """A question after the peer's server, and its address: two frames each."""
    found = answer(NAME, (NAME, 33, srv(5269, f"xmpp.{PEER}")), txid=7)
    address = answer(f"xmpp.{PEER}", (f"xmpp.{PEER}", kind, target), rrtype=kind, txid=8)
    return [
        udp(client, 5353, resolver, 53, question(NAME, txid=7)),
        udp(resolver, 53, client, 5353, found),
        udp(client, 5353, resolver, 53, question(f"xmpp.{PEER}", kind, txid=8)),
        udp(resolver, 53, client, 5353, address),
    ]


def in_fragments(frame: bytes, ident: int) -> list[bytes]:
    """An IPv4 frame as two fragments."""
    head, body = frame[14:34], frame[34:]
    cut = len(body) // 16 * 8

    def part(data: bytes, place: int) -> bytes:
        return frame[:14] + head[:2] + struct.pack(">HHH", 20 + len(data), ident, place) + head[8:] + data

    return [part(body[:cut], 0x2000), part(body[cut:], cut // 8)]


def over_tcp(client: str, resolver: str) -> list[bytes]:
    """The lookup once more, over TCP."""
    asked, found = question(NAME, txid=9), answer(NAME, (NAME, 33, srv(5269, f"xmpp.{PEER}")), txid=9)
    said = [(way, struct.pack(">H", len(m)) + m) for way, m in ((">", asked), ("<", found))]
    return list(talk(*said, client=(client, 40_053), server=(resolver, 53)))


def four() -> list[bytes]:
    """IPv4: a lookup over UDP and TCP, a conversation of which a segment comes in fragments, and an ICMP error."""
    ours = list(talk(*SAID, client=(CLIENT, 40_000), server=(SERVER, 5269)))
    error = ip(SERVER, CLIENT, 1, b"\3\4\0\0\0\0\5\0" + ours[9][14 : 14 + 200])
    split = [part for n, frame in enumerate(ours) for part in (in_fragments(frame, n) if n == 7 else [frame])]
    named = lookup(CLIENT, RESOLVER, ip_address(SERVER).packed, 1)
    return on_the_wire([*named, *over_tcp(CLIENT, RESOLVER), *split[:12], error, *split[12:]])


def six() -> list[bytes]:
    """IPv6: a lookup, a conversation, and an error that a router in between reports."""
    ours = list(talk(*SAID, client=(CLIENT6, 40_000), server=(SERVER6, 5269)))
    error = ip("2620:8:8::1", CLIENT6, 58, b"\2\0\0\0\0\0\5\0" + ours[9][14 : 14 + 1000])
    named = lookup(CLIENT6, RESOLVER6, ip_address(SERVER6).packed, 28)
    return on_the_wire([*named, *over_tcp(CLIENT6, RESOLVER6), *ours[:12], error, *ours[12:]])


@pytest.fixture(params=[four, six], ids=["IPv4", "IPv6"])
def capture(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A whole incident, in both families."""
    path = tmp_path / "inside.pcap"
    path.write_bytes(pcap(request.param()))
    return path


def test_nothing_of_a_frame_but_its_headers_is_in_the_file(capture: Path) -> None:
    """No name, address, hardware address, key, body nor JID, in any form."""
    known = bytes_of(originals(capture)) | hardware_addresses(capture) | set(SECRETS)
    assert len(leaks(capture.read_bytes(), known)) > 10, "the search finds them"
    content, _, _ = extracted(capture)
    assert leaks(content, known) == []


def test_every_frame_of_the_plain_extract_is_there_at_its_instant(capture: Path) -> None:
    """With its length, but for what was written anew."""
    case = analysis(read_case([str(capture)], How()))
    session = case.view.sessions[0]
    out = io.BytesIO()
    count, _ = write(session, excerpts(session, case), case, Captured(), out)
    plain = capture.parent / "plain.pcapng"
    plain.write_bytes(out.getvalue())
    _, told, _ = extracted(capture)

    before = sorted(frames(plain, range(1, count + 1), ()))
    assert count > 30
    assert [f.at_ns for f in told] == [f.at_ns for f in before]
    same = [a.wire_len + 14 == b.wire_len for a, b in zip(told, before, strict=True)]
    assert same.count(False) <= 5, "four messages of DNS, and what an ICMP error quotes"


def test_the_file_is_the_same_every_time(capture: Path) -> None:
    """Byte for byte."""
    assert extracted(capture)[0] == extracted(capture)[0]


def test_what_is_read_of_it_is_what_the_redacted_report_tells(capture: Path) -> None:
    """Lookups over UDP, marks of the stream's TCP, errors: the same events between the same ends. Of payload none."""
    shown, _ = case_of(capture)
    _, _, new = extracted(capture)
    again = read_case([str(new)], How())

    def told(case: Case, kinds: tuple[type, ...], port: int) -> list[tuple[str, ...]]:
        return [
            tuple(str(getattr(e, name, "")) for name in ("at_ns", "flow", "name", "answers", "mark", "code"))
            for e in case.river()
            if isinstance(e, kinds) and e.flow is not None and e.flow.proto == ("udp" if port == 53 else "tcp")
            if port in (e.flow.src_port, e.flow.dst_port)
        ]

    for kinds, port in (((DnsQuery, DnsAnswer), 53), ((TcpMark, Unreachable), 5269)):
        assert told(again, kinds, port) == told(shown.case, kinds, port) != []
    assert {type(e).__name__ for e in again.river()} <= {
        *("DnsQuery", "DnsAnswer", "TcpMark", "Unreachable", "CaptureGap", "Tally", "Retransmission", "Damage")
    }


def test_comments_tell_what_the_payload_said(capture: Path) -> None:
    """In the words of the redacted report, with the frame of the source; what is over TCP too."""
    content, _, _ = extracted(capture)
    for words in (
        "<stream:stream> domain-1.test-2 → domain-2.test-2",
        "<stream:stream> domain-2.test-2 → domain-1.test-2 id stream-id-1",
        "<stream:features> dialback",
        "<db:result> with a key, domain-1.test-2 → domain-2.test-2",
        "<message> domain-1.test-2 → domain-2.test-2",
        "stream-host-unknown: <stream:error> host-unknown",
        "SRV _xmpp-server._tcp.domain-2.test-2: 0 0 5269 host-1.domain-2.test-2",
    ):
        assert words.replace(".test-2", ".test").encode() in content, words
    assert b"[source-1.pcap#" in content
    assert b"redacted: IP, TCP and UDP headers" in content
    assert b"SHA-256" not in content, "a fingerprint tells which file it was to whoever has it"


def test_names_of_interfaces_may_be_those_of_places(tmp_path: Path) -> None:
    """The outside stays the outside."""
    named = [struct.pack("<HH", 2, len(n)) + n + bytes(-len(n) % 4) for n in (b"verona-dmz-7", b"outside")]
    parts = [section(), *(interface(options=option + bytes(4)) for option in named)]
    parts += [enhanced(frame, 1_378_458_840_000_000 + n, n % 2) for n, frame in enumerate(four())]
    path = tmp_path / "inside.pcapng"
    path.write_bytes(b"".join(parts))
    content, told, _ = extracted(path)

    assert {f.interface.name for f in told} == {"source-1.pcapng interface-1", "source-1.pcapng outside"}
    assert {f.interface.link for f in told} == {101}
    assert b"verona" not in content


def test_a_tag_goes_with_the_rest_of_the_link_layer(tmp_path: Path) -> None:
    """The packets of a VLAN are those that they would be without it."""
    for name, tag in (("plain", b""), ("tagged", b"\x81\0\x0a\xbc")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "inside.pcap").write_bytes(pcap(f[:12] + tag + f[12:] for f in four()))
    (_, plain, _), (_, tagged, _) = (extracted(tmp_path / name / "inside.pcap") for name in ("plain", "tagged"))
    assert [f.data for f in tagged] == [f.data for f in plain]


def test_of_a_frame_that_holds_no_packet_nothing_is_shown(capture: Path) -> None:
    """It stands there with its length, and says so."""
    shown, original = case_of(capture)
    (excerpt,) = excerpts(shown.view.sessions[0], shown)
    frame = Frame(3, 0, 90, extracted(capture)[1][0].interface, b"secret", None)
    packets = Redacted(original)
    assert packets.packet(frame, ()) == (b"", 90)
    assert packets.comments(excerpt, frame, ()) == [
        "no byte of this frame is shown: fedtrace itself reads no IP packet in it"
    ]


SUMS = ("ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status")
CHECKED = [word for proto in ("ip", "tcp", "udp") for word in ("-o", f"{proto}.check_checksum:TRUE")]


def tshark(path: Path, *fields: str) -> list[dict[str, list[str]]]:
    """The fields of every packet, all checksums verified."""
    command = ["tshark", "-r", str(path), *CHECKED, "-T", "json", *(w for field in fields for w in ("-e", field))]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return [packet["_source"].get("layers", {}) for packet in told]


@pytest.mark.needs_tshark
def test_wireshark_finds_packets_that_are_whole_but_for_their_payload(capture: Path) -> None:
    """None malformed, no bad checksum; the names of lookups; flags, numbers and lengths of segments as they were."""
    _, told, new = extracted(capture)
    fields = ("tcp.flags", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tcp.srcport", "ip.id")
    after, before = tshark(new, "_ws.malformed", *SUMS, "dns.qry.name", *fields), tshark(capture, *fields)

    assert len(after) == len(told) == len(before)
    assert not any("_ws.malformed" in packet for packet in after)
    assert not any("0" in packet.get(status, ()) for packet in after for status in SUMS), "0 is bad"
    assert sum("1" in packet.get("tcp.checksum.status", ()) for packet in after) > 10
    assert {n for p in after for n in p.get("dns.qry.name", ())} == {
        "_xmpp-server._tcp.domain-2.test",
        "host-1.domain-2.test",
    }
    segments = [(a, b) for a, b in zip(after, before, strict=True) if "tcp.len" in a and "tcp.len" in b]
    assert len(segments) > 25
    for a, b in segments:
        assert {name: a.get(name) for name in fields} == {name: b.get(name) for name in fields}


@pytest.mark.needs_shared
@pytest.mark.needs_tshark
@pytest.mark.parametrize("name", ["02a-healthy-starttls-dialback-webex", "13a-srv-private-address", "32-lossy-link"])
def test_wireshark_opens_every_recorded_session(name: str, tmp_path: Path) -> None:
    """TLS, ICMP errors, packets that came twice: as many as in the plain extract, none malformed, no bad checksum."""
    shown, original = case_of(SHARED / "lab" / name)
    for session in shown.view.sessions:
        if not (found := excerpts(session, shown)):
            continue
        new = tmp_path / "redacted.pcapng"
        with new.open("wb") as file:
            count, _ = write(session, found, shown, Redacted(original), file)
        told = tshark(new, "_ws.malformed", *SUMS)
        assert len(told) == count
        assert not any("_ws.malformed" in p or "0" in p.get(status, ()) for p in told for status in SUMS)
