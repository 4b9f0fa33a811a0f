"""From packets to events, read as a transcript: one line an event, with its frame and who sent it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from parsers.capture import frames, room
from parsers.capture.files import read_ring
from parsers.capture.frames import Reader
from parsers.capture.packet import Lost, Packet
from parsers.events import (
    CaptureGap,
    Damage,
    DnsAnswer,
    DnsQuery,
    Event,
    Idle,
    Retransmission,
    Tally,
    TcpMark,
    Unreachable,
)
from parsers.hold import Hold
from parsers.source import How, Reading, Source
from tests.packets import ACK, BEGIN_S, FEATURES, PSH, RST, SYN, header, ip, pcap, talk, tcp, udp
from tests.parsers.packets import answer, question, srv
from tests.parsers.test_payload import HELLO

US, THEM = ("10.0.0.5", 40000), ("198.51.100.10", 5269)
OPEN = header("cupdomain.com", "gmail.com")
PRESENCE = b"<presence from='a@cupdomain.com' to='b@gmail.com'/>"
QUESTION = "_xmpp-server._tcp.gmail.com"


def out(flags: int, seq: int, ack: int = 0, payload: bytes = b"") -> bytes:
    """A segment of ours."""
    return tcp(*US, *THEM, flags, seq, ack, payload)


def back(flags: int, seq: int, ack: int = 0, payload: bytes = b"") -> bytes:
    """A segment of theirs."""
    return tcp(*THEM, *US, flags, seq, ack, payload)


SHAKE = [out(SYN, 999), back(SYN | ACK, 4999, 1000), out(ACK, 1000, 5000)]
"""A handshake: our first byte is 1000, theirs is 5000."""


def read(
    folder: Path, *captured: bytes, how: How | None = None, snap: int = 0, hold: Hold | None = None
) -> list[Event]:
    """The events of these frames."""
    path = folder / "trace.pcap"
    path.write_bytes(cut(list(captured), snap) if snap else pcap(captured))
    return read_ring([(Source(name="trace.pcap", path=path, format="capture"), Reading())], how or How(), hold=hold)


def cut(captured: list[bytes], snap: int) -> bytes:
    """A capture whose frames are cut at `snap` bytes."""
    whole = pcap([])
    return whole + b"".join(
        struct.pack("<IIII", BEGIN_S, number, min(len(frame), snap), len(frame)) + frame[:snap]
        for number, frame in enumerate(captured)
    )


def line(event: Event) -> str:
    """One event in a few words."""
    way = "" if event.flow is None else "> " if event.flow.src_ip in (US[0], "10.0.0.53") else "< "
    match event:
        case TcpMark():
            what = event.mark + (" again" if event.repeat else "")
        case Retransmission():
            what = f"sent for the {event.attempt}. time: {event.bytes_len} bytes"
        case Idle():
            what = f"after {event.duration_ns // 10**9} s of silence"
        case CaptureGap():
            what = f"{event.missing_bytes} bytes missing"
        case Tally():
            what = (
                f"in all {event.bytes_len} bytes in {event.segments} segments, {event.retransmitted} again, "
                f"{event.unacknowledged_len} unacknowledged, {event.stanzas} stanzas"
            )
        case DnsQuery():
            what = f"asks {event.rrtype} {event.name}"
        case DnsAnswer():
            what = f"answers {event.rcode}: {' '.join(r.data for r in event.answers)}"
        case Unreachable():
            what = f"unreachable ({event.code}), says {event.reporter_ip}"
        case Damage():
            what = f"{event.what} ({event.lost} {event.unit})"
        case _:
            what = type(event).__name__
    return f"{event.where.frame or '-'} {way}{what}"


def told(events: list[Event], *, tallies: bool = False) -> list[str]:
    """Events as a transcript."""
    return [line(event) for event in events if tallies or not isinstance(event, Tally)]


# --- conversations


def test_a_conversation_from_its_opening_to_its_end(tmp_path: Path) -> None:
    """Marks, of pure ACKs only the first each way, and what was said."""
    talked = talk((">", OPEN), ("<", header("gmail.com", "cupdomain.com", "s1") + FEATURES), (">", PRESENCE))

    assert told(read(tmp_path, *talked), tallies=True) == [
        "1 > syn",
        "2 < syn-ack",
        "3 > ack",
        "4 > StreamHeader",
        "5 < ack",
        "6 < StreamHeader",
        "6 < StreamFeatures",
        f"6 < in all {len(header('gmail.com', 'cupdomain.com', 's1') + FEATURES)} bytes in 1 segments, "
        "0 again, 0 unacknowledged, 0 stanzas",
        "8 > Stanza",
        f"8 > in all {len(OPEN + PRESENCE)} bytes in 2 segments, 0 again, 0 unacknowledged, 1 stanzas",
        "10 > fin",
        "11 < fin",
    ]


def test_a_syn_that_is_sent_again_is_a_repeat(tmp_path: Path) -> None:
    """Silence: three times the same SYN, one conversation."""
    assert told(read(tmp_path, SHAKE[0], SHAKE[0], SHAKE[0])) == ["1 > syn", "2 > syn again", "3 > syn again"]


def test_the_same_ports_again_are_another_conversation(tmp_path: Path) -> None:
    """A SYN with another number behind a reset: nothing is a repetition, and the new stream is read from its start."""
    assert told(
        read(
            tmp_path,
            *SHAKE,
            out(PSH | ACK, 1000, 5000, OPEN),
            back(RST | ACK, 5000, 1000 + len(OPEN)),
            out(SYN, 70_000),
            back(SYN | ACK, 90_000, 70_001),
            out(PSH | ACK, 70_001, 90_001, OPEN),
        )
    ) == [
        "1 > syn",
        "2 < syn-ack",
        "3 > ack",
        "4 > StreamHeader",
        "5 < rst",
        "6 > syn",
        "7 < syn-ack",
        "8 > StreamHeader",
    ]


def test_a_syn_captured_behind_its_answer_belongs_to_it(tmp_path: Path) -> None:
    """Two queues of one network card: one conversation, which still knows where the bytes of both sides begin."""
    late = back(PSH | ACK, 5050, 1000, PRESENCE)

    assert told(read(tmp_path, SHAKE[1], SHAKE[0], SHAKE[2], late, out(ACK, 1000, 5050 + len(PRESENCE)))) == [
        "1 < syn-ack",
        "2 > syn",
        "3 > ack",
        "4 < 50 bytes missing",
        "4 < Stanza",
    ]


def test_a_capture_that_begins_in_mid_stream(tmp_path: Path) -> None:
    """Half a stanza without its beginning is passed over, and counted; the next stanza is read."""
    tail = b"</body></message>"

    assert told(read(tmp_path, out(PSH | ACK, 500, 900, tail + PRESENCE), back(ACK, 900, 517 + len(PRESENCE)))) == [
        "1 > Stanza",
        f"1 > part of a stream is no XML that can be read ({len(tail)} bytes)",
        "2 < ack",
    ]


def test_a_segment_without_any_flag_is_no_mark(tmp_path: Path) -> None:
    """A null scan tells nothing of a conversation."""
    assert told(read(tmp_path, out(0, 1))) == []


def test_direct_tls_on_a_port_nobody_named(tmp_path: Path) -> None:
    """The ClientHello offers `xmpp-server` (XEP-0368); the handshake that went before is told too."""
    events = read(tmp_path, *talk((">", HELLO), server=("198.51.100.10", 44_300), close=False))

    assert told(events)[:4] == ["1 > syn", "2 < syn-ack", "3 > ack", "4 > TlsHello"]


# --- what is repeated, missing, cut


def test_data_that_is_sent_again_is_told_and_counted(tmp_path: Path) -> None:
    """Its bytes are read once."""
    said = out(PSH | ACK, 1000, 5000, OPEN)

    assert told(read(tmp_path, *SHAKE, said, said, said, back(ACK, 5000, 1000 + len(OPEN))), tallies=True) == [
        "1 > syn",
        "2 < syn-ack",
        "3 > ack",
        "4 > StreamHeader",
        f"5 > sent for the 2. time: {len(OPEN)} bytes",
        f"6 > sent for the 3. time: {len(OPEN)} bytes",
        f"6 > in all {len(OPEN)} bytes in 3 segments, 2 again, 0 unacknowledged, 0 stanzas",
        "7 < ack",
    ]


def packet(frame: int, second: int, ours: bool, flags: int, seq: int, ack: int, payload: bytes = b"") -> Packet:
    """A segment at a second of our choice."""
    (src, sport), (dst, dport) = (US, THEM) if ours else (THEM, US)
    at_ns = (BEGIN_S + second) * 10**9
    return Packet(frame, at_ns, 6, src, sport, dst, dport, 64, payload, len(payload), seq, ack, flags)


def test_a_long_silence_is_told_where_it_ends() -> None:
    """Neither side says a word for an hour; a keep-alive in between makes two silences of it, too short to be told."""
    shake = [
        packet(1, 0, True, SYN, 999, 0),
        packet(2, 0, False, SYN | ACK, 4999, 1000),
        packet(3, 0, True, ACK, 1000, 5000),
    ]
    word = packet(5, 3600, True, PSH | ACK, 1000, 5000, OPEN)
    alive = [packet(4, second, False, ACK, 5000, 1000) for second in range(299, 3600, 299)]

    def heard(packets: list[Packet]) -> list[str]:
        reader = Reader()
        reader.read("trace.pcap", packets, Reading())
        return [line(event) for event in reader.close() if isinstance(event, Idle)]

    assert heard([*shake, word]) == ["5 > after 3600 s of silence"]
    assert heard([*shake, *alive, word]) == []


def test_what_the_other_side_never_acknowledged(tmp_path: Path) -> None:
    """The large segment goes into a black hole: the header was acknowledged, what follows it was not."""
    events = read(
        tmp_path,
        *SHAKE,
        out(PSH | ACK, 1000, 5000, OPEN),
        back(ACK, 5000, 1000 + len(OPEN)),
        out(PSH | ACK, 1000 + len(OPEN), 5000, PRESENCE),
    )

    assert [event.unacknowledged_len for event in events if isinstance(event, Tally)] == [len(PRESENCE)]


def test_one_direction_alone_says_nothing_of_acknowledgements(tmp_path: Path) -> None:
    """A tap that sees one way only."""
    events = read(tmp_path, SHAKE[0], SHAKE[2], out(PSH | ACK, 1000, 5000, OPEN))

    assert [event.unacknowledged_len for event in events if isinstance(event, Tally)] == [0]


def test_a_hole_is_told_where_reading_goes_on(tmp_path: Path) -> None:
    """The capture lost one segment; the stanza behind it is read."""
    seq = 1000 + len(OPEN) + 300

    assert told(
        read(
            tmp_path,
            *SHAKE,
            out(PSH | ACK, 1000, 5000, OPEN),
            out(PSH | ACK, seq, 5000, PRESENCE),
            back(ACK, 5000, seq + len(PRESENCE)),
        )
    ) == ["1 > syn", "2 < syn-ack", "3 > ack", "4 > StreamHeader", "5 > 300 bytes missing", "5 > Stanza", "6 < ack"]


def test_a_stream_whose_first_segment_is_lost_is_not_bad(tmp_path: Path) -> None:
    """The handshake was seen, the header not whole: the rest of it is passed over, the stanza is read."""
    rest = OPEN[50:]
    all_of_it = back(ACK, 5000, 1000 + len(OPEN + PRESENCE))

    assert told(read(tmp_path, *SHAKE, out(PSH | ACK, 1050, 5000, rest + PRESENCE), all_of_it))[3:] == [
        "4 > 50 bytes missing",
        "4 > Stanza",
        f"4 > part of a stream is no XML that can be read ({len(rest)} bytes)",
        "5 < ack",
    ]


def test_bytes_lost_at_the_very_end_are_told_by_their_acknowledgement(tmp_path: Path) -> None:
    """Nothing stands behind the hole but the other side's word for it."""
    assert told(read(tmp_path, *SHAKE, out(PSH | ACK, 1000, 5000, OPEN), back(ACK, 5000, 1500 + len(OPEN)))) == [
        "1 > syn",
        "2 < syn-ack",
        "3 > ack",
        "4 > StreamHeader",
        "5 < ack",
        "5 > 500 bytes missing",
    ]


