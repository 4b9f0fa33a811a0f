"""What a format gets to see of an input before it is chosen."""

from __future__ import annotations

from pathlib import Path

from parsers.format import Head


def head(data: bytes) -> Head:
    """The beginning of an input."""
    return Head(path=Path("server.log"), raw=data, data=data)


def test_lines_are_text_whatever_their_bytes() -> None:
    """At most fifty, without their ends; bytes that are no UTF-8 spoil none of them."""
    lines = head(b"one\r\ntw\xff\n" + b"more\n" * 100).lines

    assert lines[:3] == ["one", "tw\ufffd", "more"]
    assert len(lines) == 50


def test_windows_text_of_two_bytes_has_lines() -> None:
    """UTF-16 with its mark, cut in the middle of a character; a mark of UTF-8 is no part of the first line."""
    assert head("Server:  dc\r\nAddress:  10.0.0.5\r\n".encode("utf-16")[:-1]).lines[:2] == [
        "Server:  dc",
        "Address:  10.0.0.5",
    ]
    assert head("Server:  dc\n".encode("utf-8-sig")).lines == ["Server:  dc"]


def test_binary_input_has_no_lines() -> None:
    """A capture is not asked for its text."""
    assert head(b"\xd4\xc3\xb2\xa1\x02\x00").lines == []
