"""One case from its inputs to what is kept of it: rows by day, a page if a pair fails, and a row of its own.

The function that is spread over processes and machines: it is given plain data and answers plain data. What it keeps
is whole when its receipt is, which is written last.
"""

from __future__ import annotations

import gc
import json
import os
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from analyzer.batch import parts
from analyzer.batch.cases import Options, Task
from analyzer.batch.covered import Covered, Span, covered_of
from analyzer.batch.fingerprints import Content, called, content_of, fetched, is_same, key_of, marks_of
from analyzer.batch.heard import Heard
from analyzer.batch.inputs import Inputs, Mark, tells
from analyzer.batch.kept import Rows, keep, receipt
from analyzer.batch.outcome import Outcome, is_aside
from analyzer.batch.places import inputs_at, store_at
from analyzer.batch.remote import Unreachable, without_secrets
from analyzer.batch.store import Store, Unwritable
from parsers.earlier import EVENTS_MAX, Earlier
from parsers.errors import FedtraceError, SourceUnreadable, SourceUseless, TsharkMissing
from parsers.hold import INPUT_WEIGHT, SLOT_NS, Hold, TooMuch
from parsers.links import not_followed

if TYPE_CHECKING:
    from parsers.case import Case

COVERED = "covered"
"""State of what is no case yet: a loose file, or a case of which more would have to be held than a worker may."""


SHOWN_LEN_MAX = 128
"""Bytes of what a small capture showed, for each of its weight: with all that a worker may hold it is given 25 MB."""


class Read(NamedTuple):
    """All that a small capture showed, so that its day need not read it again in the same run."""

    mark: Mark
    """How the file looked from outside."""
    told: bytes
    """As `parsers.earlier` says it."""


class Done(NamedTuple):
    """What a worker answers."""

    task: Task
    """The case."""
    outcome: Outcome
    """What came of it."""
    content: Content | None
    """What its inputs held; None where they could not be read."""
    key: str | None
    """Under which its results are kept; None where it has to be tried again next time."""
    files: Sequence[str]
    """Names of its results, below the folder of results."""
    days: Sequence[str] = ()
    """Days of a small case, whose rows are kept with its receipt."""
    trace: str | None = None
    """Where fedtrace failed: the traceback."""
    covered: Covered | None = None
    """What its inputs cover, where it is no case yet."""
    fresh: bool = True
    """It was read now, or could not be, and was not kept from an earlier run."""
    read: Read | None = None
    """Of a small loose capture all that it showed."""


class Job(NamedTuple):
    """What a worker is given."""

    task: Task
    """The case."""
    options: Options
    """What the user wants."""
    root: str
    """The folder of results, or its URL."""
    known: Content | None = None
    """What its inputs held last time."""
    also: tuple[str, ...] = ()
    """Further files whose content matters, as the archive's `case.toml`."""
    archive: str = ""
    """The archive, or its URL: from there the files are fetched, if they have to be."""
    fetched: Mapping[str, Path | FedtraceError] | None = None
    """Where they are by now, or why they may not be read."""
    read: Mapping[str, Read] = {}
    """What small captures among them have shown in this run, by path."""


def work(job: Job) -> Done:
    """Read a case and keep its results, unless they are kept.

    Raises Unwritable where they cannot be written, Unreachable where the archive does not answer.
    """
    with inputs_at(job.archive) as inputs:
        return _work(job, inputs)


def _work(job: Job, inputs: Inputs) -> Done:
    found: Content | None = None
    try:
        marks = _marks(job, inputs)
        found = content_of(inputs, marks, job.known)
        key = key_of(job.task, found, job.options)
        done = kept(job, found, key, store_at(job.root))
        if done is not None:
            return done
        as_it_was = {path: read for path, read in job.read.items() if marks.get(path) == read.mark and tells(read.mark)}
        job = job._replace(fetched=fetched(inputs, marks, job.task.spared), read=as_it_was)
        try:
            with _no_cycles():
                came = _results(job)
        except SourceUseless as error:  # as it will be next time
            came = _Results(_unreadable(job.task, error), {}, {}, {})
        _unchanged_since(marks, _marks(job, inputs), job.task)
        known = {os.fspath(Path(path)) for path in found.unread}
        surprises = [str(error) for path, error in came.lacking.items() if path not in known]
        if surprises:  # a name that the next run does not look for
            key = called(json.dumps([key, surprises]))
    except (Unwritable, Unreachable):
        raise
    except FedtraceError as error:
        return Done(job.task, _unreadable(job.task, error), found, None, ())
    except Exception as error:  # shown as a bug of ours; the other cases go on
        said = without_secrets(f"{type(error).__name__}: {error}", job.archive, job.root)
        outcome = Outcome(case=job.task.name, state="broken", problem=said)
        trace = without_secrets(traceback.format_exc(), job.archive, job.root)
        return Done(job.task, outcome, None, None, (), trace=trace)
    covered = came.covered
    if covered is not None and job.task.only_span:  # the run keeps it, many in a file
        found = found._replace(counted=(key, covered.json()))
        read = None if came.shown is None else Read(marks[job.task.paths[0]], came.shown)
        return Done(job.task, came.outcome, found, key, (), covered=covered, read=read)
    # A member of an archive is as old as that says.
    passing = {path: at_ns for path, at_ns in came.passing.items() if path in marks}
    days = tuple(sorted(came.rows))
    told = {"outcome": came.outcome._asdict(), "passing": passing, "days": days}
    if covered is not None:
        told["covered"] = covered.plain()
    keep(store_at(job.root), key, came.files, told, came.rows)
    return Done(job.task, came.outcome, found, key, tuple(came.files), days, covered=covered)


