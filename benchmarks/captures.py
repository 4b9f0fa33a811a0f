"""Capture files for the benchmarks, made once and kept outside the checkout.

`python -m benchmarks.captures KIND FRAMES PATH` makes one; the runner calls it so, in a process of its own, because
the peak memory that the kernel reports for a child is at least that of its parent.
"""

from __future__ import annotations

import gzip
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.conversation import Frame
from benchmarks.hostile import long_names, unclosed
from benchmarks.traffic import federation, needle

REVISION = 1
"""Part of every file name; raise it when the traffic changes."""

NEEDLE_FRAMES = 1_780_000
DENSE_ATTEMPTS = 4_200
DENSE_STANZAS = 120
FLOOD_STANZAS = 3
FLOOD_US = 60_000_000
"""All attempts of a flood begin within a minute."""
SEED = 20

_SNAP_LENGTH = 262_144
_BUFFER = 1 << 22


def folder() -> Path:
    """Where captures are kept: the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "fedtrace-benchmarks"


def write_pcap(path: Path, frames: Iterable[Frame]) -> None:
    """A classic pcap of Ethernet frames with microseconds."""
    record = struct.Struct("<IIII")
    with path.open("wb", buffering=_BUFFER) as out:
        out.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, _SNAP_LENGTH, 1))
        for at_us, frame in frames:
            seconds, rest = divmod(at_us, 1_000_000)
            out.write(record.pack(seconds, rest, len(frame), len(frame)))
            out.write(frame)


def write_pcapng(path: Path, frames: Iterable[Frame]) -> None:
    """A pcapng with one section, one interface and an enhanced packet block for each frame."""
    head = struct.Struct("<IIIIIII")
    with path.open("wb", buffering=_BUFFER) as out:
        out.write(struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28))
        out.write(struct.pack("<IIHHII", 1, 20, 1, 0, _SNAP_LENGTH, 20))
        for at_us, frame in frames:
            padding = -len(frame) % 4
            length = 32 + len(frame) + padding
            out.write(head.pack(6, length, 0, at_us >> 32, at_us & 0xFFFFFFFF, len(frame), len(frame)))
            out.write(frame + bytes(padding) + length.to_bytes(4, "little"))


def write_gzip(path: Path, original: Path) -> None:
    """The same bytes, compressed as `gzip` does it by default."""
    with original.open("rb") as plain, gzip.GzipFile(path, "wb", compresslevel=6, mtime=0) as out:
        shutil.copyfileobj(plain, out, _BUFFER)


def make(kind: str, size: int, path: Path) -> None:
    """Write one capture; it appears under its name only when it is whole."""
    part = path.with_name(f"{path.name}.part")
    match kind:
        case "needle":
            write_pcap(part, needle(SEED, size))
        case "needle-pcapng":
            write_pcapng(part, needle(SEED, size))
        case "dense":
            write_pcap(part, federation(SEED, size, DENSE_STANZAS))
        case "flood":
            write_pcap(part, federation(SEED, size, FLOOD_STANZAS, FLOOD_US))
        case "unclosed":
            write_pcap(part, unclosed(size))
        case "long-names":
            write_pcap(part, long_names(size))
        case "gzip":
            write_gzip(part, path.with_suffix(""))
        case _:
            raise ValueError(f"no such kind of capture: {kind}")
    part.rename(path)


def made(kind: str, size: int) -> Path:
    """The capture of that kind and size, made now if it is not there: frames of a needle, attempts of dense traffic and
    of a flood, streams of what is hostile.
    """
    ending = {"needle-pcapng": "pcapng", "gzip": "pcap.gz"}.get(kind, "pcap")
    stem = "needle" if kind in ("needle-pcapng", "gzip") else kind
    path = folder() / f"{stem}-{size}-r{REVISION}.{ending}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"making {path}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "benchmarks.captures", kind, str(size), str(path)], check=True)
    return path


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
