"""Archives of an incident: the members of tar and zip, plain, packed or in each other, as files of their own.

Members are unpacked one after the other into a private folder, which its owner removes: each is read more than once
(its head, the order of its dates, all of it), and those that say their date before the others, whatever their order.
Their names are only shown, never used as paths.
What an archive may cost is limited, and each member that is left out says why.
Knows no format of captures or logs.
"""

from __future__ import annotations

import calendar
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from stat import S_ISLNK
from typing import IO, Any, NamedTuple

from parsers import links
from parsers.capture.inflate import Bytes, unpacked_head
from parsers.errors import FedtraceError, SourceUnreadable, SourceUseless

DEPTH_MAX = 5
"""Archives in archives: RTMT puts tar.gz into zip, and a ticket puts that into another."""
TOTAL_MAX = 16 << 30
"""Bytes that the archives of one case may unpack to."""
FREE_MIN = 1 << 30
"""Bytes of disk that are left free."""
RATIO_MAX = 300
"""Unpacked bytes for each packed byte: logs come to some 30, a bomb to 1,000 at each level."""
SMALL = 256 << 20
"""Up to so many bytes the ratio does not matter."""
MEMBERS_MAX = 25_000
"""Members of the archives of one case, each of which takes up to 9 kB until it is judged."""
DIRECTORY_MAX = 16 << 20
"""Bytes of the list of members at the end of a zip archive, which is read at once and takes five times as much."""
NAME_MAX = 1 << 16
"""Bytes of a member's name and attributes in the headers of a tar archive."""
HEAD_LEN = 512
"""A tar header, which is the longest mark of an archive."""
KIND_LEN = 1 << 17
"""Bytes at the beginning of a file that tell whether it is an archive, packed or not."""
_ZIP_END_MAX = (1 << 16) + 22 + 20 + 56
"""Bytes of the end records of a zip archive and its comment."""
_CHUNK = 1 << 20
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, OverflowError)
_UNPACK = "unpack it and name the folder"


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive."""

    path: Path
    """The archive and the path inside it, as a person would say it; no such file exists."""
    file: Path | None
    """Where its bytes are; None where it was left out."""
    problem: FedtraceError | None = None
    """Why it was left out, or cut short."""
    lost: int = 0
    """Bytes that are missing at the end of one that was cut short."""


class _Found(NamedTuple):
    """A member as the archive tells of it."""

    name: str
    stream: IO[bytes] | str
    """Its bytes, or why there are none."""
    at: float
    """When it was written, seconds since 1970: for clocks that leave out year or day."""
    size: int


class _TooLong(Exception):
    """The list of members of a zip archive is not worth reading."""


@dataclass(slots=True)
class Unpacking:
    """What the archives of one case have come to, and where their members lie."""

    folder: Path
    """A private folder."""
    count: int = 0
    """Members so far."""
    total: int = 0
    """Unpacked bytes so far."""
    left: int = 0
    """Members of the archive at hand that were too many."""
    made: int = 0
    """Files made so far."""
    full: str = ""
    """Why no more is unpacked; "" while there is room."""
    full_of: type[SourceUnreadable] = SourceUseless
    """What kind of a reason that is: another time there may be room on the disk."""

    def members(self, shown: Path, file: Path, depth: int = 0) -> Iterator[Member]:
        """Every file of an archive, those of archives in it too, in their order; what is left out with the reason."""
        try:
            kind = archive_kind(file)
        except OSError as error:
            kind = None
            yield Member(shown, None, SourceUnreadable(str(shown), (error.strerror or "cannot be read").lower()))
        if kind is None:
            return
        if depth >= DEPTH_MAX:
            said = SourceUseless(str(shown), f"archives in each other, more than {DEPTH_MAX} deep", _UNPACK)
            yield Member(shown, None, said)
            return
        allowed = max(SMALL, file.stat().st_size * RATIO_MAX)
        walk = self._zip if kind == "zip" else self._tar
        try:
            for found in walk(file):
                if self.count >= MEMBERS_MAX:
                    self.left += 1
                    continue
                path = shown.joinpath(*_parts(found.name))
                held, problem = self._hold(path, found, allowed)
                if held is None or archive_kind(held) is None:
                    lost = 0 if held is None or problem is None else max(1, found.size - held.stat().st_size)
                    yield Member(path, held, problem, lost)
                    continue
                if problem is not None:
                    yield Member(path, None, problem)
                yield from self.members(path, held, depth + 1)
                held.unlink()
        except _BROKEN as error:
            broken = _kind(error)(str(shown), f"the archive is damaged ({_why(error)}); what stood behind is not read")
            yield Member(shown, None, broken)
        except _TooLong:
            why = f"its list of members takes more than {DIRECTORY_MAX >> 20} MiB"
            yield Member(shown, None, SourceUseless(str(shown), why, _UNPACK))
        if self.left and not depth:
            why = f"more than {MEMBERS_MAX:,} files in archives; {self.left:,} were left out"
            yield Member(shown, None, SourceUseless(str(shown), why, _UNPACK))
            self.left = 0

    def _zip(self, file: Path) -> Iterator[_Found]:
        """Members of a zip archive."""
        held = None
        if _starts(file) != b"PK":
            # A zip archive is read from its end.
            with Bytes(file) as packed:
                held = self._new()
                self._copy(packed, held, max(SMALL, file.stat().st_size * RATIO_MAX))
        try:
            if _directory_len(held or file) > DIRECTORY_MAX:
                raise _TooLong
            with zipfile.ZipFile(held or file) as archive:
                for info in archive.infolist():
                    if info.is_dir() or _hidden(info.filename):
                        continue
                    # A zip archive tells the local time of who packed it.
                    at = float(calendar.timegm((*info.date_time, 0, 0, 0)))
                    if S_ISLNK(info.external_attr >> 16):
                        yield _Found(info.filename, links.WHY, at, info.file_size)
                        continue
                    if info.flag_bits & 1:
                        yield _Found(info.filename, "it is encrypted", at, info.file_size)
                        continue
                    try:
                        stream = archive.open(info)
                    except (NotImplementedError, RuntimeError) as error:
                        yield _Found(info.filename, _why(error), at, info.file_size)
                        continue
                    with stream:
                        yield _Found(info.filename, stream, at, info.file_size)
        finally:
            if held is not None:
                held.unlink()

    def _tar(self, file: Path) -> Iterator[_Found]:
        """Members of a tar archive; a second name of a member is none."""
        with (
            Bytes(file) as packed,
            tarfile.open(fileobj=_Stream(packed), mode="r|", tarinfo=_Header, errorlevel=1) as archive,  # type: ignore[call-overload]
        ):
            for info in archive:
                archive.members = []  # else all names of a long archive stay in memory
                if info.issym() and not _hidden(info.name):
                    yield _Found(info.name, links.WHY, float(info.mtime), info.size)
                elif info.isreg() and not _hidden(info.name):
                    stream = archive.extractfile(info)
                    if stream is not None:
                        yield _Found(info.name, stream, float(info.mtime), info.size)
            if packed.damage:
                raise tarfile.ReadError(packed.damage[0][0])

    def _hold(self, path: Path, found: _Found, allowed: int) -> tuple[Path | None, FedtraceError | None]:
        """A member's bytes in a file of their own, or why not; where it breaks off, what came and the reason."""
        self.count += 1
        if found.stream == links.WHY:
            return None, links.not_followed(str(path))
        if isinstance(found.stream, str) or self.full:
            reason = found.stream if isinstance(found.stream, str) else self.full
            return None, (SourceUseless if reason != self.full else self.full_of)(str(path), reason, _UNPACK)
        held, problem = self._new(), None
        try:
            self._copy(found.stream, held, allowed)
        except _BROKEN as error:
            problem = _kind(error)(str(path), f"it breaks off in the archive ({_why(error)})", "get it again")
        if self.full:
            held.unlink()
            return None, self.full_of(str(path), self.full, _UNPACK)
        with suppress(OSError, OverflowError, ValueError):
            os.utime(held, (found.at, found.at))
        return held, problem

    def _copy(self, stream: IO[bytes] | Bytes, held: Path, allowed: int) -> None:
        """Unpack into a file, until a limit is reached."""
        read = _Stream(stream).read if isinstance(stream, Bytes) else stream.read
        size = 0
        with held.open("wb") as file:
            while chunk := read(_CHUNK):
                size += len(chunk)
                self.total += len(chunk)
                if size > allowed:
                    self.full = f"it unpacks to more than {RATIO_MAX} times its size"
                elif self.total > TOTAL_MAX:
                    self.full = f"the archives unpack to more than {TOTAL_MAX >> 30} GiB"
                elif shutil.disk_usage(self.folder).free < FREE_MIN + len(chunk):
                    self.full = f"less than {FREE_MIN >> 30} GiB is free on the disk of {self.folder.parent}"
                    self.full_of = SourceUnreadable
                if self.full:
                    return
                file.write(chunk)

    def _new(self) -> Path:
        """A name in the folder that no member has chosen."""
        self.made += 1
        return self.folder / f"{self.made:06d}"


