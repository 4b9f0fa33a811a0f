"""The lines of one input, numbered as an editor does, decoded, each of bounded length.

Input is read in large blocks, so memory does not grow with it. Knows no format and no clock.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from parsers.capture.inflate import Bytes
from parsers.events import Damage, Where
from parsers.source import Reading, Source

LINE_MAX = 1 << 16
"""Characters of a line that are looked at: a certificate chain in one line stays below it, a core dump does not."""
BLOCK_BYTES = 1 << 20
"""How much is read at once."""


class Lines:
    """Reads the lines of one source. A context manager; afterwards `damage` tells what was not read."""

    def __init__(self, source: Source, reading: Reading) -> None:
        """Open the source. Raises SourceUnreadable."""
        self.damage: list[Damage] = []
        """What could not be read, each at the line after which it stood; instants are those of the epoch."""
        self._source = source
        self._reading = reading
        self._bytes = Bytes(source.file)
        reading.lines = 0

    def __enter__(self) -> Lines:
        """Nothing more to open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the input."""
        self._bytes.__exit__()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Number and text of each line, line end removed; the part of a line beyond `LINE_MAX` is damage."""
        buffer = memoryview(bytearray(BLOCK_BYTES))
        decode = None
        rest, number = "", 0
        while length := self._bytes.fill(buffer):
            block = bytes(buffer[:length])
            if decode is None:
                decode = _decoder(block)
            text = rest + decode.decode(block)
            # Of a carriage return alone nobody makes a line; of one before a line feed, Windows does.
            lines = (text.replace("\r\n", "\n") if "\r" in text else text).split("\n")
            rest = lines.pop()
            for line in lines:
                number += 1
                yield number, line if len(line) <= LINE_MAX else self._bounded(number, line)
            self._reading.lines = number
            self._reading.size_bytes = max(self._reading.size_bytes, self._bytes.size_bytes)
            if len(rest) > BLOCK_BYTES:
                number += 1
                yield number, rest[:LINE_MAX]
                lost = len(rest) - LINE_MAX
                skipped, rest = self._skip_line(buffer, decode)
                self._lost(number, "a line longer than 1 MiB; the rest of it", lost + skipped, "bytes")
        for line in rest.removesuffix("\n").split("\n") if rest else ():
            number += 1
            yield number, self._bounded(number, line)
        self._reading.lines = number
        for what, lost in self._bytes.damage:
            self._lost(number, what, lost, "bytes")

    def _bounded(self, number: int, line: str) -> str:
        """A line without its line end, not longer than it may be."""
        if len(line) > LINE_MAX:
            self._lost(number, "a line longer than 64 KiB; the rest of it", len(line) - LINE_MAX, "bytes")
            line = line[:LINE_MAX]
        return line[:-1] if line.endswith("\r") else line

    def _skip_line(self, buffer: memoryview, decode: codecs.IncrementalDecoder) -> tuple[int, str]:
        """Read on to the end of a line that is too long: how many characters it still had, and what follows it."""
        skipped = 0
        while length := self._bytes.fill(buffer):
            head, end, rest = decode.decode(bytes(buffer[:length])).partition("\n")
            skipped += len(head)
            if end:
                return skipped, rest
        return skipped, ""

    def _lost(self, number: int, what: str, lost: int, unit: str) -> None:
        where = Where(source=self._source.name, line=number)
        self.damage.append(
            Damage(at_ns=0, width_ns=1, where=where, what=what, lost=lost, unit=unit)  # type: ignore[arg-type]
        )


def _decoder(block: bytes) -> codecs.IncrementalDecoder:
    """UTF-16 where a byte order mark says so, as Windows writes it; else UTF-8, what is none of it marked as such."""
    if block[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return codecs.getincrementaldecoder("utf-16")("replace")
    return codecs.getincrementaldecoder("utf-8-sig")("replace")