def test_a_snap_length_cuts_payload(tmp_path: Path) -> None:
    """Ninety bytes of each frame: what is missing of a segment is a hole, and the header cannot be read."""
    kept = 90 - 54
    lines = told(read(tmp_path, *talk((">", OPEN), (">", PRESENCE), close=False), snap=90))

    assert lines[3] == f"4 > {len(OPEN) - kept} bytes missing"
    assert f"6 > {len(PRESENCE) - kept} bytes missing" in lines


def test_an_element_is_told_where_it_begins(tmp_path: Path) -> None:
    """A stanza that spans three segments has the frame of its first byte; the next one has its own."""
    long = b"<message from='a@cupdomain.com' to='b@gmail.com'><body>" + b"x" * 3000 + b"</body></message>"
    events = read(tmp_path, *talk((">", OPEN), (">", long + PRESENCE), close=False))

    assert [text for text in told(events) if "Stanza" in text] == ["6 > Stanza", "8 > Stanza"]


def test_a_long_stream_keeps_its_places(tmp_path: Path) -> None:
    """Many times more than is gathered at once, and a new kind of stanza at its end."""
    many = b"".join(b"<iq from='a@cupdomain.com' to='b@gmail.com' id='%d' type='get'/>" % n for n in range(1000))
    captured = list(talk((">", OPEN), (">", many), (">", PRESENCE), close=False))
    events = read(tmp_path, *captured)

    assert [text for text in told(events) if "Stanza" in text] == ["6 > Stanza", f"{len(captured) - 1} > Stanza"]
    assert max(event.stanzas for event in events if isinstance(event, Tally)) == 1001


