"""An archive as whoever keeps it meets it: what comes out, what a second run does, what a killed one leaves."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow.dataset
import pyarrow.parquet
import pytest

import analyzer.batch.fingerprints
import analyzer.batch.work
from analyzer.batch import parquet, results, run
from analyzer.batch.cases import Options, stems_of
from analyzer.batch.run import batch
from analyzer.report.tables import TABLES
from analyzer.trace import Trace
from tests.analyzer.test_page import text_of
from tests.command import HEALTHY, REFUSED, fedtrace
from tests.packets import header, pcap, talk


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A case that is well, one that fails, the same in a zip archive with a hostile name, one that nobody can read."""
    path = tmp_path / "archive"
    for name, data in (("healthy", HEALTHY), ("refused", REFUSED), ("broken", b"")):
        (path / name).mkdir(parents=True)
        (path / name / "cups.pcap").write_bytes(data)
    with zipfile.ZipFile(path / "_<script>\n.zip", "w") as packed:
        packed.writestr("cups.pcap", REFUSED)
    return path


def tree(root: Path) -> dict[str, bytes]:
    """What people look at: all files but those that the program keeps for itself."""
    files = (p for p in root.rglob("*") if p.is_file())
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in files if ".work" not in p.parts}


# --- what comes out


def test_each_case_has_a_row_and_one_that_fails_has_a_page(archive: Path, tmp_path: Path) -> None:
    """Also a case that cannot be read, with the reason; the exit code is that of the worst."""
    came = batch(str(archive), str(tmp_path / "out"), Options(), map)
    cases = pd.read_parquet(tmp_path / "out" / "cases")

    assert came.exit_code == 1
    assert dict(cases.state) == {
        "healthy": "healthy",
        "refused": "failing",
        "broken": "unreadable",
        "_<script>\n.zip": "failing",
    }
    assert "the file is empty" in cases.problem["broken"]
    assert cases.page["refused"] == "pages/refused.html"
    pages = sorted(p.name for p in (tmp_path / "out" / "pages").iterdir())
    assert pages == ["refused.html", "script__.zip-85cb83294e75.html"]
    assert "<html" in (tmp_path / "out" / "pages" / "refused.html").read_text()


def test_a_page_says_of_which_case_it_is_and_leads_back(archive: Path, tmp_path: Path) -> None:
    """Whoever was sent one page knows what to ask for."""
    fedtrace("batch", archive, "--out", tmp_path / "out")
    page = (tmp_path / "out" / "pages" / "refused.html").read_text()

    assert "<title>refused: Federation report: cupdomain.com</title>" in page
    assert '<p>Case <strong>refused</strong>, of <a href="../summary.html">all cases</a></p>' in page
    assert (tmp_path / "out" / "summary.html").is_file()
    hostile = next(p for p in (tmp_path / "out" / "pages").iterdir() if p.name != "refused.html").read_text()
    assert "Case <strong>_&lt;script&gt;\\x0a.zip</strong>" in hostile


def test_the_data_sets_are_the_tables_of_a_trace(archive: Path, tmp_path: Path) -> None:
    """With the same rows and types, beside the case and the day."""
    batch(str(archive), str(tmp_path / "out"), Options(), map)
    trace = Trace.read(archive / "refused")

    for name in TABLES:
        read = pd.read_parquet(tmp_path / "out" / name, filters=[("case", "==", "refused")])
        own = getattr(trace, name)
        assert list(read.columns) == [*own.columns, "day"], name
        assert list(read.index.names) == ["case", *own.index.names]
        if len(own) and name != "sources":
            told = read.droplevel("case").drop(columns="day").sort_index()
            pd.testing.assert_frame_equal(told, own.sort_index(), check_categorical=False, check_index_type=False)


def test_a_table_without_rows_has_its_columns(archive: Path, tmp_path: Path) -> None:
    """Who reads all data sets need not know which are empty."""
    batch(str(archive), str(tmp_path / "out"), Options(), map)

    assert set(run.TABLES) == set(TABLES)
    for name in (*run.TABLES, "cases"):
        read = pyarrow.dataset.dataset(tmp_path / "out" / name, partitioning="hive").to_table()
        assert "case" in read.column_names and "day" in read.column_names
    assert len(pd.read_parquet(tmp_path / "out" / "lookups")) == 0


