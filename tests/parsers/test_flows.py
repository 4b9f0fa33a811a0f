"""Conversations and servers that are followed: both directions, a bounded number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from parsers.capture.columns import Memory, decode
from parsers.capture.container import windows
from parsers.capture.flows import Flows, Servers
from parsers.capture.packet import Lost
from parsers.source import Reading
from tests.parsers.packets import HERE, THERE, ether, ip, made, pcap, read, segment, tcp

SIX, SEVEN = "2001:db8::6", "2001:db8::7"
FRAMES = [
    segment(1_000, 443),
    segment(443, 1_000, src=THERE, dst=HERE),
    segment(1_001, 443),
    segment(443, 1_000),
    ether(ip(tcp(1_000, 443), src=SIX, dst=SEVEN)),
    ether(ip(tcp(443, 1_000), src=SEVEN, dst=SIX)),
]


def test_both_directions_are_one_conversation(tmp_path: Path) -> None:
    """The same ports the other way round between the same hosts are another."""
    (window,) = [part for part in windows(made(tmp_path, pcap(*FRAMES)), Reading()) if not isinstance(part, Lost)]
    memory = Memory(window.memory)
    columns = decode(memory, window.records)
    flows, everything = Flows(), np.arange(6)
    assert flows.among(memory, columns, everything).tolist() == []
    assert len(flows.add(memory, columns, np.array([0]))) == 1
    assert len(flows.add(memory, columns, np.array([1]))) == 0
    assert flows.among(memory, columns, everything).tolist() == [0, 1]
    flows.add(memory, columns, np.array([5]))
    assert flows.among(memory, columns, everything).tolist() == [0, 1, 4, 5]
    assert flows.holds(THERE, 443, HERE, 1_000)
    assert flows.holds(SIX, 1_000, SEVEN, 443)
    assert not flows.holds(HERE, 443, THERE, 1_000)
    assert not flows.holds(HERE, 2, THERE, 3)


def test_a_server_is_an_address_and_a_port(tmp_path: Path) -> None:
    """Whoever talks to it."""
    (window,) = [part for part in windows(made(tmp_path, pcap(*FRAMES)), Reading()) if not isinstance(part, Lost)]
    memory = Memory(window.memory)
    columns = decode(memory, window.records)
    servers, everything = Servers(), np.arange(6)
    assert servers.among(memory, columns, everything).tolist() == []
    servers.add([(bytes([203, 0, 113, 9]), 443)])
    assert servers.among(memory, columns, everything).tolist() == [0, 1, 2]
    assert servers.holds(HERE, 5, THERE, 443)
    assert not servers.holds(HERE, 443, THERE, 5)


def test_too_many_conversations_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand openings on odd ports are followed up to a limit."""
    monkeypatch.setattr("parsers.capture.flows.FLOWS_MAX", 3)
    frames = [segment(1_000 + index, 7_000, b"<stream:stream>") for index in range(10)]
    chosen, _, lost, _ = read(made(tmp_path, pcap(*frames)))
    assert (len(chosen), [one.count for one in lost]) == (3, [7])
