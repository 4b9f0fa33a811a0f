"""The files of one incident: which they are, what each is, and all their events by the place that saw them.

Files that cannot be read stay in the case with the reason; the others are read. Knows no event's meaning.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from glob import glob
from pathlib import Path

from parsers import ingest
from parsers.capture.files import read_ring
from parsers.errors import FedtraceError, SourceUnreadable
from parsers.events import Damage, Event, Where, river_key
from parsers.source import How, Reading, Source

FILES_MAX = 100_000
"""Files of one case: more are an archive, which wants to be cut into cases."""

RETOLD_MAX = 64
"""Sources that one input may tell of: every pair of them is compared when conversations are joined."""
_PACKED = r"(\.(gz|zst))?"
_RING = (
    re.compile(r"(?P<stem>.+)_(?P<number>\d{5})_(?P<time>\d{14})(?P<ending>\.(pcap|pcapng|cap)" + _PACKED + ")"),
    re.compile(r"(?P<stem>.+)_(?P<time>\d{14})_(?P<number>\d{5})(?P<ending>\.(pcap|pcapng|cap)" + _PACKED + ")"),
    re.compile(r"(?P<stem>.+\.(pcap|cap|dmp))(?P<number>\d{0,6})(?P<time>)(?P<ending>" + _PACKED + ")"),
)
"""File names of a ring buffer: dumpcap's `NAME_00001_20131231235959.pcapng`, also with the time first;
tcpdump's `NAME.pcap0`, where without `-W` the first has no number."""


@dataclass(slots=True, kw_only=True)
class Case:
    """The inputs of one incident and what they showed."""

    sources: list[Source]
    """Every input, in order of name; format None where it could not be read."""
    readings: dict[str, Reading] = field(default_factory=dict)
    """What reading came to, by source name."""
    events: dict[str, list[Event]] = field(default_factory=dict)
    """Events by tap, each in order of time."""
    problems: dict[str, FedtraceError] = field(default_factory=dict)
    """Why a source could not be read, by its name."""

    @property
    def readable(self) -> list[Source]:
        """The sources that were read."""
        return [s for s in self.sources if s.format is not None]

    def river(self) -> list[Event]:
        """All events in one order."""
        return sorted((e for events in self.events.values() for e in events), key=river_key)


def read_case(paths: Sequence[str], how: How, watch: Callable[[Source, Reading], None] | None = None) -> Case:
    """Read all inputs: files, folders, shell patterns, `-`. `watch` is told of each source before it is read.

    Raises FedtraceError when not one of them can be used.
    """
    case = Case(sources=[])
    dated: dict[str, bool] = {}
    for source in sources_of(paths):
        case.readings[source.name] = Reading(size_bytes=_size(source.path))
        try:
            head = ingest.head_of(source)
            chosen = ingest.format_named(how.format) if how.format else ingest.choose(head)[0]
            dated[source.name] = ingest.dated(chosen, head)
        except FedtraceError as error:
            case.problems[source.name] = error
            case.sources.append(source)
            continue
        case.sources.append(replace(source, format=chosen.name))
    taps = _taps([s for s in case.sources if s.format == "capture"])
    case.sources = [replace(s, tap=taps.get(s.name, "")) for s in case.sources]
    # What says its own date is read first: it tells the others when they were written.
    for tap, sources in sorted(_by_tap(case.readable).items(), key=lambda t: (not dated[t[1][0].name], t[0])):
        for source in sources:
            if watch is not None:
                watch(source, case.readings[source.name])
        near = how if dated[sources[0].name] else _near(case, sources[0], how)
        _read_tap(case, tap, sources, near)
    if not case.readable:
        _refuse(case, paths)
    _retold(case)
    return case


def sources_of(paths: Sequence[str]) -> list[Source]:
    """Every input that the paths name, in order of name, its format not yet looked at. Raises SourceUnreadable."""
    return _named(_files(paths))


def _read_tap(case: Case, tap: str, sources: list[Source], how: How) -> None:
    """Read the files of one place; a file that turns out to be unreadable leaves the rest."""

    def refused(source: Source, error: FedtraceError) -> None:
        case.problems[source.name] = error
        case.sources[case.sources.index(source)] = replace(source, format=None)

    try:
        if len(sources) > 1:
            events = read_ring([(s, case.readings[s.name]) for s in sources], how, refused)
        else:
            events = list(ingest.read(sources[0], how, case.readings[sources[0].name]))
    except FedtraceError as error:
        refused(sources[0], error)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        for source in sources:
            refused(source, SourceUnreadable(source.name, reason, "copy it and try again"))
    else:
        # A capture's events come in order already, and looking is nearly as dear as sorting.
        case.events[tap] = events if sources[0].format == "capture" else sorted(events, key=river_key)
        for source in sources:
            _note(case, source)


def _note(case: Case, source: Source) -> None:
    """What was assumed while reading becomes part of what is known of the source."""
    assumed = tuple(case.readings[source.name].assumed)
    if assumed:
        case.sources[case.sources.index(source)] = replace(source, assumed=(*source.assumed, *assumed))


def _near(case: Case, source: Source, how: How) -> How:
    """What a source without year or date is near to: its nearest neighbour in the tree of folders that tells, else
    the time at which the file was last written.
    """

    def apart(other: Source) -> tuple[int, str]:
        here, there = source.path.parent.parts, other.path.parent.parts
        shared = sum(1 for a, b in zip(here, there, strict=False) if a == b)
        return (len(here) + len(there) - 2 * shared, other.name)

    told = [s for s in case.readable if s is not source and case.readings[s.name].first_ns]
    if told:
        neighbour = min(told, key=apart)
        return replace(how, near_ns=case.readings[neighbour.name].first_ns, near_why=f"from {neighbour.name} beside it")
    try:
        written_ns = source.path.stat().st_mtime_ns
    except OSError:
        # Standard input, as a rule: whoever pastes a log has just taken it.
        return replace(how, near_ns=time.time_ns(), near_why="the current one")
    return replace(how, near_ns=written_ns, near_why="from the time at which the file was written")


