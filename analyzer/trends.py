"""What months of cases say together: which causes for which pair on which days, and what changed when.

DataFrames in, DataFrames out: `sessions`, `verdicts` and `certificates` as `report.tables` has them, of many cases one
below the other, with the further column `case`. Days are those of UTC. Knows no file, no layout and no clock:
what is "about to" happen is so by the last instant that the archive saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

STEADY_DAYS = 3
"""Days in succession, of those with attempts, that make a state. One bad day is a reboot, two are a weekend's work;
a state that holds for three is what people mean by "since". Nothing shorter begins or ends a change."""
FLAPS_MIN = 3
"""Times from good to bad and back from which on a pair flaps: once is an incident, twice may be two of them."""
EXPIRES_WITHIN = pd.Timedelta(days=30)
"""What has less validity left is about to expire: ACME clients renew thirty days before the end, as people are told to,
so that renewal was missed."""
LOOKS = 10
"""Cases worth a look: a morning's work. The data sets have all."""

SESSIONS = ("case", "session", "initiator", "receiver", "began", "ended", "outcome", "cause")
"""Columns of `sessions` that are looked at: who reads two years from a data set need read no others."""
VERDICTS = (
    *("case", "initiator", "receiver", "state", "cause", "confidence"),
    *("sessions", "failed", "first_seen", "last_seen", "summary"),
)
"""Columns of `verdicts` that are looked at."""
CERTIFICATES = (
    *("case", "domain", "subject", "names", "issuer", "sha256"),
    *("session", "not_before", "not_after", "seen", "last_seen"),
)
"""Columns of `certificates` that are looked at."""

_PAIR = ["initiator", "receiver"]
_WORDS = (*_PAIR, "case", "outcome", "cause", "state", "confidence")
"""Few texts of many rows: kept as categories, in the order of the alphabet."""
_INSTANTS = ("began", "ended", "first_seen", "last_seen", "not_before", "not_after", "seen")
_COUNTS = ("sessions", "failed")


def attempts(sessions: pd.DataFrame) -> pd.DataFrame:
    """The attempts in order of pair and time, without names, each with `day`, and whether it went `well` or `failed`.

    What all functions of this module make of sessions first; who asks several of them gives them this instead.
    It went well where the stream was authenticated. It failed where it ended so, or where a cause explains why it did
    not get through. The rest, cut off or under ciphertext, is neither. One that tells no time is left out.
    """
    if "well" in sessions:
        return sessions
    found = _flat(sessions, SESSIONS)
    if not found.began.notna().all():
        found = found[found.began.notna()]
    # Names of attempts are as many as attempts, and costly to sort: they are looked at where nothing else decides.
    found["session"] = found.session.where(found.duplicated([*_PAIR, "began"], keep=False))
    found = found.sort_values([*_PAIR, "began", "session"], kind="stable", ignore_index=True)
    well = found.outcome == "established"
    failed = (found.outcome == "failed") | (~well & found.cause.notna())
    return found.drop(columns="session").assign(day=found.began.dt.floor("D"), well=well, failed=failed)


def unmet(sessions: pd.DataFrame, domains: Sequence[str]) -> tuple[str, ...]:
    """Of these domains, those that no attempt is from or to."""
    found = _flat(sessions, _PAIR)
    met = {*found.initiator.unique(), *found.receiver.unique()}
    return tuple(domain for domain in domains if domain not in met)


def by_day(sessions: pd.DataFrame) -> pd.DataFrame:
    """For each pair and each day with attempts: `attempts`, and of these `well` and `failed`."""
    grouped = attempts(sessions).groupby([*_PAIR, "day"], sort=True, observed=True)
    return grouped.agg(attempts=("began", "size"), well=("well", "sum"), failed=("failed", "sum")).reset_index()


def by_cause_and_day(sessions: pd.DataFrame) -> pd.DataFrame:
    """For each pair, cause and day: how many `attempts` the cause explains."""
    found = attempts(sessions).dropna(subset=["cause"])
    return (
        found.groupby([*_PAIR, "cause", "day"], sort=True, observed=True).agg(attempts=("began", "size")).reset_index()
    )


def by_cause(sessions: pd.DataFrame) -> pd.DataFrame:
    """For each pair and cause: `attempts`, on how many `days`, in how many `cases`, `first_seen` and `last_seen`.

    The most attempts first.
    """
    found = attempts(sessions).dropna(subset=["cause"])
    counted = found.groupby([*_PAIR, "cause"], sort=True, observed=True).agg(
        attempts=("began", "size"),
        days=("day", "nunique"),
        cases=("case", "nunique"),
        first_seen=("began", "min"),
        last_seen=("ended", "max"),
    )
    return counted.reset_index().sort_values("attempts", ascending=False, kind="stable", ignore_index=True)


