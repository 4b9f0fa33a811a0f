"""Stamps of any resolution become nanoseconds, exactly."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from parsers.capture.clocks import Interface, Interfaces
from tests.parsers.packets import SECOND, enhanced, interface, made, read, section, segment

FRAME = segment(1, 5269)


def option(code: int, body: bytes) -> bytes:
    """An option of an interface description block."""
    return struct.pack("<HH", code, len(body)) + body + bytes(-len(body) % 4)


def at_ns(stamp: int, *interfaces: Interface, number: int = 0) -> int:
    """One stamp, read as of the numbered interface."""
    known = Interfaces("<")
    for one in interfaces:
        known.add(one)
    return int(known.at_ns(np.array([number]), np.array([stamp], np.uint64))[0])


@pytest.mark.parametrize(
    ("resolution", "units", "ns"),
    [
        (0, 1, 10**9),
        (3, 1_500, 1_500_000_000),
        (6, 1_000_001, 1_000_001_000),
        (9, 1_000_000_001, 1_000_000_001),
        (12, 1_000_000_000_999, 1_000_000_000),
        (0x80 | 10, 1_024 + 512, 1_500_000_000),
        (0x80 | 20, 1 << 19, 500_000_000),
        (0x80 | 32, 3 << 31, 1_500_000_000),
        (0x80 | 63, 1 << 62, 500_000_000),
        (127, 5, 0),
    ],
)
def test_every_resolution(resolution: int, units: int, ns: int) -> None:
    """Powers of ten and of two, coarser and finer than a nanosecond; never rounded up."""
    assert at_ns(units, Interface(1, 0, resolution, 0)) == ns


def test_a_stamp_beyond_64_bits_of_nanoseconds_is_held_at_the_last_second() -> None:
    """Year 2262 is damage, not an overflow into the past."""
    assert at_ns(2**64 - 1, Interface(1, 0, 6, 0)) // 10**9 == 9_223_372_035
    assert at_ns(0, Interface(1, 0, 6, -5)) == 0


def test_interfaces_with_different_clocks(tmp_path: Path) -> None:
    """Each packet is read by its own interface's clock and offset."""
    nano, offset = option(9, b"\x09"), option(14, struct.pack("<q", 3_600))
    content = section() + interface() + interface(options=nano + offset)
    content += enhanced(FRAME, SECOND * 10**6 + 1) + enhanced(FRAME, SECOND * 10**9 + 1, number=1)
    chosen, _, _, reading = read(made(tmp_path, content))
    assert [packet.at_ns - SECOND * 10**9 for packet in chosen] == [1_000, 3_600 * 10**9 + 1]
    assert reading.resolution_ns == 1


def test_a_coarse_clock_is_said_to_be_one(tmp_path: Path) -> None:
    """Milliseconds only: events are wide then."""
    content = section() + interface(options=option(9, b"\x03")) + enhanced(FRAME, SECOND * 1_000)
    chosen, _, _, reading = read(made(tmp_path, content))
    assert (chosen[0].at_ns, reading.resolution_ns) == (SECOND * 10**9, 1_000_000)


def test_an_interface_has_the_name_that_the_machine_gave_it() -> None:
    """Bytes that are no UTF-8 are borne with."""
    head = struct.pack("<IIHHI", 1, 0, 1, 0, 96)
    assert Interface.read(head + option(2, b"inside") + bytes(4), "<").name == "inside"
    assert Interface.read(head + option(2, b"caf\xe9") + bytes(4), "<").name == "caf\N{REPLACEMENT CHARACTER}"


def test_options_that_do_not_fit_are_left_out() -> None:
    """A length beyond the block, a wrong size, an end mark: what stood before holds."""
    head = struct.pack("<IIHHI", 1, 0, 101, 0, 96)
    assert Interface.read(head + option(9, b"\x09") + struct.pack("<HH", 14, 99) + bytes(8), "<") == Interface(
        101, 96, 9, 0
    )
    assert Interface.read(head + option(0, b"") + option(9, b"\x09") + bytes(4), "<") == Interface(101, 96, 6, 0)
    assert Interface.read(b"short", "<") == Interface(-1, 0, 6, 0)


def test_more_interfaces_than_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those beyond the limit count as never described."""
    monkeypatch.setattr("parsers.capture.clocks._INTERFACES_MAX", 1)
    known = Interfaces("<")
    known.add(Interface(101, 0, 6, 0))
    known.add(Interface(113, 0, 6, 0))
    links = known.links(np.array([0, 1]))
    assert isinstance(links, np.ndarray)
    assert links.tolist() == [101, -1]
