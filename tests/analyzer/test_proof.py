"""A report held against its inputs, whoever wrote it: what stands, what fell, and what is not opened."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from analyzer.analysis import analysis
from analyzer.report.proof import Proof, proof, told
from analyzer.report.rows import report
from parsers.case import Case, read_case
from parsers.errors import FedtraceError
from parsers.source import How
from tests.conftest import SHARED
from tests.packets import FEATURES, header, pcap, talk

ERROR = b"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
CAPTURE = pcap(
    talk(
        (">", header("cupdomain.com", "gmail.com")),
        ("<", header("gmail.com", "cupdomain.com", "stream-id-1") + FEATURES + ERROR),
    )
)
LOG = "".join(
    f"2013-09-06 09:14:00 s2sout55ea380e8960\t{said}\n"
    for said in (
        "debug\tBeginning new connection attempt to gmail.com ([198.51.100.10]:5269)",
        "info\tOutgoing s2s connection cupdomain.com->gmail.com complete",
    )
)


def read(paths: Sequence[str]) -> Case:
    """The case of these files."""
    return read_case(paths, How())


def made(folder: Path, *paths: Path) -> tuple[Path, dict[str, Any]]:
    """A report of files, written, and as rows."""
    rows = report(*analysis(read([str(p) for p in paths])))
    path = folder / "report.json"
    path.write_text(json.dumps(rows))
    return path, rows


def proven(path: Path, *paths: Path) -> Proof:
    """What comes of a report."""
    return proof(told(path), [str(p) for p in paths], read)


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A folder with a capture and a log."""
    folder = tmp_path / "incident"
    folder.mkdir()
    (folder / "cups.pcap").write_bytes(CAPTURE)
    (folder / "prosody.log").write_text(LOG)
    return folder


def states(found: Proof) -> dict[str, str]:
    """What became of each input."""
    return {held.input.name: held.state for held in found.inputs}


def test_all_stands_where_nothing_was_changed(case: Path, tmp_path: Path) -> None:
    """The files lie where the report says; a folder that moved is found by the bytes of its files."""
    path, rows = made(tmp_path, case)
    found = proven(path)
    assert found.fallen == {}
    assert states(found) == {"cups.pcap": "same", "prosody.log": "same"}
    assert len(found.told.pieces) > 8
    assert [c.id for c in found.told.findings] == [f["id"] for f in rows["findings"]]

    moved = case.rename(tmp_path / "moved")
    (moved / "cups.pcap").rename(moved / "other.name")
    found = proven(path, moved)
    assert found.fallen == {}
    assert {held.because for held in found.inputs} == {
        f"found at {moved / 'other.name'}",
        f"found at {moved / 'prosody.log'}",
    }


def test_members_of_an_archive_are_found_in_it(case: Path, tmp_path: Path) -> None:
    """A report of an archive, and one of a folder that was packed since."""
    archive = tmp_path / "incident.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(case, "incident")
    from_archive, _ = made(tmp_path, archive)
    assert proven(from_archive).fallen == {}

    from_folder, _ = made(tmp_path, case)
    for file in case.iterdir():
        file.unlink()
    with pytest.raises(FedtraceError, match="none of its inputs is to be found; name the folder"):
        proven(from_folder)
    assert proven(from_folder, archive).fallen == {}


