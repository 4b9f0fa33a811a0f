"""Archives and results that a URL names: the same bytes as on a disk, and one sentence for what goes wrong.

In an object store (moto's server, on this machine), in memory, in folders where files are renamed, and by SFTP.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from zlib import crc32

import fsspec
import pytest

import analyzer.batch.work
from analyzer.batch import lease, parts, run, spread
from analyzer.batch.cases import Options
from analyzer.batch.fetched import Fetched
from analyzer.batch.remote import mark
from analyzer.batch.run import batch
from parsers.errors import FedtraceError
from tests.analyzer import elsewhere, test_batch
from tests.analyzer.elsewhere import tree, upload
from tests.analyzer.sshd import PASSWORD, sshd
from tests.analyzer.test_batch import archive as on_a_disk
from tests.analyzer.test_parts import MAY_19_NS, day, instant, records, together
from tests.command import HEALTHY, REFUSED, fedtrace

__all__ = ["day", "on_a_disk"]

KILLS = 4


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """An object store that asks nobody who they are."""
    with pytest.MonkeyPatch.context() as patch, elsewhere.s3(patch) as address:
        yield address


@pytest.fixture
def archive(on_a_disk: Path) -> Path:
    """Four cases; the server knows no object with a line break in its name."""
    (on_a_disk / "_<script>\n.zip").rename(on_a_disk / "_<script> & é.zip")
    return on_a_disk


@pytest.fixture
def s3(address: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A bucket of its own."""
    system = fsspec.filesystem("s3")
    bucket = f"s3://test-{crc32(request.node.name.encode())}"
    system.mkdir(bucket)
    yield bucket
    elsewhere.checks(address, False)


@pytest.fixture
def memory() -> Iterator[str]:
    """Nothing is in it before, nor after."""
    system = fsspec.filesystem("memory")
    for begin in (True, False):
        system.store.clear()
        system.pseudo_dirs[:] = [""]
        if begin:
            yield "memory://place"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks of runs that were killed are waited for a moment only."""
    monkeypatch.setattr(lease, "BEAT_S", 0.05)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command reads in this process, which alone knows the file systems of these tests."""
    monkeypatch.setattr(spread, "local", lambda workers, apart: map)


@pytest.fixture
def sftp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A folder of another machine; no key of ours is shown to it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with sshd() as port:
        yield f"sftp://anna:{PASSWORD}@127.0.0.1:{port}{tmp_path}/place"
        fsspec.get_filesystem_class("sftp").clear_instance_cache()


