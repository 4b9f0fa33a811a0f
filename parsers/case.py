"""The files of one incident: which they are, what each is, and all their events by the place that saw them.

Files that cannot be read stay in the case with the reason; the others are read. Knows no event's meaning.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from stat import S_ISREG

from parsers import ingest
from parsers.capture import tshark_call
from parsers.capture.files import read_ring
from parsers.capture.secured import check_keylog
from parsers.earlier import Earlier
from parsers.errors import FedtraceError, SourceUnreadable, SourceUseless
from parsers.events import Damage, Event, Probe, Setting, Where, river_key
from parsers.hold import NOT_HELD, Hold, Streams
from parsers.inputs import Inputs, inputs_of
from parsers.source import How, Reading, Source

RETOLD_MAX = 64
"""Sources that one input may tell of: every pair of them is compared when conversations are joined."""
BY_FILE_TIME = "from the time at which the file was written"
"""How it is said that a year or day is only the file's own time, which a copy need not keep."""
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
    inputs: Inputs = field(default_factory=Inputs)
    """What the paths named; it holds the members of archives for as long as the case is used."""

    @property
    def readable(self) -> list[Source]:
        """The sources that were read."""
        return [s for s in self.sources if s.format is not None]

    def offset_ns(self, source: Source) -> int:
        """What the user said is to be added to every instant of a source; its events have it already."""
        return self.inputs.how(source, How()).offset_ns

    def river(self) -> list[Event]:
        """All events in one order."""
        return sorted((e for events in self.events.values() for e in events), key=river_key)


def read_case(
    paths: Sequence[str],
    how: How,
    watch: Callable[[Source, Reading], None] | None = None,
    near_ns: Mapping[str, int] | None = None,
    fetched: Mapping[str, Path | FedtraceError] | None = None,
    hold: Hold | None = None,
    only: Collection[str] = (),
    lines: Mapping[str, tuple[int, int]] | None = None,
    earlier: Mapping[str, bytes] | None = None,
) -> Case:
    """Read all inputs: files, folders, shell patterns, `-`. `watch` is told of each source before it is read.

    `near_ns` tells, by path, near which instant files begin that leave out year or day, where that is known already.
    `fetched` tells where the bytes of files are that are called otherwise, or why there are none, as `inputs_of` says.
    `hold` says what of the events is wanted, and raises TooMuch; `only` are the names of the sources that are read, all
    where none is named, and `lines` the first and last line of those of which not all are. `earlier` is what an earlier
    reading of captures told, by path, which are as they were.
    Raises FedtraceError when not one of them can be used, and when there is no tshark and it was asked for.
    """
    if how.engine == "tshark":
        tshark_call.program()
    if how.keylog is not None:
        check_keylog(how.keylog)
    inputs = inputs_of(paths, fetched)
    case = Case(sources=[], inputs=inputs)
    hold = hold or Hold()
    dated: dict[str, bool] = {}
    only, earlier = frozenset(only), earlier or {}
    for source in (s for s in inputs.sources if not only or s.name in only):
        told = inputs.how(source, how)
        left_out = source.name in inputs.problems and source.name not in inputs.lost
        case.readings[source.name] = Reading(size_bytes=_size(source.file))
        try:
            if left_out:
                raise inputs.problems[source.name]
            head = ingest.head_of(source)
            chosen = ingest.format_named(told.format) if told.format else ingest.choose(head)[0]
            dated[source.name] = ingest.dated(chosen, head) or told.date is not None or told.year is not None
        except FedtraceError as error:
            # What is wrong with the archive that held it says more than that it is empty.
            case.problems[source.name] = inputs.problems.get(source.name, error)
            case.sources.append(source)
            continue
        case.sources.append(replace(source, format=chosen.name, vantage=told.vantage))
    taps = _taps([s for s in case.sources if s.format == "capture"])
    case.sources = [replace(s, tap=taps.get(s.name, "")) for s in case.sources]
    hold.opens(len(case.sources))
    # What says its own date is read first: it tells the others when they were written.
    for tap, sources in sorted(_by_tap(case.readable).items(), key=lambda t: (not dated[t[1][0].name], t[0])):
        for source in sources:
            if watch is not None:
                watch(source, case.readings[source.name])
        told = inputs.how(sources[0], how)
        known_ns = (near_ns or {}).get(str(sources[0].path))
        if known_ns is not None:
            told = replace(told, near_ns=known_ns, near_why="from its first reading")
        elif not dated[sources[0].name]:
            told = _near(case, sources[0], told)
        told = replace(told, lines=(lines or {}).get(str(sources[0].path)))
        if not _known(case, tap, sources, hold, earlier):
            _read_tap(case, tap, sources, told, hold)
        _cut_short(case, tap, sources)
    if not case.readable:
        _refuse(case, paths)
    _note(case)
    _retold(case)
    return case


def _known(case: Case, tap: str, sources: list[Source], hold: Hold, earlier: Mapping[str, bytes]) -> bool:
    """Take what an earlier reading told of a capture, if one did, and all of it is wanted."""
    told = earlier.get(str(sources[0].path)) if len(sources) == 1 else None
    if told is None:
        return False
    known = Earlier.of(told)
    if not known.is_wanted(sources[0].name, hold):
        return False
    case.readings[known.name] = known.reading
    case.events[tap] = known.events
    hold.takes(known.events)
    return True


