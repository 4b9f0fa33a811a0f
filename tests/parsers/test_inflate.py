"""Unpacking: members, frames, padding, bombs; what is broken ends the input and is said."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from pathlib import Path

import pytest

from parsers.capture.inflate import Bytes, unpacked_head, zstd
from tests.parsers.packets import made

TEXT = bytes(range(256)) * 500


def unpacked(path: Path) -> tuple[bytes, list[tuple[str, int]]]:
    """Everything in the input, taken in odd portions, and what is said of its damage."""
    content = b""
    with Bytes(path) as source:
        buffer = memoryview(bytearray(1_000))
        while got := source.fill(buffer):
            content += buffer[:got]
        assert source.size_bytes == path.stat().st_size
        return content, source.damage


def member(flags: int, extra: bytes) -> bytes:
    """A gzip member with optional header fields (RFC 1952 section 2.3)."""
    body = zlib.compressobj(wbits=-15)
    head = b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + extra
    return head + body.compress(TEXT) + body.flush() + struct.pack("<II", zlib.crc32(TEXT), len(TEXT))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress], ids=["plain", "gzip", "zstd"])
def test_one_after_another(tmp_path: Path, pack: object) -> None:
    """Members and frames put together unpack to what they held, one after another."""
    assert callable(pack)
    assert unpacked(made(tmp_path, pack(TEXT) + pack(b"") + pack(b"end"))) == (TEXT + b"end", [])


def test_every_header_field_is_passed_over(tmp_path: Path) -> None:
    """Extra field, name, comment and header checksum."""
    for flags, extra in ((4, b"\3\0abc"), (8, b"name\0"), (16, b"comment\0"), (2, b"\1\2"), (30, b"\0\0n\0c\0\1\2")):
        assert unpacked(made(tmp_path, member(flags, extra))) == (TEXT, [])


def test_padding_is_no_damage_and_rubbish_is(tmp_path: Path) -> None:
    """Zeros after the last member are usual; other bytes are counted."""
    assert unpacked(made(tmp_path, gzip.compress(TEXT) + bytes(70_000))) == (TEXT, [])
    rubbish = unpacked(made(tmp_path, gzip.compress(TEXT) + b"rubbish" * 20_000))
    assert rubbish == (TEXT, [("bytes after the gzip data are not gzip", 140_000)])


def test_a_header_without_end_is_given_up(tmp_path: Path) -> None:
    """A comment of a megabyte is not waited for."""
    content, damage = unpacked(made(tmp_path, b"\x1f\x8b\x08\x10" + bytes(6) + b"c" * 1_000_000))
    assert (content, damage) == (b"", [("the gzip file ends inside a header", 1_000_010)])


@pytest.mark.parametrize("cut", [1, 4, 8, 9, 400])
def test_a_cut_gzip_file(tmp_path: Path, cut: int) -> None:
    """Its good part is given."""
    content, damage = unpacked(made(tmp_path, gzip.compress(TEXT)[:-cut]))
    assert TEXT.startswith(content)
    assert len(damage) == 1


def test_broken_deflate_data(tmp_path: Path) -> None:
    """Bytes before it are given, bytes after it counted."""
    noise = os.urandom(300_000)
    packed = bytearray(gzip.compress(noise))
    packed[200_000:200_400] = b"\xff" * 400
    content, damage = unpacked(made(tmp_path, bytes(packed)))
    assert len(content) > 100_000
    assert len(damage) == 1


def test_broken_and_cut_zstd(tmp_path: Path) -> None:
    """The same for zstd."""
    noise = os.urandom(1_000_000)
    packed = zstd.compress(noise)
    content, damage = unpacked(made(tmp_path, packed[:-1_000]))
    assert noise.startswith(content) and len(content) > 500_000
    assert damage == [("the zstd file ends before its data does", 0)]
    _, damage = unpacked(made(tmp_path, zstd.compress(TEXT) + b"rubbish"))
    assert [what for what, _ in damage] == ["the zstd data is broken or its checksum wrong"]


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress], ids=["gzip", "zstd"])
def test_a_bomb_takes_time_and_no_memory(tmp_path: Path, pack: object) -> None:
    """A hundred megabytes of nothing come in bounded portions."""
    assert callable(pack)
    with Bytes(made(tmp_path, pack(bytes(100_000_000)))) as source:
        portions = [len(part) for part in source._chunks or ()]
    assert sum(portions) == 100_000_000
    assert max(portions) <= 1 << 20


def test_a_look_inside_never_fails() -> None:
    """Heads that are cut or broken unpack to as much as there is, or nothing."""
    assert unpacked_head(b"plain") == b"plain"
    assert unpacked_head(gzip.compress(TEXT)[:400])[:4] == TEXT[:4]
    assert unpacked_head(zstd.compress(TEXT))[:4] == TEXT[:4]
    assert unpacked_head(b"\x1f\x8b\x08" + bytes(7) + b"\xff" * 50) == b""
    assert unpacked_head(b"\x28\xb5\x2f\xfd" + b"\xff" * 50) == b""


def test_a_disk_that_fails_ends_the_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read before it counts, and the failure is said."""

    class Failing:
        """A file whose disk gives out after the first bytes."""

        def __init__(self) -> None:
            self.reads = 0

        def read(self, _length: int) -> bytes:
            self.reads += 1
            if self.reads > 1:
                raise OSError(5, "Input/output error")
            return b"plain bytes"

        readinto = read

        def close(self) -> None:
            """Nothing to do."""

    monkeypatch.setattr("parsers.capture.inflate._open", lambda _path: Failing())
    with Bytes(tmp_path) as source:
        assert source.fill(memoryview(bytearray(100))) == 11
        assert source.damage == [("the input cannot be read further: Input/output error", 0)]
