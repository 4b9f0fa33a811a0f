"""Tests of `case.toml`: what it says of which file, and how what is wrong in it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsers.case_file import how_of, read
from parsers.errors import SourceUnreadable
from parsers.source import How

TEXT = """
zone = "Europe/Berlin"

[files."*.log"]
year = 2013

[files."cups/xcp*"]
date = 2013-12-04
offset = -2.5
vantage = "cupdomain.com"
format = "cisco-xcp"
"""


def known(tmp_path: Path, text: str = TEXT) -> How:
    """How `cups/xcp.log` is read."""
    path = tmp_path / "case.toml"
    path.write_text(text)
    return how_of([read(path, path)], tmp_path / "cups/xcp.log", How())


def test_what_is_said_of_a_file(tmp_path: Path) -> None:
    """Keys above all tables hold for every file; patterns add, and have the last word."""
    assert known(tmp_path) == How(
        zone="Europe/Berlin",
        year=2013,
        date="2013-12-04",
        offset_ns=-2_500_000_000,
        vantage="cupdomain.com",
        format="cisco-xcp",
    )


def test_a_file_elsewhere_is_left_as_it_is(tmp_path: Path) -> None:
    """It is about its folder only."""
    path = tmp_path / "case.toml"
    path.write_text(TEXT)
    assert how_of([read(path, path)], Path("/elsewhere/xcp.log"), How()) == How()


def test_the_nearest_has_the_last_word(tmp_path: Path) -> None:
    """One in a folder further down says more of its files."""
    (tmp_path / "cups").mkdir()
    outer, inner = tmp_path / "case.toml", tmp_path / "cups/case.toml"
    outer.write_text('zone = "UTC"\nyear = 2013')
    inner.write_text('zone = "+02:00"')
    how = how_of([read(inner, inner), read(outer, outer)], tmp_path / "cups/xcp.log", How())
    assert (how.zone, how.year) == ("+02:00", 2013)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zone = ", "not TOML"),
        ('zone = "Mars/Base"', "`zone` says 'Mars/Base'; write it as"),
        ("zone = 2", "`zone` says '2'"),
        ("year = 13", "`year` says '13'"),
        ("year = true", "`year` says 'True'"),
        ('date = "4 December"', "`date` says '4 December'"),
        ("offset = nan", "`offset` says 'NaN'"),
        ("offset = 1e400", "`offset` says"),
        ('vantage = ""', "`vantage` says ''"),
        ('colour = "red"', "'colour' is no key of it; the keys are zone, year"),
        ("files = 3", "`files` is no table of tables"),
        ("#" * (1 << 20 | 1), "longer than 1 MiB"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    """With what to write instead."""
    with pytest.raises(SourceUnreadable) as caught:
        known(tmp_path, text)
    assert said in str(caught.value)