@pytest.fixture(params=["memory", "s3", "renaming", "sftp"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each kind of place."""
    if request.param == "renaming":
        return f"renaming://{tmp_path}/place"
    found: str = request.getfixturevalue(request.param)
    return found


# --- what comes out


def test_the_result_does_not_depend_on_where_it_comes_from_and_goes_to(
    archive: Path, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes are those of a run inside the archive: files are called by their names in it."""
    (archive / "a.pcap").write_bytes(HEALTHY)
    (archive / "b.pcap").write_bytes(REFUSED)
    (archive / "case.toml").write_text('zone = "UTC"\n')
    (archive / ".hidden").write_bytes(HEALTHY)
    (archive / "refused" / "deep").mkdir()
    (archive / "refused" / "deep" / "cups.pcap").write_bytes(HEALTHY)
    monkeypatch.chdir(archive)
    on_disk = batch(".", str(tmp_path / "out"), Options(), map)
    upload(archive, f"{place}/archive")
    came = batch(f"{place}/archive", f"{place}/out", Options(), map)

    assert came.outcomes == on_disk.outcomes
    assert came._replace(ledger=on_disk.ledger) == on_disk
    assert tree(f"{place}/out") == test_batch.tree(tmp_path / "out")
    assert not [data for data in tree(f"{place}/out").values() if b"fedtrace-" in data]


def test_either_may_be_on_the_disk(archive: Path, memory: str, tmp_path: Path) -> None:
    """Also as `file://`."""
    upload(archive, f"{memory}/archive")
    batch(f"{memory}/archive", f"file://{tmp_path}/out", Options(), map)
    batch(f"{memory}/archive", f"{memory}/out", Options(), map)
    assert test_batch.tree(tmp_path / "out") == tree(f"{memory}/out")

    batch(f"file://{archive}", f"{memory}/here", Options(), map)
    batch(str(archive), str(tmp_path / "there"), Options(), map)
    assert test_batch.tree(tmp_path / "there") == tree(f"{memory}/here")


def test_a_web_server_that_lists_only_names(archive: Path, tmp_path: Path) -> None:
    """Each file is asked for its size; the rows are those of the disk."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    (archive / "loose.pcap").write_bytes(HEALTHY)
    (archive / "_<script> & é.zip").unlink()  # names stay as that server spells them
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(archive)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        came = batch(url, str(tmp_path / "out"), Options(), map)
        assert batch(url, str(tmp_path / "out"), Options(), map).fresh == 0
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert came.outcomes == batch(str(archive), str(tmp_path / "disk"), Options(), map).outcomes


def test_results_may_lie_in_the_archive(archive: Path, place: str) -> None:
    """They are no case of it."""
    upload(archive, place)
    batch(place, f"{place}/results", Options(), map)
    assert len(batch(place, f"{place}/results", Options(), map).outcomes) == 4


def test_processes_are_told_where_it_is(archive: Path, s3: str) -> None:
    """Two of them, as who types the command."""
    upload(archive, f"{s3}/archive")
    batch(f"{s3}/archive", f"{s3}/one", Options(), map)
    command = ["batch", f"{s3}/archive", "--out", f"{s3}/two", "--workers", "2"]
    code = f"from analyzer.cli import main; main({command!r})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (result.returncode, result.stdout) == (
        1,
        "4 cases: 2 with a failing pair, 1 that could not be read, 4 read now\n",
    )
    assert tree(f"{s3}/two") == tree(f"{s3}/one")


# --- a second run


def test_what_has_not_changed_is_not_fetched_again(archive: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor copied anew; what has changed is."""
    (archive / "broken" / "cups.pcap").write_bytes(HEALTHY)
    (archive / "loose.pcap").write_bytes(HEALTHY)
    system = upload(archive, f"{place}/archive")
    archive_url, out = f"{place}/archive", f"{place}/out"
    assert batch(archive_url, out, Options(), map).fresh == 5
    before = {name: mark(info) for name, info in system.find(out, detail=True).items()}

    with monkeypatch.context() as patched:
        patched.setattr(Fetched, "_fetch", lambda self, name, *_: pytest.fail(f"{name} was fetched"))
        patched.setattr(type(system), "cat_ranges", lambda *_, **__: pytest.fail("files were looked into"))
        assert batch(archive_url, out, Options(), map).fresh == 0
    after = {name: mark(info) for name, info in system.find(out, detail=True).items()}
    assert {name for name in before if before[name] != after.get(name)} <= {n for n in before if n.endswith(".prom")}

    (archive / "healthy" / "cups.pcap").write_bytes(REFUSED)
    upload(archive / "healthy", f"{archive_url}/healthy")
    assert batch(archive_url, out, Options(), map).fresh == 1


def test_a_part_fetches_what_it_reads(day: bytes, memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a folder that is cut, the file of the morning for the parts of the morning; and the bytes are the disk's."""
    early = [r for r in records(day) if instant(r[:8])[0] < MAY_19_NS // 10**9 + 11 * 3600]
    late = list(records(day))[len(early) :]
    for place, part in (("early/cups.pcap", early), ("late/cups.pcap", late)):
        (tmp_path / "archive" / "cups" / place).parent.mkdir(parents=True)
        (tmp_path / "archive" / "cups" / place).write_bytes(together(part))
    upload(tmp_path / "archive", f"{memory}/archive")
    monkeypatch.setattr(parts, "HELD_MAX", 60)
    names: list[str] = []
    fetch = Fetched._fetch
    monkeypatch.setattr(Fetched, "_fetch", lambda self, name, *rest: [fetch(self, name, *rest), names.append(name)][0])
    monkeypatch.chdir(tmp_path / "archive")
    came = batch(f"{memory}/archive", f"{memory}/out", Options(), map)
    batch(".", str(tmp_path / "out"), Options(), map)

    assert len(came.outcomes) > 5
    assert len(names) == 2 + len(came.outcomes)  # both to see how much there is, then one for each part
    assert tree(f"{memory}/out") == test_batch.tree(tmp_path / "out")


def test_a_killed_run_goes_on_where_it_stopped(archive: Path, s3: str) -> None:
    """Killed anywhere, what is shown is whole, and the end is that of an undisturbed run, byte for byte."""
    upload(archive, f"{s3}/archive")

    def killed(root: str, at: int) -> tuple[int, int]:
        code = (
            "from types import SimpleNamespace as N; from analyzer.batch import lease; lease.BEAT_S = 0.05;"
            "from tests.analyzer import killed; counted = N(value=0);"
            f"killed.run({s3 + '/archive'!r}, {root!r}, {at}, counted); print(counted.value)"
        )
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert result.returncode in (0, -9), result.stderr
        return result.returncode, int(result.stdout or 0)

    _, lines = killed(f"{s3}/whole", 0)
    whole = tree(f"{s3}/whole")
    for number in range(KILLS):
        assert killed(f"{s3}/out", lines * (number + 1) // (3 * KILLS))[0] == -9
        assert all(whole[name] == data for name, data in tree(f"{s3}/out").items())
    assert killed(f"{s3}/out", 0)[0] == 0
    assert tree(f"{s3}/out") == whole


def test_two_runs_do_not_write_into_one_place(archive: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second says so and leaves it alone."""
    monkeypatch.setattr(lease, "PATIENCE", 1000)
    upload(archive, f"{place}/archive")

    def meanwhile(work: run.Work, jobs: object) -> object:
        with pytest.raises(FedtraceError, match="another run is writing here"):
            batch(f"{place}/archive", f"{place}/out", Options(), map)
        return map(work, jobs)  # type: ignore[call-overload]

    assert batch(f"{place}/archive", f"{place}/out", Options(), meanwhile).exit_code == 1  # type: ignore[arg-type]


def test_who_waits_for_a_killed_run_says_so(archive: Path, tmp_path: Path, here: None) -> None:
    """At once, for whom, and until when; to programs as well."""
    out, lock = f"renaming://{tmp_path}/out", tmp_path / "out" / ".work" / "lock"
    lock.parent.mkdir(parents=True)
    lock.write_bytes(b"process 7 on \x1b[31mhost, abc 12")
    result = fedtrace("batch", archive, "--out", out)
    first, _ = result.stderr.splitlines()
    said = (
        r"fedtrace: another run writes here, or was killed: process 7 on \\x1b\[31mhost, abc; it is waited for until "
    )
    assert re.fullmatch(said + r"\d\d:\d\d:\d\d UTC, and taken for dead then", first)

    lock.write_bytes(b"process 7 on host, abc 12")
    result = fedtrace("batch", archive, "--out", out, "--json-log")
    told = json.loads(result.stderr.splitlines()[0])
    assert (told["event"], told["holder"]) == ("wait", "process 7 on host, abc")


# --- what goes wrong


def test_an_object_that_vanishes_is_a_row(archive: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others go on."""
    system = upload(archive, f"{place}/archive")
    reading = analyzer.batch.work._results

    def vanishes(job: run.Job) -> object:
        found = reading(job)
        if job.task.name == "healthy":
            system.rm_file(system._strip_protocol(f"{place}/archive/healthy/cups.pcap"))
        return found

    monkeypatch.setattr(analyzer.batch.work, "_results", vanishes)
    came = batch(f"{place}/archive", f"{place}/out", Options(), map)
    told = {o.case: o.problem for o in came.outcomes}

    assert "no such file or directory" in (told["healthy"] or "")
    assert came.exit_code == 1


def test_nothing_of_a_case_is_left_on_the_disk(
    archive: Path, memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it could be read, or was a bug of ours."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    upload(archive, f"{memory}/archive")
    batch(f"{memory}/archive", f"{memory}/out", Options(), map)
    assert not list((tmp_path / "scratch").iterdir())

    monkeypatch.setattr(analyzer.batch.work, "_results", lambda job: {}["a bug"])
    assert batch(f"{memory}/archive", f"{memory}/other", Options(), map).exit_code == 4
    assert not list((tmp_path / "scratch").iterdir())


def test_a_disk_that_is_too_full_to_fetch_to(archive: Path, memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cases say so, and are read the next time."""
    upload(archive, f"{memory}/archive")
    with monkeypatch.context() as patched:
        patched.setattr("analyzer.batch.fetched.FREE_MIN", 1 << 60)
        came = batch(f"{memory}/archive", f"{memory}/out", Options(), map)
    assert came.exit_code == 2
    assert "less room than it needs is free on the disk of" in (came.outcomes[0].problem or "")
    assert batch(f"{memory}/archive", f"{memory}/out", Options(), map).fresh == 4


def test_a_bucket_without_rights_ends_the_run_in_one_sentence(
    archive: Path, s3: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To write there, or to read; and nothing is taken for whole when the rights are there."""
    upload(archive, f"{s3}/archive")
    elsewhere.reader(monkeypatch, address)
    result = fedtrace("batch", f"{s3}/archive", "--out", f"{s3}/out")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"fedtrace: {s3}/out: access is denied (")
    assert result.stderr.endswith("; check your credentials, and what they may do there\n")
    assert result.stderr.count("\n") == 1

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    fsspec.filesystem("s3").clear_instance_cache()
    result = fedtrace("batch", f"{s3}/archive", "--out", f"{s3}/out")
    assert result.exit_code == 2
    assert "access is denied" in result.stderr and "wrong" not in result.stderr


def test_a_store_that_fails_in_mid_run_leaves_nothing_half_written(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: None
) -> None:
    """A full disk of another machine: a file breaks off in the middle."""
    left = iter(range(17))
    plain = elsewhere.Renaming.pipe_file

    def full(self: elsewhere.Renaming, path: str, value: bytes, mode: str = "overwrite") -> None:
        if next(left, None) is None:
            plain(self, path, value[: len(value) // 2], mode)
            raise OSError(28, "No space left on device")
        plain(self, path, value, mode)

    out = f"renaming://{tmp_path}/out"
    with monkeypatch.context() as patched:
        patched.setattr(elsewhere.Renaming, "pipe_file", full)
        result = fedtrace("batch", archive, "--out", out)
    assert result.exit_code == 2
    assert result.stderr.endswith("out: no space left on device; make room, or name another place\n")

    batch(str(archive), out, Options(), map)
    batch(str(archive), str(tmp_path / "whole"), Options(), map)
    assert tree(out) == test_batch.tree(tmp_path / "whole")
    assert not list((tmp_path / "out" / ".work").glob("parts/*"))


def test_a_store_that_does_not_answer(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends, and says nothing of its cases."""
    upload(archive, "memory://archive")
    monkeypatch.setattr(Fetched, "_fetch", lambda self, *_: self._lost())

    def lost(self: Fetched) -> None:
        with self.place.asked("x"):
            raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr(Fetched, "_lost", lost, raising=False)
    result = fedtrace("batch", "memory://archive", "--out", tmp_path / "out")
    fsspec.filesystem("memory").store.clear()

    assert result.exit_code == 2
    assert "memory://archive: it does not answer" in result.stderr
    assert result.stderr.count("\n") == 1