def test_a_changed_file_and_a_missing_one_prove_nothing(case: Path, tmp_path: Path) -> None:
    """One byte of the capture; the log still stands. Then the other way round."""
    path, _ = made(tmp_path, case)
    capture = case / "cups.pcap"
    capture.write_bytes(CAPTURE[:-1] + b"x")
    found = proven(path)
    assert states(found) == {"cups.pcap": "changed", "prosody.log": "same"}
    assert {(p.source, because) for p, because in found.fallen.items()} == {("cups.pcap", "the file was changed")}

    capture.write_bytes(CAPTURE)
    (case / "prosody.log").unlink()
    found = proven(path)
    assert states(found) == {"cups.pcap": "same", "prosody.log": "missing"}
    assert {p.source for p in found.fallen} <= {"prosody.log"}


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"says": "<stream:error> not-authorized"}, "there stands: "),
        ({"frame": 1_000}, "nothing is said there"),
        ({"frame": None, "line": 3}, "nothing is said there"),
        ({"source": "elsewhere.pcap"}, "the report names no such source"),
    ],
)
def test_evidence_that_was_made_up_falls(case: Path, tmp_path: Path, change: dict[str, object], because: str) -> None:
    """Other words, another place, another file: each is told, and nothing else falls."""
    path, rows = made(tmp_path, case)
    finding = next(f for f in rows["findings"] if f["rule"] == "stream-host-unknown")
    finding["evidence"][0] |= change
    path.write_text(json.dumps(rows))
    found = proven(path)

    ((piece, why),) = found.fallen.items()
    assert why.startswith(because)
    assert piece.source == finding["evidence"][0]["source"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[" * 100_000,
        "[]",
        "{}",
        '{"schema": 1}',
        '{"schema": 2, "fedtrace": "9"}',
        '{"schema": true, "fedtrace": "0"}',
        '{"schema": 1, "fedtrace": 0}',
        '{"schema": 1, "fedtrace": "0", "sources": {}}',
        '{"schema": 1, "fedtrace": "0", "sources": [1]}',
        '{"schema": 1, "fedtrace": "0", "sources": [{"format": "capture", "name": "a", "path": 7}]}',
        '{"schema": 1, "fedtrace": "0", "findings": [{"id": "a", "rule": "b", "evidence": "c"}]}',
        '{"schema": 1, "fedtrace": "0", "sessions": [{"timeline": [{"evidence": null}]}]}',
        '{"schema": 1, "fedtrace": "0", "lookups": [{"evidence": [{"source": "a", "says": "b", "frame": 1.5}]}]}',
        '{"schema": 1, "fedtrace": "0", "lookups": [{"evidence": [{"source": "a", "says": "b", "line": true}]}]}',
        '{"schema": ' + "1" * 10_000 + "}",
    ],
)
def test_what_is_no_report_is_one_sentence(tmp_path: Path, text: str) -> None:
    """Whatever is wrong with it."""
    path = tmp_path / "report.json"
    path.write_text(text)

    with pytest.raises(FedtraceError, match="this is no "):
        told(path)


def test_a_file_of_random_bytes_and_one_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is decoded."""
    path = tmp_path / "report.json"
    path.write_bytes(os.urandom(0) + bytes(range(128, 256)))
    with pytest.raises(FedtraceError, match="this is no JSON"):
        told(path)
    monkeypatch.setattr("analyzer.report.proof.REPORT_MAX", 10)
    with pytest.raises(FedtraceError, match="no report is so long"):
        told(path)
    with pytest.raises(FedtraceError, match="no such file"):
        told(tmp_path / "missing.json")


def test_only_files_are_opened(case: Path, tmp_path: Path) -> None:
    """A report may name devices, pipes, folders, files that a kernel makes up, and what no path can be."""
    path, rows = made(tmp_path, case)
    os.mkfifo(tmp_path / "pipe")
    places = ["/dev/zero", "/dev/stdin", "-", str(tmp_path / "pipe"), str(tmp_path), "/proc/kmsg", "a\0b", "x" * 5_000]
    places += ["\ud800", "", "~/secret", str(case / "*.pcap"), "/" * 3_000]
    (source,) = [s for s in rows["sources"] if s["name"] == "cups.pcap"]
    rows["sources"] += [source | {"name": f"n{i}", "path": p, "sha256": "00" * 32} for i, p in enumerate(places)]
    path.write_text(json.dumps(rows))
    found = proven(path)

    assert found.fallen == {}
    assert [states(found)[f"n{i}"] for i in range(len(places))] == ["missing"] * len(places)


def test_what_came_through_a_pipe_cannot_be_proven(case: Path, tmp_path: Path) -> None:
    """The report has no fingerprint of it."""
    path, rows = made(tmp_path, case / "cups.pcap")
    rows["sources"][0] |= {"path": "-", "sha256": None}
    path.write_text(json.dumps(rows))

    with pytest.raises(FedtraceError, match="they came through a pipe, or it is redacted"):
        proven(path)


@pytest.mark.needs_shared
@pytest.mark.parametrize("name", ["02a-healthy-starttls-dialback-webex", "24b-mtu-blackhole-stanza", "32-lossy-link"])
def test_every_piece_of_a_recorded_case_stands(name: str, tmp_path: Path) -> None:
    """Captures, logs of servers and firewalls, transcripts."""
    path, _ = made(tmp_path, SHARED / "lab" / name)
    found = proven(path)

    assert found.fallen == {}
    assert len(found.told.pieces) > 100