def _retold(case: Case) -> None:
    """Events that one input tells of others, as JSON lines do, become those of sources of their own.

    What such a source recorded is known only as far as its events go, and its tap only by its name.
    """
    for teller in case.readable:
        own = {s.name for s in case.sources if (s.tap or s.name) == (teller.tap or teller.name)}
        others: dict[str, list[Event]] = {}
        for event in case.events[teller.tap or teller.name]:
            if event.where.source not in own:
                others.setdefault(event.where.source, []).append(event)
        if not others:
            continue
        case.events[teller.name] = [e for e in case.events[teller.name] if e.where.source in own]
        if len(others) > RETOLD_MAX:
            lost = sum(len(others.pop(name)) for name in sorted(others)[RETOLD_MAX:])
            what = f"it tells of more than {RETOLD_MAX} sources; the events of the others"
            where = Where(source=teller.name)
            case.events[teller.name] += [Damage(at_ns=0, width_ns=1, where=where, what=what, lost=lost, unit="lines")]
        taken = {s.name for s in case.sources}
        told = []
        for name, events in sorted(others.items()):
            called = f"{teller.name}/{name}" if name in taken else name
            assumed = f"recorded from its first event in {teller.name} to its last"
            told.append(replace(teller, name=called, assumed=(assumed,)))
            case.readings[called] = _reading_of(events)
            others[name] = [replace(e, where=replace(e.where, source=called)) for e in events]
        taps = _taps(told)
        for source, (_, events) in zip(told, sorted(others.items()), strict=True):
            tap = taps.get(source.name, "")
            case.sources.append(replace(source, tap=tap))
            case.events[tap or source.name] = sorted([*case.events.get(tap, ()), *events], key=river_key)


def _reading_of(events: Sequence[Event]) -> Reading:
    """What reading a source would have come to at least, by its events."""
    instants = [e.at_ns for e in events if not isinstance(e, Damage)]
    return Reading(
        first_ns=min(instants, default=None),
        last_ns=max(instants, default=None),
        resolution_ns=min(e.width_ns for e in events),
    )


def _refuse(case: Case, paths: Sequence[str]) -> None:
    """Nothing could be read: say why, once."""
    if not case.sources:
        raise SourceUnreadable(", ".join(paths), "there is no file in it", "name captures, or a folder that holds some")
    if len(case.problems) == 1:
        raise next(iter(case.problems.values()))
    reasons = sorted({e.problem for e in case.problems.values()})
    raise SourceUnreadable(
        ", ".join(paths),
        f"none of {len(case.problems)} files could be read ({'; '.join(reasons[:3])})",
        "`fedtrace sniff` tells of each",
    )


def _files(paths: Sequence[str]) -> list[Path]:
    """Every file that the paths name, each once, in the order given; folders in name order, at any depth."""
    found: dict[Path, Path] = {}
    for text in paths:
        for path in _named_by(text):
            # A file that is named twice, in whatever spelling, was recorded once.
            found.setdefault(path if text == "-" else path.resolve(), path)
            if len(found) > FILES_MAX:
                raise SourceUnreadable(text, f"more than {FILES_MAX} files", "name the folder of one incident")
    return list(found.values())


def _named_by(text: str) -> Iterator[Path]:
    """The files of one path as typed. Raises SourceUnreadable where there is none."""
    path = Path(text)
    if text == "-" or path.is_file() or path.is_fifo():
        yield path
        return
    if path.is_dir():
        yield from _inside(path)
        return
    matches = sorted(glob(text)) if any(c in text for c in "*?[") else []  # noqa: PTH207  (a pattern as typed)
    if not matches:
        raise SourceUnreadable(text, "there is no such file or folder", "check the path")
    for match in map(Path, matches):
        if match.is_dir():
            yield from _inside(match)
        else:
            yield match


def _inside(folder: Path) -> Iterator[Path]:
    """Files of a folder at any depth, in name order; hidden ones and links out of it are left out."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file() and not path.is_symlink():
            yield path


def _named(paths: Sequence[Path]) -> list[Source]:
    """Sources with the shortest name that tells each from the others: the file's, else with its folders."""
    names: dict[Path, str] = {}
    waiting, count = list(paths), 0
    while waiting:
        count += 1
        shared = Counter(path.parts[-count:] for path in waiting)
        names |= {
            p: "/".join(p.parts[-count:]) for p in waiting if shared[p.parts[-count:]] == 1 or count > len(p.parts)
        }
        waiting = [path for path in waiting if path not in names]
    return [Source(name=names[p], path=p, format=None) for p in sorted(paths, key=lambda p: names[p])]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _taps(sources: Sequence[Source]) -> dict[str, str]:
    """The tap of each source that is a file of a ring buffer: the name of the ring's first."""
    rings: dict[tuple[Path, str, str], list[tuple[str, int, str]]] = {}
    for source in sources:
        name = Path(source.name).name
        for pattern in _RING:
            if match := pattern.fullmatch(name):
                ring = (source.path.parent, match["stem"], match["ending"] or "")
                rings.setdefault(ring, []).append((match["time"] or "", int(match["number"] or 0), source.name))
                break
    return {name: min(members)[2] for members in rings.values() if len(members) > 1 for _, _, name in members}


def _by_tap(sources: Sequence[Source]) -> dict[str, list[Source]]:
    """Sources by tap, in order of name."""
    found: dict[str, list[Source]] = {}
    for source in sources:
        found.setdefault(source.tap or source.name, []).append(source)
    return found
