"""Conversations that are passed over: which packets are theirs."""

from __future__ import annotations

from parsers.capture.packet import ACK, FIN, RST, SYN, TCP, Packet
from parsers.capture.passed import Passed

HERE, THERE = ("10.0.0.5", 40_000), ("198.51.100.10", 5269)


def packet(flags: int, seq: int = 0, at_ns: int = 0, back: bool = False) -> Packet:
    """A segment from here to there, or back."""
    (src, sport), (dst, dport) = (THERE, HERE) if back else (HERE, THERE)
    return Packet(1, at_ns, TCP, src, sport, dst, dport, 64, b"", 0, seq, 0, flags)


def test_both_directions_belong_to_it() -> None:
    """And its own SYN, sent again; another SYN begins something new."""
    passed = Passed()
    assert not passed.takes(packet(SYN, seq=7))
    passed.add(packet(SYN, seq=7))

    assert passed.takes(packet(SYN | ACK, back=True))
    assert passed.takes(packet(SYN, seq=7))
    assert (*HERE, *THERE) in passed
    assert not passed.takes(packet(SYN, seq=8))
    assert not passed.takes(packet(ACK, back=True))
    assert len(passed) == 0


def test_it_is_forgotten_some_time_after_its_end() -> None:
    """A reset ends it, or a FIN of both sides; a FIN of one does not."""
    for ends in ([packet(RST, at_ns=5)], [packet(FIN, at_ns=4), packet(FIN, at_ns=5, back=True)]):
        passed = Passed()
        passed.add(packet(SYN))
        for end in ends:
            passed.forget(10)
            assert passed.takes(end)
        passed.forget(5)
        assert len(passed) == 2
        passed.forget(6)
        assert len(passed) == 0
