"""The run over an archive: every case once, by whichever map is given, then the data sets, pages and figures of all.

Nothing here knows which map it was given, and in which order it answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from itertools import chain
from typing import NamedTuple

from analyzer.batch.aside import Aside, refusals
from analyzer.batch.cases import Options, Task, archive_of, kinds_of
from analyzer.batch.days import DAY_NS
from analyzer.batch.fingerprints import called, keylog_marks, program
from analyzer.batch.inputs import Inputs
from analyzer.batch.kept import forget, place
from analyzer.batch.lease import Waits
from analyzer.batch.ledger import Ledger
from analyzer.batch.loose import LOOSE, cut
from analyzer.batch.memory import Memory
from analyzer.batch.metrics import METRICS, metrics
from analyzer.batch.outcome import Outcome
from analyzer.batch.overview import SUMMARY, overview, prepare
from analyzer.batch.parts import parts
from analyzer.batch.places import inputs_at, store_at
from analyzer.batch.previous import Said, bytes_of, runs_of
from analyzer.batch.remote import is_same, is_within, on_disk, shown
from analyzer.batch.shared import CASES, share
from analyzer.batch.store import WORK, Store
from analyzer.batch.tally import Tally, tally
from analyzer.batch.work import COVERED, Done, Job, unchanged, work
from parsers.errors import FedtraceError
from parsers.scratch import clear

Work = Callable[[Job], Done]
"""What is done on a job."""
Map = Callable[[Work, Iterable[Job]], Iterable[Done]]
"""Does the work on every job, in any order, anywhere."""
KINDS = ".work/kinds.json"
"""Which files of an archive elsewhere are packed archives, beside how they looked: who is listed is not looked into."""
RUNS = ".work/runs.json"
"""What the last finished run said, and the one that it was compared with."""
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
OTHER = "check its path, name another folder, or say --replace to have what was said of the other removed"
"""What to do where the folder of results is another archive's."""
OTHERS_SHOWN = 3
"""Names that are told of those that lie in a folder which is none of results."""
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

    ledger: Ledger
    """What is known of each case, on the disk."""
    tally: Tally
    """What they come to together."""
    fresh: int
    """Cases that were read in this run; the others were kept."""
    replaced: bool = False
    """The results of a run with other options stood here."""
    nobody: Sequence[str] = ()
    """Domains that were asked for, and that no attempt was from or to."""
    may_be_one: bool = False
    """The first run found that the archive looks like the folder of a single case: a `case.toml` beside folders."""
    of_one_day: bool = False
    """It found so since loose files and what else is there are of one day together."""
    gone: int = 0
    """Cases and loose files of the run before that the archive has no more: what they said is removed."""
    gone_as: Sequence[str] = ()
    """Names of the first of these, as those of files."""

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """A row for each case, in order of name, looked up now: of a million they take half a gigabyte."""
        return tuple(self.ledger.outcomes())

    @property
    def exit_code(self) -> int:
        """As `analyze` ends."""
        return self.tally.exit_code


