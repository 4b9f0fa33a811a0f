"""Tests of archives: what lies in them is read as if it lay beside them, within limits."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from parsers import archive
from parsers.archive import Member, Unpacking, archive_kind
from parsers.capture.inflate import zstd

FILES = {"logs/a.log": b"first\n", "logs/deep/b.log": b"second\n"}


def tar(files: Mapping[str, bytes] = FILES) -> bytes:
    """A tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1378458840
            made.addfile(info, io.BytesIO(content))
    return out.getvalue()


def zipped(files: Mapping[str, bytes] = FILES) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


def members(tmp_path: Path, content: bytes, name: str = "case.bin") -> list[Member]:
    """What an archive of that content holds."""
    path, folder = tmp_path / name, tmp_path / "private"
    path.write_bytes(content)
    folder.mkdir(exist_ok=True)
    return list(Unpacking(folder).members(path, path))


def held(tmp_path: Path, found: list[Member]) -> dict[str, bytes]:
    """The bytes of each member by its path."""
    return {str(m.path.relative_to(tmp_path)): m.file.read_bytes() for m in found if m.file is not None}


def problems(found: list[Member]) -> list[str]:
    """Why members were left out."""
    return [str(m.problem) for m in found if m.problem is not None]


@pytest.mark.parametrize(
    "content",
    [
        tar(),
        gzip.compress(tar()),
        zstd.compress(tar()),
        zipped(),
        gzip.compress(zipped()),
    ],
    ids=["tar", "tar.gz", "tar.zst", "zip", "zip.gz"],
)
def test_the_members_of_an_archive(tmp_path: Path, content: bytes) -> None:
    """Their bytes, and their paths behind the archive's."""
    found = members(tmp_path, content)
    assert held(tmp_path, found) == {f"case.bin/{name}": text for name, text in FILES.items()}
    assert problems(found) == []


def test_archives_in_archives(tmp_path: Path) -> None:
    """As RTMT makes them: tar.gz in zip in tar."""
    inner = zipped({"node1/xcp.tar.gz": gzip.compress(tar())})
    found = members(tmp_path, tar({"ticket/rtmt.zip": inner, "ticket/notes.txt": b"hello"}))
    assert set(held(tmp_path, found)) == {
        "case.bin/ticket/notes.txt",
        *(f"case.bin/ticket/rtmt.zip/node1/xcp.tar.gz/{name}" for name in FILES),
    }


def test_archives_too_deep_in_each_other(tmp_path: Path) -> None:
    """They are left out, and said."""
    content = zipped({"deep.txt": b"x"})
    for _ in range(archive.DEPTH_MAX + 1):
        content = zipped({"next.zip": content})
    (problem,) = problems(members(tmp_path, content))
    assert "archives in each other" in problem


def test_names_are_never_paths(tmp_path: Path) -> None:
    """Neither `..` nor a root leads out of the archive; nothing is written beside the private folder."""
    content = tar({"../../etc/passwd": b"1", "/root/x": b"2", "C:\\windows\\y": b"3"})
    found = members(tmp_path, content)
    assert set(held(tmp_path, found)) == {"case.bin/etc/passwd", "case.bin/root/x", "case.bin/C:/windows/y"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["case.bin", "private"]


def test_hidden_files_are_left_out_and_links_say_why(tmp_path: Path) -> None:
    """As in folders; a second name of a member is no other file."""
    out = io.BytesIO(tar({".git/x": b"1", "__MACOSX/y": b"2", "a.log": b"3"}))
    with tarfile.open(fileobj=out, mode="a") as made:
        link = tarfile.TarInfo("link.log")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
        link.name, link.type, link.linkname = "again.log", tarfile.LNKTYPE, "a.log"
        made.addfile(link)
    found = members(tmp_path, out.getvalue())
    assert set(held(tmp_path, found)) == {"case.bin/a.log"}
    assert [m.problem.problem for m in found if m.problem] == ["it is a link, which is not followed"]


def test_a_link_in_a_zip_archive_says_why(tmp_path: Path) -> None:
    """Its bytes are the name of what it leads to, and no log."""
    out = io.BytesIO(zipped({"a.log": b"3"}))
    with zipfile.ZipFile(out, "a") as made:
        link = zipfile.ZipInfo("link.log")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        made.writestr(link, "/etc/passwd")
    found = members(tmp_path, out.getvalue())
    assert set(held(tmp_path, found)) == {"case.bin/a.log"}
    assert [m.problem.problem for m in found if m.problem] == ["it is a link, which is not followed"]


def test_a_bomb_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to more than a log ever does; what follows it is left out as well."""
    monkeypatch.setattr(archive, "SMALL", 1 << 20)
    found = members(tmp_path, zipped({"bomb.log": bytes(8 << 20), "after.log": b"x"}))
    assert held(tmp_path, found) == {}
    assert len(found) == 2 and all("times its size" in problem for problem in problems(found))


@pytest.mark.parametrize("pack", [zipped, tar])
def test_very_many_members(
    pack: Callable[[Mapping[str, bytes]], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first are read, and it is said how many were left out: they are not listed one by one."""
    monkeypatch.setattr(archive, "MEMBERS_MAX", 3)
    found = members(tmp_path, pack({f"{number}.log": b"x" for number in range(10)}))
    assert list(held(tmp_path, found)) == ["case.bin/0.log", "case.bin/1.log", "case.bin/2.log"]
    assert problems(found) == [
        f"{tmp_path}/case.bin: more than 3 files in archives; 7 were left out; unpack it and name the folder"
    ]


def test_a_zip_archive_whose_list_of_members_is_very_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be read at once, so it is not read."""
    monkeypatch.setattr(archive, "DIRECTORY_MAX", 100)
    [said] = problems(members(tmp_path, zipped({f"{number}.log": b"x" for number in range(10)})))
    assert "its list of members takes more than 0 MiB" in said


def test_the_disk_is_not_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of it stays free."""
    monkeypatch.setattr(archive, "FREE_MIN", 1 << 62)
    assert all("is free on the disk" in problem for problem in problems(members(tmp_path, zipped())))


def test_an_encrypted_member(tmp_path: Path) -> None:
    """Is named."""
    content = bytearray(zipped({"a.log": b"x"}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (problem,) = problems(members(tmp_path, bytes(content)))
    assert "it is encrypted; unpack it" in problem


def test_an_archive_that_breaks_off(tmp_path: Path) -> None:
    """Of a tar, what came is read, and the rest counted; a zip without its end cannot be read."""
    big = {"a.log": b"first\n", "b.log": bytes(range(256)) * 400}
    found = members(tmp_path, tar(big)[:60_000])
    assert held(tmp_path, found)["case.bin/a.log"] == b"first\n"
    assert len(problems(found)) >= 1
    cut = next(m for m in found if m.path.name == "b.log")
    assert cut.file is not None and cut.lost == 102_400 - cut.file.stat().st_size > 0
    (problem,) = problems(members(tmp_path, zipped(big)[:-30]))
    assert "its end, which lists the files, is missing" in problem


def test_a_header_of_senseless_length(tmp_path: Path) -> None:
    """Attributes of gigabytes are not read into memory."""
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 1 << 32
    (problem,) = problems(members(tmp_path, info.tobuf(tarfile.USTAR_FORMAT) + bytes(2048)))
    assert "senseless length" in problem


def test_what_is_no_archive(tmp_path: Path) -> None:
    """By content, not by name."""
    path = tmp_path / "case.zip"
    path.write_bytes(b"call TAC\n")
    assert archive_kind(path) is None
