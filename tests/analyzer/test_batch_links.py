"""Links in an archive are told and never followed: they may lead to what nobody meant to be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.batch.cases import Options
from analyzer.batch.run import batch
from tests.analyzer.test_batch_unread import archive
from tests.analyzer.test_elsewhere import memory, sftp
from tests.command import HEALTHY, REFUSED, fedtrace

__all__ = ["archive", "memory", "sftp"]


def linked(archive: Path) -> None:
    """Of a case, to somebody else's files and to its own; beside the cases, and a further name of one of them."""
    beyond = archive.with_name("beyond")
    (beyond / "deep").mkdir(parents=True)
    (beyond / "other.pcap").write_bytes(REFUSED)
    (beyond / "deep" / "other.pcap").write_bytes(REFUSED)
    (archive / "case" / "link.pcap").symlink_to(beyond / "other.pcap")
    (archive / "case" / "deep" / "more").symlink_to(beyond)
    (archive / "case" / "own.pcap").symlink_to("a.pcap")
    (archive / "out-of-it").symlink_to(beyond)
    (archive / "other.pcap").symlink_to(beyond / "other.pcap")
    (archive / "latest").symlink_to("case")


def test_a_link_is_not_followed_and_is_told(archive: Path, tmp_path: Path) -> None:
    """In a case it is an input that was not read; beside the cases it is a case that could not be. What is read anyway
    is read once, and needs no word. None of it is read again, nor asked for in vain.
    """
    linked(archive)
    first = batch(str(archive), str(tmp_path / "out"), Options(), map)
    told = {o.case: (o.state, o.attempts, o.sources, o.unread, o.problem) for o in first.outcomes}
    not_followed = "it is a link, which is not followed"
    assert told == {
        "case": ("failing", 2, 5, 2, f"link.pcap, more: {not_followed}"),
        "loose 2013-09-06": ("healthy", 1, 1, 0, None),
        "other.pcap": ("unreadable", 0, 0, 0, f"{not_followed}; put what it leads to in its place"),
        "out-of-it": ("unreadable", 0, 0, 0, f"{not_followed}; put what it leads to in its place"),
    }
    again = batch(str(archive), str(tmp_path / "out"), Options(), map)
    assert (again.fresh, again.outcomes) == (0, first.outcomes)

    (archive / "case" / "link.pcap").unlink()
    (archive / "case" / "link.pcap").write_bytes(HEALTHY)
    (archive / "other.pcap").unlink()
    came = batch(str(archive), str(tmp_path / "out"), Options(), map)
    assert (came.fresh, len(came.outcomes)) == (1, 3)
    assert came.outcomes[0].problem == f"more: {not_followed}"


@pytest.mark.parametrize("by", ["renaming", "sftp"])
def test_a_link_elsewhere_is_not_followed_and_is_told(archive: Path, sftp: str, tmp_path: Path, by: str) -> None:
    """Where it leads to, no driver says: each is told. So it is by a process that was told only where to look."""
    linked(archive)
    place = f"renaming://{archive}" if by == "renaming" else f"{sftp.removesuffix('place')}archive"
    came = batch(place, str(tmp_path / "out"), Options(), map)
    told = {o.case: (o.attempts, o.problem) for o in came.outcomes}
    not_followed = "it is a link, which is not followed"
    assert told.pop("case") == (2, f"link.pcap, more, own.pcap: {not_followed}")
    assert told.pop("loose 2013-09-06") == (1, None)
    assert set(told) == {"other.pcap", "out-of-it", "latest"}
    assert set(told.values()) == {(0, f"{not_followed}; put what it leads to in its place")}
    assert batch(place, str(tmp_path / "out"), Options(), map).fresh == 0


def test_a_link_in_the_place_of_the_results_or_of_what_is_said_of_loose_files(archive: Path, tmp_path: Path) -> None:
    """The one is no case. Without the other loose files would be read otherwise than was meant: the run ends."""
    (tmp_path / "results").mkdir()
    (archive / "out").symlink_to(tmp_path / "results")
    assert [o.case for o in batch(str(archive), str(archive / "out"), Options(), map).outcomes] == [
        "case",
        "loose 2013-09-06",
    ]
    (archive / "case.toml").symlink_to("case/said.toml")
    result = fedtrace("batch", archive, "--out", archive / "out")
    said = "it is a link, which is not followed; put what it leads to in its place"
    assert (result.exit_code, result.stderr) == (2, f"fedtrace: {archive}/case.toml: {said}\n")