def test_small_cases_share_files(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each table and day, with the same rows as if each had its own, in the order of the cases."""
    batch(str(archive), str(tmp_path / "small"), Options(), map)
    monkeypatch.setattr(results, "FEW_ROWS", 0)
    batch(str(archive), str(tmp_path / "large"), Options(), map)

    (shared,) = (tmp_path / "small" / "sessions").glob("day=*/*.parquet")
    assert shared.name == "small~cases.parquet"
    assert len(list((tmp_path / "large" / "sessions").glob("day=*/*.parquet"))) == 3
    for name in TABLES:
        small, large = (pd.read_parquet(tmp_path / out / name) for out in ("small", "large"))
        pd.testing.assert_frame_equal(small, large, check_categorical=False, check_index_type=False)


def test_rows_that_do_not_fit_together_are_written_in_groups(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes them holds a few of the archive's; who reads them sees no difference."""
    batch(str(archive), str(tmp_path / "one"), Options(), map)
    monkeypatch.setattr(parquet, "GROUP_ROWS", 5)
    batch(str(archive), str(tmp_path / "many"), Options(), map)

    one, many = (next((tmp_path / out / "events").glob("day=*/*.parquet")) for out in ("one", "many"))
    assert pyarrow.parquet.ParquetFile(one).num_row_groups == 1
    assert pyarrow.parquet.ParquetFile(many).num_row_groups == 3
    pd.testing.assert_frame_equal(pd.read_parquet(one), pd.read_parquet(many), check_categorical=False)


@pytest.mark.parametrize(
    "written", ["archive", "archive/", "./archive", "there/../archive", ".", "{}/archive", "{}//archive/"]
)
def test_the_result_does_not_depend_on_how_the_archive_is_written(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    """Files are called by their names in it: in rows, in reasons and on pages; and what is kept is found again."""
    (tmp_path / "there").mkdir()
    for name, data in (("a.pcap", HEALTHY), ("b.txt", b"hello"), ("case.toml", b'zone = "UTC"')):
        (archive / name).write_bytes(data)
    (archive / "refused" / "notes.txt").write_text("hello")
    batch(str(archive), str(tmp_path / "out"), Options(), map)
    whole = tree(tmp_path / "out")
    monkeypatch.chdir(archive if written == "." else tmp_path)

    assert batch(written.format(tmp_path), str(tmp_path / "out"), Options(), map).fresh == 0
    batch(written.format(tmp_path), str(tmp_path / "other"), Options(), map)
    assert tree(tmp_path / "other") == tree(tmp_path / "out") == whole
    unknown = pd.read_parquet(tmp_path / "out" / "cases").unknown["refused"]
    assert unknown == "notes.txt: no format recognises it"


def test_names_of_cases_become_names_of_files() -> None:
    """Whatever they try to be: none is hidden, leads out of the folder, or falls together with another."""
    names = ["plain", "Plain", "../up", "_part", ".hidden", "a/b", "a_b", "x" * 300, "\udce9t\u00e9", "--out"]
    stems = stems_of(names)

    assert stems[0] == "plain"
    assert len({stem.lower() for stem in stems}) == len(names)
    assert all(stem.isascii() and len(stem) < 128 and stem[0] not in "._" and "/" not in stem for stem in stems)


def test_only_some_attempts_are_wanted(archive: Path, tmp_path: Path) -> None:
    """Those of a domain, those since a day; what is left out is in no table of attempts."""
    for wanted, count in (
        (Options(only=("gmail.com",)), 3),
        (Options(only=("example.net",)), 0),
        (Options(since_ns=10**18), 3),
        (Options(since_ns=4 * 10**18), 0),
    ):
        batch(str(archive), str(tmp_path / "out"), wanted, map)
        for name in ("sessions", "verdicts", "connections"):
            assert len(pd.read_parquet(tmp_path / "out" / name)) == count, (wanted, name)


def test_figures_for_a_collector(archive: Path, tmp_path: Path) -> None:
    """Cases by state, what failed, what could not be read."""
    batch(str(archive), str(tmp_path / "out"), Options(), map)
    told = (tmp_path / "out" / "fedtrace.prom").read_text().splitlines()

    assert 'fedtrace_cases{state="failing"} 2' in told
    assert "fedtrace_cases_failed 1" in told
    assert "fedtrace_pairs_failing 2" in told


# --- loose files


def test_loose_files_are_one_case_for_their_day(tmp_path: Path) -> None:
    """A note that lies beside them is a row with its reason, and no case that could not be read."""
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "a.pcap").write_bytes(HEALTHY)
    (archive / "b.pcap").write_bytes(REFUSED)
    (archive / "readme.txt").write_text("hello")
    came = batch(str(archive), str(tmp_path / "out"), Options(), map)
    (day,) = {s[:10] for s in pd.read_parquet(tmp_path / "out" / "sessions").began.astype(str)}

    assert [(o.case, o.state) for o in came.outcomes] == [(f"loose {day}", "failing"), ("readme.txt", "nothing")]
    assert came.outcomes[1].unknown is not None and came.outcomes[1].problem is None
    assert came.outcomes[0].attempts == 2


def test_loose_files_may_be_answered_in_any_order(tmp_path: Path) -> None:
    """The day of them is the same piece of work, which the next run finds."""

    def backwards(work: run.Work, jobs: Iterable[run.Job]) -> Iterable[run.Done]:
        return [work(job) for job in reversed(list(jobs))]

    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "a.pcap").write_bytes(HEALTHY)
    (archive / "b.pcap").write_bytes(REFUSED)

    assert batch(str(archive), str(tmp_path / "out"), Options(), backwards).fresh == 1
    assert batch(str(archive), str(tmp_path / "out"), Options(), map).fresh == 0


