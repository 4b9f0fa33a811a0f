"""The bytes of one input, unpacked: plain, gzip or zstd, told apart by content; a file or standard input alike.

`Bytes.fill` fills a caller's buffer and never seeks: a pipe is read as it grows, in memory that does not grow with it.
Where an input cannot be unpacked it ends, and `Bytes.damage` says so. Knows nothing of captures.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from typing import IO, Any

from isal import isal_zlib
from isal.igzip_lib import IsalError

from parsers.errors import SourceUnreadable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP_MAGIC = b"\x1f\x8b\x08"
"""RFC 1952 section 2.3.1, with the only compression method that there is."""
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
"""RFC 8878 section 3.1.1."""

_PACKED_CHUNK = 32_768
"""Packed bytes given to the inflater at once. Where deflate data is broken, what this many bytes held is lost."""
_UNPACKED_CHUNK = 1 << 20
"""Unpacked bytes taken from it at once: a small input that unpacks to terabytes costs time, not memory."""
_GZIP_HEADER_MAX = 1 << 17
"""File name, comment and extra field of a gzip member together; the extra field alone may be 64 KiB."""
_ZSTD_WINDOW_LOG = 27
"""A zstd frame may ask for a window of at most 128 MiB, the default limit of the zstd command."""


class Bytes:
    """One input as one run of unpacked bytes. A context manager."""

    def __init__(self, path: Path | str) -> None:
        """Open `path`, or standard input for `-`. Raises `SourceUnreadable` saying why it cannot."""
        self.name = str(path)
        self.size_bytes = 0
        """Bytes taken from the input so far, as it lies on disk."""
        self.damage: list[tuple[str, int]] = []
        """What could not be unpacked: a sentence, and how many packed bytes were left unread."""
        self._raw = _open(path)
        self._waiting = self._read_at_least(len(ZSTD_MAGIC))
        self._chunks = self._unpacked()
        self._chunk = memoryview(b"")

    @property
    def unpacked_len(self) -> int | None:
        """Bytes that come, as far as it can be told when a file is opened; None for what is packed, and for a pipe."""
        if self._chunks is not None or self._raw is sys.stdin.buffer:
            return None
        seen = os.fstat(self._raw.fileno())
        return seen.st_size if S_ISREG(seen.st_mode) else None

    def __enter__(self) -> Bytes:
        """Nothing more to open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; standard input stays open."""
        if self._raw is not sys.stdin.buffer:
            self._raw.close()

    def fill(self, into: memoryview) -> int:
        """Fill `into` from the front; fewer bytes than it holds only at the end of the input."""
        have = 0
        while have < len(into):
            if not self._chunk:
                if self._chunks is None:
                    have += self._read_plain(into[have:])
                    break
                self._chunk = memoryview(next(self._chunks, b""))
                if not self._chunk:
                    break
            part = self._chunk[: len(into) - have]
            into[have : have + len(part)] = part
            have += len(part)
            self._chunk = self._chunk[len(part) :]
        return have

    def _read_plain(self, into: memoryview) -> int:
        have = 0
        while have < len(into):
            if self._waiting:
                part = self._waiting[: len(into) - have]
                into[have : have + len(part)] = part
                self._waiting = self._waiting[len(part) :]
                have += len(part)
                continue
            try:
                got = self._raw.readinto(into[have:])  # type: ignore[attr-defined]
            except OSError as error:
                self.damage.append((f"the input cannot be read further: {error.strerror}", 0))
                got = 0
            if not got:
                break
            self.size_bytes += got
            have += got
        return have

    def _read(self, length: int) -> bytes:
        """At most `length` packed bytes; none at the end."""
        if self._waiting:
            part, self._waiting = self._waiting[:length], self._waiting[length:]
            return part
        try:
            part = self._raw.read(length) or b""
        except OSError as error:
            self.damage.append((f"the input cannot be read further: {error.strerror}", 0))
            return b""
        self.size_bytes += len(part)
        return part

    def _read_at_least(self, length: int) -> bytes:
        """The first bytes, for a look: a pipe may give them one by one."""
        head = b""
        while len(head) < length and (part := self._raw_read(_PACKED_CHUNK)):
            head += part
        return head

    def _raw_read(self, length: int) -> bytes:
        try:
            part = self._raw.read(length) or b""
        except OSError as error:
            raise SourceUnreadable(self.name, f"cannot be read: {error.strerror}") from error
        self.size_bytes += len(part)
        return part

    def _unpacked(self) -> Iterator[bytes] | None:
        if self._waiting.startswith(GZIP_MAGIC):
            return self._gunzip()
        if self._waiting.startswith(ZSTD_MAGIC):
            return self._unzstd()
        return None

    def _gunzip(self) -> Iterator[bytes]:
        """The members of a gzip file one after another (RFC 1952 section 2.2).

        The deflate data is inflated raw and the trailer checked here: a wrong checksum must not cost what it is about.
        """
        packed = b""
        while True:
            packed, body = self._gzip_header(packed)
            if not body:
                return
            inflater = isal_zlib.decompressobj(wbits=-15)
            crc = length = 0
            try:
                for part in self._inflate(inflater, packed):
                    crc = isal_zlib.crc32(part, crc)
                    length += len(part)
                    yield part
            except IsalError:  # type: ignore[misc]  # isal's stub does not say that it is a class
                self._give_up("the gzip data is broken", b"")
                return
            if not inflater.eof:
                self.damage.append(("the gzip file ends before its data does", 0))
                return
            packed = inflater.unused_data
            while len(packed) < 8 and (more := self._read(_PACKED_CHUNK)):
                packed += more
            trailer, packed = packed[:8], packed[8:]
            if len(trailer) < 8:
                self.damage.append(("the gzip file ends before its checksum", 0))
                return
            if trailer != crc.to_bytes(4, "little") + (length & 0xFFFFFFFF).to_bytes(4, "little"):
                self.damage.append(("the gzip checksum is wrong: some of the bytes are not those that were written", 0))

    def _gzip_header(self, packed: bytes) -> tuple[bytes, bool]:
        """Pass over one member's header. Returns the packed bytes after it, and whether there is a member at all."""
        while not (packed := packed.lstrip(b"\0")) and (packed := self._read(_PACKED_CHUNK)):
            pass  # tapes and some writers pad with zeros, which is no damage
        end: int | None
        while (end := _gzip_header_len(packed)) is None and len(packed) < _GZIP_HEADER_MAX:
            more = self._read(_PACKED_CHUNK)
            if not more:
                break
            packed += more
        if end:
            return packed[end:], True
        if end is None and packed:
            self._give_up("the gzip file ends inside a header", packed)
        elif packed:
            self._give_up("bytes after the gzip data are not gzip", packed)
        return b"", False

    def _unzstd(self) -> Iterator[bytes]:
        """The frames of a zstd file one after another (RFC 8878 section 3.1)."""
        packed = b""
        while packed := packed or self._read(_PACKED_CHUNK):
            limits = {int(zstd.DecompressionParameter.window_log_max): _ZSTD_WINDOW_LOG}
            inflater = zstd.ZstdDecompressor(options=limits)
            try:
                yield from self._inflate(inflater, packed)
            except zstd.ZstdError:
                self._give_up("the zstd data is broken or its checksum wrong", b"")
                return
            if not inflater.eof:
                self.damage.append(("the zstd file ends before its data does", 0))
                return
            packed = inflater.unused_data

    def _inflate(self, inflater: Any, packed: bytes) -> Iterator[bytes]:
        """One member or frame: the unpacked bytes, in parts of bounded size."""
        while not inflater.eof:
            if not packed and not (packed := self._read(_PACKED_CHUNK)):
                return
            part = inflater.decompress(packed, _UNPACKED_CHUNK)
            while part:
                yield part
                part = b"" if inflater.eof else inflater.decompress(_left(inflater), _UNPACKED_CHUNK)
            packed = b""

    def _give_up(self, what: str, unused: bytes) -> None:
        """Say how many packed bytes are left, reading them only to count them."""
        count = len(unused)
        while more := self._read(_UNPACKED_CHUNK):
            count += len(more)
        self.damage.append((what, count))