def archive_kind(file: Path) -> str | None:
    """What kind of archive it is, by content, inside gzip or zstd too; None for what is none. Raises OSError."""
    with file.open("rb") as opened:
        return kind_of(opened.read(KIND_LEN))


def kind_of(head: bytes) -> str | None:
    """The same, by the first `KIND_LEN` bytes."""
    head = unpacked_head(head)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "zip"
    return "tar" if head[257:262] == b"ustar" and len(head) >= HEAD_LEN else None


def _directory_len(file: Path) -> int:
    """Bytes of a zip archive's list of members, as its end records tell (APPNOTE 6.3.10, sections 4.3.14, 4.3.16)."""
    with file.open("rb") as opened:
        opened.seek(max(file.stat().st_size - _ZIP_END_MAX, 0))
        tail = opened.read()
    end, large = tail.rfind(b"PK\x05\x06"), tail.rfind(b"PK\x06\x06")
    told = [tail[end + 12 : end + 16]] if end >= 0 else []
    told += [tail[large + 40 : large + 48]] if large >= 0 else []
    return max((length for text in told if (length := int.from_bytes(text, "little")) != 0xFFFF_FFFF), default=0)


class _Header(tarfile.TarInfo):
    """A header whose attributes may not take more memory than they need."""

    def _proc_member(self, archive: Any) -> Any:
        attributes = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
        names = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
        if self.type in (*attributes, *names) and self.size > NAME_MAX:
            raise tarfile.ReadError("a header of senseless length")
        return super()._proc_member(archive)  # type: ignore[misc]


