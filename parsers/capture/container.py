"""The capture file as a whole: which format it is, and its records window by window, in constant memory.

Content decides, never a file's name. Damage becomes `Lost` and reading goes on where it can.
Knows neither packets nor which of them matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from parsers.capture import pcap, pcapng
from parsers.capture.inflate import GZIP_MAGIC, ZSTD_MAGIC, Bytes, unpacked_head
from parsers.capture.packet import Lost
from parsers.capture.window import BACK, FRONT, SMALL_LEN, WINDOW_LEN, Gap, Records, Window
from parsers.errors import SourceUseless
from parsers.source import Reading

_FOREIGN = {
    b"snoop\0\0\0": "a Solaris snoop capture",
    b"GMBU": "a Microsoft Network Monitor capture",
    b"RTSS": "a Microsoft Network Monitor capture",
    b"XCP\0": "a Sniffer capture",
    b"TRSNIFF data": "a Sniffer capture",
    b"\x54\x52\x00\x64": "an iSeries capture",
    b"btsnoop\0": "a Bluetooth capture",
    b"5VIEW": "a 5View capture",
}
"""Captures that only tshark reads, by their first bytes."""
_CHUNK = 1 << 20
"""Bytes passed over at once."""


def is_capture(head: bytes) -> str | None:
    """What `head`, the first bytes of an input (64 KiB are plenty), is a capture of; packed ones are looked into.

    One of "pcap", "pcapng", "pcap in gzip", "pcapng in zstd", …; None when it cannot be read as a capture.
    """
    inner = unpacked_head(head)
    name = "pcap" if pcap.recognised(inner) else "pcapng" if pcapng.recognised(inner) else None
    if name and head.startswith(GZIP_MAGIC):
        return f"{name} in gzip"
    if name and head.startswith(ZSTD_MAGIC):
        return f"{name} in zstd"
    return name


def foreign(head: bytes) -> str | None:
    """Which capture that only tshark reads `head` begins: "a Solaris snoop capture"; None for anything else."""
    inner = unpacked_head(head)
    return next((what for magic, what in _FOREIGN.items() if inner.startswith(magic)), None)


def windows(path: Path | str, reading: Reading, offset_ns: int = 0) -> Iterator[Window | Lost]:
    """Every record of a capture, `-` for standard input; `Lost` for what could not be read.

    Fills `reading` as it goes: frames, instants (`offset_ns` added), resolution, size.
    Raises `SourceUnreadable` when the input is no capture, empty, or may not be read.
    """
    with Bytes(path) as source:
        window_len = _window_len(source.unpacked_len)
        memory = bytearray(FRONT + window_len + BACK)
        view = memoryview(memory)
        end = FRONT + source.fill(view[FRONT : FRONT + window_len])
        last = end < FRONT + window_len
        file = _format(source, memory, end)
        begin = FRONT + (pcap.HEADER_LEN if isinstance(file, pcap.Pcap) else 0)
        frames = 0
        at_ns: int | None = None
        while True:
            taken = file.take(begin, end, last=last)
            reading.resolution_ns = file.resolution_ns
            reading.size_bytes = source.size_bytes
            records = taken.records._replace(at_ns=taken.records.at_ns + offset_ns) if offset_ns else taken.records
            count = len(records.starts)
            before_ns = at_ns
            if count:
                _note(reading, frames + count, int(records.at_ns.min()), int(records.at_ns.max()))
                at_ns = int(records.at_ns[-1])
                yield Window(memory, frames + 1, records, file)
                frames += count
            for gap in taken.gaps:
                yield _lost(gap, frames - count, before_ns, records)
            if last:
                break
            rest = max(0, end - taken.stop)
            view[FRONT : FRONT + rest] = view[end - rest : end]
            over = max(0, taken.stop - end)
            if (passed := _pass_over(source, over)) < over:
                yield Lost("the last record is cut off", passed, "bytes", frames or None, at_ns)
            filled = source.fill(view[FRONT + rest : FRONT + window_len])
            begin, end = FRONT, FRONT + rest + filled
            last = end < FRONT + window_len
        reading.frames = frames
        reading.size_bytes = source.size_bytes
        for what, unread in source.damage:
            yield Lost(what, unread, "bytes", frames or None, at_ns)


def _window_len(unpacked_len: int | None) -> int:
    """Bytes of a window: eight megabytes take as long to clear as a small file takes to read. One that is being written
    to may end in a record that is longer than all before it.
    """
    return WINDOW_LEN if unpacked_len is None else min(WINDOW_LEN, max(unpacked_len + 1, SMALL_LEN))


def _lost(gap: Gap, frames: int, at_ns: int | None, records: Records) -> Lost:
    """A gap with its place, after the last frame before it; `frames` is the number of the last of earlier windows."""
    if gap.after:
        at_ns = int(records.at_ns[gap.after - 1])
    return Lost(gap.what, gap.bytes_len, "bytes", frames + gap.after or None, at_ns)


def _note(reading: Reading, frames: int, first_ns: int, last_ns: int) -> None:
    reading.frames = frames
    reading.first_ns = first_ns if reading.first_ns is None else min(first_ns, reading.first_ns)
    reading.last_ns = last_ns if reading.last_ns is None else max(last_ns, reading.last_ns)


def _pass_over(source: Bytes, count: int) -> int:
    """Read and forget `count` bytes; returns how many there were."""
    passed = 0
    scratch = memoryview(bytearray(min(count, _CHUNK)))
    while passed < count and (got := source.fill(scratch[: count - passed])):
        passed += got
    return passed


def _format(source: Bytes, memory: bytearray, end: int) -> pcap.Pcap | pcapng.Pcapng:
    head = bytes(memory[FRONT : min(end, FRONT + 64)])
    if pcap.recognised(head):
        if len(head) < pcap.HEADER_LEN:
            raise SourceUseless(source.name, "ends inside the header of a pcap file", "nothing was captured in it")
        return pcap.Pcap(memory, FRONT)
    if pcapng.recognised(head):
        if len(head) < pcapng.HEADER_LEN:
            raise SourceUseless(source.name, "ends inside the header of a pcapng file", "nothing was captured in it")
        return pcapng.Pcapng(memory)
    if source.damage:
        raise SourceUseless(source.name, f"cannot be unpacked to a capture: {source.damage[0][0]}")
    if not head:
        raise SourceUseless(source.name, "is empty")
    if what := foreign(head):
        raise SourceUseless(source.name, f"is {what}", "make a pcapng of it: editcap -F pcapng IN OUT")
    known = "say what a log on a pipe is: --as FORMAT" if source.name == "-" else ""
    raise SourceUseless(source.name, "is no capture: its first bytes are neither pcap nor pcapng", known)
