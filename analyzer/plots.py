"""Pictures of a trace: data in, matplotlib Axes out; nothing is saved and no window opens.

Each takes an Axes to draw on, or makes one of its own. What tells things apart is never colour alone, so that a print
in black and white says the same. Instants are shown in UTC. Knows the tables' columns and a ladder, no event's meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from functools import cache
from itertools import pairwise
from typing import Any, Protocol

import matplotlib.dates as dates
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from analyzer.ladder import Ladder, Rung
from analyzer.report.ladder_text import rung_says
from analyzer.report.words import clock, duration, escape, place

WIDTH_IN = 6.5
"""Width of a picture that is made here, inches: a page of A4 or letter holds it."""
TEXT_PT = 7.5
"""Size of the text, points: ten pixels where the picture is 600 pixels wide."""
LANES_MAX = 40
"""Attempts, peers or causes that get a lane; a picture with more cannot be read, and says how many are left out."""
COLUMNS_MAX = 15
"""Columns of a heat map: with more of them a number and a letter have no room."""
STEPS = (1, 7, 28, 364)
"""Days of a column, from few to many: a week keeps its weekday, and 28 and 364 days are whole weeks."""
PAUSE_NS = 10**9
"""A pause of a second and more is marked in a ladder: that is where the time went."""
SAYS_MAX = 61
"""Characters of what was said and where it stands, beside a ladder."""
_CLOCK_IN, _LANES_IN, _GAP_IN = 0.8, 2.0, 0.42
"""Inches of a ladder for the time of day, for all lanes, and between two lanes at most."""

OUTCOMES = {
    "established": ("#1b7837", ""),
    "failed": ("#b2182b", "////"),
    "unfinished": ("#878787", "...."),
    "unknown": ("#d9d9d9", "\\\\"),
}
"""Fill and hatch of an outcome."""
WAITS = {
    "dns_took": ("DNS", "#d9d9d9", ""),
    "connect_took": ("SYN", "#4d4d4d", ""),
    "tls_took": ("TLS", "#92c5de", "////"),
    "auth_took": ("dialback or SASL", "#f4a582", "\\\\"),
    "callback_took": ("callback", "#ffffff", "xxxx"),
}
"""Column, name, fill and hatch of what an attempt waited for. The callback lies within the wait for dialback."""
HATCHES = ("", "////", "....", "\\\\", "xxxx", "++", "oo", "--", "||")
"""Of causes, in turn."""


class _Drawn(Protocol):
    """What has a ladder, as a trace's session."""

    ladder: Ladder


def ladder(drawn: Ladder | _Drawn, ax: Axes | None = None) -> Axes:
    """The call flow of one attempt: a lane for each host and for the firewall, where a stopped arrow ends with a cross.

    Time runs downwards, one rung a line; pauses of a second and more are told.
    """
    drawn = drawn if isinstance(drawn, Ladder) else drawn.ladder
    rows = _rows(drawn.rungs)
    ax = ax or _axes(1.4 + 0.17 * (rows[-1] + 2 if rows else 4))
    gap = min(_GAP_IN, _LANES_IN / max(len(drawn.lanes), 1))
    says_at = gap * len(drawn.lanes)
    bottom = rows[-1] + 1 if rows else 2
    ax.set(xlim=(-_CLOCK_IN, WIDTH_IN - _CLOCK_IN), ylim=(bottom + 0.4, -6.4))
    ax.set_axis_off()
    for number, lane in enumerate(drawn.lanes):
        x = gap * number
        wall = lane.kind == "firewall"
        ax.plot([x, x], [-0.7, bottom], color="0.55" if wall else "0.8", lw=5 if wall else 1, zorder=1)
        name = lane.kind if lane.domain is None else _short(lane.domain, 22)
        _text(ax, x, -0.9, _plain(" ".join((name, *lane.addresses[:1]))), va="bottom", rotation=38, weight="bold")
    for row, rung in zip(rows, drawn.rungs, strict=True):
        _rung(ax, row, rung, gap)
        _text(ax, -0.1, row, _time(rung), ha="right", va="center", color="0.35")
        where = f"  [{place(rung.event.where)}]"
        what = _short(rung_says(rung), max(SAYS_MAX - len(where), 20))
        weight = "bold" if rung.proves else "normal"
        _text(ax, says_at, row, _plain(what + where), va="center", weight=weight)
    for (before, row), (one, other) in zip(pairwise(rows), pairwise(drawn.rungs), strict=True):
        pause = other.event.at_ns - one.event.at_ns
        if row - before > 1:
            _text(ax, says_at, row - 1, f"{duration(pause)} later", va="center", color="0.35", style="italic")
    if not drawn.rungs:
        _text(ax, says_at, 0, "nothing of this attempt was seen")
    return ax


