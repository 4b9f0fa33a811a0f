"""Files that cases share: the rows of small ones, a row for each case, and tables that no case has rows of.

Of a table there is one for each day, with the rows in the order of the cases, whoever read them and when. It is written
anew when one of these cases has changed, and else kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from analyzer.batch.days import NO_DAY
from analyzer.batch.fingerprints import called
from analyzer.batch.kept import keep, place, receipt, rows
from analyzer.batch.ledger import Ledger
from analyzer.batch.store import Store

CASES = "cases"
"""Name of the data set with a row for each case."""
SMALL = "small~cases.parquet"
"""File of a data set with the rows of small cases; no stem of a folder has a tilde, and no part is called so."""


def share(store: Store, ledger: Ledger, tables: Sequence[str]) -> None:
    """Show the files that the cases of a run share, and note them, and under which keys they are kept."""
    shown: dict[str, str] = {}

    def show(what: str, of: object, make: Callable[[], Mapping[str, bytes]]) -> None:
        key = f"{what}-{called(json.dumps(of))}"
        told = receipt(store, key)
        files = told["files"] if told is not None else make()
        if told is None:
            keep(store, key, files, {})
        shown.update({name: place(key, name) for name in files})
        ledger.keep(key)

    for at in ledger.small_days():
        show("small", [at, [row.key for row in ledger.small(at)]], partial(_small, store, at, ledger))
    # Of an archive of loose files nothing may be left to be a case, and readers want the columns of this table too.
    for at in ledger.days() or [NO_DAY]:
        of = [row.key or row.outcome._asdict() for row in ledger.of_day(at)]
        show("cases", [at, of], partial(_cases, at, ledger))
    with_rows = {*ledger.folders, *(name.partition("/")[0] for name in shown)}
    for table in tables:
        if table not in with_rows:
            show("none", table, partial(_none, table))
    store.show(shown, fresh=False)
    ledger.show(shown)


def _small(store: Store, at: str, ledger: Ledger) -> dict[str, bytes]:
    """The rows of small cases on a day."""
    from analyzer.batch.parquet import Writer, of_case
    from analyzer.report.tables import TABLES

    writers: dict[str, Writer] = {}
    for row in ledger.small(at):
        kept: Mapping[str, list[list[Any]]] = rows(store, row.key or "").get(at, {})
        for name, columns in kept.items():
            if name not in writers:
                writers[name] = Writer(of_case(TABLES[name], ""))
            writers[name].add([[row.case] * len(columns[0]), *columns])
    return {f"{name}/day={at}/{SMALL}": writer.file() for name, writer in sorted(writers.items())}


def _cases(at: str, ledger: Ledger) -> dict[str, bytes]:
    """A row for each case of a day."""
    from analyzer.batch.parquet import parquet
    from analyzer.batch.results import CASES as TABLE

    return {f"{CASES}/day={at}/{CASES}.parquet": parquet(TABLE, (row.outcome for row in ledger.of_day(at)))}


def _none(table: str) -> dict[str, bytes]:
    """A table that has no row, so that readers find its columns."""
    from analyzer.batch.parquet import of_case, parquet
    from analyzer.report.tables import TABLES

    return {f"{table}/day={NO_DAY}/none.parquet": parquet(of_case(TABLES[table], ""), [])}