def totals(sessions: pd.DataFrame) -> pd.DataFrame:
    """For each cause, over all pairs: `attempts`, of how many `pairs`, on how many `days`, in how many `cases`.

    The most attempts first.
    """
    found = attempts(sessions).dropna(subset=["cause"])
    found = found.assign(pair=found.groupby(_PAIR, sort=False, observed=True).ngroup())
    counted = found.groupby("cause", sort=True, observed=True).agg(
        attempts=("began", "size"), pairs=("pair", "nunique"), days=("day", "nunique"), cases=("case", "nunique")
    )
    return counted.reset_index().sort_values("attempts", ascending=False, kind="stable", ignore_index=True)


def flapping(sessions: pd.DataFrame) -> pd.DataFrame:
    """Pairs that went from good to bad and back at least `FLAPS_MIN` times: `flaps`, and how many attempts of which.

    Counted over attempts in order of time. Bad times before the first good attempt and after the last are none.
    """
    found = attempts(sessions)
    found = found[found.well | found.failed]
    turned = found.failed != found.groupby(_PAIR, sort=False, observed=True).failed.shift()
    found = found.assign(run=turned)
    counted = found.groupby(_PAIR, sort=True, observed=True).agg(
        attempts=("began", "size"),
        failed=("failed", "sum"),
        runs=("run", "sum"),
        bad_first=("failed", "first"),
        first_seen=("began", "min"),
        last_seen=("ended", "max"),
    )
    # Runs alternate: each bad one that stands between two good ones is one flap.
    flaps = (counted.runs.astype(int) - 1 - counted.bad_first.astype(int)) // 2
    counted = counted.assign(flaps=flaps)[flaps >= FLAPS_MIN].drop(columns=["runs", "bad_first"]).reset_index()
    return counted.sort_values("flaps", ascending=False, kind="stable", ignore_index=True)


def changes(sessions: pd.DataFrame, days: pd.DataFrame | None = None) -> pd.DataFrame:
    """When a pair began to fail, and when it recovered; the latest first.

    A day is bad where at least half of the attempts that went well or failed have failed, else good; a day without such
    is no day. `STEADY_DAYS` days in succession alike make a state, which holds until as many of the other kind follow:
    single bad days, or good ones, change nothing. The change is on the first of these days. What a pair was when it was
    first seen is no change.

    Columns: `change` ("began to fail" or "recovered"), `day`, `before` (the last day of the other kind: without
    attempts in between, the change may have come at any time since), `attempts` and `failed` until the next change,
    `cause` (the commonest of the bad time that begins or ends here; missing where no rule explains it), and `days` with
    attempts until the next change. `days` is what `by_day` gives of the same, where that has been asked.
    """
    days = by_day(sessions) if days is None else days
    ended = days.well + days.failed > 0
    days = days.loc[ended, [*_PAIR, "day"]].assign(bad=days.failed >= days.well)
    pair = days.groupby(_PAIR, sort=False, observed=True)
    days = days.assign(before=pair.day.shift(), run=(days.bad != pair.bad.shift()).cumsum())
    states = days.groupby([*_PAIR, "run"], sort=False, observed=True).agg(
        bad=("bad", "first"), day=("day", "first"), before=("before", "first"), lasted=("day", "size")
    )
    states = states.reset_index()
    states = states[states.lasted >= STEADY_DAYS]
    previous = states.groupby(_PAIR, sort=False, observed=True).bad.shift()
    found = states[previous.notna() & (states.bad != previous)]
    found = found.assign(stretch=found.groupby(_PAIR, sort=False, observed=True).cumcount() + 1)

    told = _stretches(attempts(sessions), found)
    counted = told.groupby([*_PAIR, "stretch"], sort=False, observed=True).agg(
        attempts=("began", "size"), failed=("failed", "sum"), days=("day", "nunique")
    )
    found = found.merge(counted.reset_index(), on=[*_PAIR, "stretch"], how="left")
    # The bad time is the one that begins here, or the one that ends here.
    found = found.assign(bad_time=found.stretch.where(found.bad, found.stretch - 1))
    found = found.merge(_commonest_cause(told), left_on=[*_PAIR, "bad_time"], right_on=[*_PAIR, "stretch"], how="left")
    found = found.assign(change=["began to fail" if bad else "recovered" for bad in found.bad])
    found = found.sort_values(["day", *_PAIR], ascending=[False, True, True], kind="stable", ignore_index=True)
    return found[[*_PAIR, "change", "day", "before", "cause", "days", "attempts", "failed"]]


