"""Tests of what a case is made of: archives and `case.toml` among the files of a folder."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from parsers.case import read_case
from parsers.inputs import inputs_of
from parsers.source import How

LINE = "Sep  6 09:14:02 s2sout55c0d1e2\tinfo\tOutgoing s2s connection cupdomain.com->example.net complete\n"


def bundle(path: Path, **files: str) -> Path:
    """A zip archive of these files; `__` in a name stands for a folder."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, text in files.items():
            made.writestr(name.replace("__", "/") + (".toml" if name.endswith("case") else ".log"), text)
    path.write_bytes(out.getvalue())
    return path


def test_a_log_in_an_archive_is_a_source(tmp_path: Path) -> None:
    """It is called by its own name, and said to lie in the archive."""
    case = read_case([str(bundle(tmp_path / "ticket.zip", logs__cups=LINE))], How(year=2013))
    (source,) = case.readable
    assert (source.name, str(source.path)) == ("cups.log", str(tmp_path / "ticket.zip/logs/cups.log"))
    assert [e.where.source for e in case.river()] == ["cups.log"]


def test_files_of_one_name_in_two_archives(tmp_path: Path) -> None:
    """Folders tell them apart, and the archives where these are the same."""
    bundle(tmp_path / "a.zip", logs__cups=LINE)
    bundle(tmp_path / "b.zip", logs__cups=LINE)
    assert [s.name for s in inputs_of([str(tmp_path)]).sources] == ["a.zip/logs/cups.log", "b.zip/logs/cups.log"]


def test_a_folder_that_may_only_be_listed_stands_for_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be read, and not be entered: the names of its files are seen, and nothing else of them."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "cups.log").write_text(LINE)
    (tmp_path / "cups.log").write_text(LINE)
    lstat, access = os.stat, os.access

    def stat(path: object, **how: object) -> os.stat_result:
        if str(path).endswith("/logs/cups.log"):
            raise PermissionError(13, "Permission denied", str(path))
        return lstat(path, **how)  # type: ignore[arg-type, call-overload, no-any-return]

    monkeypatch.setattr(os, "stat", stat)
    monkeypatch.setattr(os, "access", lambda path, *how: Path(path).name != "logs" and access(path, *how))
    case = read_case([str(tmp_path)], How(year=2013))
    assert {name: error.problem for name, error in case.problems.items()} == {
        "logs": "permission denied: its files cannot be listed"
    }
    assert [s.name for s in case.readable] == ["cups.log"]


def test_members_go_away_with_the_case(tmp_path: Path) -> None:
    """Nothing is left on the disk."""
    inputs = inputs_of([str(bundle(tmp_path / "ticket.zip", cups=LINE))])
    assert inputs.unpacked is not None
    folder = inputs.unpacked.path
    assert inputs.sources[0].file.parent == folder and folder.stat().st_mode & 0o077 == 0
    del inputs
    assert not folder.exists()


def test_case_toml_is_no_source_but_says_how_to_read_them(tmp_path: Path) -> None:
    """In a folder as in an archive: zone and year, where the lines tell none, and no assumption is left."""
    said = 'zone = "+02:00"\n[files."cups*"]\nyear = 2012\nvantage = "cupdomain.com"\n'
    bundle(tmp_path / "ticket.zip", cups=LINE, case=said)
    case = read_case([str(tmp_path / "ticket.zip")], How())
    (source,) = case.sources
    assert (source.assumed, source.vantage) == ((), "cupdomain.com")
    assert case.readings[source.name].first_ns == 1346915642 * 10**9  # 2012-09-06 07:14:02 UTC


def test_a_member_that_was_left_out_stays_in_the_case(tmp_path: Path) -> None:
    """With its reason, beside those that were read."""
    path = bundle(tmp_path / "ticket.zip", cups=LINE, other=LINE)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[at + 8] |= 1
    path.write_bytes(bytes(data))
    case = read_case([str(path)], How(year=2013))
    assert [s.name for s in case.readable] == ["cups.log"]
    assert "encrypted" in case.problems["other.log"].problem


def test_case_toml_beside_a_file_that_is_named(tmp_path: Path) -> None:
    """It tells of the file, though only the file was named."""
    (tmp_path / "case.toml").write_text("year = 2012\nzone = 'UTC'\n")
    (tmp_path / "cups.log").write_text(LINE)
    case = read_case([str(tmp_path / "cups.log")], How())
    assert [s.name for s in case.sources] == ["cups.log"]
    assert case.sources[0].assumed == ()
