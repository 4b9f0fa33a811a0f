"""Which inputs a case has: files, folders at any depth, shell patterns, archives, and what `case.toml` says of them.

Knows no format and reads no input.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path

from parsers import case_file, links
from parsers.archive import Unpacking, archive_kind
from parsers.errors import FedtraceError, SourceUnreadable, SourceUseless
from parsers.scratch import Scratch
from parsers.source import How, Source

FILES_MAX = 25_000
"""Files of one case, each of which takes up to 9 kB until it is judged; more are an archive of several."""
NOWHERE = Path(os.devnull)
"""Where the bytes are of what is not read."""


@dataclass(slots=True)
class Inputs:
    """What the paths of a user name."""

    sources: list[Source] = field(default_factory=list)
    """Every input, in order of name, its format not yet looked at."""
    problems: dict[str, FedtraceError] = field(default_factory=dict)
    """Why a member of an archive was left out, or was cut short, or a file not fetched, by the name of its source."""
    lost: dict[str, int] = field(default_factory=dict)
    """Bytes that a source lacks which was cut short, by its name."""
    known: list[case_file.Known] = field(default_factory=list)
    """What each `case.toml` says."""
    unpacked: Scratch | None = None
    """Folder of the members of archives; it goes away with this object, or with the program."""

    def how(self, source: Source, how: How) -> How:
        """How to read one source: what was said of it, else of all."""
        return case_file.how_of(self.known, source.path, how) if self.known else how


def inputs_of(paths: Sequence[str], fetched: Mapping[str, Path | FedtraceError] | None = None) -> Inputs:
    """Every input that the paths name. Raises SourceUnreadable where one names none, or a `case.toml` is wrong.

    `fetched` tells of files that are called otherwise than their paths, by what they are called, where their bytes are,
    or why there are none: there are no others.
    """
    found = Inputs()
    members: dict[Path, tuple[Path | None, FedtraceError | None, int]] = {}
    shown: list[Path] = []
    unpacking: Unpacking | None = None
    named = _files(paths) if fetched is None else [(Path(n), f) for n, f in fetched.items()]
    if len(named) > FILES_MAX:
        raise _too_many(", ".join(paths))
    for path, file in named:
        if isinstance(file, FedtraceError):
            shown.append(path)
            members[path] = (None, file, 0)
            continue
        if str(path) == "-" or not file.is_file() or not _is_archive(file):
            shown.append(path)
            if fetched is not None:
                members[path] = (file, None, 0)
            continue
        if unpacking is None:
            found.unpacked = Scratch()
            unpacking = Unpacking(found.unpacked.path)
        for member in unpacking.members(path, file):
            # An archive may hold two members of one name: the later does not replace the earlier.
            place, again = member.path, 1
            while place in members:
                again += 1
                place = member.path.with_name(f"{member.path.name} ({again})")
            members[place] = (member.file, member.problem, member.lost)
            shown.append(place)
    noted = [path for path in shown if path.name == case_file.NAME]
    # Who names a file means it as it lies there, with what is said of it beside it.
    beside = dict.fromkeys(path.parent / case_file.NAME for path in shown if path not in members and str(path) != "-")
    for path in dict.fromkeys((*noted, *(path for path in beside if path.is_file()))):
        bytes_at, problem, _ = members.get(path, (path, None, 0))
        if path in beside and path.is_symlink():
            raise links.not_followed(str(path))
        if bytes_at is None:
            raise problem or SourceUnreadable(str(path), "it cannot be read")
        found.known.append(case_file.read(path, bytes_at))
    for name, path in _named([path for path in shown if path not in set(noted)]):
        bytes_at, problem, lost = members.get(path, (None, None, 0))
        # What was not fetched is nowhere: what is called so on this disk is another file, or what a link leads to.
        nowhere = problem is not None and (fetched is not None or path.is_symlink() or _is_no_file(path))
        found.sources.append(Source(name=name, path=path, format=None, held=bytes_at or (NOWHERE if nowhere else None)))
        if problem is not None:
            found.problems[name] = problem
            if bytes_at is not None:
                found.lost[name] = lost
    return found


def _is_no_file(path: Path) -> bool:
    """A member of an archive lies nowhere, and is none."""
    return os.path.lexists(path) and links.is_no_file(path)


def _is_archive(path: Path) -> bool:
    """Whether a file is an archive; what cannot be opened is left to whoever reads it."""
    try:
        return archive_kind(path) is not None
    except OSError:
        return False


def _files(paths: Sequence[str]) -> list[tuple[Path, Path | FedtraceError]]:
    """Every file that the paths name, each once, in the order given; folders in name order, at any depth. With each
    where its bytes are, or why they are not read.
    """
    found: dict[Path, tuple[Path, Path | FedtraceError]] = {}
    for text in paths:
        for path, file in _named_by(text):
            # A file that is named twice, in whatever spelling, was recorded once.
            as_it_lies = text == "-" or isinstance(file, FedtraceError)
            found.setdefault(path if as_it_lies else path.resolve(), (path, file))
            if len(found) > FILES_MAX:
                raise _too_many(text)
    return list(found.values())


def _too_many(text: str) -> SourceUseless:
    return SourceUseless(
        text, f"more than {FILES_MAX:,} files", "name the folder of one incident, or part it into several"
    )


def _named_by(text: str) -> Iterator[tuple[Path, Path | FedtraceError]]:
    """The files of one path as typed, which may be a link. Raises SourceUnreadable where there is none."""
    path = Path(text)
    if text != "-" and path.is_fifo():
        # What it is shows in its first bytes, and those can be read but once.
        raise SourceUnreadable(text, "this is a pipe", f"read it as standard input: fedtrace analyze - < {text}")
    if text == "-" or path.is_file():
        yield path, path
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
            yield match, match


def _inside(folder: Path) -> Iterator[tuple[Path, Path | FedtraceError]]:
    """Files of a folder at any depth, in name order, without hidden ones. Links are not followed.

    A folder that may not be listed stands for what is in it: reading it says why there is nothing.
    """
    for path in sorted((folder, *folder.rglob("*"))):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        try:
            if hidden:
                continue
            if path != folder and path.is_symlink():
                if links.is_lost(path, folder):
                    yield path, links.not_followed(str(path))
            elif path.is_file() or (path.is_dir() and not may_list(path)):
                yield path, path
            elif links.is_no_file(path):
                yield path, links.not_opened(str(path))
        except PermissionError:  # it is in a folder that stands for it
            continue


def may_list(folder: Path) -> bool:
    """Whether the files of a folder may be listed and looked at."""
    return os.access(folder, os.R_OK | os.X_OK)


def _named(paths: Sequence[Path]) -> list[tuple[str, Path]]:
    """Each with the shortest name that tells it from the others, the file's or with folders; in order of name."""
    names: dict[Path, str] = {}
    waiting, count = list(paths), 0
    while waiting:
        count += 1
        shared = Counter(path.parts[-count:] for path in waiting)
        names |= {
            p: "/".join(p.parts[-count:]) for p in waiting if shared[p.parts[-count:]] == 1 or count > len(p.parts)
        }
        waiting = [path for path in waiting if path not in names]
    return [(names[path], path) for path in sorted(paths, key=lambda path: names[path])]