def kept(job: Job, content: Content, key: str, store: Store) -> Done | None:
    """What is kept under a key of a case whose inputs hold this; None where it has not been read to its end."""
    if job.task.only_span and content.counted is not None and content.counted[0] == key:
        return Done(
            job.task,
            _covering(job.task),
            content,
            key,
            (),
            covered=covered_of(json.loads(content.counted[1])),
            fresh=False,
        )
    told = receipt(store, key)
    if told is None:
        return None
    if any(content.marks.get(path, (0, 0, 0))[1] != at_ns for path, at_ns in told["passing"].items()):
        return None
    covered = covered_of(told["covered"]) if "covered" in told else None
    outcome = Outcome(**told["outcome"])
    return Done(job.task, outcome, content, key, tuple(told["files"]), told["days"], covered=covered, fresh=False)


class _Results(NamedTuple):
    """What a case came to."""

    outcome: Outcome
    files: dict[str, bytes]
    """By name."""
    rows: Rows
    """The rows of a small case."""
    passing: dict[str, int]
    """The time of each input that was dated by nothing else."""
    covered: Covered | None = None
    lacking: Mapping[str, FedtraceError] = {}
    """Why inputs could not be read that may be another time, by path."""
    shown: bytes | None = None
    """Of a small loose capture all that it showed."""


def _results(job: Job) -> _Results:
    """What a case came to; where more would have to be held of it than a worker may, only what it covers."""
    # Half a second of imports, which a run that finds everything kept does without.
    from analyzer.analysis import analysis
    from analyzer.batch.results import results
    from parsers.case import read_case

    task, how = job.task, job.options.how
    if task.only_span:
        return _counted(job)
    try:
        most = parts.HELD_MAX if task.within_ns is None else None
        hold = Hold(task.within_ns, parts.ROOM if task.share else most, task.share, parts.AT_ONCE)
        near_ns, lines = dict(task.near_ns), dict(task.lines)
        case = read_case(
            task.paths,
            how,
            near_ns=near_ns,
            fetched=job.fetched,
            hold=hold,
            only=task.sources,
            lines=lines,
            earlier={path: read.told for path, read in job.read.items()},
        )
    except TooMuch:
        case = None  # counted outside, where what was read so far is gone
    if case is None:
        return _counted(job)
    proved = {(address, domain): often for address, domain, often in task.proved}
    known = analysis(case, job.options.local_domains, how.ports, proved, task.local)
    return _Results(*results(task, job.options, known), dict(_by_file_time(case)), lacking=_lacking(case))


