"""The run over an archive: every case once, by whichever map is given, then the data sets, pages and figures of all.

Nothing here knows which map it was given, and in which order it answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from typing import NamedTuple

from analyzer.batch.cases import Options, Task, archive_of, kinds_of
from analyzer.batch.days import DAY_NS
from analyzer.batch.fingerprints import Content, called, contents_of, program
from analyzer.batch.inputs import Inputs
from analyzer.batch.kept import forget, place
from analyzer.batch.lease import Waits
from analyzer.batch.loose import LOOSE, cut
from analyzer.batch.metrics import METRICS, metrics
from analyzer.batch.outcome import Outcome
from analyzer.batch.overview import SUMMARY, overview, prepare
from analyzer.batch.parts import parts
from analyzer.batch.places import inputs_at, store_at
from analyzer.batch.previous import Said, bytes_of, runs_of
from analyzer.batch.remote import is_same, is_within, on_disk, shown
from analyzer.batch.shared import CASES, share
from analyzer.batch.store import Store
from analyzer.batch.work import COVERED, Done, Job, unchanged, work
from parsers.errors import FedtraceError
from parsers.scratch import clear

Work = Callable[[Job], Done]
"""What is done on a job."""
Map = Callable[[Work, Sequence[Job]], Iterable[Done]]
"""Does the work on every job, in any order, anywhere."""
MEMORY = ".work/memory.json"
"""What inputs held, beside how they looked: a run that is killed before it is written reads them again, no more."""
KINDS = ".work/kinds.json"
"""Which files of an archive elsewhere are packed archives, beside how they looked: who is listed is not looked into."""
RUNS = ".work/runs.json"
"""What the last finished run said, and the one that it was compared with."""
REMEMBER_EVERY = 200
"""Cases after which it is written, at first; of a million, it would be written too often."""
REMEMBER_BYTES = 1 << 28
"""Bytes of inputs after which it is written, whatever their number: a killed run reads no more than that again."""
TABLES = (
    "verdicts",
    "sessions",
    "findings",
    "connections",
    "lookups",
    "certificates",
    "events",
    "checklist",
    "sources",
    "damage",
)
"""Names of the data sets beside `cases`; a test holds them to those of `report.tables`, whose imports take time."""
PAGES = "pages"
"""Folder of the pages of cases in which a pair fails."""


class Progress(NamedTuple):
    """How far a run is."""

    done: Done
    """The case that has just been done, or a loose file that was asked what it covers."""
    number: int
    """Cases done so far; of loose files, these."""
    total: int
    """Cases of the run, as far as they are known; of loose files, these."""


class Batch(NamedTuple):
    """What a run came to."""

    outcomes: tuple[Outcome, ...]
    """A row for each case, in order of name."""
    fresh: int
    """Cases that were read in this run; the others were kept."""
    replaced: bool = False
    """The results of a run with other options stood here."""
    nobody: Sequence[str] = ()
    """Domains that were asked for, and that no attempt was from or to."""
    may_be_one: bool = False
    """The archive looks like the folder of a single case: it has a `case.toml` beside folders."""
    of_one_day: bool = False
    """It looks so since its loose files and what else is in it are of one day together."""
    gone: int = 0
    """Cases and loose files of the run before that the archive has no more: what they said is removed."""

    @property
    def exit_code(self) -> int:
        """As `analyze` ends: 4 a bug of fedtrace, 1 a pair is failing, 2 no case could be used, 3 nothing judged."""
        states = {o.state for o in self.outcomes}
        if "broken" in states or any(o.rules_broken for o in self.outcomes):
            return 4
        if "failing" in states:
            return 1
        if states & {"healthy", "degraded"}:
            return 0
        # A note that lies beside cases is no input.
        return 2 if self.outcomes and all(o.state == "unreadable" or not o.sources for o in self.outcomes) else 3


def batch(
    path: str,
    root: str,
    options: Options,
    map: Map,
    told: Callable[[Progress], None] = lambda progress: None,
    waits: Waits = lambda holder, seconds: None,
) -> Batch:
    """Work on every case of the archive at `path` and fill the folder `root`, both paths or URLs.

    `told` hears of each case, and `waits` of the lock of an earlier run before it is waited for.

    Raises FedtraceError where the archive cannot be looked into, or the folder not be written.
    """
    path, root = on_disk(path), on_disk(root)
    if is_same(path, root):
        raise FedtraceError(shown(root), "this is the archive itself", "name another folder, or one in it")
    if is_within(root, path):
        said = "it lies in what would be read as a case"
        raise FedtraceError(shown(root), said, "name a folder directly in the archive, or elsewhere")
    clear()
    store = store_at(root)
    with inputs_at(path) as inputs:
        told_kinds = store.get(KINDS)
        archive = archive_of(inputs, shown(path), root, kinds_of(told_kinds))
        with store.locked(waits):
            run = _Run(path, inputs, store, options, map, told)
            loose = run.over(archive.loose, archive.says)
            days = cut([each.covered for each in loose if each.covered is not None], options)
            run.cases += len(archive.tasks) + len(days)
            whole = run.over(archive.tasks, ())
            pieces = [part for each in whole if each.covered for part in parts(each.task, each.covered, options)]
            run.cases += len(pieces)
            worked = [*loose, *whole, *run.over(pieces, ()), *run.over(days, archive.says)]
            done = sorted((each for each in worked if each.covered is None), key=lambda each: each.task.stem)
            kept = {each.key for each in worked if each.key}
            kept |= _publish(store, done, kept)
            outcomes = tuple(each.outcome for each in done)
            store.put({METRICS: metrics(outcomes).encode()})
            replaced, nobody = _overview(store, kept, options, outcomes)
            gone = run.gone({each.task.stem for each in worked})
            run.remember()
            if archive.kinds:
                _keep(store, KINDS, archive.kinds)
            return Batch(outcomes, run.fresh, replaced, nobody, archive.may_be_one, _of_one_day(done), gone)


def _of_one_day(done: Sequence[Done]) -> bool:
    """Whether cases of loose files and others are there that together tell of no more than a day."""
    told = [(each.outcome, each.task.stem.startswith(LOOSE)) for each in done if each.outcome.first_ns is not None]
    if {loose for _, loose in told} != {True, False}:
        return False
    first_ns = min(outcome.first_ns or 0 for outcome, _ in told)
    return max(outcome.last_ns or outcome.first_ns or 0 for outcome, _ in told) - first_ns <= DAY_NS


class _Run:
    """What is remembered, and how far it is."""

    def __init__(
        self, archive: str, inputs: Inputs, store: Store, options: Options, map: Map, told: Callable[[Progress], None]
    ) -> None:
        self.archive, self.inputs, self.store = archive, inputs, store
        self.options, self.map, self.told = options, map, told
        memory = store.get(MEMORY)
        self.known = contents_of(json.loads(memory)) if memory else {}
        self.seen: dict[str, Content] = {}
        self.fresh = 0
        self.cases = 0
        """Cases that are known of by now: parts of one that is cut are, when it was counted."""
        self.number = 0
        self.due = REMEMBER_EVERY
        self.new_bytes = 0

    def over(self, tasks: Sequence[Task], also: tuple[str, ...]) -> list[Done]:
        """The work on these, in order of name: what is kept is told first, then what has to be read."""
        found: list[Done] = []
        waiting: list[Job] = []
        for task in tasks:
            # A part of a case has its inputs.
            known = self.known.get(task.stem) or self.seen.get(task.stem.partition("~")[0])
            job = Job(task, self.options, self.store.address, known, also, self.archive)
            done = unchanged(job, self.inputs, self.store)
            if done is None:
                waiting.append(job)
            else:
                self._note(done, found, len(tasks))
        # The largest first: one that is begun last is waited for by all.
        waiting.sort(key=self._size, reverse=True)
        # Whoever works is told when nobody waits for his answers any more.
        with closing(self._answers(waiting)) as answers:
            for done in answers:
                prepare()
                self._note(done, found, len(tasks))
                self._remember_some(done)
        return sorted(found, key=lambda each: each.task.stem)

    def _answers(self, jobs: Sequence[Job]) -> Generator[Done]:
        yield from self.map(work, jobs) if jobs else ()

    def _size(self, job: Job) -> int:
        """Bytes of its inputs, as they look from outside; 0 where that cannot be said, which is for who reads them."""
        try:
            return sum(size for size, *_ in self.inputs.marks(job.task.paths).values())
        except FedtraceError:
            return 0

    def _note(self, done: Done, found: list[Done], total: int) -> None:
        found.append(done)
        self.fresh += done.fresh and done.outcome.state != COVERED
        # The inputs of a part are its case's: of 25,000 files, those of each part would take 8 MB again.
        if done.content is not None and done.content != self.seen.get(done.task.stem.partition("~")[0]):
            self.seen[done.task.stem] = done.content
        if done.key is not None:
            key = done.key
            self.store.show({name: place(key, name) for name in done.files}, done.fresh)
        if done.task.only_span:
            self.told(Progress(done, len(found), total))
            return
        # What is cut is none itself: its parts are.
        if done.covered is None:
            self.number += 1
        else:
            self.cases -= 1
        self.told(Progress(done, self.number, self.cases))

    def _remember_some(self, done: Done) -> None:
        """Keep what inputs held, now and then: what was read since would be read again."""
        self.new_bytes += 0 if done.content is None else sum(size for size, *_ in done.content.marks.values())
        if len(self.seen) >= self.due or self.new_bytes >= REMEMBER_BYTES:
            self.remember()
            self.due, self.new_bytes = len(self.seen) + max(REMEMBER_EVERY, len(self.seen) // 4), 0

    def gone(self, stems: set[str]) -> int:
        """How many cases and loose files are remembered that these are not; a part, or a day, is none by itself."""
        return sum("~" not in stem and stem not in stems for stem in self.known)

    def remember(self) -> None:
        """Keep what inputs held."""
        _keep(self.store, MEMORY, self.seen)


def _keep(store: Store, name: str, what: object) -> None:
    """Keep something as JSON, unless it is kept."""
    told = json.dumps(what, sort_keys=True).encode()
    if store.get(name) != told:
        store.put({name: told})


def _publish(store: Store, done: Sequence[Done], kept: set[str]) -> set[str]:
    """What people look at is what these cases came to, and nothing else; the keys of what they share."""
    names, keys = share(store, done, TABLES)
    names |= {name for each in done for name in each.files}
    for folder in (CASES, *TABLES, PAGES):
        for name in store.below(folder):
            if name not in names:
                store.drop(name)
    forget(store, kept | keys)
    return keys


def _overview(
    store: Store, kept: set[str], options: Options, outcomes: Sequence[Outcome]
) -> tuple[bool, Sequence[str]]:
    """The page over all cases, unless it is of the same pieces of work already; whether it cannot be compared with the
    one that stood here, and which domains of those asked for nobody had.
    """
    asked = json.dumps(asdict(replace(options, since_ns=None)), sort_keys=True, default=str)
    run = Said(
        work=called(json.dumps([sorted(kept), asked, options.since_ns])),
        program=program(),
        asked=asked,
        since_ns=options.since_ns,
        cases=len(outcomes),
        lost=sum(o.state in ("unreadable", "broken") for o in outcomes),
    )
    runs = runs_of(store.get(RUNS))
    again = bool(runs) and runs[0].work == run.work
    if again and store.size(SUMMARY) is not None:
        return False, runs[0].nobody
    before = next(iter(runs[1:] if again else runs), None)
    page, run = overview(store, run, before, options.only)
    # One that is killed between the two is compared with the same run when it goes on.
    store.put({SUMMARY: page})
    store.put({RUNS: bytes_of([run] if before is None else [run, before])})
    return before is not None and not before.compares(run), run.nobody
