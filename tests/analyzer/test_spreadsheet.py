"""CSV: what a spreadsheet, and a program, makes of it."""

from __future__ import annotations

import csv
import io

import pytest

from analyzer.report.spreadsheet import defused, spreadsheet, spreadsheets
from analyzer.report.tables import TABLES
from tests import scene
from tests.analyzer.reports import analysis_of

EVIL = '=cmd|" /C calc"!A0'


def _case() -> dict[str, str]:
    tap = scene.tap(
        "@SUM(A1).pcap",
        """
        0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
        0.11  back   syn-ack
        0.13  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to="=1+1|\\",x.example"
        0.14  back   StreamHeader from="=1+1|\\",x.example" to=cupdomain.com id=1
        0.15  back   StreamError condition=host-unknown text="a, \\"b\\""
        """,
    )
    return dict(spreadsheets(analysis_of(tap, local=("cupdomain.com",))))


@pytest.mark.parametrize("text", [EVIL, "+1", "-1+1", "@SUM(A1)", "＝1", "  =1", "\t=1", "\r=1", "\n=1"])
def test_no_text_is_taken_for_a_formula(text: str) -> None:
    """An apostrophe goes before it, or what does not show is written out; OWASP names the characters."""
    assert not defused(text).lstrip().startswith(("=", "+", "-", "@", "＝", "\t", "\r"))


def test_every_table_is_a_file_that_a_program_reads_back() -> None:
    """Equal columns in each row, commas and quotes in names notwithstanding; lines end as RFC 4180 wants."""
    files = _case()
    assert sorted(files) == sorted(f"{name}.csv" for name in TABLES)
    for name, text in files.items():
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert len({len(row) for row in rows}) == 1, name
        assert text.endswith("\r\n")
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))], name


def test_a_name_keeps_its_commas_and_quotes() -> None:
    """What is quoted comes back as it was, but for the apostrophe."""
    (verdict,) = csv.DictReader(io.StringIO(_case()["verdicts.csv"], newline=""))
    assert verdict["initiator"] == "cupdomain.com"
    assert verdict["receiver"] == "'=1+1|\",x.example"


def test_instants_and_durations_are_exact() -> None:
    """ISO 8601 with nanoseconds; a duration says its unit in the head of its column; unknown is empty."""
    files = _case()
    (row,) = csv.DictReader(io.StringIO(files["sessions.csv"], newline=""))
    assert row["began"] == "2013-09-06T09:14:00.100000000Z"
    assert row["connect_took_ns"] == "10000000"
    assert row["dns_took_ns"] == ""


def test_a_case_without_anything_has_its_heads() -> None:
    """A program finds the columns all the same."""
    tap = scene.tap("cups.pcap", "0.00  10.0.0.5:4000 > 10.0.0.53:53   query A example.com")
    text = spreadsheet(TABLES["findings"], analysis_of(tap))
    assert text == ",".join(f'"{c.name}"' for c in TABLES["findings"].columns) + "\r\n"