def test_what_another_version_kept_is_not_misread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have told less of a file, or told it otherwise; what files held is known all the same."""
    archive, out = tmp_path / "archive", tmp_path / "out"
    archive.mkdir()
    (archive / "a.pcap").write_bytes(HEALTHY)
    batch(str(archive), str(out), Options(), map)
    (memory,) = (out / ".work" / "memory").iterdir()
    first, *others = memory.read_text().split("\n")
    stem, _, remembered = first.partition(" ")
    digest, marks, *_ = json.loads(remembered)
    whole = tree(out)

    assert stem == "a.pcap"
    for told in ([digest, marks], [digest, marks, ["a key of old", "told otherwise"]]):
        memory.write_text("\n".join([f"{stem} {json.dumps(told)}", *others]))
        with monkeypatch.context() as patched:
            patched.setattr(analyzer.batch.fingerprints, "fingerprint", lambda file: pytest.fail(f"{file} was read"))
            batch(str(archive), str(out), Options(), map)
        assert tree(out) == whole


# --- the verb


def test_a_line_for_a_case_that_failed_and_one_for_all(archive: Path, tmp_path: Path) -> None:
    """No progress where nobody looks; the exit code is that of the worst."""
    result = fedtrace("batch", archive, "--out", tmp_path / "out")

    assert result.exit_code == 1
    assert result.stdout == "4 cases: 2 with a failing pair, 1 that could not be read, 4 read now\n"
    assert result.stderr.count("\n") == 1
    assert "broken: " in result.stderr and "the file is empty" in result.stderr


def test_a_scheduler_reads_json(archive: Path, tmp_path: Path) -> None:
    """An object a line: the cases, then the run."""
    result = fedtrace("batch", archive, "--out", tmp_path / "out", "--json-log")
    told = [json.loads(line) for line in result.stderr.splitlines()]

    assert [t["event"] for t in told] == ["case"] * 4 + ["run"]
    assert [t["done"] for t in told[:4]] == [1, 2, 3, 4]
    assert told[-1] == {"event": "run", "cases": 4, "read": 4, "exit_code": 1}

    result = fedtrace("batch", archive, "--out", tmp_path / "out", "--only", "gmail.com", "--json-log")
    *_, note, _ = [json.loads(line) for line in result.stderr.splitlines()]
    assert (note["event"], note["about"]) == ("note", "replaced")
    assert note["says"].startswith("what a run with other options said is replaced, and nothing is called new; ")

    result = fedtrace("batch", tmp_path / "missing", "--out", tmp_path / "out", "--json-log")
    (told_last,) = [json.loads(line) for line in result.stderr.splitlines()]
    assert (result.exit_code, told_last["exit_code"]) == (2, 2)
    assert "no such file or directory" in told_last["problem"]


def test_a_scheduler_is_told_of_a_bug(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the run's object: how far it came, and the traceback."""
    monkeypatch.setattr(run, "share", lambda *_: {}["a bug"])
    result = fedtrace("batch", archive, "--out", tmp_path / "out", "--json-log")
    told = json.loads(result.stderr.splitlines()[-1])

    assert (result.exit_code, told.pop("traceback")[:9]) == (4, "Traceback")
    assert told == {"event": "run", "problem": "this is a bug of ours", "read": 4, "done": 4, "of": 4, "exit_code": 4}


def test_the_help_says_what_may_be_repeated(archive: Path, tmp_path: Path) -> None:
    """Two domains are two options."""
    assert re.search(r"--only DOMAIN .*may be\s+repeated", fedtrace("batch", "--help").stdout)
    only = [*("--only", "gmail.com"), *("--only", "example.net")]
    assert fedtrace("batch", archive, "--out", tmp_path / "out", *only).exit_code == 1
    assert len(pd.read_parquet(tmp_path / "out" / "sessions")) == 3