def timeline(sessions: pd.DataFrame, sources: pd.DataFrame | None = None, ax: Axes | None = None) -> Axes:
    """When each attempt was made and how it ended: a lane for each; `sources` shades what each capture covered."""
    shown = sessions.iloc[:LANES_MAX]
    covers = pd.DataFrame() if sources is None else sources.dropna(subset=["first", "last"])
    ax = ax or _axes(1.2 + 0.22 * (len(shown) + len(covers)))
    if _empty(ax, shown):
        return ax
    names = []
    for y, (id, row) in enumerate(shown.iterrows()):
        fill, hatch = OUTCOMES[row.outcome]
        began, ended = _number(row.began), _number(row.ended)
        ax.barh(y, max(ended - began, 0), left=began, height=0.6, color=fill, hatch=hatch, edgecolor="black", lw=0.6)
        ax.plot(began, y, marker="|", color="black", ms=9)
        names.append(f"{id[:6]}  {row.initiator} → {row.receiver}")
    for y, (name, row) in enumerate(covers.iterrows(), start=len(shown)):
        ahead = pd.Timedelta(0) if pd.isna(row.clock_offset) else row.clock_offset  # attempts are told without it
        first, last = _number(row["first"] - ahead), _number(row["last"] - ahead)
        ax.barh(y, last - first, left=first, height=0.9, color="0.9", edgecolor="0.6", lw=0.6)
        names.append(f"{name} covers")
    _lanes(ax, names, len(sessions) - len(shown))
    _time_axis(ax)
    _legend(ax, [(word, *OUTCOMES[word]) for word in OUTCOMES if word in set(shown.outcome)])
    return ax


