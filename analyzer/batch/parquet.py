"""Tables of a case as Parquet, a file for each day: the same bytes for the same rows.

Types are those that `frames` declares; pandas finds them, with the keys as index, DuckDB and Spark the plain ones.
pyarrow is the one writer of Parquet that knows dictionaries and nanoseconds, and what pandas itself asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from io import BytesIO
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from analyzer.batch.days import day
from analyzer.frames import framed
from analyzer.report.tables import Column, Kind, Table

DENSE_FROM = 500
"""Rows from which on zstd saves more than its start for each column takes, which is half of what a small file takes."""
GROUP_ROWS = 10_000
"""Rows from which on those that wait are written: at most some 30 MB of them are held."""
RECORDS_AT_ONCE = 1 << 15
"""Records of a case that are written together, which takes some 30 MB."""
_INT64_MAX = (1 << 63) - 1
_WORD = pa.dictionary(pa.int32(), pa.string())
_TYPES: Mapping[Kind, pa.DataType] = {
    "instant": pa.timestamp("ns", tz="UTC"),
    "duration": pa.duration("ns"),
    "text": pa.string(),
    "word": _WORD,
    "ordered": pa.dictionary(pa.int8(), pa.string(), ordered=True),
    "count": pa.int64(),
    "port": pa.int32(),
    "flag": pa.bool_(),
}


def of_case(table: Table, case: str) -> Table:
    """A table of many cases: the name of the case stands first."""
    column = Column("case", "word", "the case", lambda r: case)
    return table._replace(key=("case", *table.key), columns=(column, *table.columns))


def by_day(rows: Sequence[tuple[int | None, Any]]) -> Iterator[tuple[str, list[Any]]]:
    """Records by their days, each with its instant in ns."""
    days: dict[str, list[Any]] = {}
    for at_ns, record in rows:
        days.setdefault(day(at_ns), []).append(record)
    yield from sorted(days.items())


def values_of(table: Table, records: Sequence[Any]) -> list[list[Any]]:
    """The values of records, column by column."""
    return [[column.of(record) for record in records] for column in table.columns]


def parquet(table: Table, records: Iterable[Any]) -> bytes:
    """One file of a table."""
    writer = Writer(table)
    coming = iter(records)
    while some := list(islice(coming, RECORDS_AT_ONCE)):
        # Values of one column at a time: those of all are as much again as the records that they are of.
        writer.write([_array(column, [column.of(record) for record in some]) for column in table.columns])
    return writer.file()


class Writer:
    """A file of a table to which rows come one after the other; not all of them are held."""

    def __init__(self, table: Table) -> None:
        """There are none yet."""
        self._table = table
        kinds = tuple((c.name, c.kind, c.order) for c in table.columns)
        fields = [pa.field(c.name, _TYPES[c.kind]) for c in table.columns]
        self._schema = pa.schema(fields, metadata=_for_pandas(table.key, kinds))
        self._waiting: list[list[Any]] = [[] for _ in table.columns]
        self._out = BytesIO()
        self._file: pq.ParquetWriter | None = None

    def add(self, columns: Sequence[Sequence[Any]]) -> None:
        """Further rows, column by column."""
        for waiting, values in zip(self._waiting, columns, strict=True):
            waiting.extend(values)
        if len(self._waiting[0]) >= GROUP_ROWS:
            self._write_waiting()

    def file(self) -> bytes:
        """All of it; nothing can be added after that."""
        if self._file is None or self._waiting[0]:
            self._write_waiting()
        assert self._file is not None
        self._file.close()
        return self._out.getvalue()

    def write(self, arrays: Sequence[Any]) -> None:
        """Further rows as arrays, column by column: a group of their own."""
        if self._file is None:
            compression = "zstd" if len(arrays[0]) >= DENSE_FROM else "snappy"
            self._file = pq.ParquetWriter(self._out, self._schema, compression=compression)
        self._file.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def _write_waiting(self) -> None:
        self.write([_array(*each) for each in zip(self._table.columns, self._waiting, strict=True)])
        for waiting in self._waiting:
            waiting.clear()


def _array(column: Column, values: list[Any]) -> Any:
    """The values of one column; words in the order of the alphabet, or their own."""
    if column.kind in ("word", "ordered"):
        words = column.order or sorted({v for v in values if v is not None})
        number = {word: n for n, word in enumerate(words)}
        form = _TYPES[column.kind]
        indices = pa.array([number.get(v) for v in values], form.index_type)
        texts = pa.array(list(map(_spoken, words)), pa.string())
        return pa.DictionaryArray.from_arrays(indices, texts, ordered=form.ordered)
    if column.kind == "text":
        values = [v if v is None else _spoken(v) for v in values]
    elif column.kind != "flag":
        # What 64 bits cannot hold, beyond the year 2262, is no instant.
        values = [v if v is None or -_INT64_MAX <= v <= _INT64_MAX else None for v in values]
    return pa.array(values, _TYPES[column.kind])


def _spoken(text: str) -> str:
    """A text as UTF-8 can write it: a file name need not be one."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


@cache
def _for_pandas(key: tuple[str, ...], kinds: tuple[tuple[str, Kind, tuple[str, ...]], ...]) -> Mapping[bytes, bytes]:
    """What tells pandas its own types: those of an empty frame. The same for all cases, and slow to make."""
    columns = tuple(Column(name, kind, "", lambda r: None, order) for name, kind, order in kinds)
    empty = framed(Table("", key, columns, lambda _: ()), ())
    found: Mapping[bytes, bytes] = pa.Schema.from_pandas(empty).metadata
    return found
