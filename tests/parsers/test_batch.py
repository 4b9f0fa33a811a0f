"""Columns to packets, and addresses to their canonical text."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsers.capture import batch
from parsers.capture.packet import Packet
from tests.parsers.packets import ether, ip, made, pcap, read, tcp


@pytest.mark.parametrize("address", ["0.0.0.0", "255.255.255.255", "10.0.0.5", "::", "::1", "2001:db8::1:0:0:1"])
def test_addresses_are_canonical(tmp_path: Path, address: str) -> None:
    """As RFC 5952 writes them."""
    other = "::9" if ":" in address else "9.9.9.9"
    (packet,), _, _, _ = read(made(tmp_path, pcap(ether(ip(tcp(1, 5269), src=address, dst=other)))))
    assert isinstance(packet, Packet)
    assert (packet.src, packet.dst) == (address, other)


def test_a_scan_of_the_internet_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The texts remembered are bounded."""
    monkeypatch.setattr(batch, "_ADDRESSES_MAX", 10)
    for number in range(1_000):
        assert batch.address_text(number.to_bytes(4, "big")) == f"0.0.{number >> 8}.{number & 255}"
    assert len(batch._text) <= 10
