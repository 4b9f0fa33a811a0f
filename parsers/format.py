"""What a format is: how an input is recognised and read. Knows no format."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from parsers.events import Event
from parsers.source import How, Reading, Source

HEAD_BYTES = 65536
"""How much of an input is looked at to recognise it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The beginning of an input."""

    path: Path
    """Where it is."""
    raw: bytes
    """Its first bytes as they lie on disk; at most `HEAD_BYTES`."""
    data: bytes
    """The same, unpacked where it is gzip or zstd."""

    @property
    def lines(self) -> list[str]:
        """The first lines as text; empty for binary input."""
        if self.data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            # As PowerShell writes it; the last character may be cut.
            text = self.data[: len(self.data) // 2 * 2].decode("utf-16", "replace")
        elif b"\0" in self.data:
            return []
        else:
            text = self.data.decode("utf-8-sig", "replace")
        return text.splitlines()[:50]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """How likely an input is of a format, and why."""

    score: int
    """100 a magic number; 1 to 90 the share of the first 50 lines that fit; 0 not mine."""
    because: str
    """One clause for a person: "47 of 50 lines fit"."""


class Format(Protocol):
    """One kind of input."""

    name: str
    """Its name, the one for `--as`."""
    title: str
    """What it is, in a few words."""
    explanation: str
    """Who writes it, and what it leaves out."""
    reference: str
    """Where it is defined."""

    def guess(self, head: Head) -> Guess:
        """How likely the input is of this format."""

    def read(self, source: Source, how: How, reading: Reading) -> Iterator[Event]:
        """Events of the input; damage is an event, not an exception. Counts into `reading`."""