def stages(sessions: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """How far attempts came: for each stage, how many reached it, and how many of these failed there."""
    ax = ax or _axes(2.4)
    if _empty(ax, sessions):
        return ax
    words = list(sessions.reached.cat.categories)
    reached = [int((sessions.reached >= word).sum()) for word in words]
    ended = [int(((sessions.reached == word) & (sessions.outcome == "failed")).sum()) for word in words]
    bars = ax.barh(words, reached, height=0.7, color="0.85", edgecolor="black", lw=0.6)
    fill, hatch = OUTCOMES["failed"]
    ax.barh(words, ended, height=0.7, color=fill, hatch=hatch, edgecolor="black", lw=0.6)
    told = [f" {n}" + (f", {f} failed here" if f else "") for n, f in zip(reached, ended, strict=True)]
    ax.bar_label(bars, told, fontsize=TEXT_PT)
    _lanes(ax, words, 0)
    _count_axis(ax, "attempts that came so far")
    ax.set_xlim(0, 1.3 * max(reached))
    _legend(ax, [("reached", "0.85", ""), ("failed there", fill, hatch)])
    return ax


def causes(sessions: pd.DataFrame, by: str = "receiver", ax: Axes | None = None) -> Axes:
    """How often each cause was found, for each domain in the column `by`: "receiver" or "initiator"."""
    found = sessions.dropna(subset=["cause"])
    counted = pd.crosstab(found[by], found["cause"].astype(str)) if len(found) else pd.DataFrame()
    counted = counted.loc[counted.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    shown = counted.iloc[:LANES_MAX]
    ax = ax or _axes(1.4 + 0.28 * max(len(shown), 1))
    if _empty(ax, shown, "no attempt has a cause"):
        return ax
    left = pd.Series(0, index=shown.index)
    styles = _styles(list(shown.columns))
    for cause in shown.columns:
        fill, hatch = styles[cause]
        ax.barh(range(len(shown)), shown[cause], left=left, color=fill, hatch=hatch, edgecolor="black", lw=0.6)
        left = left + shown[cause]
    _lanes(ax, list(shown.index), len(counted) - len(shown))
    _count_axis(ax, "attempts")
    ax.set_xlim(0, 1.05 * float(left.max()))
    _legend(ax, [(cause, *styles[cause]) for cause in shown.columns])
    return ax


def waits(sessions: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """What each attempt waited for, in seconds: DNS, SYNs, TLS, dialback or SASL, and in it the callback."""
    shown = sessions.iloc[:LANES_MAX]
    ax = ax or _axes(1.4 + 0.26 * max(len(shown), 1))
    if _empty(ax, shown):
        return ax
    seconds = {column: shown[column].dt.total_seconds().fillna(0.0).to_numpy() for column in WAITS}
    left = 0 * seconds["dns_took"]
    for column, (_, fill, hatch) in WAITS.items():
        inside = column == "callback_took"
        # The callback is a part of the wait for dialback, at its end: the answer follows it at once.
        begin = (left - seconds[column]).clip(min=0) if inside else left
        height = 0.35 if inside else 0.7
        bar: dict[str, Any] = {"color": fill, "hatch": hatch, "edgecolor": "black", "lw": 0.6, "height": height}
        ax.barh(range(len(shown)), seconds[column], left=begin, **bar)
        left = left if inside else left + seconds[column]
    ends = [f" {duration(round(total * 10**9))}" if total else " –" for total in left]
    for y, (total, words) in enumerate(zip(left, ends, strict=True)):
        _text(ax, total, y, words, va="center")
    _lanes(ax, [f"{id[:6]}  {r.initiator} → {r.receiver}" for id, r in shown.iterrows()], len(sessions) - len(shown))
    ax.set_xlabel("seconds", fontsize=TEXT_PT)
    ax.set_xlim(0, 1.15 * max(float(left.max()), 1e-3))
    _legend(ax, [(name, fill, hatch) for name, fill, hatch in WAITS.values()])
    return ax


def heatmap(sessions: pd.DataFrame, by: str = "receiver", ax: Axes | None = None) -> Axes:
    """Failed attempts by peer and day: darker for more, with the number, and a letter for the commonest cause."""
    failed = sessions[sessions.outcome == "failed"]
    days, step = _days(pd.DatetimeIndex(failed.began).floor("D"))
    peers = failed[by].value_counts(sort=False).sort_values(ascending=False, kind="stable").index[:LANES_MAX]
    every = pd.date_range(days.min(), days.max(), freq=f"{step}D")[-COLUMNS_MAX:] if len(failed) else []
    ax = ax or _axes(1.4 + 0.3 * max(len(peers), 1))
    if _empty(ax, failed, "no attempt failed"):
        return ax
    cause = failed["cause"].astype("string").fillna("unexplained")
    letters = {name: chr(ord("A") + n % 26) for n, name in enumerate(cause.value_counts(sort=False).index)}
    counted = pd.crosstab(failed[by], days).reindex(index=peers, columns=every, fill_value=0)
    common = cause.groupby([failed[by].to_numpy(), days]).agg(lambda those: those.mode().iloc[0])
    ax.imshow(counted.to_numpy(), cmap="Greys", vmin=0, vmax=max(int(counted.to_numpy().max()), 1) * 1.4, aspect="auto")
    for x in range(1, len(every)):
        ax.axvline(x - 0.5, color="white", lw=2)
    for y, peer in enumerate(peers):
        ax.axhline(y - 0.5, color="white", lw=2)
        for x, day in enumerate(every):
            if number := int(counted.loc[peer, day]):
                dark = number > 0.6 * counted.to_numpy().max()
                _text(
                    ax,
                    x,
                    y,
                    f"{number} {letters[common[peer, day]]}",
                    ha="center",
                    va="center",
                    color="white" if dark else "black",
                )
    ax.set_xticks(range(len(every)), [f"{day:%b %d}" for day in every], rotation=60, ha="right", fontsize=TEXT_PT)
    _lanes(ax, list(peers), failed[by].nunique() - len(peers))
    if step > 1:
        ax.set_xlabel(f"{step} days from", fontsize=TEXT_PT)
    told = "\n".join(f"{letter}  {name}" for name, letter in letters.items())
    ax.annotate(_plain(told), (1.01, 1), xycoords="axes fraction", va="top", fontsize=TEXT_PT)
    return ax


# --- parts


def _days(days: pd.DatetimeIndex) -> tuple[pd.DatetimeIndex, int]:
    """The first day of the column that each day falls into, and how many days a column has."""
    if not len(days):
        return days, 1
    span = (days.max() - days.min()).days + 1
    step = next((step for step in STEPS if span <= step * COLUMNS_MAX), STEPS[-1])
    return days.min() + (days - days.min()) // pd.Timedelta(days=step) * pd.Timedelta(days=step), step


def _axes(height_in: float) -> Axes:
    _, ax = plt.subplots(figsize=(WIDTH_IN, height_in), layout="constrained")
    return ax


def _rung(ax: Axes, row: int, rung: Rung, gap: float) -> None:
    """One arrow, or a dot for what was only written down."""
    start, end = gap * rung.start, gap * rung.end
    if start == end:
        ax.plot(start, row, marker="o", ms=4, color="black", zorder=3)
        return
    style = "-" if rung.stopped else "-|>"
    arrow = {"arrowstyle": style, "shrinkA": 0, "shrinkB": 0, "lw": 1.4 if rung.proves else 0.9, "color": "black"}
    ax.annotate("", (end, row), (start, row), arrowprops=arrow, zorder=2)
    if rung.stopped:
        ax.plot(end, row, marker="X", ms=8, color=OUTCOMES["failed"][0], mec="black", mew=0.6, zorder=4)


def _rows(rungs: Sequence[Rung]) -> list[int]:
    """Line of each rung; a pause takes a line of its own."""
    rows: list[int] = []
    for number, rung in enumerate(rungs):
        pause = number > 0 and rung.event.at_ns - rungs[number - 1].event.at_ns >= PAUSE_NS
        rows.append(rows[-1] + (2 if pause else 1) if rows else 0)
    return rows


def _time(rung: Rung) -> str:
    return clock(rung.event.at_ns) if rung.event.width_ns < 10**9 else clock(rung.event.at_ns)[:8]


def _number(instant: pd.Timestamp) -> float:
    """What matplotlib draws an instant by: days."""
    return float(dates.date2num(instant.to_pydatetime(warn=False)))


def _time_axis(ax: Axes) -> None:
    locator = dates.AutoDateLocator(tz=UTC)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=UTC))
    ax.tick_params(labelsize=TEXT_PT)
    ax.xaxis.get_offset_text().set_fontsize(TEXT_PT)
    ax.set_xlabel("UTC", fontsize=TEXT_PT)
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)


