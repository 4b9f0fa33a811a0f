"""What is held of a conversation: how it begins and ends, what comes again, what is missing or cut."""

from __future__ import annotations

from pathlib import Path

from parsers.capture.frames import Reader
from parsers.capture.packet import Packet
from parsers.events import (
    Damage,
    Idle,
    Tally,
    TcpMark,
)
from parsers.source import Reading
from tests.packets import ACK, FEATURES, PSH, RST, SYN, header, talk
from tests.parsers.test_payload import HELLO
from tests.parsers.transcript import OPEN, PRESENCE, SHAKE, back, line, out, packet, read, told

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