def _stretches(found: pd.DataFrame, changed: pd.DataFrame) -> pd.DataFrame:
    """The attempts of pairs that changed, each with the number of the last change before it, 0 before the first."""
    found = found.merge(changed[_PAIR].drop_duplicates(), on=_PAIR)
    begins = changed[[*_PAIR, "day", "stretch"]].sort_values("day", kind="stable")
    told = pd.merge_asof(found.sort_values("day", kind="stable"), begins, on="day", by=_PAIR)
    return told.assign(stretch=told.stretch.fillna(0).astype("int64"))


def _commonest_cause(told: pd.DataFrame) -> pd.DataFrame:
    """Of each pair and stretch; among equals the first by name."""
    failed = told[told.failed].dropna(subset=["cause"])
    counted = failed.groupby([*_PAIR, "stretch", "cause"], sort=True, observed=True).size().reset_index(name="times")
    counted = counted.sort_values("times", ascending=False, kind="stable")
    return counted.drop_duplicates([*_PAIR, "stretch"])[[*_PAIR, "stretch", "cause"]]


def causes(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Each pair with each cause that it has in any case, once, in order: what a later run is compared with."""
    found = _explained(verdicts)[[*_PAIR, "cause"]].drop_duplicates()
    return found.sort_values([*_PAIR, "cause"], ignore_index=True)


def new_since(verdicts: pd.DataFrame, previous: pd.DataFrame | None) -> pd.DataFrame:
    """Pairs with a cause that `previous`, the verdicts of the run before or its `causes`, does not have of them.

    With the `state`, `confidence` and `case` of the last seen, `failed` attempts, `cases`, `first_seen` and
    `last_seen`; the most failed attempts first. Without a previous run, nothing is new.
    """
    found = _explained(verdicts)
    found = found[_is_new(found, previous)].sort_values(["last_seen", "case"], kind="stable")
    counted = found.groupby([*_PAIR, "cause"], sort=True, observed=True).agg(
        state=("state", "last"),
        confidence=("confidence", "last"),
        case=("case", "last"),
        cases=("case", "nunique"),
        failed=("failed", "sum"),
        first_seen=("first_seen", "min"),
        last_seen=("last_seen", "max"),
    )
    return counted.reset_index().sort_values("failed", ascending=False, kind="stable", ignore_index=True)


def worth_a_look(
    verdicts: pd.DataFrame, previous: pd.DataFrame | None = None, sessions: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The `LOOKS` cases to open first, with `because`: why this one.

    What is proven and new since the previous run comes first, then what is one of the two; among equals the most failed
    attempts, then the cause that the fewest cases have. A pair and its cause stand there once, by the case with
    the most failed attempts; `alike` says how many further cases show the same. A case stands there once as well;
    `further` says how many other pairs of it have a cause. A verdict names one cause: where
    `sessions` are given, `because` tells what else attempts of that pair and case failed by.
    """
    found = _explained(verdicts)
    found = found.assign(
        proven=found.confidence == "proven",
        new=_is_new(found, previous),
        with_cause=found.groupby("cause", sort=False, observed=True).case.transform("nunique"),
        alike=found.groupby([*_PAIR, "cause"], sort=False, observed=True).case.transform("nunique") - 1,
        further=found.groupby("case", sort=False, observed=True).case.transform("size") - 1,
    )
    found = found.assign(signs=found.proven.astype(int) + found.new.astype(int))
    order = ["signs", "failed", "with_cause", *_PAIR, "cause", "case"]
    found = found.sort_values(order, ascending=[False, False, True, *[True] * 4], kind="stable")
    found = found.drop_duplicates([*_PAIR, "cause"]).drop_duplicates("case").head(LOOKS).reset_index(drop=True)
    tried = None if sessions is None else attempts(sessions)
    if tried is not None:
        tried = tried[tried.case.isin(found.case)]
    return found.assign(because=[_because(row, tried) for row in found.itertuples()])[
        ["case", *_PAIR, "state", "cause", "confidence", "failed", "sessions", "alike", "further", "because", "summary"]
    ]


def _because(row: Any, tried: pd.DataFrame | None) -> str:
    own = None if tried is None else tried[(tried.case == row.case) & _same_pair(tried, row)]
    told = [
        *(["proven"] if row.proven else ()),
        *(["new since the previous run"] if row.new else ()),
        _went(row, own),
        "no other case has this cause" if row.with_cause == 1 else f"{row.with_cause:,} cases have this cause",
    ]
    if own is not None:
        causes = own[own.failed].dropna(subset=["cause"]).cause.astype(str)
        others = causes[causes != row.cause].value_counts().sort_index().sort_values(ascending=False, kind="stable")
        told += [f"{number:,} failed by {cause}" for cause, number in others.items()]
    return ", ".join(told)


def _went(row: Any, own: pd.DataFrame | None) -> str:
    """How the attempts of a pair in a case went, of which `own` tells more. A pair may fail though none did: streams
    that stood came to grief, and lookups that nothing followed have no end.
    """
    of = f"of {row.sessions:,} attempt{'' if row.sessions == 1 else 's'} in this case"
    if row.failed:
        return f"{row.failed:,} {of} failed"
    if pd.isna(row.state) or row.state != "failing":
        return f"none {of} failed"
    well = 0 if own is None else int(own.well.sum())
    return f"{well:,} {of} got through and failed after that" if well else f"none {of} failed on its way in"


def _same_pair(tried: pd.DataFrame, row: Any) -> pd.Series[bool]:
    return (tried.initiator == row.initiator) & (tried.receiver == row.receiver)


def about_to_expire(certificates: pd.DataFrame | None, last: pd.Timestamp | None) -> pd.DataFrame:
    """Certificates in use that had expired by `last`, or that had less than `EXPIRES_WITHIN` left then.

    `last` is the last instant that the archive saw (`last_instant`): nothing is known of what was done since.
    In use means not replaced: no other certificate of that domain and subject was first shown after this was shown
    last. Columns of the table, `left` until (negative: since) its end, and `expired`; the earliest end first.
    """
    found = _flat(pd.DataFrame() if certificates is None else certificates, CERTIFICATES)
    # The same certificate in many cases is one certificate.
    found = found.sort_values(["last_seen", "case"], kind="stable")
    of = ["domain", "subject", "issuer", "not_before", "not_after", "sha256"]
    found = found.groupby(of, sort=True, dropna=False, observed=True).agg(
        case=("case", "last"),
        names=("names", "last"),
        session=("session", "last"),
        seen=("seen", "min"),
        last_seen=("last_seen", "max"),
    )
    found = found.reset_index()
    newest = found.groupby(["domain", "subject"], dropna=False).seen.transform("max")
    found = found[found.not_after.notna() & ~(newest > found.last_seen)]
    left = found.not_after - (pd.NaT if last is None else last)
    found = found.assign(left=left, expired=left < pd.Timedelta(0))[left < EXPIRES_WITHIN]
    found = found.sort_values(["not_after", "domain", "subject"], kind="stable", ignore_index=True)
    return found[[*CERTIFICATES, "left", "expired"]]


def last_instant(
    sessions: pd.DataFrame, verdicts: pd.DataFrame, certificates: pd.DataFrame | None = None
) -> pd.Timestamp | None:
    """The last instant that the archive saw anything; None where it saw nothing."""
    seen = [
        _flat(sessions, ["ended"]).ended.max(),
        _flat(verdicts, ["last_seen"]).last_seen.max(),
        _flat(pd.DataFrame() if certificates is None else certificates, ["last_seen"]).last_seen.max(),
    ]
    return max((at for at in seen if not pd.isna(at)), default=None)


def _explained(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Verdicts with a cause."""
    return _flat(verdicts, VERDICTS).dropna(subset=["cause"])


def _is_new(found: pd.DataFrame, previous: pd.DataFrame | None) -> pd.Series[bool]:
    """Which of these pairs had not this cause in the previous run."""
    if previous is None:
        return pd.Series(False, index=found.index)
    before = _explained(previous)
    known = set(zip(before.initiator, before.receiver, before.cause, strict=True))
    now = zip(found.initiator, found.receiver, found.cause, strict=True)
    return pd.Series([each not in known for each in now], index=found.index, dtype=bool)


def _flat(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """These columns, the index among them where it has names, in dtypes that do not depend on who wrote them.

    A Parquet file may give words as categories, text as Arrow's, instants in microseconds; a frame of no case may have
    no column at all.
    """
    flat = frame.reset_index() if any(name is not None for name in frame.index.names) else frame
    found = {}
    for name in columns:
        column = flat[name] if name in flat else pd.Series(None, index=flat.index, dtype=object)
        if name in _INSTANTS:
            found[name] = pd.to_datetime(column, utc=True).astype("datetime64[ns, UTC]")
        elif name in _COUNTS:
            found[name] = pd.to_numeric(column).fillna(0).astype("int64")
        else:
            text = column.astype("string") if name not in _WORDS else _words(column)
            found[name] = _told(text) if name in _PAIR else text
    return pd.DataFrame(found).reset_index(drop=True)


def _words(column: pd.Series[Any]) -> pd.Series[Any]:
    """Texts as categories, in the order of the alphabet, whatever they were."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype("string").astype("category")
    texts = column.cat.categories.astype("string")
    return column.cat.rename_categories(texts).cat.set_categories(texts.sort_values(), ordered=False)


def _told(words: pd.Series[Any]) -> pd.Series[Any]:
    """The same, with a mark for what is missing."""
    return words if words.notna().all() else _words(words.astype("string").fillna("?"))