def test_what_a_stream_does_not_let_us_read_is_damage_of_its_conversation(tmp_path: Path) -> None:
    """Broken XML: where it broke, and how much was not read."""
    events = read(tmp_path, *talk((">", OPEN + b"<presence></message>"), (">", PRESENCE * 3), close=False))
    (damage,) = (event for event in events if isinstance(event, Damage))

    assert damage.what == "part of a stream is no XML that can be read"
    assert damage.lost >= 3 * len(PRESENCE)
    assert damage.flow == next(event.flow for event in events if isinstance(event, TcpMark))


# --- DNS and ICMP


def dns(*messages: bytes) -> bytes:
    """DNS messages as they go over TCP."""
    return b"".join(struct.pack(">H", len(message)) + message for message in messages)


RESOLVER = ("10.0.0.53", 53)
REPLY = answer(QUESTION, (QUESTION, 33, srv(5269, "xmpp.gmail.com")))


def test_a_lookup_over_udp(tmp_path: Path) -> None:
    """A question and its answer."""
    asked = udp(*US, *RESOLVER, question(QUESTION))

    assert told(read(tmp_path, asked, udp(*RESOLVER, *US, REPLY))) == [
        f"1 > asks SRV {QUESTION}",
        "2 > answers 0: xmpp.gmail.com",
    ]


