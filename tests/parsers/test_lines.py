"""Lines of an input: numbered, decoded, bounded, and nothing lost in silence."""

from __future__ import annotations

import gzip
from pathlib import Path

from parsers.lines import BLOCK_BYTES, LINE_MAX, Lines
from parsers.source import Reading, Source


def read(path: Path) -> tuple[list[tuple[int, str]], list[tuple[int | None, int]], Reading]:
    """The lines, where damage stood and how much, and the reading."""
    reading = Reading()
    with Lines(Source(name="a.log", path=path, format="x"), reading) as lines:
        found = list(lines)
    return found, [(d.where.line, d.lost) for d in lines.damage], reading


def test_lines_have_the_numbers_of_an_editor(tmp_path: Path) -> None:
    """Unix and Windows line ends, and a last line without any."""
    path = tmp_path / "a.log"
    path.write_bytes(b"one\ntwo\r\n\nfour")
    assert read(path)[0] == [(1, "one"), (2, "two"), (3, ""), (4, "four")]
    assert read(path)[2].lines == 4


def test_gzip_is_recognised_by_content(tmp_path: Path) -> None:
    """Whatever the file is called."""
    path = tmp_path / "a.log"
    path.write_bytes(gzip.compress(b"one\ntwo\n"))
    assert read(path)[0] == [(1, "one"), (2, "two")]


def test_windows_text_of_two_bytes_is_read(tmp_path: Path) -> None:
    """UTF-16 with its mark, as PowerShell writes it; and UTF-8 with one."""
    path = tmp_path / "a.log"
    path.write_bytes("eins\nzwö\n".encode("utf-16"))
    assert read(path)[0] == [(1, "eins"), (2, "zwö")]
    path.write_bytes("eins\n".encode("utf-8-sig"))
    assert read(path)[0] == [(1, "eins")]


def test_bytes_that_are_no_text_are_shown_as_such(tmp_path: Path) -> None:
    """A line stays a line."""
    path = tmp_path / "a.log"
    path.write_bytes(b"caf\xe9 \xff\nnext\n")
    assert read(path)[0] == [(1, "caf\ufffd \ufffd"), (2, "next")]


def test_a_line_that_is_too_long_is_cut_and_the_rest_counted(tmp_path: Path) -> None:
    """In one block, and over many."""
    path = tmp_path / "a.log"
    path.write_bytes(b"a" * (LINE_MAX + 5) + b"\nnext\n")
    lines, damage, _ = read(path)
    assert [len(text) for _, text in lines] == [LINE_MAX, 4]
    assert damage == [(1, 5)]
    path.write_bytes(b"a" * (3 * BLOCK_BYTES) + b"\nnext\n")
    lines, damage, reading = read(path)
    assert [(n, len(text)) for n, text in lines] == [(1, LINE_MAX), (2, 4)]
    assert sum(lost for _, lost in damage) == 3 * BLOCK_BYTES - LINE_MAX
    assert reading.lines == 2


def test_a_cut_archive_gives_what_it_holds_and_damage(tmp_path: Path) -> None:
    """gzip that ends in mid stream."""
    path = tmp_path / "a.log.gz"
    whole = gzip.compress(b"".join(b"line %d\n" % n for n in range(100_000)))
    path.write_bytes(whole[: len(whole) // 2])
    lines, damage, _ = read(path)
    assert lines[0] == (1, "line 0")
    assert damage