@contextmanager
def _no_cycles() -> Iterator[None]:
    """Events are many and without cycles; looking for cycles among them costs half as much again as reading.

    What else a case leaves is young, and found at once when Python looks again by itself; all of ours would take 40 ms.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _counted(job: Job) -> _Results:
    """What the inputs cover, and how much is in them; of a case that is to be cut, or of a file that is none yet."""
    from parsers.case import read_case

    task, how = job.task, job.options.how
    hold = Heard(parts.AT_ONCE, how.ports, EVENTS_MAX if task.only_span else 0)
    case = read_case(task.paths, how, near_ns=dict(task.near_ns), fetched=job.fetched, hold=hold)
    spans = tuple(
        Span(
            os.fspath(source.path),
            reading.first_ns,
            reading.last_ns,
            source.name,
            tuple((slot, *lines) for slot, lines in sorted(hold.lines.get(source.name, {}).items())),
            hold.lines_grain,
        )
        for source in case.readable
        if (reading := case.readings[source.name]).first_ns is not None and reading.last_ns is not None
    )
    if case.readable and all(case.readings[source.name].frames == 0 for source in case.readable):
        raise SourceUseless(task.paths[0], "it holds no packets", "take the capture again")
    if not spans:
        raise SourceUseless(task.paths[0], "nothing in it tells a time", "put it into a folder with what it belongs to")
    grain_ns = SLOT_NS * hold.grain
    first, last = min(s.first_ns for s in spans) // grain_ns, max(s.last_ns for s in spans) // grain_ns
    slots: Counter[int] = Counter()
    for slot, weight in hold.slots.items():  # what nothing dates stands at the epoch
        slots[min(max(slot, first * hold.grain), last * hold.grain)] += weight
    for span in spans:
        slots[span.first_ns // grain_ns * hold.grain] += INPUT_WEIGHT
    proved = tuple((address, domain, often) for (address, domain), often in hold.proved.items())
    covered = Covered(spans, slots, proved, tuple(case.problems), hold.sides, hold.grain)
    shown = _shown(case) if hold.keeps else None
    if shown is not None and len(shown) > SHOWN_LEN_MAX * sum(slots.values()):
        shown = None
    return _Results(_covering(task), {}, {}, dict(_by_file_time(case)), covered, _lacking(case), shown)


def _shown(case: Case) -> bytes | None:
    """What a loose capture showed of which all events are there; None of what is none, or could not be read, or will be
    read again with others.
    """
    from parsers.case import may_be_of_ring

    source = case.sources[0]
    if source.format != "capture" or case.problems or may_be_of_ring(source.path.name):
        return None
    return Earlier(source.name, case.readings[source.name], case.events[source.tap or source.name]).told()


def _covering(task: Task) -> Outcome:
    """The row of what is no case yet, which nobody is shown."""
    return Outcome(case=task.name, state=COVERED)


def _lacking(case: Case) -> dict[str, FedtraceError]:
    """What another reading may come to although no byte has changed: on a disk with more room, say, or one that works.

    Which tshark there is, is known of each piece of work.
    """
    paths = {source.name: os.fspath(source.path) for source in case.sources}
    return {
        paths[name]: error
        for name, error in {**case.inputs.problems, **case.problems}.items()
        if name in paths and not isinstance(error, SourceUseless | TsharkMissing)
    }


def _unreadable(task: Task, error: FedtraceError) -> Outcome:
    """The row of a case that cannot be read; where its own name says where, that is not said twice."""
    own = error.where in (*task.paths, task.name)
    problem = FedtraceError("", error.problem, error.next_step) if own else error
    said = str(problem).removeprefix(": ")
    if not is_aside(task.name, error):
        return Outcome(case=task.name, state="unreadable", problem=said)
    if task.only_span:  # a note that lies beside the cases is none itself
        return Outcome(case=task.name, state="nothing", unknown=said)
    return Outcome(case=task.name, state="unreadable", problem=said, unknown=said)


def _by_file_time(case: Case) -> Iterator[tuple[str, int]]:
    from parsers.case import BY_FILE_TIME

    for source in case.sources:
        if any(BY_FILE_TIME in told for told in source.assumed):
            yield os.fspath(source.path), source.file.stat().st_mtime_ns


def unchanged(job: Job, inputs: Inputs, store: Store) -> Done | None:
    """What is kept of a case whose inputs look as they did last time, or what is told of a link; None where they have
    to be read.
    """
    if job.task.link:
        return Done(job.task, _unreadable(job.task, not_followed(job.task.name)), None, None, (), fresh=False)
    if job.known is None:
        return None
    try:
        marks = _marks(job, inputs)
    except (Unwritable, Unreachable):
        raise
    except FedtraceError:
        return None
    if not is_same(inputs, marks, job.known):
        return None
    return kept(job, job.known, key_of(job.task, job.known, job.options), store)


def _marks(job: Job, inputs: Inputs) -> dict[str, Mark]:
    return marks_of(inputs, job.task, job.also, job.options.how.keylog)


def _unchanged_since(marks: Mapping[str, Mark], now: Mapping[str, Mark], task: Task) -> None:
    """Raises FedtraceError where an input looks otherwise by now. What came since is read the next time."""
    for path in marks:
        if path not in now:
            raise SourceUnreadable(path, "no such file or directory", "check the path and your rights")
    if any(now[path] != mark for path, mark in marks.items()):
        raise FedtraceError(task.name, "it was written to while it was read", "run again when it is whole")


def lost(job: Job, why: str) -> Done:
    """What is told of a case whose worker never answered."""
    return Done(job.task, Outcome(case=job.task.name, state="broken", problem=why), None, None, ())
