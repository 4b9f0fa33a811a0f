"""Links among the files of a folder: none is followed, and what is not read for it is told."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from parsers.case import read_case
from parsers.errors import FedtraceError
from parsers.links import NO_FILE, WHY, is_lost
from parsers.source import How
from tests.command import fedtrace
from tests.parsers.test_inputs import LINE


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A folder with a log; beside it somebody else's."""
    for name in ("case/logs/cups.log", "case/.hidden/cups.log", "secret/other.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(LINE)
    return tmp_path / "case"


@pytest.mark.parametrize(
    ("leads", "lost"),
    [
        ("logs/cups.log", False),
        ("logs", False),
        (".", False),
        ("../case/logs/cups.log", False),
        ("../secret/other.log", True),
        ("../secret", True),
        ("/etc/passwd", True),
        ("..", True),
        ("logs/gone.log", True),
        ("link", True),
        (".hidden/cups.log", True),
    ],
)
def test_what_is_read_anyway_is_not_lost(case: Path, leads: str, lost: bool) -> None:
    """A further name of a file that is in the folder says nothing new."""
    (case / "link").symlink_to(leads)
    assert is_lost(case / "link", case) is lost


def test_a_link_out_of_a_folder_is_an_input_that_was_not_read(case: Path, tmp_path: Path) -> None:
    """To a file or to a folder; nothing of what it leads to is in a report, not even its size. Who names it himself
    means what it leads to.
    """
    (case / "logs" / "other.log").symlink_to(tmp_path / "secret" / "other.log")
    (case / "old").symlink_to(tmp_path / "secret")
    (case / "current.log").symlink_to("logs/cups.log")
    found = read_case([str(case), str(tmp_path / "secret")], How(year=2013))
    assert {name: error.problem for name, error in found.problems.items()} == {"old": WHY, "logs/other.log": WHY}
    assert [s.name for s in found.readable] == ["cups.log", "secret/other.log"]

    told = fedtrace("analyze", "--year", "2013", case).stdout
    assert f"not read     old, other.log: {WHY}" in told
    report = fedtrace("analyze", "--year", "2013", "--format", "json", case).stdout
    assert f'"{case}/logs/other.log: {WHY}; put what it leads to in its place"' in report
    assert '"sha256": null' in report and '"size_bytes": 0' in report
    assert "1 line" in fedtrace("analyze", "--year", "2013", case / "logs" / "other.log").stdout


def test_a_folder_that_is_named_by_a_link_is_that_folder(case: Path, tmp_path: Path) -> None:
    """Whoever names it means what it leads to."""
    (tmp_path / "link").symlink_to(case)
    assert [s.name for s in read_case([str(tmp_path / "link")], How(year=2013)).readable] == ["cups.log"]


@pytest.mark.parametrize("named", ["case/logs", "case/logs/cups.log"])
@pytest.mark.parametrize("leads", ["../../secret/said.toml", "said.toml"])
def test_a_case_toml_that_is_a_link_is_not_followed(case: Path, tmp_path: Path, named: str, leads: str) -> None:
    """Without what it says, the logs would be read otherwise than somebody meant: the case is not read."""
    (case / "logs" / "case.toml").symlink_to(leads)
    (case / "logs" / leads).write_text("year = 2013")
    with pytest.raises(FedtraceError, match=f"case.toml: {WHY}; put what it leads to in its place"):
        read_case([str(tmp_path / named)], How())


def test_a_pipe_in_a_folder_is_not_opened(case: Path, tmp_path: Path) -> None:
    """Whoever opened it would wait for ever; it is an input that was not read, of a batch's case as well."""
    os.mkfifo(case / "logs" / "live.pcap")
    told = fedtrace("analyze", "--year", "2013", case)
    assert f"not read     live.pcap: {NO_FILE}" in told.stdout
    assert fedtrace("analyze", "--year", "2013", "--format", "json", case).exit_code == told.exit_code

    for read in (1, 0):
        result = fedtrace("batch", tmp_path, "--out", tmp_path.with_name("out"), "--year", "2013")
        assert result.stdout.endswith(f"{read * 2} read now\n")
    [row] = pd.read_parquet(tmp_path.with_name("out") / "cases").loc[["case"]].itertuples()
    assert row.problem == f"live.pcap: {NO_FILE}"
