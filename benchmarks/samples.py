"""Logs made of the samples of each format, read by it: `python -m benchmarks.samples FORMAT PATH`.

For the formats of which no busy server's log was rebuilt: one telling line in 51, and one in 5, as a server at its
debug level that does little else has them; the rest of the format's own kind.
Reading only: so many repetitions of the same attempts are no case that anybody has.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from parsers import ingest
from parsers.logs.table import LogFormat
from parsers.source import How, Reading, Source

LINES = 300_000
"""Lines of each log."""
_NOON_NS = 1_795_345_200 * 10**9
"""For clocks without a year or a day."""


def named() -> list[str]:
    """The formats that are tables of patterns."""
    return [form.name for form in ingest.formats() if isinstance(form, LogFormat)]


def lines(name: str, count: int, others: int) -> Iterator[str]:
    """A log of that format; behind each line that tells of federation so many others that do not."""
    form = ingest.format_named(name)
    assert isinstance(form, LogFormat)
    told = [sample.line for sample in form.samples]
    first = told[0].split("\n")[0]
    head = form.match(first)
    text = first if head is None else head[0]["text"]
    other = first.replace(text, f"{text[:6]} and whatever else a server writes at this time of the day")
    if form.match(other) is None:
        other = first.replace("5269", "443")  # a firewall's line is of one shape whatever it tells
    made = 0
    while made < count:
        for line in told:
            yield line
            yield from [other] * others
            made += 1 + others


def read(name: str, path: Path) -> int:
    """Read it; how many lines it had."""
    reading = Reading()
    for _ in ingest.read(Source(name="x.log", path=path, format=name), How(near_ns=_NOON_NS), reading):
        pass
    return reading.lines or 0


if __name__ == "__main__":
    read(sys.argv[1], Path(sys.argv[2]))
