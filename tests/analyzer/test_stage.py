"""Ends, ids and how far an attempt came."""

from __future__ import annotations

from analyzer.stage import Stage, digest, end_text


def test_stages_are_in_the_order_of_an_attempt() -> None:
    """DNS comes before the connection, and so on; reports say them in lower case."""
    assert [s.word for s in sorted(Stage)] == ["dns", "connect", "stream", "tls", "auth", "traffic"]


def test_an_end_can_be_pasted() -> None:
    """IPv6 in brackets, as in a URL (RFC 3986 section 3.2.2)."""
    assert end_text(("10.0.0.5", 5269)) == "10.0.0.5:5269"
    assert end_text(("2001:db8::1", 5269)) == "[2001:db8::1]:5269"


def test_an_id_is_the_same_in_every_run() -> None:
    """It hangs on each part and on where one part ends; even a lone surrogate from the wire has one."""
    assert digest("session", "a", "b") == "1eb7d7879b06"
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("\udc80") != digest("\udc81")