def test_a_dns_message_that_cannot_be_read(tmp_path: Path) -> None:
    """Cut by the snap length, or no message behind its question: one frame each, with its conversation."""
    loop = question(QUESTION)[:-4] + b"\xc0\x0c" + b"\0\1\0\1"
    broken = struct.pack(">HHHHHH", 7, 0x8180, 2, 0, 0, 0) + loop[12:-6] + struct.pack(">HH", 33, 1) + b"\xc0\xff"
    for captured, snap, says in (
        ([udp(*RESOLVER, *US, REPLY)], 80, "cut by the snap length"),
        ([udp(*RESOLVER, *US, broken)], 0, "cannot be read"),
    ):
        events = read(tmp_path, *captured, snap=snap)
        damaged = [event for event in events if isinstance(event, Damage)]

        assert [event.lost for event in damaged] == [1]
        assert says in damaged[0].what
        assert damaged[0].where.frame == 1


def test_dns_over_tcp_is_told_where_each_message_ends(tmp_path: Path) -> None:
    """Two questions in one segment, the answers in three: no mark is lost, no stream is looked for."""
    replies = dns(REPLY, REPLY)
    middle = len(replies) // 2 + 10
    said = (
        (">", dns(question(QUESTION), question(QUESTION, txid=8))),
        ("<", replies[:middle]),
        ("<", replies[middle:]),
    )

    assert told(read(tmp_path, *talk(*said, client=US, server=RESOLVER, close=False)), tallies=True) == [
        "1 > syn",
        "2 > syn-ack",
        "3 > ack",
        f"4 > asks SRV {QUESTION}",
        f"4 > asks SRV {QUESTION}",
        "5 > ack",
        "6 > answers 0: xmpp.gmail.com",
        "8 > answers 0: xmpp.gmail.com",
    ]