def test_a_domain_that_nobody_has(archive: Path, tmp_path: Path) -> None:
    """Nothing failing is not what is said of it, in any run; on the page it stands at the top."""
    wrong, out = ["--only", "gmial.com"], ["--out", tmp_path / "out"]
    said = "no attempt from or to gmial.com was seen; check how it is written"
    for _ in range(2):
        result = fedtrace("batch", archive, *out, *wrong)
        assert result.exit_code == 3
        assert result.stderr.splitlines()[1:] == [f"fedtrace: {said}"]
        told = text_of((tmp_path / "out" / "summary.html").read_text())
        assert "Only attempts from or to gmial.com ; all others are left out." in told
        assert "No attempt from or to gmial.com was seen." in told
    result = fedtrace("batch", archive, *out, *wrong, "--json-log")
    assert {"event": "note", "about": "only", "says": said} in map(json.loads, result.stderr.splitlines())

    result = fedtrace("batch", archive, *out, *wrong, "--only", "gmail.com", "--since", "2013-09-06")
    assert (result.exit_code, f"fedtrace: {said}" in result.stderr) == (1, True)
    told = text_of((tmp_path / "out" / "summary.html").read_text())
    assert "Only attempts from or to gmail.com or gmial.com that began on 2013-09-06 or later; all others" in told


def test_the_folder_of_one_case_is_not_an_archive(archive: Path, tmp_path: Path) -> None:
    """With a `case.toml` beside its folders it looks like one: that is said. Without folders it is said of loose files,
    and all is well.
    """
    (archive / "case.toml").write_text('zone = "UTC"\n')
    result = fedtrace("batch", archive, "--out", tmp_path / "out")
    assert result.stderr.splitlines()[-1] == (
        f"fedtrace: {archive} has a case.toml, which is said of its loose files, and each folder in it was taken for a "
        "case of its own; if all of it is one case, `fedtrace analyze` reads such a folder"
    )
    (tmp_path / "flat").mkdir()
    for name, data in (("case.toml", b'zone = "UTC"'), ("a.pcap", HEALTHY)):
        (tmp_path / "flat" / name).write_bytes(data)
    assert fedtrace("batch", tmp_path / "flat", "--out", tmp_path / "other").stderr == ""


def test_captures_and_their_logs_are_not_an_archive(tmp_path: Path) -> None:
    """Loose files of the day of which the folders tell look like one case, which is said; those of another day do not.
    One folder higher it is a case.
    """
    ticket = tmp_path / "tickets" / "ticket"
    (ticket / "logs").mkdir(parents=True)
    (ticket / "logs" / "cups.pcap").write_bytes(HEALTHY)
    (ticket / "cups.pcap").write_bytes(HEALTHY)
    result = fedtrace("batch", ticket, "--out", tmp_path / "out")
    (said,) = result.stderr.splitlines()
    assert said == (
        f"fedtrace: {ticket} looks like one case: its loose files and its folders or archives are of one day, and were "
        "taken for 2 cases; if they belong together, put it into a folder of its own and name that as ARCHIVE, or read "
        "it with `fedtrace analyze`"
    )
    assert fedtrace("batch", ticket, "--out", tmp_path / "out").stderr == ""  # once is enough
    whole = fedtrace("batch", ticket.parent, "--out", tmp_path / "whole")
    assert (whole.stderr, whole.stdout.splitlines()[-1].partition(":")[0]) == ("", "1 case")

    (ticket / "cups.pcap").write_bytes(pcap(talk((">", header("a.example", "b.example"))), step_ms=86_400_000))
    assert fedtrace("batch", ticket, "--out", tmp_path / "days").stderr == ""


def test_a_day_is_a_day(archive: Path, tmp_path: Path) -> None:
    """One sentence for what is none."""
    result = fedtrace("batch", archive, "--out", tmp_path / "out", "--since", "yesterday")

    assert result.exit_code == 2
    assert result.stderr == "fedtrace: --since yesterday: this is no day; write it as 2014-05-19\n"


def test_a_day_after_which_nothing_is_left_is_said(archive: Path, tmp_path: Path) -> None:
    """Silence would look like an archive in which nobody tried. Of loose files not even a case is left."""
    loose = tmp_path / "loose"
    loose.mkdir()
    (loose / "a.pcap").write_bytes(HEALTHY)
    said = "no attempt that is asked for began on 2099-01-01 or later; those before it were left out"
    for each in (archive, loose):
        out = tmp_path / f"{each.name}-out"
        result = fedtrace("batch", each, "--out", out, "--since", "2099-01-01")

        assert result.exit_code == 3
        assert said in result.stderr
        assert {"state", "problem"} <= set(pd.read_parquet(out / "cases").columns)
