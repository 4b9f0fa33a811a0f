"""Tables as DataFrames: declared dtypes, for many rows and for none, and no instant that is a float."""

from __future__ import annotations

import pandas as pd
import pytest

from analyzer.analysis import analysis
from analyzer.frames import frame, series
from analyzer.report.tables import TABLES, Column
from parsers.case import Case
from tests import scene
from tests.analyzer.reports import case_of

DTYPES = {
    "instant": "datetime64[ns, UTC]",
    "duration": "timedelta64[ns]",
    "text": "string",
    "word": "category",
    "ordered": "category",
    "count": "Int64",
    "port": "Int32",
    "flag": "boolean",
}
REFUSED = scene.tap(
    "cups.pcap",
    """
    0.00  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
    0.02  back   answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.l.google.com + x.l.google.com 198.51.100.10
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.20  back   rst
    """,
)


def _case(*taps: scene.Tap) -> Case:
    return case_of(scene.case(*taps, local=["cupdomain.com"]), *taps) if taps else Case(sources=[])


@pytest.mark.parametrize("taps", [(), (REFUSED,)], ids=["no rows", "rows"])
@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_column_has_its_declared_dtype(name: str, taps: tuple[scene.Tap, ...]) -> None:
    """Also where there is not one row; the key is the index."""
    table = TABLES[name]
    found = frame(table, analysis(_case(*taps), ["cupdomain.com"] if taps else []))

    assert tuple(found.index.names) == table.key
    flat = found.reset_index()
    assert {c.name: str(flat[c.name].dtype) for c in table.columns} == {c.name: DTYPES[c.kind] for c in table.columns}
    assert not any(pd.api.types.is_float_dtype(dtype) for dtype in flat.dtypes)


def test_an_instant_keeps_its_nanoseconds() -> None:
    """And one beyond the year 2262, which 64 bits cannot hold, is no instant."""
    column = Column("at", "instant", "", lambda r: r)
    found = series(column, [1_378_458_843_123_456_789, None, 1 << 70])

    assert found[0].isoformat() == "2013-09-06T09:14:03.123456789+00:00"
    assert list(found.isna()) == [False, True, True]


def test_stages_and_severities_have_an_order() -> None:
    """`sessions[sessions.reached >= "tls"]` is what an investigator writes."""
    sessions = frame(TABLES["sessions"], analysis(_case(REFUSED), ["cupdomain.com"]))

    assert list(sessions.reached) == ["connect"]
    assert list(sessions.reached < "tls") == [True]