def test_a_hole_in_dns_over_tcp_costs_one_message(tmp_path: Path) -> None:
    """Behind the hole the next segment begins a message, as resolvers send them."""
    first, second = dns(question(QUESTION)), dns(question(QUESTION, txid=9))
    ends = (*US, *RESOLVER)
    captured = [
        tcp(*ends, SYN, 99),
        tcp(*ends, ACK, 100, 1, first[:20]),
        tcp(*ends, ACK, 100 + len(first), 1, second),
        tcp(*RESOLVER, *US, ACK, 1, 100 + len(first + second)),
    ]

    assert told(read(tmp_path, *captured)) == [
        "1 > syn",
        f"3 > {len(first) - 20} bytes missing",
        f"3 > asks SRV {QUESTION}",
        "4 > ack",
    ]


def icmp(code: int, quoted: bytes) -> bytes:
    """A router's word about a packet of ours."""
    return ip("203.0.113.1", US[0], 1, struct.pack(">BBHI", 3, code, 0, 0) + quoted[14:42])


def test_an_icmp_error_is_about_the_flow_it_quotes(tmp_path: Path) -> None:
    """About a TCP conversation, and about a DNS question."""
    asked = udp(*US, *RESOLVER, question(QUESTION))
    events = read(tmp_path, SHAKE[0], icmp(13, SHAKE[0]), asked, icmp(3, asked))

    assert told(events) == [
        "1 > syn",
        "2 > unreachable (admin), says 203.0.113.1",
        f"3 > asks SRV {QUESTION}",
        "4 > unreachable (port), says 203.0.113.1",
    ]
    assert [event.flow and event.flow.proto for event in events] == ["tcp", "tcp", "udp", "udp"]


# --- bounds


