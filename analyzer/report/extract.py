"""A session's frames from all captures as one pcapng: as captured or redacted, with comments on what they prove.

Stamps are on the clock that the report tells, so that frames of several captures stand in the order in which they
happened; by how much a capture's clock was corrected is said in the file. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from analyzer.analysis import Analysis
from analyzer.excerpt import Excerpt
from analyzer.report.packets import Captured, events_of
from analyzer.report.words import count, duration, escape
from analyzer.session import Session
from parsers.capture.clocks import Interface
from parsers.capture.excerpt import Frame, frames
from parsers.capture.pcapng_writer import PcapngWriter
from parsers.errors import FedtraceError, SourceUnreadable
from parsers.fingerprint import fingerprint

BECAUSE_MAX = 600
"""Characters of what a finding says in the comment of the file."""


class _Held(NamedTuple):
    """A frame that waits for its turn, its bytes in a temporary file."""

    at_ns: int
    """Its instant on the clock of the report."""
    source: int
    """Index of its excerpt."""
    number: int
    """Its number in its own file."""
    interface: int
    """Index of its interface in the new file."""
    frame: Frame
    """What is known of it but for its bytes."""
    offset: int
    length: int


def refusal(session: Session, excerpts: Sequence[Excerpt], shown: Captured) -> FedtraceError | None:
    """Why there is nothing that can be extracted; None where there is."""
    if not excerpts:
        return FedtraceError(
            session.id,
            "no capture shows a frame of this session",
            "only logs tell of it: `fedtrace session` has their lines",
        )
    for excerpt in excerpts:
        if not shown.source(excerpt.source).file.is_file():
            return SourceUnreadable(
                excerpt.source.name, "a pipe cannot be read a second time", "save it to a file, and name that"
            )
    return None


def write(
    session: Session, excerpts: Sequence[Excerpt], analysis: Analysis, shown: Captured, file: IO[bytes]
) -> tuple[int, int]:
    """Write the pcapng; returns how many frames it holds, and of how many captures. `shown` makes the packets.

    Raises FedtraceError, before anything is written, where a capture cannot be read again.
    """
    held: list[_Held] = []
    interfaces: dict[tuple[int, Interface], int] = {}
    shifts = [_shift_ns(excerpt, analysis, shown) for excerpt in excerpts]
    with TemporaryFile() as spool:
        for source, (excerpt, shift_ns) in enumerate(zip(excerpts, shifts, strict=True)):
            for frame in frames(shown.source(excerpt.source).file, excerpt.numbers, shown.stretches(excerpt)):
                number = interfaces.setdefault((source, frame.interface), len(interfaces))
                at_ns, length = frame.at_ns + shift_ns, len(frame.data)
                held.append(_Held(at_ns, source, frame.number, number, frame._replace(data=b""), spool.tell(), length))
                spool.write(frame.data)
        sources = sorted({one.source for one in held})
        told = {s: events_of(excerpts[s], {h.number for h in held if h.source == s}, analysis) for s in sources}
        about = _about(session, [(excerpts[source], shifts[source]) for source in sources], analysis, shown)
        writer = PcapngWriter(file, f"fedtrace {version('fedtrace')}", about)
        for source, captured in interfaces:
            interface = shown.interface(captured)
            name = escape(f"{excerpts[source].source.name} {interface.name}".rstrip())
            writer.interface(interface, name, _about_source(excerpts[source], shifts[source], analysis, shown))
        for one in sorted(held):
            spool.seek(one.offset)
            frame = one.frame._replace(data=spool.read(one.length))
            events = told[one.source].get(one.number, ())
            data, wire_len = shown.packet(frame, events)
            comments = shown.comments(excerpts[one.source], frame, events)
            writer.packet(one.interface, one.at_ns, wire_len, data, comments)
    return len(held), len(sources)


def _shift_ns(excerpt: Excerpt, analysis: Analysis, shown: Captured) -> int:
    """What makes of a file's stamps the instants that the report tells: what the user said, and the offset found."""
    source = excerpt.source
    coverage = analysis.view.coverage.get(source.tap or source.name)
    return analysis.case.offset_ns(shown.source(source)) - (0 if coverage is None else coverage.offset_ns)


def _about(session: Session, captures: Sequence[tuple[Excerpt, int]], analysis: Analysis, shown: Captured) -> str:
    """The comment of the file; `captures` are those that have frames in it, and how far their stamps were moved."""
    lines = [
        f"Session {session.id}: {escape(session.initiator)} → {escape(session.receiver)}, {session.outcome}, "
        f"reached {session.reached.word}.",
        f"The frames of {count(len(captures), 'capture')} with its conversations, callbacks, lookups and ICMP errors, "
        f"{shown.about}.",
    ]
    moved = [(excerpt, ns) for excerpt, ns in captures if ns]
    lines += [f"{escape(x.source.name)}: {_moved(x, ns, analysis)}." for x, ns in moved]
    if not moved:
        lines.append("Time stamps are as captured.")
    elif len(moved) < len(captures):
        lines.append("Time stamps of the other captures are as captured.")
    for finding in analysis.findings(session):
        sure = f"{finding.severity.name.lower()}, {finding.confidence.name.lower()}"
        lines.append(f"{finding.rule} ({sure}): {escape(finding.match.because, BECAUSE_MAX)}")
    return "\n".join(lines)


def _about_source(excerpt: Excerpt, shift_ns: int, analysis: Analysis, shown: Captured) -> str:
    """The comment of an interface: which file it stands for, and what was done to its stamps."""
    moved = _moved(excerpt, shift_ns, analysis) if shift_ns else "time stamps are as captured"
    known = f", SHA-256 {fingerprint(excerpt.source.file)}" if shown.fingerprints else ""
    return f"{escape(excerpt.source.name)}{known}; {moved}"


def _moved(excerpt: Excerpt, shift_ns: int, analysis: Analysis) -> str:
    """By how much stamps were moved, and how sure that is."""
    found = analysis.view.clock(excerpt.source.tap or excerpt.source.name)
    sure = f" (±{duration(found[1])})" if found is not None and found[0] else ""
    way = "behind" if shift_ns > 0 else "ahead"
    ns = abs(shift_ns)
    return f"its clock was {duration(ns)} {way}{sure}; time stamps here are corrected by {shift_ns:+,} ns"
