"""What of a case goes into the data sets: which rows, on which day; and its page. Knows no storage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from analyzer.analysis import Analysis
from analyzer.batch.cases import Options, Task
from analyzer.batch.days import day
from analyzer.batch.kept import Rows
from analyzer.batch.outcome import Outcome, is_aside
from analyzer.batch.overview import SUMMARY
from analyzer.batch.owned import began_ns, ours, owned
from analyzer.batch.parquet import by_day, of_case, parquet, values_of
from analyzer.report.page import page
from analyzer.report.records import findings_of
from analyzer.report.tables import TABLES, Column, Table
from analyzer.report.words import count, not_read, place, says
from analyzer.session import Session
from parsers.events import Damage

CASES = Table(
    "one case",
    ("case",),
    (
        Column("case", "text", "its name", lambda r: r.case),
        Column("state", "word", "the worst of its pairs, or nothing, unreadable, broken", lambda r: r.state),
        Column("problem", "text", "what could not be read of it, and why", lambda r: r.problem),
        Column("unknown", "text", "files that no format knows, or that are empty", lambda r: r.unknown),
        Column("sources", "count", "inputs", lambda r: r.sources),
        Column("unread", "count", "inputs that could not be read, without those", lambda r: r.unread),
        Column("damage", "count", "places where one could be read in part only", lambda r: r.damage),
        Column("sessions", "count", "attempts", lambda r: r.attempts),
        Column("pairs", "count", "pairs of domains, each in one direction", lambda r: r.pairs),
        Column("failing", "count", "of these, failing", lambda r: r.failing),
        Column("first_seen", "instant", "the first attempt, or the first instant of its inputs", lambda r: r.first_ns),
        Column("last_seen", "instant", "the end of the last attempt", lambda r: r.last_ns),
        Column("part_of", "text", "the case that it is a part of, if that was cut", lambda r: r.part_of),
        Column("page", "text", "its page, where a pair fails", lambda r: r.page),
    ),
    lambda _: (),
)
"""Its records are `Outcome`s."""

AT: Mapping[str, str] = {
    "verdicts": "first_seen",
    "sessions": "began",
    "connections": "began",
    "lookups": "asked",
    "certificates": "seen",
    "events": "at",
    "damage": "at",
}
"""The column that tells the day of a row; the others lie on the day of their attempt, or of their case."""
ONE_WINDOW = ("connections", "lookups", "events", "damage")
"""Tables whose rows a case reads from the hours around its days as well; the neighbour tells these."""
FEW_ROWS = 500
"""Rows of a small case, at most. A file of its own for each table and day would take ten times as long as the rows."""
DAMAGE_SHOWN = 3
"""Places of damage that the row of a case tells; `damage/` has all."""
WORST = ("failing", "degraded", "undetermined", "healthy")
"""States of a pair, the worst first."""


def results(task: Task, options: Options, found: Analysis) -> tuple[Outcome, dict[str, bytes], Rows]:
    """The row of a case; its files by name; and the rows of a small one, which are in none of these."""
    wanted = found.of(_keep(task, options, found))
    stamps = [r.first_ns for r in found.case.readings.values() if r.first_ns is not None]
    first_ns = min((s.began_ns for s in wanted.view.sessions), default=min(stamps, default=None))
    if task.window_ns is not None:
        first_ns = max(task.window_ns[0], first_ns or 0)
    verdicts = wanted.judgement.verdicts
    failing = sum(v.state == "failing" for v in verdicts)
    damage = [record for _, (_, record) in _rows("damage", task, options, found, wanted, first_ns)]
    unknown = {name: error for name, error in found.case.problems.items() if is_aside(name, error)}
    refused = {name: error for name, error in found.case.problems.items() if name not in unknown}
    outcome = Outcome(
        case=task.name,
        state=min((v.state for v in verdicts), key=WORST.index, default="nothing"),
        problem="; ".join([*_broken_off(damage), *not_read(refused)]) or None,
        unknown="; ".join(not_read(unknown)) or None,
        sources=len(found.case.sources),
        unread=len(refused),
        damage=len(damage),
        attempts=len(wanted.view.sessions),
        pairs=len(verdicts),
        failing=failing,
        first_ns=first_ns,
        last_ns=max((s.ended_ns for s in wanted.view.sessions), default=None),
        part_of=task.part_of,
        page=f"pages/{task.stem}.html" if failing else None,
        rules_broken=len(wanted.judgement.broken),
    )
    files: dict[str, bytes] = {}
    waiting: dict[str, list[tuple[int | None, Any]]] = {}
    held = 0
    blind = sum(len(rules) for hidden in wanted.judgement.blind.values() for _, rules in hidden)
    for name in TABLES:
        if name == "findings" and blind > FEW_ROWS:
            held += blind
            files |= _written(name, task, _findings(wanted))
        else:
            waiting[name] = _rows(name, task, options, found, wanted, first_ns)
            held += len(waiting[name])
        while waiting and held > FEW_ROWS:  # it is not small, and no more than a table is held at once
            table, rows = waiting.popitem()
            files |= _written(table, task, by_day(rows))
    few: Rows = {}
    for name, rows in waiting.items():
        for at, records in by_day(rows):
            few.setdefault(at, {})[name] = values_of(TABLES[name], records)
    if outcome.page is not None:
        files[outcome.page] = page(wanted, of=task.name, part_of=task.part_of or "", back=f"../{SUMMARY}").encode(
            "utf-8", "backslashreplace"
        )
    return outcome, files, few


def _written(name: str, task: Task, days: Iterable[tuple[str, Iterable[Any]]]) -> dict[str, bytes]:
    """The files of a table, by name, of the records of each day."""
    table = of_case(TABLES[name], task.name)
    return {f"{name}/day={at}/{task.stem}.parquet": parquet(table, records) for at, records in days}


def _findings(wanted: Analysis) -> Iterator[tuple[str, Iterable[Any]]]:
    """The records of a table by day, none of which is held: on attempts that came to no end many rules are blind, and
    of a large case they take 200 MB.
    """
    days: dict[str, set[str]] = {}
    for session in wanted.view.sessions:
        days.setdefault(day(session.began_ns), set()).add(session.id)
    for at, sessions in sorted(days.items()):
        records = findings_of(wanted, sessions.__contains__)
        first = next(records, None)
        if first is not None:
            yield at, chain([first], records)


def _broken_off(damage: Sequence[Damage]) -> list[str]:
    """What of inputs that were read was not, by the place."""
    told = [f"{place(each.where)}: {says(each)}" for each in damage[:DAMAGE_SHOWN]]
    more = len(damage) - DAMAGE_SHOWN
    return [*told, f"and {count(more, 'place')} of damage more"] if more > 0 else told


def _keep(task: Task, options: Options, found: Analysis) -> Callable[[Session], bool]:
    """Which attempts are this case's, and wanted."""
    begin_ns, end_ns = task.window_ns or (None, None)

    def keep(session: Session) -> bool:
        at_ns, began = session.began_ns, began_ns(task, found, session)
        return (
            (begin_ns is None or began >= begin_ns)
            and (end_ns is None or began < end_ns)
            and ours(task, session.initiator, session.receiver)
            and (options.since_ns is None or at_ns >= options.since_ns)
            and (not options.only or session.initiator in options.only or session.receiver in options.only)
        )

    return keep


