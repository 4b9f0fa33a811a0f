"""The tables of a case as DataFrames. Knows dtypes; what a column means it takes from `report.tables`.

Dtypes are declared, not guessed, so they are the same for a million rows and for none. No instant is ever a float.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analyzer.analysis import Analysis
from analyzer.report.tables import Column, Kind, Table

_NUMBERS: dict[Kind, str] = {"count": "Int64", "port": "Int32", "flag": "boolean", "text": "string"}
_INT64_MAX = (1 << 63) - 1
_NAT = -(1 << 63)
"""What numpy takes for no instant."""


def frame(table: Table, analysis: Analysis) -> pd.DataFrame:
    """A table filled, with its key as the index."""
    return framed(table, table.records(analysis))


def framed(table: Table, records: Sequence[Any]) -> pd.DataFrame:
    """Records of a table as a DataFrame, column by column."""
    columns = {c.name: series(c, [c.of(record) for record in records]) for c in table.columns}
    return pd.DataFrame(columns, copy=False).set_index(list(table.key))


def series(column: Column, values: list[Any]) -> pd.Series[Any]:
    """Values of one column in its dtype."""
    if column.kind == "instant":
        return pd.Series(_whole(values).view("M8[ns]")).dt.tz_localize("UTC")
    if column.kind == "duration":
        return pd.Series(_whole(values).view("m8[ns]"))
    if column.kind == "ordered":
        return pd.Series(pd.Categorical(values, categories=list(column.order), ordered=True))
    if column.kind == "word":
        return pd.Series(pd.Categorical(values, categories=sorted({v for v in values if v is not None})))
    return pd.Series(pd.array(values, dtype=_NUMBERS[column.kind]))


def _whole(values: Sequence[int | None]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Nanoseconds; what 64 bits cannot hold, beyond the year 2262, is no instant."""
    known = [_NAT if v is None or not -_INT64_MAX <= v <= _INT64_MAX else v for v in values]
    return np.array(known, dtype=np.int64)
