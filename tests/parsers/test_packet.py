"""What a chosen frame is handed over as."""

from __future__ import annotations

import pickle

from parsers.capture.packet import ACK, FIN, RST, SYN, TCP, IcmpError, Lost, Packet


def test_a_packet_is_a_plain_tuple() -> None:
    """A million of them must cost little: they compare, hash, sort by frame and pickle as tuples do."""
    packet = Packet(7, 5, TCP, "10.0.0.5", 1, "10.0.0.6", 5269, 64, b"x", 1, 2, 3, SYN | ACK)
    assert packet == tuple(packet)
    assert pickle.loads(pickle.dumps(packet)) == packet
    assert sorted([packet, packet._replace(frame=6)])[0].frame == 6
    assert packet.flags & SYN and not packet.flags & (FIN | RST)


def test_a_frame_comes_first_in_whatever_comes() -> None:
    """Packets and errors of a block are put in order by it."""
    assert Packet._fields[:2] == IcmpError._fields[:2] == ("frame", "at_ns")
    assert Lost._fields == ("what", "count", "unit", "frame", "at_ns")