class _Stream:
    """Unpacked bytes as a file that can only be read on."""

    def __init__(self, packed: Bytes) -> None:
        self._packed = packed

    def read(self, length: int = -1) -> bytes:
        """Up to `length` bytes; fewer only at the end."""
        memory = bytearray(length if 0 <= length <= _CHUNK else _CHUNK)
        return bytes(memory[: self._packed.fill(memoryview(memory))])


def _starts(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(2)


def _parts(name: str) -> tuple[str, ...]:
    """A member's name as parts of a path, whatever it tries to be."""
    parts = PurePosixPath(name.replace("\\", "/").replace("\0", "")).parts
    return tuple(part for part in parts if part not in ("/", "..", ".")) or ("unnamed",)


def _hidden(name: str) -> bool:
    """Whether it is hidden, as in folders: also what macOS adds."""
    return any(part.startswith(".") or part == "__MACOSX" for part in _parts(name))


def _kind(error: BaseException) -> type[SourceUnreadable]:
    """Whether a disk failed, which it may not do another time, or the bytes are bad. bz2 calls those an OSError too."""
    return SourceUnreadable if isinstance(error, OSError) and error.errno is not None else SourceUseless


def _why(error: BaseException) -> str:
    if isinstance(error, zipfile.BadZipFile) and "not a zip" in str(error):
        return "its end, which lists the files, is missing"
    return (str(error) or type(error).__name__).lower()[:120]
