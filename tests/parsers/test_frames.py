"""From packets to events: DNS, ICMP and damage, and how much is read at once."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from parsers.capture import frames, room
from parsers.capture.files import read_ring
from parsers.capture.frames import Reader
from parsers.capture.packet import Lost, Packet
from parsers.events import (
    Damage,
)
from parsers.hold import Hold
from parsers.source import How, Reading, Source
from tests.packets import ACK, RST, SYN, header, ip, pcap, talk, tcp, udp
from tests.parsers.packets import answer, question, srv
from tests.parsers.transcript import QUESTION, SHAKE, THEM, US, back, line, packet, read, told

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
