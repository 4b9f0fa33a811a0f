"""`summary.html`: what an archive of many cases says, on one page that needs neither network nor script.

Tables in, text out; what they mean together it takes from `trends`. What is shown is bounded, for two thousand pairs
over two years; the data sets beside the page have all. Reads no file and asks no clock.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import pandas as pd

from analyzer import trends
from analyzer.judge import all_rules
from analyzer.report import bars
from analyzer.report.web import filled
from analyzer.report.words import day

CHANGES_SHOWN = 100
"""Changes, the latest first: who opens the page each morning has read the rest."""
NEW_SHOWN = 100
"""Pairs with a cause that is new."""
CAUSES_SHOWN = 200
"""Causes of pairs, those with the most attempts first."""
FLAPPING_SHOWN = 50
"""Pairs that flap."""
CERTIFICATES_SHOWN = 60
"""Certificates with a bar each."""
UNREAD_SHOWN = 200
"""Cases that could not be read, or in part only: of a disk that is broken, the first tell."""
CASES_SHOWN = 1000
"""Cases by their state, the worst first: some 300 kB."""
CASES_OPEN = 30
"""Cases of one state that are shown unasked: more would hide what comes below."""
HEAT_ROWS = 60
"""Pairs of the heat map, those with the most failed attempts first: two screens, and some 4,000 cells."""
HEAT_COLUMNS = 62
"""Columns of the heat map: two months of days. A longer archive is shown by weeks, or by more."""
HEAT_SHEET = 31
"""Columns of one table of it: as many as a screen of 1280 pixels and a sheet of paper hold."""
HEAT_STEPS = (1, 7, 28, 91, 364)
"""Days of a column: the least that need no more than `HEAT_COLUMNS`. Whole weeks, so that each column has as many
Sundays as the others."""
DAY_NS = 86_400 * 10**9
LOST = {"unreadable": "could not be read", "broken": "a bug of fedtrace"}
"""States of cases of which nothing is known, in words."""
STATES = ("failing", "degraded", "undetermined", "healthy", "nothing")
"""States of the others, the worst first."""
_OF_OURS = re.compile(r"pages/(?!\.)[^/]+")
"""What a link may lead to: a page beside this one."""


class Cell(NamedTuple):
    """One pair in one span of days."""

    kind: str
    """"bad" (at least half failed), "some" (fewer did), "good", "open" (none came to an end) or "none" (no attempt)."""
    says: str
    """The same in signs and numbers."""


class Sheet(NamedTuple):
    """As much of the heat map as fits side by side."""

    heads: tuple[tuple[str, int], ...]
    """Each month, of columns longer than a day each year, with how many columns begin in it."""
    days: tuple[int, ...]
    """The first day of each column, nanoseconds since 1970 UTC."""
    rows: tuple[tuple[str, str, tuple[Cell, ...]], ...]
    """Initiator, receiver, and a cell for each column."""


class Heat(NamedTuple):
    """The heat map: pairs by days."""

    step: int
    """Days of a column."""
    sheets: tuple[Sheet, ...]
    """In order of time."""
    pairs: int
    """Pairs in all; the first `HEAT_ROWS` are shown."""


class Group(NamedTuple):
    """The cases of one state."""

    state: str
    """Which."""
    cases: int
    """How many."""
    shown: Sequence[dict[str, Any]]
    """The rows of the first of them."""


class Asked(NamedTuple):
    """Of which attempts the page is."""

    only: Sequence[str] = ()
    """Those from or to these domains; all where none is named."""
    since_ns: int | None = None
    """Those that began at this instant or later, nanoseconds since 1970 UTC; None for all."""
    nobody: Sequence[str] = ()
    """Of the domains, those that no attempt was from or to."""


class Previous(NamedTuple):
    """The run before, named by what it saw."""

    cases: int
    """Its cases."""
    lost: int
    """Of these, those that could not be read."""
    last_ns: int | None
    """The last instant that it saw anything, nanoseconds since 1970 UTC."""
    causes: Sequence[Sequence[str]] | None
    """The rows of its `trends.causes`; None where it was asked something else, and is not to be compared with."""
    same_program: bool = True
    """It was a run of the same version of fedtrace."""


def summary(
    sessions: pd.DataFrame,
    verdicts: pd.DataFrame,
    cases: pd.DataFrame,
    certificates: pd.DataFrame | None = None,
    previous: Previous | None = None,
    asked: Asked | None = None,
) -> str:
    """The whole page, the same bytes for the same rows.

    `sessions`, `verdicts` and `certificates` as `trends` takes them; `previous` is the run before, and `asked` tells
    what was left out of them. `cases` has a row for each case: `case`, `state` ("unreadable" and "broken" are of cases
    of which nothing is known), `problem` (why it, or a part of it, could not be read), `unknown` (its files that no
    format knows), `part_of` (the case that was cut, where it is a part of one), `page` (`pages/NAME.html`, where it has
    one), `pairs`, of these `failing`, `damage` (places where an input breaks off), `first_seen` and `last_seen`.
    """
    last = trends.last_instant(sessions, verdicts, certificates)
    tried = trends.attempts(sessions)
    first_ns, last_ns = _plain(tried.began.min()), _plain(last)
    days = trends.by_day(tried)
    changed = trends.changes(tried, days)
    told = _cases(cases)
    known = None
    if previous is not None and previous.causes is not None:
        known = pd.DataFrame(previous.causes, columns=["initiator", "receiver", "cause"])
    bounds = {name: value for name, value in globals().items() if name.isupper()}
    return filled(
        "summary.html",
        *("page.css", "summary.css"),
        first_ns=first_ns,
        last_ns=last_ns,
        axis=None if first_ns is None or last_ns is None else bars.Axis(first_ns, max(first_ns, last_ns)),
        attempts=len(tried),
        failed=int(tried.failed.sum()),
        pairs=len(days.groupby(["initiator", "receiver"], observed=True)),
        failing_pairs=len(days[days.failed > 0].groupby(["initiator", "receiver"], observed=True)),
        cases=told,
        groups=_groups(told),
        # What no format knows is no capture as a rule: it does not stand before one that cannot be read.
        lost=sorted((row for row in told if row["state"] in LOST), key=lambda row: bool(row["unknown"])),
        partly=sorted(
            (row for row in told if row["state"] not in LOST and row["problem"]), key=lambda row: not row["damage"]
        ),
        strange=[row for row in told if row["state"] not in LOST and row["unknown"]],
        parts=[row["part_of"] for row in told if row["part_of"]],
        pages={row["case"]: quote(row["page"]) for row in told if row["page"] and _OF_OURS.fullmatch(row["page"])},
        changes=_changes(_rows(changed)),
        heat=heat(days),
        causes=_rows(trends.by_cause(tried)),
        totals=_rows(trends.totals(tried)),
        flapping=_rows(trends.flapping(tried)),
        asked=asked or Asked(),
        previous=previous,
        new=_rows(trends.new_since(verdicts, known)),
        certificates=_certificates(_rows(trends.about_to_expire(certificates, last)), last_ns),
        certificates_seen=None if certificates is None else len(certificates),
        looks=_rows(trends.worth_a_look(verdicts, known, tried)),
        titles={name: rule.title for name, rule in all_rules().items()},
        EXPIRES_WITHIN_DAYS=trends.EXPIRES_WITHIN.days,
        FLAPS_MIN=trends.FLAPS_MIN,
        STEADY_DAYS=trends.STEADY_DAYS,
        LENGTH=bars.LENGTH,
        **bounds,
    )


def heat(days: pd.DataFrame) -> Heat:
    """Pairs by days, of what `trends.by_day` gives. Those with the most failed attempts stand first."""
    if not len(days):
        return Heat(1, (), 0)
    pairs = days.groupby(["initiator", "receiver"], sort=True, observed=True).failed.sum().reset_index()
    pairs = pairs.sort_values("failed", ascending=False, kind="stable")
    shown = list(zip(pairs.initiator[:HEAT_ROWS], pairs.receiver[:HEAT_ROWS], strict=True))
    begin = days.day.min()
    span = (days.day.max() - begin).days + 1
    step = next((s for s in HEAT_STEPS if span <= s * HEAT_COLUMNS), -(-span // HEAT_COLUMNS))
    columns = -(-span // step)
    wanted = days.merge(pairs[:HEAT_ROWS][["initiator", "receiver"]], on=["initiator", "receiver"])
    wanted = wanted.assign(column=(wanted.day - begin).dt.days // step)
    counted = wanted.groupby(["initiator", "receiver", "column"], observed=True)[["attempts", "well", "failed"]].sum()
    cells = {key: _cell(*map(int, row)) for key, row in zip(counted.index, counted.to_numpy(), strict=True)}
    none = Cell("none", "")
    sheets = []
    for left in range(0, columns, HEAT_SHEET):
        numbers = range(left, min(left + HEAT_SHEET, columns))
        firsts = tuple(begin.value + n * step * DAY_NS for n in numbers)
        heads = Counter(day(at_ns)[: 7 if step == 1 else 4] for at_ns in firsts)
        rows = tuple((a, b, tuple(cells.get((a, b, n), none) for n in numbers)) for a, b in shown)
        sheets.append(Sheet(tuple(heads.items()), firsts, rows))
    return Heat(step, tuple(sheets), len(pairs))


def _cell(attempts: int, well: int, failed: int) -> Cell:
    """All failed `✘4`, as many or fewer `✘2/4` and `1/4`, none `4`, none came to an end `?4`."""
    ended = well + failed
    if not ended:
        return Cell("open", f"?{_short(attempts)}")
    if not failed:
        return Cell("good", _short(well))
    if failed < well:
        return Cell("some", f"{_short(failed)}/{_short(ended)}")
    return Cell("bad", f"✘{_short(failed)}" if not well else f"✘{_short(failed)}/{_short(ended)}")


def _short(number: int) -> str:
    """A number that fits into a cell."""
    return str(number) if number < 1000 else f"{number // 1000}k"


def _changes(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with whether it is the pair's `last`, and how many days the pair was not tried before it (`quiet`)."""
    seen: set[tuple[str, str]] = set()
    found = []
    for row in rows:
        pair = (row["initiator"], row["receiver"])
        found.append(row | {"last": pair not in seen, "quiet": (row["day"] - row["before"]) // DAY_NS - 1})
        seen.add(pair)
    return found


def _certificates(rows: Sequence[dict[str, Any]], last_ns: int | None) -> list[dict[str, Any]]:
    """Each with its validity as a `bar`, and on the same line the last instant of the archive, `now`."""
    found = []
    for row in rows:
        begin, end = row["not_before"], row["not_after"]
        bar = now = None
        if begin is not None and last_ns is not None and begin < end:
            room = (end - begin) // 10
            line = bars.Axis(begin - room, end + room)
            bar, now = line.bar(begin, end), line.at(last_ns)
        found.append(row | {"bar": bar, "now": now, "days": abs(row["left"]) // DAY_NS})
    return found


def _cases(cases: pd.DataFrame) -> list[dict[str, Any]]:
    """Each in order of name: what is a text as such, "" where there is none; the rest as plain values."""
    flat = cases.reset_index() if any(name is not None for name in cases.index.names) else cases
    texts = flat.reindex(columns=["case", "state", "problem", "unknown", "part_of", "page"]).astype("string").fillna("")
    counts = flat.reindex(columns=["pairs", "failing", "damage"]).astype("Int64")
    wanted = pd.concat([texts, counts, flat.reindex(columns=["first_seen", "last_seen"])], axis="columns")
    return sorted(_rows(wanted), key=lambda row: str(row["case"]))


def _groups(cases: Sequence[dict[str, Any]]) -> list[Group]:
    """The cases of each state, the worst first; the first `CASES_SHOWN` of them all are shown."""
    found, room = [], CASES_SHOWN
    for state in STATES:
        rows = [row for row in cases if row["state"] == state]
        if rows:
            found.append(Group(state, len(rows), rows[:room]))
            room = max(0, room - len(rows))
    return found


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: instants and durations in nanoseconds, what is missing as None."""
    return [{name: _plain(value) for name, value in row._asdict().items()} for row in frame.itertuples(index=False)]


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value.value if isinstance(value, pd.Timestamp | pd.Timedelta) else value
