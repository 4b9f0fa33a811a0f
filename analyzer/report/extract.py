"""A session's frames from all captures as one pcapng: original bytes, a comment at each frame that proves a finding.

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
from analyzer.report.words import count, duration, escape, place, says
from analyzer.session import Session
from parsers.capture.clocks import Interface
from parsers.capture.container import fingerprint
from parsers.capture.excerpt import frames
from parsers.capture.pcapng_writer import PcapngWriter
from parsers.errors import FedtraceError, SourceUnreadable

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
    wire_len: int
    offset: int
    length: int


def refusal(session: Session, excerpts: Sequence[Excerpt]) -> FedtraceError | None:
    """Why there is nothing that can be extracted; None where there is."""
    if not excerpts:
        return FedtraceError(
            session.id,
            "no capture shows a frame of this session",
            "only logs tell of it: `fedtrace session` has their lines",
        )
    for excerpt in excerpts:
        if not excerpt.source.file.is_file():
            return SourceUnreadable(
                excerpt.source.name, "a pipe cannot be read a second time", "save it to a file, and name that"
            )
    return None


def write(session: Session, excerpts: Sequence[Excerpt], analysis: Analysis, file: IO[bytes]) -> tuple[int, int]:
    """Write the pcapng; returns how many frames it holds, and of how many captures.

    Raises FedtraceError, before anything is written, where a capture cannot be read again.
    """
    held: list[_Held] = []
    interfaces: dict[tuple[int, Interface], int] = {}
    shifts = [_shift_ns(excerpt, analysis) for excerpt in excerpts]
    with TemporaryFile() as spool:
        for source, (excerpt, shift_ns) in enumerate(zip(excerpts, shifts, strict=True)):
            for frame in frames(excerpt.source.file, excerpt.numbers, excerpt.stretches):
                number = interfaces.setdefault((source, frame.interface), len(interfaces))
                at_ns, length = frame.at_ns + shift_ns, len(frame.data)
                held.append(_Held(at_ns, source, frame.number, number, frame.wire_len, spool.tell(), length))
                spool.write(frame.data)
        shown = sorted({one.source for one in held})
        told = _about(session, [(excerpts[source], shifts[source]) for source in shown], analysis)
        writer = PcapngWriter(file, f"fedtrace {version('fedtrace')}", told)
        for source, interface in interfaces:
            name = escape(f"{excerpts[source].source.name} {interface.name}".rstrip())
            writer.interface(interface, name, _about_source(excerpts[source], shifts[source], analysis))
        for one in sorted(held):
            spool.seek(one.offset)
            comments = _comments(excerpts[one.source], one.number)
            writer.packet(one.interface, one.at_ns, one.wire_len, spool.read(one.length), comments)
    return len(held), len(shown)


def _shift_ns(excerpt: Excerpt, analysis: Analysis) -> int:
    """What makes of a file's stamps the instants that the report tells: what the user said, and the offset found."""
    source = excerpt.source
    coverage = analysis.view.coverage.get(source.tap or source.name)
    return analysis.case.offset_ns(source) - (0 if coverage is None else coverage.offset_ns)


def _comments(excerpt: Excerpt, number: int) -> list[str]:
    """What findings cite of a frame, each rule with what the frame says."""
    cited = excerpt.evidence.get(number, ())
    return [f"{finding.rule}: {says(event)}  [{place(event.where)}]" for finding, event in cited]


def _about(session: Session, shown: Sequence[tuple[Excerpt, int]], analysis: Analysis) -> str:
    """The comment of the file; `shown` are the captures that have frames in it, and how far their stamps were moved."""
    lines = [
        f"Session {session.id}: {escape(session.initiator)} → {escape(session.receiver)}, {session.outcome}, "
        f"reached {session.reached.word}.",
        f"The frames of {count(len(shown), 'capture')} with its conversations, callbacks, lookups and ICMP errors, "
        "bytes as captured; fedtrace comments on those that prove a finding.",
    ]
    moved = [(excerpt, ns) for excerpt, ns in shown if ns]
    lines += [f"{escape(x.source.name)}: {_moved(x, ns, analysis)}." for x, ns in moved]
    if not moved:
        lines.append("Time stamps are as captured.")
    elif len(moved) < len(shown):
        lines.append("Time stamps of the other captures are as captured.")
    for finding in analysis.findings(session):
        sure = f"{finding.severity.name.lower()}, {finding.confidence.name.lower()}"
        lines.append(f"{finding.rule} ({sure}): {escape(finding.match.because, BECAUSE_MAX)}")
    return "\n".join(lines)


def _about_source(excerpt: Excerpt, shift_ns: int, analysis: Analysis) -> str:
    """The comment of an interface: which file it stands for, and what was done to its stamps."""
    moved = _moved(excerpt, shift_ns, analysis) if shift_ns else "time stamps are as captured"
    return f"{escape(excerpt.source.name)}, SHA-256 {fingerprint(excerpt.source.file)}; {moved}"


def _moved(excerpt: Excerpt, shift_ns: int, analysis: Analysis) -> str:
    """By how much stamps were moved, and how sure that is."""
    found = analysis.view.clock(excerpt.source.tap or excerpt.source.name)
    sure = f" (±{duration(found[1])})" if found is not None and found[0] else ""
    way = "behind" if shift_ns > 0 else "ahead"
    ns = abs(shift_ns)
    return f"its clock was {duration(ns)} {way}{sure}; time stamps here are corrected by {shift_ns:+,} ns"
