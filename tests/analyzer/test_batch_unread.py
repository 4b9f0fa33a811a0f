"""What of an archive cannot be read: the rest is read, the row says what was not, and nothing is taken for whole.

Tests may run as root, whom no file refuses: here files refuse by their names.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Collection
from functools import partial, partialmethod
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fsspec.implementations.memory import MemoryFileSystem

import analyzer.batch.fingerprints
import analyzer.batch.work
import parsers.archive
import parsers.ingest
from analyzer.batch import parts
from analyzer.batch.cases import Options
from analyzer.batch.fetched import Fetched
from analyzer.batch.outcome import Outcome
from analyzer.batch.run import batch
from parsers.errors import SourceUnreadable
from parsers.source import Source
from tests.analyzer.elsewhere import upload
from tests.analyzer.test_elsewhere import memory, sftp
from tests.analyzer.test_page import text_of
from tests.analyzer.test_parts import day
from tests.command import HEALTHY, REFUSED, fedtrace
from tests.packets import pcap
from tests.parsers.test_inputs import LINE

__all__ = ["day", "memory", "sftp"]


def refuse(patch: pytest.MonkeyPatch, names: Collection[str]) -> None:
    """From now on what is called so may not be opened or listed."""
    opened, listed, access = Path.open, os.scandir, os.access

    def open(self: Path, *how: Any, **also: Any) -> Any:
        if self.name in names:
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *how, **also)

    def scandir(path: Any) -> Any:
        if not isinstance(path, int) and Path(path).name in names:
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    patch.setattr(Path, "open", open)
    patch.setattr(os, "scandir", scandir)
    patch.setattr(os, "access", lambda path, *how: Path(path).name not in names and access(path, *how))


def refuse_elsewhere(patch: pytest.MonkeyPatch, names: Collection[str]) -> None:
    """The same in memory."""
    cat_file, get_file = MemoryFileSystem.cat_file, MemoryFileSystem.get_file

    def asked(plain: Any, self: MemoryFileSystem, path: str, *how: Any, **also: Any) -> Any:
        if path.rpartition("/")[2] in names:
            raise PermissionError(13, "Permission denied")
        return plain(self, path, *how, **also)

    patch.setattr(MemoryFileSystem, "cat_file", partialmethod(partial(asked, cat_file)))
    patch.setattr(MemoryFileSystem, "get_file", partialmethod(partial(asked, get_file)))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A case of two captures and a folder with another; and a loose capture."""
    path = tmp_path / "archive"
    for name, data in (("case/a.pcap", HEALTHY), ("case/secret.pcap", REFUSED), ("case/deep/b.pcap", REFUSED)):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    (path / "loose.pcap").write_bytes(HEALTHY)
    return path


def bundle(**files: str | bytes) -> bytes:
    """A zip archive of these files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return made.getvalue()


def rows(out: Path) -> Any:
    """The cases."""
    return pd.read_parquet(out / "cases")


# --- rights


def test_a_file_that_may_not_be_read_leaves_the_rest_of_its_case(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row says which it is and why, as `analyze` does; a folder that may not be listed stands for what is in it."""
    refuse(monkeypatch, {"secret.pcap", "deep", "loose.pcap"})
    came = batch(str(archive), str(tmp_path / "out"), Options(), map)
    case, loose = (next(o for o in came.outcomes if o.case == name) for name in ("case", "loose.pcap"))

    assert (case.state, case.attempts, case.sources, case.unread) == ("healthy", 1, 3, 2)
    assert case.problem == ("deep: permission denied: its files cannot be listed; secret.pcap: permission denied")
    assert (loose.state, loose.problem) == ("unreadable", "permission denied; check the path and your rights")
    assert came.exit_code == 0
    told = fedtrace("analyze", archive / "case")
    assert "not read     deep: permission denied: its files cannot be listed" in told.stdout
    assert "             secret.pcap: permission denied" in told.stdout


