"""Capture files as a format, and the files of one ring buffer as one capture.

Knows no packet: `select` finds those that matter, `frames` tells what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from parsers.capture.container import foreign, is_capture, windows
from parsers.capture.decrypted import DecryptingReader
from parsers.capture.engines import Engine, Parts, again, engine_for
from parsers.capture.frames import Reader
from parsers.capture.packet import Lost
from parsers.errors import FedtraceError, SourceUnreadable, TsharkMissing
from parsers.events import Event
from parsers.format import Guess, Head
from parsers.hold import Hold
from parsers.source import How, Reading, Source


def read_ring(
    parts: Sequence[tuple[Source, Reading]],
    how: How,
    refused: Callable[[Source, FedtraceError], None] | None = None,
    hold: Hold | None = None,
) -> list[Event]:
    """Events of the files of one ring buffer as of one capture, the oldest first; each event names its own file.

    `hold` says what of them is wanted; it may raise TooMuch.

    Their numbers do not tell which is the oldest: `tcpdump -W` begins again at the first.
    `refused` is told of a file that is no capture after all; without it, that raises SourceUnreadable, or TsharkMissing
    where tshark is wanted.
    """
    ordered = sorted(parts, key=lambda part: _began_ns(part[0])) if len(parts) > 1 else list(parts)

    def read(parts: Parts, engine: Engine | None = None) -> list[Event]:
        reader = Reader(hold) if how.keylog is None else DecryptingReader(how.keylog, hold)
        for source, reading in parts:
            try:
                by = engine or engine_for(source, how)
                reader.read(source.name, by(source.file, how, reading), reading)
            except (SourceUnreadable, TsharkMissing) as error:
                if refused is None or engine is not None:
                    raise
                refused(source, error)
        return reader.close()

    events = read(ordered)
    dissected = again(ordered, how, read)
    return events if dissected is None else dissected


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
    title = "packet capture: pcap or pcapng, plain or in gzip or zstd; others by tshark"
    explanation = (
        "What tcpdump, Wireshark, `utils network capture` and an ASA's `capture` write.\n"
        "tshark reads other formats, link layers and encapsulations for fedtrace, where it is installed.\n"
        "Under TLS it shows no stanza, no dialback and, with TLS 1.3, no certificate."
    )
    reference = "draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng"

    def guess(self, head: Head) -> Guess:
        """By the magic number, inside gzip or zstd too."""
        if str(head.path) == "-" and not head.raw:
            return Guess(score=100, because="standard input is read as a capture")
        kind = is_capture(head.raw)
        if kind is None and (what := foreign(head.raw)):
            return Guess(score=100, because=f"the magic number of {what}, which tshark reads")
        if kind is None:
            return Guess(score=0, because="no magic number of a capture")
        return Guess(score=100, because=f"the magic number of {kind}")

    def read(self, source: Source, how: How, reading: Reading) -> Iterator[Event]:
        """Events in order of time."""
        yield from read_ring(((source, reading),), how)


FORMAT = Capture()
