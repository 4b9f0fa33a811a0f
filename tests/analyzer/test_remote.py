"""URLs of archives and results: what they name, what drivers say, one sentence where they lead nowhere, no password."""

from __future__ import annotations

import json
import re
import socket
import sys
from pathlib import Path

import pytest

import analyzer.batch.work
from analyzer.batch import run
from analyzer.batch.remote import is_remote, mark, on_disk, place_of, reason, shown
from tests.analyzer.elsewhere import upload
from tests.analyzer.sshd import PASSWORD
from tests.analyzer.test_batch import archive as on_a_disk
from tests.analyzer.test_elsewhere import address, archive, memory, sftp
from tests.command import fedtrace

__all__ = ["address", "archive", "memory", "on_a_disk", "sftp"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nosuch://a/b", "no driver knows nosuch://; write s3://, gs://, sftp://, …, or the path of a folder"),
        ("gs://bucket/x", "the driver of gs:// is not installed; pip install gcsfs"),
        ("abfs://container/x", "the driver of abfs:// is not installed; pip install adlfs"),
        ("s3://", "it names no bucket; write s3://BUCKET/FOLDER"),
        ("memory://missing", "no such file or directory; check the path and your rights"),
    ],
)
def test_a_url_that_leads_nowhere(url: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with what to do."""
    for driver in ("gcsfs", "adlfs"):
        monkeypatch.setitem(sys.modules, driver, None)
    result = fedtrace("batch", url, "--out", tmp_path / "out")

    assert (result.exit_code, result.stderr) == (2, f"fedtrace: {url}: {said}\n")
    assert not (tmp_path / "out").exists()


def test_another_machine_that_does_not_let_us_in(sftp: str, tmp_path: Path) -> None:
    """One sentence, without the password; nor does one that nobody answers on take more."""
    wrong = sftp.replace(PASSWORD, "falsch")
    result = fedtrace("batch", wrong, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "/place: no credentials that serve (Authentication failed" in result.stderr
    assert result.stderr.count("\n") == 1 and "falsch" not in result.stderr

    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"sftp://anna:{PASSWORD}@127.0.0.1:{closed.getsockname()[1]}/x"
    result = fedtrace("batch", nobody, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "/x: it does not answer (" in result.stderr and result.stderr.count("\n") == 1


def test_memory_is_one_processs(tmp_path: Path) -> None:
    """What a command kept there would be gone when it ends. One sentence each, for programs in an object."""
    result = fedtrace("batch", tmp_path, "--out", "memory://x")
    said = "memory://x: it is gone when the command ends; name a folder, or another URL"
    assert (result.exit_code, result.stderr) == (2, f"fedtrace: {said}\n")
    told = json.loads(fedtrace("batch", tmp_path, "--out", "memory://x", "--json-log").stderr)
    assert (told["event"], told["problem"], told["exit_code"]) == ("run", said, 2)

    result = fedtrace("batch", "memory://a", "--out", tmp_path / "out", "--workers", "2")
    assert result.stderr == "fedtrace: memory://a: no other process sees it; leave out --workers and --scheduler\n"
    assert result.exit_code == 2


def test_a_password_is_shown_nowhere() -> None:
    """Not in a place's name, nor in what a driver says of it."""
    assert shown("sftp://anna:ge@heim@host:22/a@b") == "sftp://anna@host:22/a@b"
    assert shown("https://host/a?token=geheim") == "https://host/a"
    assert shown("s3://bucket/a?b") == "s3://bucket/a?b"
    assert shown("sftp://anna:ge/heim@host/a") == "sftp://anna@host/a"
    assert shown("sftp://host:22/a@b") == "sftp://host:22/a@b"
    assert "geheim" not in " ".join(reason(ValueError("no way to sftp://anna:geheim@host/a")))


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("s3://anna:geheim@bucket/x", 'Invalid bucket name "anna:geheim@bucket"'),
        ("sftp://anna:geheim@host/x", "cannot log in with 'geheim'"),
        ("sftp://anna:ge%40heim@host/x", "cannot log in with ge@heim, nor as anna:ge%40heim@host"),
        ("sftp://anna:ge@heim@host/x", "cannot quote ge%40heim"),
        ("sftp://anna:ge/heim@host/x", "Port could not be cast to an integer: 'ge'; heim"),
        ("sftp://anna:ge heim\\@host/x", "no key of 'ge heim\\\\'"),
        ("https://host/x?token=geheim", "404 at https://host/x?token=geheim"),
    ],
)
def test_what_a_driver_says_is_told_without_the_password(url: str, own: str) -> None:
    """As it was given, decoded, encoded, or in pieces."""
    told, _ = reason(ValueError(own), url)
    assert told.startswith("its driver fails: ValueError (")
    assert not re.search(r"geheim|\bge\b|heim|ge@|ge%", told)


@pytest.mark.usefixtures("address")  # S3 asks no network
def test_a_password_is_in_no_output(
    archive: Path, memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the archive or the results, whether a driver fails or we do; on stderr, for programs, and in what is kept."""
    (tmp_path / "out").mkdir()
    secret = "s3://anna:geheim@bucket/x"
    said = [
        fedtrace("batch", *line).stderr
        for line in ((secret, "--out", tmp_path / "out"), (archive, "--out", secret), (secret, "--out", secret + "y"))
    ]
    said += [fedtrace("batch", secret, "--out", tmp_path / "out", "--json-log").stderr]
    assert all("s3://anna@bucket/x" in each for each in said)

    place = memory.replace("://", "://anna:geheim@")
    upload(archive, f"{place}/archive")
    said += [fedtrace("batch", place, "--out", tmp_path / "out", "--workers", "2").stderr]

    def fails(job: run.Job) -> object:
        raise KeyError(job.archive, "geheim")

    monkeypatch.setattr(analyzer.batch.work, "_results", fails)
    for how in ((), ("--json-log",)):
        result = fedtrace("batch", f"{place}/archive", "--out", tmp_path / "out", *how)
        assert result.exit_code == 4
        said += [result.stdout, result.stderr]
    monkeypatch.setattr(run, "share", lambda *_: {}[f"{place}/archive"])
    result = fedtrace("batch", f"{place}/archive", "--out", tmp_path / "out")
    assert result.exit_code == 4
    assert "this is a bug of ours" in result.stderr
    said += [result.stderr]

    assert not [each for each in said if "geheim" in each]
    assert not [p for p in (tmp_path / "out").rglob("*") if p.is_file() and b"geheim" in p.read_bytes()]


def test_paths_are_no_urls() -> None:
    """And this machine's disks are no other place."""
    assert not any(map(is_remote, ("archive/", "/a:b/c", "-", "file:///a", "local:///a", "C:\\a")))
    assert all(map(is_remote, ("s3://b", "S3://b", "memory://")))
    assert on_disk("file:///a/b") == "/a/b"
    assert place_of("MEMORY://a/b/").root == "/a/b"


def test_a_file_is_known_by_what_its_driver_tells() -> None:
    """A version where there is one, with a time as coarse as the coarsest answer; else the time."""
    at = 1_400_000_000
    assert mark({"size": 3, "ETag": '"abc"', "LastModified": at + 0.25}) == (3, at * 10**9, "abc")
    assert mark({"size": 3, "created": at + 0.25}) == (3, at * 10**9 + 250_000_000, "")
    assert mark({"size": 3, "modify": "yesterday"}) == (3, 0, "yesterday")
    assert mark({"size": 3}) == (3, 0, "")
