"""What a payload shows by itself; `test_select` has the payloads, here are the corners."""

from __future__ import annotations

import random

from parsers.capture.sniff import is_cut_hello, offers_xmpp_server, speaks_xmpp
from tests.parsers.packets import OPEN


def test_a_stream_is_known_by_its_beginning_only() -> None:
    """The same words further in are somebody's text."""
    assert speaks_xmpp(OPEN)
    assert not speaks_xmpp(b"x" + OPEN)
    assert not speaks_xmpp(b"<a>" + OPEN)


def test_a_long_tag_is_not_searched_for_ever() -> None:
    """Ten kilobytes without an end, and nested repetition, take no time."""
    assert not speaks_xmpp(b"<message " + b"a " * 5_000 + b"from='a' to='b'>")
    assert not speaks_xmpp(b"<?xml " + b" " * 5_000)


def test_a_hello_that_goes_on_is_known() -> None:
    """By the length of its record."""
    assert is_cut_hello(b"\x16\x03\x01\x00\x10\x01" + bytes(3))
    assert not is_cut_hello(b"\x16\x03\x01\x00\x02\x01\x00")
    assert not is_cut_hello(b"\x16\x03\x01\x00\x10\x02" + bytes(3))
    assert not is_cut_hello(b"\x16\x03")


def test_rubbish_is_never_an_exception() -> None:
    """Hellos cut and mangled anywhere."""
    random_ = random.Random(3)
    for _ in range(3_000):
        body = bytearray(random_.randbytes(random_.randrange(200)) + b"xmpp-server")
        payload = b"\x16\x03\x01\x00\xff\x01" + bytes(body)
        assert not offers_xmpp_server(payload) or b"xmpp-server" in payload