def batch(
    path: str,
    root: str,
    options: Options,
    map: Map,
    told: Callable[[Progress], None] = lambda progress: None,
    waits: Waits = lambda holder, seconds: None,
    replaces: bool = False,
) -> Batch:
    """Work on every case of the archive at `path` and fill the folder `root`, both paths or URLs.

    `told` hears of each case, and `waits` of the lock of an earlier run before it is waited for. Where it `replaces`,
    the folder may be that of another archive, whose results are removed.

    Raises FedtraceError where the archive cannot be looked into, or the folder not be written, or is another archive's.
    """
    path, root = on_disk(path), on_disk(root)
    if is_same(path, root):
        raise FedtraceError(shown(root), "this is the archive itself", "name another folder, or one in it")
    if is_within(root, path):
        said = "it lies in what would be read as a case"
        raise FedtraceError(shown(root), said, "name a folder directly in the archive, or elsewhere")
    # One that is not there would be told by each case, in the place of what was known of it.
    keylog_marks(options.how.keylog)
    clear()
    store = store_at(root)
    _refuse_others(store, shown(root))
    with refusals(), inputs_at(path) as inputs:
        told_kinds = store.get(KINDS)
        archive = archive_of(inputs, shown(path), root, kinds_of(told_kinds))
        says, kinds, may_be_one = archive.says, archive.kinds, archive.may_be_one
        with store.locked(waits):
            run = _Run(path, inputs, store, options, map, told)
            first = store.get(RUNS) is None
            of_another = run.memory.cases and not any(run.memory.knows(stem) for stem in archive.stems)
            if of_another and not replaces:
                said = f"it is of another archive: not one of its cases and files ({run.memory.cases:,}) is in"
                raise FedtraceError(shown(root), f"{said} {shown(path)}", OTHER)
            run.plan("loose", archive.loose)
            run.plan("whole", archive.tasks)
            del archive
            run.over("loose", says)
            run.plan("days", cut(run.ledger, options))
            run.over("whole")
            uncut = run.ledger.uncut()
            run.plan("parts", (part for task, covered in uncut for part in parts(task, covered, options)))
            run.over("parts")
            run.over("days", says)
            _publish(store, run.ledger)
            found = tally(run.ledger.outcomes())
            store.put({METRICS: metrics(found).encode()})
            replaced, nobody = _overview(store, run.ledger, options, found, not of_another)
            gone, gone_as = run.memory.gone()
            run.memory.keep()
            if kinds:
                _keep(store, KINDS, kinds)
            # Who runs it each night was told the first time.
            may_be_one, one_day = first and may_be_one, first and _of_one_day(run.ledger)
            return Batch(run.ledger, found, run.fresh, replaced, nobody, may_be_one, one_day, gone, gone_as)


def _refuse_others(store: Store, where: str) -> None:
    """Raises FedtraceError where a folder holds what is not ours, which would be overwritten or removed."""
    names = store.names("")
    others = [name for name in names if not name.startswith(".") and name != "lost+found"]
    if others and METRICS not in names and WORK not in names:
        some = ", ".join([*others[:OTHERS_SHOWN], *(["…"] if others[OTHERS_SHOWN:] else [])])
        said = f"other files are in it, and it is no folder of results ({some})"
        raise FedtraceError(where, said, "name an empty folder, or one that is not there")


def _of_one_day(ledger: Ledger) -> bool:
    """Whether cases of loose files and others are there that together tell of no more than a day."""
    kinds: set[bool] = set()
    first_ns = last_ns = None
    for row in ledger.rows():
        begin_ns, end_ns = row.outcome.first_ns, row.outcome.last_ns
        if begin_ns is not None:
            kinds.add(row.stem.startswith(LOOSE))
            first_ns = min(begin_ns, begin_ns if first_ns is None else first_ns)
            last_ns = max(end_ns or begin_ns, begin_ns if last_ns is None else last_ns)
    return len(kinds) == 2 and first_ns is not None and last_ns is not None and last_ns - first_ns <= DAY_NS


