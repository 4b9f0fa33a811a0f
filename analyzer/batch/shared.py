"""Files that cases share: the rows of small ones, a row for each case, and tables that no case has rows of.

Of a table there is one for each day, with the rows in the order of the cases, whoever read them and when. It is written
anew when one of these cases has changed, and else kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from analyzer.batch.days import NO_DAY, day
from analyzer.batch.fingerprints import called
from analyzer.batch.kept import Rows, keep, place, receipt, rows
from analyzer.batch.store import Store
from analyzer.batch.work import Done

CASES = "cases"
"""Name of the data set with a row for each case."""
SMALL = "small~cases.parquet"
"""File of a data set with the rows of small cases; no stem of a folder has a tilde, and no part is called so."""


def share(store: Store, done: Sequence[Done], tables: Sequence[str]) -> tuple[set[str], set[str]]:
    """Show the files that these cases share, in this order; their names, and the keys under which they are kept."""
    shown: dict[str, str] = {}
    keys: set[str] = set()

    def show(what: str, of: object, make: Callable[[], Mapping[str, bytes]]) -> None:
        key = f"{what}-{called(json.dumps(of))}"
        told = receipt(store, key)
        files = told["files"] if told is not None else make()
        if told is None:
            keep(store, key, files, {})
        shown.update({name: place(key, name) for name in files})
        keys.add(key)

    for at, some in _by_day([(at, each) for each in done for at in each.days]).items():
        show("small", [at, [each.key for each in some]], partial(_small, store, at, some))
    # Of an archive of loose files nothing may be left to be a case, and readers want the columns of this table too.
    for at, some in (_by_day([(day(each.outcome.first_ns), each) for each in done]) or {NO_DAY: []}).items():
        show("cases", [at, [each.key or asdict(each.outcome) for each in some]], partial(_cases, at, some))
    with_rows = {name.partition("/")[0] for name in (*shown, *(name for each in done for name in each.files))}
    for table in tables:
        if table not in with_rows:
            show("none", table, partial(_none, table))
    store.show(shown, fresh=False)
    return set(shown), keys


def _by_day(found: Sequence[tuple[str, Done]]) -> dict[str, list[Done]]:
    days: dict[str, list[Done]] = {}
    for at, each in found:
        days.setdefault(at, []).append(each)
    return dict(sorted(days.items()))


def _small(store: Store, at: str, done: Sequence[Done]) -> dict[str, bytes]:
    """The rows of small cases on a day."""
    from analyzer.batch.parquet import Writer, of_case
    from analyzer.report.tables import TABLES

    writers: dict[str, Writer] = {}
    for each in done:
        kept: Mapping[str, list[list[Any]]] = _rows(store, each).get(at, {})
        for name, columns in kept.items():
            if name not in writers:
                writers[name] = Writer(of_case(TABLES[name], ""))
            writers[name].add([[each.task.name] * len(columns[0]), *columns])
    return {f"{name}/day={at}/{SMALL}": writer.file() for name, writer in sorted(writers.items())}


def _rows(store: Store, done: Done) -> Rows:
    return rows(store, done.key or "")


def _cases(at: str, done: Sequence[Done]) -> dict[str, bytes]:
    """A row for each case of a day."""
    from analyzer.batch.parquet import parquet
    from analyzer.batch.results import CASES as TABLE

    return {f"{CASES}/day={at}/{CASES}.parquet": parquet(TABLE, [each.outcome for each in done])}


def _none(table: str) -> dict[str, bytes]:
    """A table that has no row, so that readers find its columns."""
    from analyzer.batch.parquet import of_case, parquet
    from analyzer.report.tables import TABLES

    return {f"{table}/day={NO_DAY}/none.parquet": parquet(of_case(TABLES[table], ""), [])}
