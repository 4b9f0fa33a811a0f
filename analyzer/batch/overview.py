"""The page over all cases: what the data sets hold, and what the run before said, goes into `report.summary`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from analyzer.batch.previous import Said
from analyzer.batch.store import Store

SUMMARY = "summary.html"
"""Name of the page."""
CASES = (
    *("case", "state", "problem", "unknown", "part_of", "page"),
    *("pairs", "failing", "damage", "first_seen", "last_seen"),
)
"""Columns of `cases` that it shows."""
FILES_AT_ONCE = 64
"""Files of a data set that are read together: of each, pyarrow keeps some 100 kB of its columns' places until then."""
DOMAINS = ["initiator", "receiver"]
"""Columns of names of domains."""


def prepare() -> None:
    """Import what the page needs: half a second, in which workers read on."""
    import pyarrow.dataset  # noqa: F401

    import analyzer.report.summary  # noqa: F401


def overview(store: Store, run: Said, before: Said | None, only: Sequence[str]) -> tuple[bytes, Said]:
    """The page, of the data sets in a store; and the run itself, with what it said. `only` are the domains that were
    asked for, if any.
    """
    from pyarrow.dataset import field

    from analyzer import trends
    from analyzer.report.summary import Asked, summary

    sessions = _rows(store, "sessions", trends.SESSIONS)
    nobody = trends.unmet(sessions, only)
    sessions = trends.attempts(sessions)
    # What has no cause is told by its attempts.
    verdicts = _rows(store, "verdicts", trends.VERDICTS, field("cause").is_valid())
    cases = _rows(store, "cases", CASES)
    certificates = _rows(store, "certificates", trends.CERTIFICATES)
    asked = Asked(tuple(only), run.since_ns, nobody)
    previous = None if before is None else _previous(before, run)
    made = summary(sessions, verdicts, cases, certificates, previous, asked)
    last = trends.last_instant(sessions, verdicts, certificates)
    causes = trends.causes(verdicts).itertuples(index=False, name=None)
    said = replace(run, last_ns=None if last is None else last.value, causes=tuple(causes), nobody=nobody)
    return made.encode("utf-8", "backslashreplace"), said


def _previous(before: Said, run: Said) -> Any:
    """The run before, as the page tells it."""
    from analyzer.report.summary import Previous

    return Previous(
        cases=before.cases,
        lost=before.lost,
        last_ns=before.last_ns,
        causes=before.causes if before.compares(run) else None,
        same_program=before.program == run.program,
    )


def _rows(store: Store, table: str, columns: Sequence[str], where: Any = None) -> Any:
    """These columns of a data set as a DataFrame; names of domains, which are few, as categories."""
    import pyarrow as pa
    from pyarrow.dataset import ParquetFileFormat, ParquetReadOptions, dataset

    form = ParquetFileFormat(ParquetReadOptions(dictionary_columns=DOMAINS))
    files = [name for name in store.below(table) if name.endswith(".parquet")]
    found = []
    for first in range(0, len(files), FILES_AT_ONCE):
        some = files[first : first + FILES_AT_ONCE]
        if store.system is None or store.system.async_impl:
            read = dataset(list(map(store.path, some)), format=form, filesystem=store.system)
            part = read.to_table(list(columns), where)
        else:  # a driver that is one connection bears one reader at a time, and no threads
            tables = [_table(store.get(name) or b"", columns, where) for name in some]
            part = pa.concat_tables(tables)
        found.append(part.unify_dictionaries().combine_chunks())
    whole = pa.concat_tables(found)
    del found, part
    frame = whole.to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True)
    del whole
    pa.default_memory_pool().release_unused()
    return frame


def _table(data: bytes, columns: Sequence[str], where: Any) -> Any:
    """These columns of one file of a data set."""
    import pyarrow as pa
    from pyarrow.parquet import read_table

    return read_table(pa.BufferReader(data), columns=list(columns), filters=where, read_dictionary=DOMAINS)
