"""ICMP errors: what they say, and that they quote enough."""

from __future__ import annotations

import random

import pytest

from parsers.capture.icmp import is_error, quote
from tests.parsers.packets import HERE, THERE, ip, tcp, udp

SIX, SEVEN = "2001:db8::6", "2001:db8::7"
FOUR_QUOTED = ip(tcp(1_000, 5269))[:28]


@pytest.mark.parametrize(
    ("kind", "code", "word"),
    [
        (3, 0, "net"),
        (3, 1, "host"),
        (3, 3, "port"),
        (3, 4, "fragmentation-needed"),
        (3, 13, "admin"),
        (3, 2, "other"),
        (11, 0, "ttl-exceeded"),
    ],
)
def test_what_an_error_says(kind: int, code: int, word: str) -> None:
    """In the words of RFC 792."""
    quoted = quote(bytes([kind, code]) + bytes(6) + FOUR_QUOTED, six=False)
    assert quoted == (word, 6, HERE, 1_000, THERE, 5269)


@pytest.mark.parametrize(
    ("kind", "code", "word"),
    [
        (1, 0, "net"),
        (1, 1, "admin"),
        (1, 2, "other"),
        (1, 3, "host"),
        (1, 4, "port"),
        (2, 0, "fragmentation-needed"),
        (3, 0, "ttl-exceeded"),
    ],
)
def test_what_an_error_of_six_says(kind: int, code: int, word: str) -> None:
    """In the words of RFC 4443; extension headers of the quoted packet are stepped over."""
    packet = ip(b"\x11\0" + bytes(6) + udp(40_000, 53), proto=0, src=SIX, dst=SEVEN)
    assert quote(bytes([kind, code]) + bytes(6) + packet, six=True) == (word, 17, SIX, 40_000, SEVEN, 53)


def test_what_is_no_error_or_quotes_too_little() -> None:
    """An echo, a header alone, a later fragment, nothing."""
    assert quote(b"\x08\0" + bytes(6) + FOUR_QUOTED, six=False) is None
    assert quote(b"\3\1" + bytes(6) + FOUR_QUOTED[:22], six=False) is None
    assert quote(b"\3\1" + bytes(6) + ip(tcp(1, 2), place=185)[:28], six=False) is None
    assert quote(b"\3\1" + bytes(6), six=False) is None
    assert quote(b"\1\1" + bytes(6) + ip(tcp(1, 2), src=SIX, dst=SEVEN)[:43], six=True) is None
    assert quote(b"\3", six=False) is None
    assert (is_error(3, six=False), is_error(8, six=False), is_error(1, six=True), is_error(135, six=True)) == (
        True,
        False,
        True,
        False,
    )


def test_rubbish_is_never_an_exception() -> None:
    """Quoted bytes of any kind."""
    random_ = random.Random(5)
    for _ in range(3_000):
        quote(
            bytes([random_.choice((1, 3, 11)), 0]) + random_.randbytes(random_.randrange(90)),
            six=random_.random() < 0.5,
        )
