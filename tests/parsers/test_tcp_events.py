"""What a segment says by itself: of what comes again and again, only so much is told."""

from __future__ import annotations

from pathlib import Path

from parsers.capture import tcp_events
from parsers.capture.frames import Reader
from parsers.events import Idle, Retransmission, Tally
from parsers.source import Reading
from tests.packets import ACK, PSH
from tests.parsers.transcript import OPEN, SHAKE, out, packet, read


def test_retransmissions_beyond_a_number_are_only_counted(tmp_path: Path) -> None:
    """A black hole: one segment for ever, or many segments twice; the tally knows them all."""
    said = out(PSH | ACK, 1000, 5000, OPEN)
    events = read(tmp_path, *SHAKE, *[said] * 30)
    single = [event for event in events if isinstance(event, Retransmission)]
    (tally,) = (event for event in events if isinstance(event, Tally))

    assert [event.attempt for event in single] == list(range(2, tcp_events.RETRANSMISSIONS_MAX + 1))
    assert tally.retransmitted == 29

    twice = [out(PSH | ACK, 1000 + number, 5000, b"  ") for number in range(0, 80, 2) for _ in range(2)]
    events = read(tmp_path, *SHAKE, *twice)
    assert len([event for event in events if isinstance(event, Retransmission)]) == tcp_events.RETRANSMISSIONS_MAX
    assert [event.retransmitted for event in events if isinstance(event, Tally)] == [40]


def test_silences_beyond_a_number_are_not_told() -> None:
    """A conversation that wakes up for ever."""
    reader = Reader()
    reader.read("trace.pcap", [packet(n, 400 * n, True, ACK, 1000, 5000) for n in range(200)], Reading())
    assert sum(isinstance(event, Idle) for event in reader.close()) == tcp_events.IDLES_MAX
