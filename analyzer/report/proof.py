"""A report held against its inputs: whether each piece of evidence still stands at its frame or line.

The report is somebody else's file: what is used of it is checked here, and its paths are opened for reading only, as
inputs, where they name files. Trusts no verdict and judges none.
"""

from __future__ import annotations

import json
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from analyzer.report.rows import SCHEMA
from analyzer.report.words import says
from parsers.case import Case
from parsers.errors import FedtraceError
from parsers.fingerprint import fingerprint
from parsers.inputs import Inputs, inputs_of
from parsers.source import Source

REPORT_MAX = 512 << 20
"""Bytes of a report that are read: one of a million events has some hundred million."""
_NO_REPORT = "make it with `fedtrace analyze --format json`"


class Piece(NamedTuple):
    """One piece of evidence, as the report tells it."""

    source: str
    """Name of the input."""
    frame: int | None
    """Wireshark's number of the frame."""
    line: int | None
    """An editor's number of the line."""
    says: str
    """What is said to stand there."""


class Claimed(NamedTuple):
    """A finding of the report."""

    id: str
    """Its id."""
    rule: str
    """The rule's name."""
    pieces: tuple[Piece, ...]
    """Its evidence."""


class Input(NamedTuple):
    """An input of the report."""

    name: str
    """How the report calls it."""
    path: str
    """Where it was."""
    sha256: str | None
    """Its fingerprint; None for a pipe."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What of a report is held against its inputs."""

    version: str
    """The fedtrace that made it."""
    inputs: tuple[Input, ...]
    """Those that could be read then, in the report's order."""
    findings: tuple[Claimed, ...]
    """In the report's order."""
    pieces: tuple[Piece, ...]
    """All evidence, of findings, timelines, lookups, checklist and peers; each piece once."""


class Held(NamedTuple):
    """An input of the report, and what is there now."""

    input: Input
    """As the report tells it."""
    state: str
    """"same", "changed", "missing", "unreadable", or "unproven" where the report has no fingerprint."""
    because: str
    """Why it is not the same, or where it was found; "" where there is nothing to say."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What came of it."""

    told: Told
    """The report."""
    inputs: tuple[Held, ...]
    """Its inputs."""
    fallen: dict[Piece, str]
    """Evidence that does not stand, with the reason."""


def told(path: Path) -> Told:
    """Read a report. Raises FedtraceError where it is none, or says what no report says."""
    try:
        with path.open("rb") as file:
            data = file.read(REPORT_MAX + 1)
    except OSError as error:
        raise FedtraceError(str(path), (error.strerror or "cannot be read").lower(), _NO_REPORT) from None
    if len(data) > REPORT_MAX:
        raise FedtraceError(str(path), f"more than {REPORT_MAX >> 20} MiB", "no report is so long")
    try:
        report = json.loads(data)
    except (ValueError, RecursionError):
        raise FedtraceError(str(path), "this is no JSON", _NO_REPORT) from None
    try:
        return _told(report)
    except _Wrong as wrong:
        raise FedtraceError(str(path), f"this is no report of fedtrace: {wrong}", _NO_REPORT) from None


class _Wrong(Exception):
    """What no report says, with its place."""


def _told(report: Any) -> Told:
    row = _row(report, "the report")
    if row.get("schema") != SCHEMA or isinstance(row["schema"], bool):
        raise _Wrong(f"schema is not {SCHEMA}")
    sources = [(at, s) for at, s in _rows(row, "sources", "") if s.get("format") is not None]
    inputs = tuple(Input(_text(s, "name", at), _text(s, "path", at), _sha256_of(s, at)) for at, s in sources)
    if len({i.name for i in inputs}) < len(inputs):
        raise _Wrong("two sources have one name")
    findings = tuple(
        Claimed(_text(f, "id", at), _text(f, "rule", at), tuple(_pieces(f, "evidence", at)))
        for at, f in _rows(row, "findings", "")
    )
    pieces = [piece for finding in findings for piece in finding.pieces]
    for at, session in _rows(row, "sessions", ""):
        pieces += [_piece(_row(m.get("evidence"), where), where) for where, m in _rows(session, "timeline", at)]
    for at, peer in _rows(row, "peers", ""):
        pieces += [piece for where, mark in _rows(peer, "marks", at) for piece in _pieces(mark, "evidence", where)]
    for name, key in (("connections", "firewall"), ("lookups", "evidence"), ("checklist", "evidence")):
        pieces += [piece for at, thing in _rows(row, name, "") for piece in _pieces(thing, key, at)]
    version = _text(row, "fedtrace", "the report")
    return Told(version=version, inputs=inputs, findings=findings, pieces=tuple(dict.fromkeys(pieces)))


