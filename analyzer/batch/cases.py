"""Which cases an archive holds: each subfolder, each packed archive, and the loose files beside them.

Names of cases are hostile: what becomes a file name of ours is made safe here. Reads no input.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from analyzer.batch.covered import Proved
from analyzer.batch.inputs import Inputs, Kinds
from parsers.case_file import NAME as CASE_FILE
from parsers.errors import SourceUnreadable
from parsers.links import not_followed
from parsers.source import How

STEM_MAX = 100
"""Characters of a file name of ours that come from a case's name; file systems bear 255 bytes."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user wants of every case."""

    how: How = field(default_factory=How)
    """How inputs are read."""
    local_domains: tuple[str, ...] = ()
    """The domains on our side."""
    since_ns: int | None = None
    """Attempts that began before it are left out."""
    only: tuple[str, ...] = ()
    """Attempts from or to these domains only, in A-labels; all where none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One case that is to be read."""

    name: str
    """What people call it: the folder's or archive's name; of loose files the days."""
    stem: str
    """The same as the name of a file of ours, unique in the archive."""
    paths: tuple[str, ...]
    """The folder, the archive, or the loose files, as they are called where they lie."""
    window_ns: tuple[int, int] | None = None
    """Attempts that began outside [first, second) are another case's; None where the files are of this case only."""
    within_ns: tuple[int, int] | None = None
    """What is held of the files: conversations that began in [first, second); None for all."""
    part_of: str | None = None
    """The case that it is a part of, where that is cut."""
    share: tuple[int, int] | None = None
    """Of how many shares, by pairs of domains, which one's attempts are this case's; None for all."""
    sources: tuple[str, ...] = ()
    """Names of the inputs that are read; all where none is named."""
    lines: tuple[tuple[str, tuple[int, int]], ...] = ()
    """Path, and first and last line, of logs of which not all lines are read."""
    only_span: bool = False
    """Nothing is asked but what the files cover."""
    link: bool = False
    """It is a link, and nothing of it is read."""
    near_ns: tuple[tuple[str, int], ...] = ()
    """Path and first instant of files, for clocks that leave out the year or the day."""
    dated: frozenset[str] = frozenset()
    """Of a part of a case the paths of all files of which some instant is known: one set for all parts, since of 25,000
    files each would take 2 MB."""
    proved: Proved = ()
    """Who lives where, as all of a case that was cut into parts proves it."""
    local: str | None = None
    """The local domain, as all of a case that was cut into parts shows it; None where it does not tell."""

    @property
    def spared(self) -> frozenset[str]:
        """Paths of files that are not read for this part of a case, and need not be fetched for it."""
        return self.dated.difference(path for path, _ in self.near_ns)


@dataclass(frozen=True, slots=True)
class Archive:
    """What lies directly below the folder."""

    whole: Sequence[tuple[str, str, bool]]
    """Its subfolders and packed archives, and links, which are cases that cannot be read: name, the same as that of a
    file of ours, and whether it is a link; in order of name."""
    others: Sequence[tuple[str, str]]
    """Its other files: name, and the same as that of a file of ours; in order of name."""
    says: tuple[str, ...]
    """Its own `case.toml`, if it has one: it is said of loose files."""
    kinds: Kinds = field(default_factory=dict)
    """What was found by looking into its files, where that costs something."""

    @property
    def tasks(self) -> Iterator[Task]:
        """Its cases, but for those that are made of loose files."""
        return (Task(name=name, stem=stem, paths=(name,), link=link) for name, stem, link in self.whole)

    @property
    def loose(self) -> Iterator[Task]:
        """Its other files, of which nothing is asked yet but what they cover."""
        return (Task(name=name, stem=stem, paths=(name,), only_span=True) for name, stem in self.others)

    @property
    def stems(self) -> Iterator[str]:
        """All these names as those of files of ours."""
        yield from (stem for _, stem, _ in self.whole)
        yield from (stem for _, stem in self.others)

    @property
    def may_be_one(self) -> bool:
        """Whether it looks like the folder of a single case: what its `case.toml` says is said of no folder in it."""
        return bool(self.says) and any(not link for *_, link in self.whole)


def archive_of(inputs: Inputs, where: str, leave_out: str, known: Kinds | None = None) -> Archive:
    """The cases of an archive, which is called `where`, but for the folder of results in it.

    Raises FedtraceError where it cannot be looked into, or holds nothing, or its `case.toml` is a link.
    """
    entries = inputs.entries(leave_out, known or {})
    says = tuple(e.name for e in entries if e.name == CASE_FILE and not e.folder)
    if any(e.link and e.name in says for e in entries):
        raise not_followed(f"{where}/{CASE_FILE}")
    whole = [e for e in entries if e.folder or e.link or (e.packed and e.name not in says)]
    loose = [e for e in entries if not e.folder and not e.link and not e.packed and e.name not in says]
    if not whole and not loose:
        raise SourceUnreadable(where, "there is no case in it", "name a folder that holds folders, archives or files")
    stems = iter(stems_of([entry.name for entry in (*whole, *loose)]))
    cases = [(e.name, next(stems), e.link) for e in whole]
    others = [(e.name, next(stems)) for e in loose]
    return Archive(cases, others, says, {e.name: (e.mark, e.packed) for e in entries if e.mark is not None})


def kinds_of(told: bytes | None) -> Kinds:
    """What was found by looking into files, as it was remembered in JSON."""
    return {name: ((m[0], m[1], m[2]), packed) for name, (m, packed) in (json.loads(told) if told else {}).items()}


def stems_of(names: Iterable[str]) -> list[str]:
    """Names as names of files: letters, digits, `.`, `_`, `-`; what had to be changed carries its own fingerprint.

    None begins with `.` or `_`, which readers of data sets pass over; and no two differ in case only.
    """
    stems: list[str] = []
    taken: set[str] = set()
    for name in names:
        stem = _UNSAFE.sub("_", name)[:STEM_MAX].lstrip("._")
        if stem != name or stem.lower() in taken:
            digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
            stem = f"{stem or 'case'}-{digest[:12]}"
        taken.add(stem.lower())
        stems.append(stem)
    return stems
