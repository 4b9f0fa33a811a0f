"""The files of one incident: which they are, what each is, and all their events by the place that saw them.

Files that cannot be read stay in the case with the reason; the others are read. Knows no event's meaning.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from glob import glob
from pathlib import Path

from parsers import ingest
from parsers.capture.frames import read_ring
from parsers.errors import FedtraceError, SourceUnreadable
from parsers.events import Damage, Event, river_key
from parsers.source import How, Reading, Source

FILES_MAX = 100_000
"""Files of one case: more are an archive, which wants to be cut into cases."""

_RING = (
    re.compile(r"(?P<stem>.+)_(?P<number>\d{5})_(?P<time>\d{14})(?P<ending>\.pcap(ng)?(\.(gz|zst))?)"),
    re.compile(r"(?P<stem>.+\.(pcap|cap|dmp))(?P<number>\d{1,6})(?P<time>)(?P<ending>(\.(gz|zst))?)"),
)
"""File names of a ring buffer: dumpcap's `NAME_00001_20131231235959.pcapng`, tcpdump's `NAME.pcap0` (`-C` and `-W`)."""


@dataclass(slots=True, kw_only=True)
class Case:
    """The inputs of one incident and what they showed."""

    sources: list[Source]
    """Every input, in order of name; format None where it could not be read."""
    readings: dict[str, Reading] = field(default_factory=dict)
    """What reading came to, by source name."""
    events: dict[str, Sequence[Event]] = field(default_factory=dict)
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
    for source in sources_of(paths):
        case.readings[source.name] = Reading(size_bytes=_size(source.path))
        try:
            chosen = ingest.format_named(how.format) if how.format else ingest.choose(ingest.head_of(source))[0]
        except FedtraceError as error:
            case.problems[source.name] = error
            case.sources.append(source)
            continue
        case.sources.append(replace(source, format=chosen.name))
    _tap(case.sources)
    for tap, sources in _by_tap(case.readable).items():
        for source in sources:
            if watch is not None:
                watch(source, case.readings[source.name])
        _read_tap(case, tap, sources, how)
    if not case.readable:
        _refuse(case, paths)
    return case


def sources_of(paths: Sequence[str]) -> list[Source]:
    """Every input that the paths name, in order of name, its format not yet looked at. Raises SourceUnreadable."""
    return _named(_files(paths))


def _read_tap(case: Case, tap: str, sources: list[Source], how: How) -> None:
    """Read the files of one place; a file that turns out to be unreadable leaves the rest."""
    try:
        if len(sources) > 1:
            events: Sequence[Event] = read_ring([(s, case.readings[s.name]) for s in sources], how)
        else:
            events = sorted(ingest.read(sources[0], how, case.readings[sources[0].name]), key=river_key)
    except FedtraceError as error:
        for source in sources:
            case.problems[source.name] = error
            case.sources[case.sources.index(source)] = replace(source, format=None)
        return
    except OSError as error:
        reason = SourceUnreadable(sources[0].name, (error.strerror or str(error)).lower(), "copy it and try again")
        for source in sources:
            case.problems[source.name] = reason
            case.sources[case.sources.index(source)] = replace(source, format=None)
        return
    case.events[tap] = events


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
    found: dict[Path, None] = {}
    for text in paths:
        path = Path(text)
        if text == "-" or path.is_file() or path.is_fifo():
            found[path] = None
        elif path.is_dir():
            found.update(dict.fromkeys(_inside(path)))
        else:
            matches = sorted(glob(text)) if any(c in text for c in "*?[") else []  # noqa: PTH207  (a pattern as typed)
            if not matches:
                raise SourceUnreadable(text, "there is no such file or folder", "check the path")
            found.update(
                dict.fromkeys(f for m in matches for f in (_inside(Path(m)) if Path(m).is_dir() else [Path(m)]))
            )
        if len(found) > FILES_MAX:
            raise SourceUnreadable(text, f"more than {FILES_MAX} files", "name the folder of one incident")
    return list(found)


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


def _tap(sources: list[Source]) -> None:
    """Files that look like one ring buffer share a tap, named after the first."""
    rings: dict[tuple[str, str, str], list[tuple[str, int, int]]] = {}
    for index, source in enumerate(sources):
        if source.format != "capture":
            continue
        for pattern in _RING:
            match = pattern.fullmatch(source.path.name)
            if match:
                ring = (str(source.path.parent), match["stem"], match["ending"])
                rings.setdefault(ring, []).append((match["time"], int(match["number"]), index))
                break
    for members in rings.values():
        if len(members) < 2:
            continue
        members.sort()
        tap = sources[members[0][2]].name
        for _, _, index in members:
            sources[index] = replace(sources[index], tap=tap)


def _by_tap(sources: Sequence[Source]) -> dict[str, list[Source]]:
    """Sources by tap; a ring's files in the order in which they were written."""
    found: dict[str, list[Source]] = {}
    for source in sources:
        found.setdefault(source.tap or source.name, []).append(source)
    return {tap: sorted(members, key=_written) for tap, members in found.items()}


def _written(source: Source) -> tuple[str, int, str]:
    for pattern in _RING:
        match = pattern.fullmatch(source.path.name)
        if match:
            return (match["time"], int(match["number"]), source.name)
    return ("", 0, source.name)


def damage_of(case: Case, source: str) -> list[Damage]:
    """What of one source could not be read."""
    return [
        e
        for events in case.events.values()
        for e in events
        if isinstance(e, Damage) and e.where.source == source
    ]