def _row(value: Any, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong(f"{at} is no object")
    return value


def _rows(row: dict[str, Any], key: str, at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a list, each with its place. Older reports lack some lists."""
    found = row.get(key, [])
    place = f"{at}.{key}" if at else key
    if not isinstance(found, list):
        raise _Wrong(f"{place} is no list")
    for index, one in enumerate(found):
        yield f"{place}[{index}]", _row(one, f"{place}[{index}]")


def _text(row: dict[str, Any], key: str, at: str) -> str:
    if not isinstance(row.get(key), str):
        raise _Wrong(f"{at} has no text {key!r}")
    return str(row[key])


def _sha256_of(row: dict[str, Any], at: str) -> str | None:
    return None if row.get("sha256") is None else _text(row, "sha256", at)


def _pieces(row: dict[str, Any], key: str, at: str) -> Iterator[Piece]:
    for where, piece in _rows(row, key, at):
        yield _piece(piece, where)


def _piece(row: dict[str, Any], at: str) -> Piece:
    numbers = [row.get("frame"), row.get("line")]
    if not all(n is None or (isinstance(n, int) and not isinstance(n, bool)) for n in numbers):
        raise _Wrong(f"{at}: frame or line is no number")
    return Piece(_text(row, "source", at), numbers[0], numbers[1], _text(row, "says", at))


def proof(report: Told, paths: Sequence[str], read: Callable[[Sequence[str]], Case]) -> Proof:
    """Find the inputs of a report, where it says or among `paths`, by their fingerprints; read them, and compare.

    `read` makes a case of paths. Raises FedtraceError where not one of the inputs is to be found.
    """
    places = dict.fromkeys(str(place) for i in report.inputs if (place := _on_disk(i.path)) is not None)
    # Members of archives are there for as long as this is.
    inputs = inputs_of([*places, *paths]) if places or paths else Inputs()
    by_sha: dict[str, list[Source]] = defaultdict(list)
    for source in inputs.sources:
        if (sha256 := _sha256(source)) is not None:
            by_sha[sha256].append(source)
    chosen: dict[str, Source] = {}
    held = []
    for one in report.inputs:
        same = by_sha.get(one.sha256 or "", [])
        if same:
            # Copies are the same bytes: the one in its place goes before one that lies elsewhere.
            chosen[one.name] = min(same, key=lambda s: str(s.path) != one.path)
        held.append(_held(one, chosen.get(one.name), there=any(str(s.path) == one.path for s in inputs.sources)))
    if not chosen and not any(h.state == "changed" for h in held):
        if held and all(h.state == "unproven" for h in held):
            raise FedtraceError(
                "the report",
                "it has no fingerprint of its inputs: they came through a pipe, or it is redacted",
                "analyze files",
            )
        raise FedtraceError("the report", "none of its inputs is to be found", "name the folder they are in behind it")
    said: dict[tuple[str, int | None, int | None], set[str]] = {}
    if chosen:
        said, unreadable = _said(report, chosen, read)
        held = [
            h._replace(state="unreadable", because=unreadable[n]) if (n := h.input.name) in unreadable else h
            for h in held
        ]
    states = {h.input.name: h.state for h in held}
    fallen = {}
    for piece in report.pieces:
        if (because := _fallen(piece, states.get(piece.source), said)) is not None:
            fallen[piece] = because
    return Proof(told=report, inputs=tuple(held), fallen=fallen)


def _on_disk(path: str) -> Path | None:
    """The file of a path, or the archive that it leads into; no folder, no pipe, no device."""
    place = Path(path)
    for one in (place, *place.parents):
        try:
            status = one.stat()
        except (OSError, ValueError):
            continue
        # What a kernel makes up when it is read has no size.
        return one if stat.S_ISREG(status.st_mode) and status.st_size else None
    return None


def _sha256(source: Source) -> str | None:
    try:
        return fingerprint(source.file) if source.file.is_file() else None
    except OSError:
        return None


def _held(one: Input, found: Source | None, *, there: bool) -> Held:
    """What became of an input."""
    if one.sha256 is None:
        return Held(one, "unproven", "the report has no fingerprint of it")
    if found is not None:
        return Held(one, "same", "" if str(found.path) == one.path else f"found at {found.path}")
    if there:
        return Held(one, "changed", f"{one.path} has another SHA-256 now")
    return Held(one, "missing", f"{one.path} is not there")


def _said(
    report: Told, chosen: dict[str, Source], read: Callable[[Sequence[str]], Case]
) -> tuple[dict[tuple[str, int | None, int | None], set[str]], dict[str, str]]:
    """What stands at each place of the evidence, by the report's names; and which inputs cannot be read, and why."""
    files = dict.fromkeys(str(s.path if s.held is None else _on_disk(str(s.path))) for s in chosen.values())
    case = read(list(files))
    names: dict[str, list[str]] = defaultdict(list)
    unreadable = {}
    for name, source in chosen.items():
        now = _now(case.sources, source, name)
        if now is None or now.name in case.problems:
            problem = case.problems.get(now.name) if now is not None else None
            unreadable[name] = problem.problem if problem is not None else "it is not read any more"
        else:
            names[now.name].append(name)
    places = {piece[:3] for piece in report.pieces}
    said: dict[tuple[str, int | None, int | None], set[str]] = defaultdict(set)
    for events in case.events.values():
        for event in events:
            for name in names.get(event.where.source, ()):
                place = (name, event.where.frame, event.where.line)
                if place in places:
                    said[place].add(says(event))
    return said, unreadable


def _now(sources: Iterable[Source], found: Source, name: str) -> Source | None:
    """The source of a case that a file is; where a file tells of several, the one of that name."""
    same = [s for s in sources if s.path == found.path]
    return min(same, key=lambda s: (s.name != name, Path(s.name).name != Path(name).name), default=None)


def _fallen(piece: Piece, state: str | None, said: dict[tuple[str, int | None, int | None], set[str]]) -> str | None:
    """Why a piece of evidence does not stand; None where it does."""
    if state is None:
        return "the report names no such source"
    if state != "same":
        return {"changed": "the file was changed", "missing": "the file is missing"}.get(state, f"the file is {state}")
    now = said.get(piece[:3])
    if not now:
        return "nothing is said there"
    return None if piece.says in now else f"there stands: {'; '.join(sorted(now))}"
