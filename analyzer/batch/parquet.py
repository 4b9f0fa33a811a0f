"""Tables of a case as Parquet, a file for each day: the same bytes for the same rows.

Types are those that `frames` declares; pandas finds them, with the keys as index, DuckDB and Spark the plain ones.
pyarrow is the one writer of Parquet that knows dictionaries and nanoseconds, and what pandas itself asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from analyzer.batch.days import day
from analyzer.frames import framed
from analyzer.report.tables import Column, Kind, Table

DENSE_FROM = 500
"""Rows from which on zstd saves more than its start for each column takes, which is half of what a small file takes."""
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


def parquet(table: Table, records: Sequence[Any]) -> bytes:
    """One file of a table."""
    arrays = [_array(column, [column.of(record) for record in records]) for column in table.columns]
    fields = [pa.field(c.name, _TYPES[c.kind]) for c in table.columns]
    kinds = tuple((c.name, c.kind, c.order) for c in table.columns)
    whole = pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=_for_pandas(table.key, kinds)))
    out = BytesIO()
    pq.write_table(whole, out, compression="zstd" if len(records) >= DENSE_FROM else "snappy")
    return out.getvalue()


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
