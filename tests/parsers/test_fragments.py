"""Fragments: bounds on datagrams, bytes and time; `test_select` has them in captures."""

from __future__ import annotations

import random

import pytest

from parsers.capture.fragments import Fragment, Fragments, behind_extensions, read_fragment, transport_packet
from tests.parsers.packets import ip, tcp, udp


def part(offset: int, body: bytes, *, more: bool = True, ident: int = 1) -> Fragment:
    """A fragment of datagram `ident`."""
    return Fragment((b"ends", 17, ident), offset, more, body, True)


def store(*, matters: bool = True) -> Fragments:
    """Datagrams that all matter, or none."""
    return Fragments(lambda _protocol, _body: matters)


def test_overlaps_keep_the_earlier_bytes() -> None:
    """Teardrop and its like: no exception, one answer."""
    waiting = store()
    assert waiting.add(part(0, b"AAAAAAAA"), 1, 0) is None
    assert waiting.add(part(16, b"CC", more=False), 2, 0) is None
    assert waiting.add(part(4, b"bbbbBBBBBBBB"), 3, 0) == b"AAAAAAAABBBBBBBBCC"


def test_what_does_not_matter_is_not_kept() -> None:
    """The first fragment tells; nothing is lost by leaving it."""
    waiting = store(matters=False)
    assert waiting.add(part(8, b"B", more=False), 1, 0) is None
    assert waiting.add(part(0, b"AAAAAAAA"), 2, 0) is None
    waiting.finish()
    assert (waiting.lost, waiting.first_lost) == (0, None)


def test_a_minute_is_enough() -> None:
    """A datagram whose rest does not come in time is lost, and is told with its first frame."""
    waiting = store()
    waiting.add(part(0, b"AAAAAAAA"), 7, 5)
    assert waiting.add(part(8, b"B", more=False), 9, 61 * 10**9) is None
    assert (waiting.lost, waiting.first_lost) == (1, (7, 5))


@pytest.mark.parametrize(("limit", "value"), [("DATAGRAMS_MAX", 3), ("BYTES_MAX", 3 * 158)])
def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    """The oldest goes first."""
    monkeypatch.setattr(f"parsers.capture.fragments.{limit}", value)
    waiting = store()
    for ident in range(10):
        waiting.add(part(0, b"AAAAAAAA", ident=ident), ident, 0)
    assert waiting.lost >= 6
    assert waiting.add(part(8, b"B", more=False, ident=9), 11, 0) == b"AAAAAAAAB"


def test_a_datagram_longer_than_there_can_be_is_refused() -> None:
    """The ping of death."""
    waiting = store()
    waiting.add(part(0, b"AAAAAAAA"), 1, 0)
    assert waiting.add(part(65_528, b"B" * 100, more=False), 2, 0) is None


def test_headers_that_are_cut_or_odd() -> None:
    """No fragment header, a cut one, extension headers inside the datagram."""
    assert read_fragment(ip(udp(1, 2), src="2001:db8::1", dst="2001:db8::2"), six=True) is None
    assert read_fragment(b"\x4f" + bytes(30), six=False) is None
    assert behind_extensions(60, b"\x11\0" + bytes(6) + b"rest") == (17, b"rest")
    assert transport_packet(1, 0, 64, bytes(8), 17, b"short") is None
    assert transport_packet(1, 0, 64, bytes(8), 6, b"short") is None
    assert transport_packet(1, 0, 64, bytes(8), 89, bytes(40)) is None
    packet = transport_packet(1, 0, 64, bytes(32), 6, tcp(1, 2, b"x"))
    assert packet is not None
    assert (packet.src, packet.payload) == ("::", b"x")


def test_rubbish_is_never_an_exception() -> None:
    """Packets of random bytes."""
    random_ = random.Random(6)
    for _ in range(3_000):
        read_fragment(b"\x45" + random_.randbytes(random_.randrange(40, 90)), six=random_.random() < 0.5)