def _read_tap(case: Case, tap: str, sources: list[Source], how: How, hold: Hold) -> None:
    """Read the files of one place; a file that turns out to be unreadable leaves the rest."""

    def refused(source: Source, error: FedtraceError) -> None:
        # Of a member of an archive nobody knows where it was unpacked to.
        said = error if source.held is None else type(error)(str(source.path), error.problem, error.next_step)
        case.problems[source.name] = said
        place = bisect_left(case.sources, source.name, key=attrgetter("name"))
        case.sources[place] = replace(source, format=None)

    try:
        if len(sources) > 1:
            events = read_ring([(s, case.readings[s.name]) for s in sources], how, refused, hold)
        elif sources[0].format == "capture":
            events = read_ring([(sources[0], case.readings[sources[0].name])], how, hold=hold)
        else:
            events = _wanted(ingest.read(sources[0], how, case.readings[sources[0].name]), hold)
    except FedtraceError as error:
        refused(sources[0], error)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        for source in sources:
            refused(source, SourceUnreadable(source.name, reason, "copy it and try again"))
    else:
        hold.rest(events)
        # A capture's events come in order already, and looking is nearly as dear as sorting.
        case.events[tap] = events if sources[0].format == "capture" else sorted(events, key=river_key)
        for source in sources:
            _bounded(case.readings[source.name], hold.within_ns)


def _wanted(events: Iterable[Event], hold: Hold) -> list[Event]:
    """The events of an input that are to be held; what people set and tried holds at any time."""
    streams = Streams(hold)
    held: list[Event] = []
    left_out = 0
    first: Event | None = None
    for event in events:
        began_ns = event.at_ns if isinstance(event, Damage) else streams.began_ns(event)
        if began_ns is None:
            first = first or event
            left_out += 1
        elif hold.wants(began_ns) or isinstance(event, Probe | Setting):
            held.append(event)
            hold.look(held, lambda _, began_ns=began_ns: began_ns)  # type: ignore[misc]
            first = first or (event if hold.left_out else None)
    left_out += hold.left_out
    if first is not None:
        where = Where(source=first.where.source)
        damage = Damage(
            at_ns=first.at_ns, width_ns=first.width_ns, where=where, what=NOT_HELD, lost=left_out, unit="lines"
        )
        held.append(damage)
    return held


def _bounded(reading: Reading, within_ns: tuple[int, int] | None) -> None:
    """What lies outside of what is held was not looked at: nothing follows from what was not seen there."""
    if within_ns is not None and reading.first_ns is not None and reading.last_ns is not None:
        reading.first_ns = max(reading.first_ns, within_ns[0])
        reading.last_ns = max(reading.first_ns, min(reading.last_ns, within_ns[1]))


def _cut_short(case: Case, tap: str, sources: Sequence[Source]) -> None:
    """What a member of an archive lacks is damage at its end."""
    for source in sources:
        lost = case.inputs.lost.get(source.name)
        if lost is not None and tap in case.events:
            reading, what = case.readings[source.name], case.inputs.problems[source.name].problem
            at_ns = reading.last_ns or 0
            where = Where(source=source.name)
            damage = Damage(at_ns=at_ns, width_ns=1, where=where, what=what, lost=lost, unit="bytes")
            case.events[tap] = sorted([*case.events[tap], damage], key=river_key)


def _note(case: Case) -> None:
    """What was assumed while reading becomes part of what is known of the sources."""
    for place, source in enumerate(case.sources):
        if source.format is not None and (assumed := case.readings[source.name].assumed):
            case.sources[place] = replace(source, assumed=(*source.assumed, *assumed))


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
        written_ns = source.file.stat().st_mtime_ns
    except OSError:
        # Standard input, as a rule: whoever pastes a log has just taken it.
        return replace(how, near_ns=time.time_ns(), near_why="the current one")
    return replace(how, near_ns=written_ns, near_why=BY_FILE_TIME)


def _retold(case: Case) -> None:
    """Events that one input tells of others, as JSON lines do, become those of sources of their own.

    What such a source recorded is known only as far as its events go, and its tap only by its name.
    """
    by_tap: dict[str, set[str]] = {}
    for source in case.sources:
        by_tap.setdefault(source.tap or source.name, set()).add(source.name)
    for teller in (s for s in case.readable if s.format != "capture"):
        own = by_tap[teller.tap or teller.name]
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
        raise SourceUseless(", ".join(paths), "there is no file in it", "name captures, or a folder that holds some")
    if len(case.problems) == 1:
        raise next(iter(case.problems.values()))
    reasons = sorted({e.problem for e in case.problems.values()})
    useless = all(isinstance(error, SourceUseless) for error in case.problems.values())
    raise (SourceUseless if useless else SourceUnreadable)(
        ", ".join(paths),
        f"none of {len(case.problems)} files could be read ({'; '.join(reasons[:3])})",
        "`fedtrace sniff` tells of each",
    )


def _size(path: Path) -> int:
    try:
        seen = path.stat()
    except OSError:
        return 0
    return seen.st_size if S_ISREG(seen.st_mode) else 0


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
    firsts = ((min(members)[2], members) for members in rings.values() if len(members) > 1)
    return {name: first for first, members in firsts for *_, name in members}


def may_be_of_ring(name: str) -> bool:
    """Whether a file is called as those of ring buffers are, and is read together with others where they are there."""
    found = next(filter(None, (pattern.fullmatch(name) for pattern in _RING)), None)
    return found is not None and bool(found["number"])


def _by_tap(sources: Sequence[Source]) -> dict[str, list[Source]]:
    """Sources by tap, in order of name."""
    found: dict[str, list[Source]] = {}
    for source in sources:
        found.setdefault(source.tap or source.name, []).append(source)
    return found