def test_rights_that_were_mended_are_found_by_the_next_run(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They change neither size nor time of a file. Until then nothing is read again; what was read before stays."""
    out, refused = str(tmp_path / "out"), {"secret.pcap"}
    with monkeypatch.context() as patched:
        refuse(patched, refused)
        batch(str(archive), out, Options(), map)
        with monkeypatch.context() as again:
            again.setattr(analyzer.batch.fingerprints, "fingerprint", lambda file: pytest.fail(f"{file} was read"))
            assert batch(str(archive), out, Options(), map).fresh == 0
        refused.clear()
        came = batch(str(archive), out, Options(), map)
    assert came.fresh == 1
    assert [(o.state, o.problem) for o in came.outcomes] == [("failing", None), ("healthy", None)]

    refuse(monkeypatch, {"secret.pcap"})
    assert batch(str(archive), out, Options(), map).fresh == 0
    assert rows(tmp_path / "out").state["case"] == "failing"


def test_an_object_that_may_not_be_read_leaves_the_rest_of_its_case(
    archive: Path, memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere it is asked for again in each run, with one byte; nothing is fetched until it is given."""
    upload(archive, f"{memory}/archive")
    place, out, refused = f"{memory}/archive", str(tmp_path / "out"), {"secret.pcap"}
    refuse_elsewhere(monkeypatch, refused)
    batch(place, out, Options(), map)
    told = rows(tmp_path / "out").loc["case"]
    assert (told.state, told.sources, told.unread) == ("failing", 3, 1)
    assert told.problem == "secret.pcap: access is denied"

    with monkeypatch.context() as patched:
        patched.setattr(Fetched, "_fetch", lambda self, name, *_: pytest.fail(f"{name} was fetched"))
        assert batch(place, out, Options(), map).fresh == 0
    refused.clear()
    came = batch(place, out, Options(), map)
    assert (came.fresh, [o.problem for o in came.outcomes]) == (1, [None, None])


@pytest.mark.parametrize("by", ["renaming", "sftp"])
def test_a_folder_elsewhere_that_may_not_be_listed_stands_for_what_is_in_it(
    archive: Path, sftp: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """As on a disk, and it is no empty one; nothing is fetched until it may be."""
    place = f"renaming://{archive}" if by == "renaming" else f"{sftp.removesuffix('place')}archive"
    out, refused = str(tmp_path / "out"), {"deep"}
    refuse(monkeypatch, refused)
    batch(place, out, Options(), map)
    told = rows(tmp_path / "out").loc["case"]
    assert (told.state, told.sources, told.unread) == ("failing", 3, 1)
    assert told.problem == "deep: its files cannot be listed: access is denied"

    with monkeypatch.context() as patched:
        patched.setattr(Fetched, "_fetch", lambda self, name, *_: pytest.fail(f"{name} was fetched"))
        assert batch(place, out, Options(), map).fresh == 0
    refused.clear()
    assert batch(place, out, Options(), map).fresh == 1

    refused.add("case")
    batch(place, out, Options(), map)
    assert rows(tmp_path / "out").problem["case"].startswith("its files cannot be listed: access is denied (")


def test_the_first_part_of_a_large_case_tells_what_was_not_read(
    day: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once: the others say nothing of it."""
    (tmp_path / "archive" / "cups").mkdir(parents=True)
    (tmp_path / "archive" / "cups" / "cups.pcap").write_bytes(day)
    (tmp_path / "archive" / "cups" / "secret.pcap").write_bytes(day)
    monkeypatch.setattr(parts, "HELD_MAX", 60)
    refuse(monkeypatch, {"secret.pcap"})
    came = batch(str(tmp_path / "archive"), str(tmp_path / "out"), Options(), map)

    first, *others = sorted(came.outcomes, key=lambda outcome: outcome.case)
    assert first.problem == "secret.pcap: permission denied"
    assert len(others) > 5 and not any("secret.pcap" in (outcome.problem or "") for outcome in others)


# --- what breaks off


def test_a_capture_that_breaks_off_is_told_in_the_row_of_its_case(archive: Path, tmp_path: Path) -> None:
    """As `analyze` does under `damage`, and on the page over all; the case itself is what was read of it."""
    (archive / "case" / "a.pcap").write_bytes(HEALTHY[:-30])
    (archive / "case" / "notes.txt").write_text("hello")
    batch(str(archive), str(tmp_path / "out"), Options(), map)
    told = rows(tmp_path / "out").loc["case"]

    assert (told.state, told.unread, told.damage) == ("failing", 0, 1)
    assert told.problem == "a.pcap#13: the last record is cut off (40 bytes)"
    assert told.unknown == "notes.txt: no format recognises it"
    assert (
        "damage       a.pcap#13  the last record is cut off (40 bytes)" in fedtrace("analyze", archive / "case").stdout
    )
    _, partly = text_of((tmp_path / "out" / "summary.html").read_text()).rsplit("Cases read in part", 1)
    partly, unknown = partly.split("Files that no format knows")
    assert "case a.pcap#13: the last record is cut off (40 bytes)" in partly and "notes.txt" not in partly
    assert "case notes.txt: no format recognises it" in unknown


def test_of_many_places_of_damage_the_row_tells_the_first(tmp_path: Path) -> None:
    """The data set has all."""
    (tmp_path / "archive" / "case").mkdir(parents=True)
    for name in "abcdef":
        (tmp_path / "archive" / "case" / f"{name}.pcap").write_bytes(HEALTHY[:-30])
    batch(str(tmp_path / "archive"), str(tmp_path / "out"), Options(), map)
    told = rows(tmp_path / "out").loc["case"]

    assert told.damage == len(pd.read_parquet(tmp_path / "out" / "damage")) == 6
    assert told.problem.endswith("(40 bytes); and 3 places of damage more")


# --- what its bytes alone decide


def test_what_holds_nothing_is_not_looked_at_again(
    tmp_path: Path, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty folders and archives, archives without their end, files of nothing: as they are, so they are tomorrow."""
    archive = tmp_path / "archive"
    for name, data in (
        ("empty.zip", bundle()),
        ("cut.zip", bundle(cups=LINE)[:-8]),
        ("nothing.zip", bundle(cups="")),
        ("hidden/.cups.pcap", HEALTHY),
        ("none/cups.pcap", b""),
        ("header/cups.pcap", HEALTHY[:20]),
        ("said/case.toml", b"zone = 7"),
        ("loose.pcap", HEALTHY[:24]),
        ("loose.txt", b"hello"),
        ("loose.log", b""),
    ):
        (archive / name).parent.mkdir(parents=True, exist_ok=True)
        (archive / name).write_bytes(data)
    (archive / "empty").mkdir()
    upload(archive, f"{memory}/archive").makedirs("/place/archive/empty")

    for place in (str(archive), f"{memory}/archive"):
        out = tmp_path / place.partition(":")[0].replace("/", "-")
        first = batch(place, str(out), Options(), map)
        assert {o.case for o in first.outcomes if o.state != "unreadable"} == {"loose.txt", "loose.log"}
        assert first.exit_code == 2
        with monkeypatch.context() as patched:
            patched.setattr(analyzer.batch.fingerprints, "fingerprint", lambda file: pytest.fail(f"{file} was read"))
            patched.setattr(analyzer.batch.work, "_results", lambda job: pytest.fail(f"{job.task.name} was read"))
            patched.setattr(Fetched, "_fetch", lambda self, name, *_: pytest.fail(f"{name} was fetched"))
            again = batch(place, str(out), Options(), map)
        assert (again.fresh, again.outcomes) == (0, first.outcomes)

    (archive / "empty" / "cups.pcap").write_bytes(HEALTHY)
    assert batch(str(archive), str(tmp_path / str(archive).replace("/", "-")), Options(), map).fresh == 1


@pytest.mark.parametrize("failing", ["archive", "disk"])
def test_what_another_time_may_be_read_is_tried_again(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive for which there was no room, a file that a disk could not give: its case is read from the rest, and
    the next run does not take that for all of it.
    """
    archive, out = tmp_path / "archive", str(tmp_path / "out")
    (archive / "case").mkdir(parents=True)
    (archive / "case" / "a.pcap").write_bytes(HEALTHY)
    (archive / "case" / "b.zip").write_bytes(bundle(**{"b.pcap": REFUSED}))
    (archive / "case" / "c.pcap").write_bytes(REFUSED)
    with monkeypatch.context() as patched:
        if failing == "archive":
            patched.setattr(parsers.archive, "FREE_MIN", 1 << 62)
        else:
            opened = parsers.ingest.head_of

            def fails(source: Source) -> Any:
                if source.name == "c.pcap":
                    raise SourceUnreadable(source.name, "input/output error", "check the path and your rights")
                return opened(source)

            patched.setattr(parsers.ingest, "head_of", fails)
        (case,) = batch(str(archive), out, Options(), map).outcomes
        assert (case.sources, case.unread, case.attempts) == (3, 1, 2)
        assert ("is free on the disk" if failing == "archive" else "input/output error") in (case.problem or "")
        assert batch(str(archive), out, Options(), map).fresh == 1

    came = batch(str(archive), out, Options(), map)
    assert (came.fresh, came.outcomes[0].sources, came.outcomes[0].problem) == (1, 3, None)
    assert len(pd.read_parquet(tmp_path / "out" / "sources")) == 3
    assert batch(str(archive), out, Options(), map).fresh == 0


def test_a_log_of_nothing_is_not_missed_and_a_capture_that_is_none_is(archive: Path, tmp_path: Path) -> None:
    """An empty `error.log`, notes and settings are no reason for an alert; what is called a capture is."""
    case = archive / "case"
    (case / "error.log").write_bytes(b"")
    (case / "prosody.cfg.lua").write_text("-- settings\n")
    before = rows_after(archive, tmp_path)
    (case / "cups.pcap0").write_text("a mail that says: see attached\n")
    (case / "peer.pcapng.gz").write_bytes(b"")
    after = rows_after(archive, tmp_path)

    assert (before.problem, before.unread) == (None, 0)
    assert before.unknown == "error.log: the file is empty; prosody.cfg.lua: no format recognises it"
    assert after.problem == "cups.pcap0: no format recognises it; peer.pcapng.gz: the file is empty"
    assert (after.unknown, after.unread) == (before.unknown, 2)
    assert "fedtrace_inputs_unread 2" in (tmp_path / "out" / "fedtrace.prom").read_text().splitlines()


def rows_after(archive: Path, tmp_path: Path) -> Outcome:
    """The row of the case by now."""
    (told,) = (o for o in batch(str(archive), str(tmp_path / "out"), Options(), map).outcomes if o.case == "case")
    return told


def test_a_capture_without_packets_is_told_so(tmp_path: Path) -> None:
    """It tells no time either, which would help nobody."""
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "cups.pcap").write_bytes(pcap([]))
    result = fedtrace("batch", tmp_path / "archive", "--out", tmp_path / "out")

    assert (result.exit_code, result.stderr) == (
        2,
        "fedtrace: cups.pcap: it holds no packets; take the capture again\n",
    )
