"""Which frames are a session's: whole conversations, lookups, ICMP errors; not what others did on the same ports."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import pytest

from analyzer.analysis import Analysis, analysis
from analyzer.excerpt import cited, excerpts
from parsers.capture.excerpt import LAST, frames
from parsers.case import read_case
from parsers.source import How
from tests.conftest import SHARED
from tests.packets import FEATURES, header, pcap, talk, udp
from tests.parsers.packets import answer, question, srv

CLIENT, SERVER = ("10.0.0.5", 40000), ("198.51.100.10", 5269)
TALK = (
    (">", header("cupdomain.com", "gmail.com")),
    ("<", header("gmail.com", "cupdomain.com", "stream-id-1") + FEATURES),
    ("<", b"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"),
)
NAME = "_xmpp-server._tcp.gmail.com"


def asked(txid: int) -> list[bytes]:
    """A lookup of ours, two frames."""
    found = answer(NAME, (NAME, 33, srv(5269, "xmpp.gmail.com")), txid=txid)
    return [
        udp("10.0.0.5", 5353, "10.0.0.53", 53, question(NAME, txid=txid)),
        udp("10.0.0.53", 53, "10.0.0.5", 5353, found),
    ]


def analysed(*paths: Path) -> Analysis:
    """The case of these files."""
    return analysis(read_case([str(path) for path in paths], How()))


def wanted(case: Analysis, number: int = 0) -> dict[str, list[int]]:
    """The frames of a session, by file."""
    found = excerpts(case.view.sessions[number], case)
    return {x.source.name: sorted(f.number for f in frames(x.source.file, x.numbers, x.stretches)) for x in found}


def test_a_session_is_its_lookup_and_its_whole_conversation(tmp_path: Path) -> None:
    """Every frame but those of others: here a conversation between other ends, and a lookup of another name."""
    ours = list(talk(*TALK, client=CLIENT, server=SERVER))
    other = udp("10.0.0.5", 5353, "10.0.0.53", 53, question("_xmpp-server._tcp.example.org", txid=9))
    path = tmp_path / "inside.pcap"
    path.write_bytes(pcap([*asked(7), other, *ours, *talk(client=("10.0.0.9", 40000))]))
    case = analysed(path)

    assert wanted(case) == {"inside.pcap": [1, 2, *range(4, 4 + len(ours))]}
    (excerpt,) = excerpts(case.view.sessions[0], case)
    assert [(s.first, s.last) for s in excerpt.stretches] == [(1, LAST)]
    assert excerpt.questions[NAME].alone


def later(frame: bytes) -> bytes:
    """The same segment of another conversation: other sequence numbers."""
    seq, ack = struct.unpack_from(">II", frame, 38)
    return frame[:38] + struct.pack(">II", seq + 100_000, ack and ack + 100_000) + frame[46:]


def test_a_port_that_is_used_again_is_another_conversation(tmp_path: Path) -> None:
    """Two attempts from one port: each has the frames up to the SYN of the next, and of the lookups its own."""
    one = list(talk(*TALK, client=CLIENT, server=SERVER))
    n = len(one)
    path = tmp_path / "inside.pcap"
    path.write_bytes(pcap([*asked(7), *one, *asked(8), *map(later, one)], step_ms=8_000))
    case = analysed(path)
    first, second = case.view.sessions

    assert wanted(case, 0) == {"inside.pcap": [*range(1, n + 3)]}
    assert wanted(case, 1) == {"inside.pcap": [*range(n + 3, 2 * n + 5)]}
    (one_part,), (other_part,) = (excerpts(s, case) for s in (first, second))
    assert [(s.first, s.last) for s in one_part.stretches] == [(1, n + 4)]
    assert [(s.first, s.last) for s in other_part.stretches] == [(n + 5, LAST)]
    assert not one_part.questions[NAME].alone
    assert one_part.questions[NAME].ids == {7}


def test_the_files_of_a_ring_buffer_hold_one_conversation_together(tmp_path: Path) -> None:
    """It begins in one file and ends in the next; the file before it holds none of it."""
    ours = list(talk(*TALK, client=CLIENT, server=SERVER))
    before = list(talk(client=("10.0.0.9", 40000)))
    whole = pcap([*before, *ours])
    at, cuts = 24, [24]
    for frame in (*before, *ours):
        at += 16 + len(frame)
        cuts.append(at)
    places = (0, len(before), len(before) + 5, len(before) + len(ours))
    for index, (begin, end) in enumerate(itertools.pairwise(places)):
        (tmp_path / f"ring.pcap{index}").write_bytes(whole[:24] + whole[cuts[begin] : cuts[end]])
    case = analysed(tmp_path)
    number = next(n for n, s in enumerate(case.view.sessions) if s.receiver == "gmail.com")

    assert {k: v for k, v in wanted(case, number).items() if v} == {
        "ring.pcap1": [1, 2, 3, 4, 5],
        "ring.pcap2": list(range(1, len(ours) - 4)),
    }


def test_evidence_is_marked_with_the_finding_that_cites_it(tmp_path: Path) -> None:
    """The frame of the stream error, and what a report cites of each file."""
    path = tmp_path / "inside.pcap"
    path.write_bytes(pcap(talk(*TALK, client=CLIENT, server=SERVER)))
    case = analysed(path)
    (excerpt,) = excerpts(case.view.sessions[0], case)
    finding = next(f for f in case.judgement.findings if f.rule == "stream-host-unknown")
    frame = finding.match.events[0].where.frame

    assert frame in excerpt.evidence
    assert finding in [f for f, _ in excerpt.evidence[frame or 0]]
    assert frame in cited(finding, case.case)["inside.pcap"]


@pytest.mark.needs_shared
@pytest.mark.parametrize("name", ["24b-mtu-blackhole-stanza", "26-srv-failover", "38-clock-skew"])
def test_no_event_of_a_recorded_session_is_left_out(name: str) -> None:
    """Whatever the timeline tells of a frame, that frame is extracted, at every vantage."""
    case = analysed(SHARED / "lab" / name)
    for number, session in enumerate(case.view.sessions):
        found = wanted(case, number)
        for connection in (*session.connections, *session.callbacks):
            for event in (e for s in connection.sightings for e in s.events if e.where.frame is not None):
                assert event.where.frame in found[event.where.source]
        for step in session.steps:
            if step.event.where.frame is not None:
                assert step.event.where.frame in found[step.event.where.source]