def test_a_closed_conversation_is_forgotten_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the maximum segment lifetime after its end, the same SYN is a new beginning, not a repetition."""
    monkeypatch.setattr(frames, "SWEEP_EVERY", 1)
    ended = [SHAKE[0], back(RST | ACK, 0, 1000)]
    late = [udp(*US, *RESOLVER, question(QUESTION)), SHAKE[0]]
    step_ms = frames.LINGER_NS // 10**6
    path = tmp_path / "slow.pcap"

    def reread(step: int) -> list[str]:
        path.write_bytes(pcap([*ended, *late], step_ms=step))
        return told(read_ring([(Source(name="slow.pcap", path=path, format="capture"), Reading())], How()))

    assert reread(step_ms + 1)[-1] == "4 > syn"
    assert reread(step_ms // 4)[-1] == "4 > syn again"


def test_a_flood_of_conversations_is_bounded_and_counted(tmp_path: Path) -> None:
    """A SYN flood: so many are followed, the frames of the others are damage."""
    flood = [tcp(US[0], 50_000 + number, *THEM, SYN, 1) for number in range(5)]

    assert sorted(told(read(tmp_path, *flood, hold=Hold(at_once=2)))) == [
        "- more than 2 conversations at once (3 frames)",
        "1 > syn",
        "2 > syn",
    ]


def test_who_calls_in_vain_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan leaves SYNs that nobody answers: after four minutes of silence another finds room."""
    monkeypatch.setattr(frames, "SWEEP_EVERY", 1)
    monkeypatch.setattr(frames, "SOON_NS", frames.LINGER_NS)

    def scan(step_s: int) -> list[str]:
        reader = Reader(Hold(at_once=2))
        syns = [Packet(1 + n, step_s * n * 10**9, 6, US[0], 50_000 + n, *THEM, 64, b"", 0, 1, 0, SYN) for n in range(4)]
        reader.read("trace.pcap", syns, Reading())
        return told(reader.close())

    assert sorted(scan(1)) == ["- more than 2 conversations at once (2 frames)", "1 > syn", "2 > syn"]
    assert scan(241) == ["1 > syn", "2 > syn", "3 > syn", "4 > syn"]


def test_a_server_that_refuses_everybody_is_read_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too many are under way, those that closed are forgotten after ten seconds."""
    monkeypatch.setattr(frames, "SWEEP_EVERY", 1)
    reader = Reader(Hold(at_once=2))
    refused = []
    for n in range(4):
        at_ns = 11 * n * 10**9
        refused.append(Packet(1 + 2 * n, at_ns, 6, US[0], 50_000 + n, *THEM, 64, b"", 0, 1, 0, SYN))
        refused.append(Packet(2 + 2 * n, at_ns, 6, *THEM, US[0], 50_000 + n, 64, b"", 0, 0, 2, RST | ACK))
    reader.read("trace.pcap", refused, Reading())

    assert [line(event)[:1] for event in reader.close()] == ["1", "2", "3", "4", "5", "6", "7", "8"]


def test_what_waits_in_many_conversations_is_decoded_before_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes wait to be decoded together, and behind holes: not for ever, where many conversations have some."""
    monkeypatch.setattr(frames, "SWEEP_EVERY", 4)
    monkeypatch.setattr(room, "HELD_MAX", 100)
    reader = Reader()
    opening = header("cupdomain.com", "gmail.com")
    shake = [packet(1, 0, True, SYN, 0, 0), packet(2, 0, False, SYN | ACK, 0, 1), packet(3, 0, True, ACK, 1, 1)]
    reader.read("trace.pcap", [*shake, packet(4, 1, True, ACK, 1, 1, opening)], Reading())

    assert [line(event) for event in reader.events][-1].startswith("4 > ")
    assert sum(side.waiting_len for held in reader._running.values() for side in held[0].sides) == 0


def test_damage_without_a_frame_stands_where_the_reader_is() -> None:
    """Something lost before the first frame, or known only at the end."""
    reader = Reader()
    lost = Lost("bytes before the first frame", 24, "bytes", None, None)
    packet = Packet(1, 5 * 10**9, 6, *US, *THEM, 64, b"", 0, 1, 0, SYN)
    reader.read("trace.pcap", [lost, packet, lost, lost._replace(at_ns=7, frame=3)], Reading())

    assert [(event.at_ns, line(event)) for event in reader.close()] == [
        (0, "- bytes before the first frame (24 bytes)"),
        (7, "3 bytes before the first frame (24 bytes)"),
        (5 * 10**9, "- bytes before the first frame (24 bytes)"),
        (5 * 10**9, "1 > syn"),
    ]


def test_an_event_is_as_wide_as_its_clock_is_coarse() -> None:
    """A microsecond capture and a nanosecond one."""
    packet = Packet(1, 5 * 10**9, 6, *US, *THEM, 64, b"", 0, 1, 0, SYN)
    for step in (1, 1_000):
        reader = Reader()
        reader.read("trace.pcap", [packet], Reading(resolution_ns=step))
        assert [event.width_ns for event in reader.close()] == [step]