def _left(inflater: Any) -> bytes:
    """Packed bytes that the inflater has not taken yet: zlib hands them back, zstd keeps them."""
    return getattr(inflater, "unconsumed_tail", b"")


def _gzip_header_len(head: bytes) -> int | None:
    """Length of the gzip header (RFC 1952 section 2.3) at the front of `head`; 0 if it is none, None if it goes on."""
    if not GZIP_MAGIC.startswith(head[:3]) and not head.startswith(GZIP_MAGIC):
        return 0
    if len(head) < 10:
        return None
    flags, at = head[3], 10
    if flags & 4:  # FEXTRA
        at += 2 + int.from_bytes(head[at : at + 2], "little")
    for flag in (8, 16):  # FNAME, FCOMMENT
        if flags & flag:
            if (nul := head.find(b"\0", at)) < 0:
                return None
            at = nul + 1
    if flags & 2:  # FHCRC
        at += 2
    return at if at <= len(head) else None


def _open(path: Path | str) -> IO[bytes]:
    if str(path) == "-":
        return sys.stdin.buffer
    try:
        return Path(path).open("rb", buffering=0)
    except IsADirectoryError as error:
        raise SourceUnreadable(str(path), "is a directory", "name the captures in it") from error
    except FileNotFoundError as error:
        raise SourceUnreadable(str(path), "does not exist") from error
    except PermissionError as error:
        raise SourceUnreadable(str(path), "may not be read by this user", "check its permissions") from error
    except OSError as error:
        raise SourceUnreadable(str(path), f"cannot be opened: {error.strerror}") from error


def unpacked_head(head: bytes) -> bytes:
    """The first bytes of what `head`, the first bytes of an input, unpacks to; `head` itself when it is not packed."""
    try:
        if head.startswith(GZIP_MAGIC) and (end := _gzip_header_len(head)):
            return bytes(isal_zlib.decompressobj(wbits=-15).decompress(head[end:], _PACKED_CHUNK))
        if head.startswith(ZSTD_MAGIC):
            return bytes(zstd.ZstdDecompressor().decompress(head, _PACKED_CHUNK))
    except (IsalError, zstd.ZstdError):  # type: ignore[misc]
        return b""
    return head