def _count_axis(ax: Axes, label: str) -> None:
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel(label, fontsize=TEXT_PT)


def _lanes(ax: Axes, names: Sequence[str], left_out: int) -> None:
    """Lanes named at the left, the first on top."""
    ax.set_yticks(range(len(names)), [_plain(_short(name, 48)) for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(labelsize=TEXT_PT)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    if left_out:
        ax.set_title(f"and {left_out:,} more", fontsize=TEXT_PT, loc="right")


def _legend(ax: Axes, entries: Sequence[tuple[str, str, str]]) -> None:
    handles = [
        Rectangle((0, 0), 1, 1, facecolor=fill, hatch=hatch, edgecolor="black", lw=0.6) for _, fill, hatch in entries
    ]
    labels = [_plain(name) for name, _, _ in entries]
    ax.legend(handles, labels, fontsize=TEXT_PT, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)


def _styles(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """A grey and a hatch for each: hatches alone tell nine apart, greys the next nine."""
    greys = ("0.85", "0.6", "0.95", "0.75")
    return {n: (greys[i // len(HATCHES) % len(greys)], HATCHES[i % len(HATCHES)]) for i, n in enumerate(names)}


def _empty(ax: Axes, rows: pd.DataFrame, says: str = "no attempt between two named domains was seen") -> bool:
    """Say so where there is nothing to draw."""
    if len(rows):
        return False
    ax.set_axis_off()
    ax.text(0.5, 0.5, says, ha="center", va="center", transform=ax.transAxes)
    return True


def _text(ax: Axes, x: float, y: float, text: str, **style: Any) -> None:
    ax.text(x, y, text, fontsize=TEXT_PT, clip_on=False, **style)


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


@cache
def _drawable() -> Callable[[int], bool]:
    """Whether the font that matplotlib ships has a character."""
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    return frozenset(font.get_charmap()).__contains__


def _plain(text: str) -> str:
    r"""Text as it is: no formula between dollar signs, and what the font cannot draw as `\uNNNN`."""
    known = _drawable()
    shown = "".join(c if known(ord(c)) or c == "\n" else f"\\u{ord(c):04x}" for c in text)
    return "\n".join(escape(line) for line in shown.split("\n")).replace("$", r"\$")
