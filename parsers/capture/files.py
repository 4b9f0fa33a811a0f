"""Capture files as a format, and the files of one ring buffer as one capture.

Knows no packet: `select` finds those that matter, `frames` tells what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from parsers.capture.container import is_capture, windows
from parsers.capture.frames import Reader
from parsers.capture.packet import Lost
from parsers.capture.select import packets
from parsers.errors import SourceUnreadable
from parsers.events import Event
from parsers.format import Guess, Head
from parsers.source import How, Reading, Source


def read_ring(
    parts: Sequence[tuple[Source, Reading]],
    how: How,
    refused: Callable[[Source, SourceUnreadable], None] | None = None,
) -> list[Event]:
    """Events of the files of one ring buffer as of one capture, the oldest first; each event names its own file.

    Their numbers do not tell which is the oldest: `tcpdump -W` begins again at the first.
    `refused` is told of a file that is no capture after all; without it, that raises SourceUnreadable.
    """
    reader = Reader()
    for source, reading in sorted(parts, key=lambda part: _began_ns(part[0])) if len(parts) > 1 else parts:
        try:
            reader.read(source.name, packets(source.file, how, reading), reading)
        except SourceUnreadable as error:
            if refused is None:
                raise
            refused(source, error)
    return reader.close()


def _began_ns(source: Source) -> int:
    """The instant of a file's first frame, ns since 1970 UTC; 0 where there is none."""
    try:
        for part in windows(source.file, Reading()):
            if not isinstance(part, Lost):
                return int(part.records.at_ns[0])
    except SourceUnreadable:
        pass
    return 0


class Capture:
    """pcap and pcapng, plain, gzip or zstd, as a format."""

    name = "capture"
    title = "packet capture: pcap or pcapng, plain or in gzip or zstd"
    explanation = (
        "What tcpdump, Wireshark, `utils network capture` and an ASA's `capture` write.\n"
        "Under TLS it shows no stanza, no dialback and, with TLS 1.3, no certificate."
    )
    reference = "draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng"

    def guess(self, head: Head) -> Guess:
        """By the magic number, inside gzip or zstd too."""
        if str(head.path) == "-" and not head.raw:
            return Guess(score=100, because="standard input is read as a capture")
        kind = is_capture(head.raw)
        if kind is None:
            return Guess(score=0, because="no magic number of a capture")
        return Guess(score=100, because=f"the magic number of {kind}")

    def read(self, source: Source, how: How, reading: Reading) -> Iterator[Event]:
        """Events in order of time."""
        yield from read_ring(((source, reading),), how)


FORMAT = Capture()
