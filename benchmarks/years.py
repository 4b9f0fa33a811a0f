"""Data sets as a batch over two years leaves them, and the page over them.

`python -m benchmarks.years make FOLDER` makes them, `python -m benchmarks.years page FOLDER` the page.

Two thousand pairs that try once a day, each day a case. Every tenth pair has a bad time of its own, every fiftieth
flaps, and the rest fails now and then. Made as columns, since only the page is measured.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analyzer.batch.parquet import of_case, parquet
from analyzer.batch.results import CASES
from analyzer.report.tables import TABLES

PAIRS = 2_000
DAYS = 730
CERTIFICATES = 100
"""Certificates that are shown on a day."""
BEGIN = datetime(2013, 1, 1, tzinfo=UTC)
SEED = 6
_SECOND = 10**9


def make(root: Path, pairs: int = PAIRS, days: int = DAYS) -> None:
    """Fill a folder of results with what the page is made of."""
    luck = np.random.default_rng(SEED)
    number = np.arange(pairs)
    phase, away = luck.integers(0, days, pairs), luck.integers(0, 2, pairs).astype(bool)
    domains = np.array([f"im{n}.net{n % 613}.example" for n in number])
    ours = np.full(pairs, "cupdomain.com")
    names = {"initiator": np.where(away, domains, ours), "receiver": np.where(away, ours, domains)}
    for day in range(days):
        began = BEGIN + timedelta(days=day)
        case = f"loose {began:%Y-%m-%d}"
        began_ns = int(began.timestamp()) * _SECOND + luck.integers(0, 86_000, pairs) * _SECOND
        bad = (number % 10 == 0) & ((day - phase) % days < 60) | (number % 50 == 7) & (day % 9 < 2)
        bad |= luck.random(pairs) < 0.02
        cause = [_CAUSES[n % len(_CAUSES)] if each else None for n, each in enumerate(bad)]
        common = names | {"case": [case] * pairs, "cause": cause}
        ids = [f"{n:06x}{day:06x}" for n in number]
        outcome = np.where(bad, "failed", np.where(luck.random(pairs) < 0.02, "unfinished", "established"))
        ended = began_ns + _SECOND
        sessions = common | {"session": ids, "began": began_ns, "ended": ended, "outcome": outcome}
        state = np.where(bad, "failing", "healthy")
        confidence = np.where(luck.random(pairs) < 0.1, "proven", "likely")
        pairs_told = zip(domains, cause, strict=True)
        says = [None if c is None else f"the log of cupdomain.com says of {d}: {c} " * 2 for d, c in pairs_told]
        verdicts = common | {"state": state, "confidence": confidence, "sessions": [1] * pairs, "failed": bad * 1}
        verdicts |= {"first_seen": began_ns, "last_seen": ended, "summary": says}
        shown = luck.choice(pairs, min(CERTIFICATES, pairs), replace=False)
        until = began_ns[shown] + luck.integers(-5, 400, len(shown)) * 86_400 * _SECOND
        certificates = {"domain": domains[shown], "subject": [f"CN={d}" for d in domains[shown]]}
        certificates |= {"case": [case] * len(shown), "issuer": ["CN=Example CA"] * len(shown), "names": domains[shown]}
        certificates |= {"not_before": until - 400 * 86_400 * _SECOND, "not_after": until, "seen": began_ns[shown]}
        certificates |= {"last_seen": ended[shown], "sha256": [f"{at:x}" for at in until]}
        row = {"case": [case], "state": ["failing"], "page": [f"pages/loose~{began:%Y-%m-%d}.html"]}
        rows: dict[str, dict[str, Any]]
        rows = {"sessions": sessions, "verdicts": verdicts, "certificates": certificates, "cases": row}
        for name, columns in rows.items():
            _write(root / name / f"day={began:%Y-%m-%d}" / f"loose~{began:%Y-%m-%d}.parquet", name, columns)


_CAUSES = ("tls-cert-expired", "tls-cert-untrusted", "dns-srv-nxdomain", "network-callback-blocked")


def _write(path: Path, name: str, columns: dict[str, Any]) -> None:
    """One file of a table; columns that are not given hold nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = _schema(name)
    count = len(columns["case"])
    arrays = [_array(columns[f.name], f.type) if f.name in columns else pa.nulls(count, f.type) for f in schema]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path, compression="zstd")


def _array(values: Any, kind: Any) -> Any:
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode().cast(kind)
    return pa.array(values, kind)


def _schema(name: str) -> Any:
    """That of the data set, as a batch writes it."""
    table = CASES if name == "cases" else of_case(TABLES[name], "")
    return pq.read_schema(BytesIO(parquet(table, [])))


def called() -> str:
    """What the folder is called: those of other columns are other data sets."""
    columns = [str(_schema(name)) for name in ("sessions", "verdicts", "certificates", "cases")]
    return f"years-{blake2b(''.join(columns).encode(), digest_size=4).hexdigest()}"


def page(root: Path) -> None:
    """What the end of a batch does with them; nothing is written."""
    from analyzer.batch.overview import overview
    from analyzer.batch.previous import Said
    from analyzer.batch.store import Disk

    run = Said(work="", program="", asked="", since_ns=None, cases=DAYS, lost=0)
    assert overview(Disk(str(root)), run, run, ())


if __name__ == "__main__":
    {"make": make, "page": page}[sys.argv[1]](Path(sys.argv[2]))
