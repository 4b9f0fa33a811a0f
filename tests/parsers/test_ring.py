"""Rings hold the latest, give each packet once, and say what they forgot."""

from __future__ import annotations

import numpy as np

from parsers.capture.batch import Batch
from parsers.capture.dns_names import Names
from parsers.capture.flows import NO_FLOWS
from parsers.capture.ring import MessageRing, Ring
from tests.parsers.packets import question


def batch(*ports: int, payload: bytes = b"") -> Batch:
    """Packets to these ports, numbered by them."""
    numbers = np.array(ports, np.int64)
    small, words = np.zeros(len(ports), np.uint8), np.zeros(len(ports), np.uint32)
    return Batch(
        frame=numbers,
        at_ns=numbers,
        proto=small,
        six=np.zeros(len(ports), bool),
        ends=np.zeros((len(ports), 32), np.uint8),
        sport=np.ones(len(ports), np.uint16),
        dport=numbers.astype(np.uint16),
        ttl=small,
        length=numbers * 0,
        seq=words,
        ack=words,
        flags=small,
        payloads=[payload] * len(ports),
        whole=np.ones(len(ports), bool),
    )


def test_each_packet_is_given_once() -> None:
    """What was released is gone; the rest is still there."""
    ring = Ring(1 << 20)
    ring.add(batch(7, 8, 9))
    ring.add(batch())
    assert [packet.frame for packet in ring.release([8])] == [8]
    assert ring.release([8]) == []
    assert [packet.frame for packet in ring.release([7, 9])] == [7, 9]
    assert ring.release((), NO_FLOWS) == []


def test_the_oldest_is_forgotten_and_counted() -> None:
    """Payload counts too."""
    ring = Ring(1_000)
    for port in range(10):
        ring.add(batch(port, payload=bytes(300)))
    assert ring.forgotten == 8
    assert [packet.frame for packet in ring.release(range(10))] == [8, 9]


def test_messages_are_given_when_their_name_matters() -> None:
    """Once, and only the latest are there."""
    ring, names = MessageRing(1_000), Names(())
    for port in range(10):
        ring.add(batch(port, payload=bytes(100)), [b"\1x\7example\0"])
    ring.add(batch(), [])
    names.choose([question("_xmpp-server._tcp.x.example")])
    assert [packet.frame for packet in ring.release(names)] == [7, 8, 9]
    assert ring.release(names) == []