class _Run:
    """What is known of the work, and how far it is."""

    def __init__(
        self, archive: str, inputs: Inputs, store: Store, options: Options, map: Map, told: Callable[[Progress], None]
    ) -> None:
        self.archive, self.inputs, self.store = archive, inputs, store
        self.options, self.map, self.told = options, map, told
        aside = Aside()
        self.ledger, self.memory = Ledger(aside), Memory(aside, store)
        self.fresh = 0
        self.files = 0
        """Loose files of the run."""
        self.cases = 0
        """Its cases that are known of by now: parts of one that is cut are, when it was counted."""
        self.asked = 0
        """Loose files that were asked what they cover so far."""
        self.number = 0
        """Cases that are done so far."""

    def plan(self, stage: str, tasks: Iterable[Task]) -> None:
        """Note what is to be done in a stage: cases, but for loose files, of which cases are made."""
        count = self.ledger.plan(stage, tasks)
        if stage == "loose":
            self.files = count
        else:
            self.cases += count

    def over(self, stage: str, also: tuple[str, ...] = ()) -> None:
        """Do the work of a stage: what is kept is told first, in order of name, then what has to be read."""
        for number, task in self.ledger.planned(stage):
            job = self._job(task, also)
            done = unchanged(job, self.inputs, self.store)
            if done is None:
                self.ledger.wait(number, self._size(task))
            else:
                self._note(done)
        # Whoever works is told when nobody waits for his answers any more.
        with closing(self._answers(also)) as answers:
            for done in answers:
                prepare()
                self._note(done)
        self.ledger.none_waits()

    def _job(self, task: Task, also: tuple[str, ...]) -> Job:
        return Job(task, self.options, self.store.address, self.memory.of(task.stem), also, self.archive)

    def _answers(self, also: tuple[str, ...]) -> Generator[Done]:
        read = self.ledger.read
        jobs: Iterator[Job] = (self._job(task, also)._replace(read=read(task.paths)) for task in self.ledger.waiting())
        first = next(jobs, None)
        if first is not None:  # where nothing waits, no worker is begun
            yield from self.map(work, chain([first], jobs))

    def _size(self, task: Task) -> int:
        """Bytes of its inputs, as they look from outside; 0 where that cannot be said, which is for who reads them."""
        try:
            return sum(size for size, *_ in self.inputs.marks(task.paths).values())
        except FedtraceError:
            return 0

    def _note(self, done: Done) -> None:
        self.ledger.note(done)
        self.memory.note(done.task.stem, done.content)
        self.fresh += done.fresh and done.outcome.state != COVERED
        if done.key is not None:
            key = done.key
            self.store.show({name: place(key, name) for name in done.files}, done.fresh)
        if done.task.only_span:
            self.asked += 1
            self.told(Progress(done, self.asked, self.files))
            return
        # What is cut is none itself: its parts are.
        if done.covered is None:
            self.number += 1
        else:
            self.cases -= 1
        self.told(Progress(done, self.number, self.cases))


def _keep(store: Store, name: str, what: object) -> None:
    """Keep something as JSON, unless it is kept."""
    told = json.dumps(what, sort_keys=True).encode()
    if store.get(name) != told:
        store.put({name: told})


def _publish(store: Store, ledger: Ledger) -> None:
    """What people look at is what these cases came to, and nothing else."""
    share(store, ledger, TABLES)
    for folder in (CASES, *TABLES, PAGES):
        for name in store.below(folder):
            if not ledger.shows(name):
                store.drop(name)
    forget(store, ledger.keeps)


def _overview(
    store: Store, ledger: Ledger, options: Options, found: Tally, compares: bool
) -> tuple[bool, Sequence[str]]:
    """The page over all cases, unless it is of the same pieces of work already; whether it cannot be compared with the
    one that stood here, and which domains of those asked for nobody had.
    """
    asked = json.dumps(asdict(replace(options, since_ns=None)), sort_keys=True, default=str)
    run = Said(
        work=called(*ledger.keys(), asked, str(options.since_ns)),
        program=program(),
        asked=asked,
        since_ns=options.since_ns,
        cases=found.cases,
        lost=found.lost,
    )
    runs = runs_of(store.get(RUNS))
    again = bool(runs) and runs[0].work == run.work
    if again and store.size(SUMMARY) is not None:
        return False, runs[0].nobody
    before = next(iter(runs[1:] if again else runs if compares else ()), None)
    page, run = overview(store, run, before, options.only)
    # One that is killed between the two is compared with the same run when it goes on.
    store.put({SUMMARY: page})
    store.put({RUNS: bytes_of([run] if before is None else [run, before])})
    return before is not None and not before.compares(run), run.nobody