def _rows(
    name: str, task: Task, options: Options, found: Analysis, wanted: Analysis, case_ns: int | None
) -> list[tuple[int | None, Any]]:
    """The records of one table, each with the instant that it is put to."""
    table = TABLES[name]
    if name == "findings":
        began_ns = {s.id: s.began_ns for s in wanted.view.sessions}
        session = next(c.of for c in table.columns if c.name == "session")
        return [(began_ns[session(r)], r) for r in table.records(wanted)]
    if name not in AT:
        return [(case_ns, r) for r in table.records(wanted)]
    at = next(c.of for c in table.columns if c.name == AT[name])
    around = name in ONE_WINDOW
    rows = [(at(r), r) for r in table.records(found if around else wanted)]
    if not around:
        return rows
    if task.window_ns is not None:
        own = owned(name, task, found)
        rows = [(at_ns, r) for at_ns, r in rows if at_ns is not None and own(at_ns, r)]
    if options.since_ns is not None:
        rows = [(at_ns, r) for at_ns, r in rows if at_ns is not None and at_ns >= options.since_ns]
    if options.only and name != "damage":
        belongs = _belongs(name, wanted)
        rows = [(at_ns, r) for at_ns, r in rows if belongs(r)]
    return rows


def _belongs(name: str, wanted: Analysis) -> Callable[[Any], bool]:
    """Whether a record is one of a wanted attempt."""
    if name == "lookups":
        asked = {k.id for s in wanted.view.sessions for k in s.lookups}
        return lambda lookup: lookup.id in asked
    sessions = {s.id for s in wanted.view.sessions}
    return lambda record: record.session in sessions
