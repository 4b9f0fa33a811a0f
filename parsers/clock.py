"""Clocks of logs: text becomes an instant, ns since 1970 UTC, and how wide it is. Never a float.

One clock reads one source in its order, so that years and days that lines leave out follow from the line before.
What had to be assumed (zone, year, date) it says in sentences. Knows dates as programs print them, and no program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from parsers.errors import FedtraceError
from parsers.source import How, Reading

SECOND = 10**9
"""One second, ns."""
DAY = 86_400 * SECOND
"""One day, ns."""
BACKWARDS_NS = 3600 * SECOND
"""Lines of one log may stand an hour out of order; a time of day that goes back further belongs to the next day."""
ASSUMED_MAX = 8
"""Sentences about what was assumed; a log with more names of zones than these is broken."""
MINUTES_MAX = 4096
"""Minutes that a clock remembers: the lines of several machines in one log take turns."""
YEARS = range(1980, 2200)
"""Years that a log may have; others are noise that looks like one."""

_MONTHS = {
    m: n for n, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_EPOCH = date(1970, 1, 1)
_TIME = re.compile(
    r"(?P<before>.*?)(?<!\d)(?P<h>\d{1,2}):(?P<m>\d\d):(?P<s>\d\d)(?:[.,:](?P<fraction>\d{1,9}))?(?P<after>.*)"
)
_REST = re.compile(r"(?P<s>\d\d)(?:[.,:](?P<fraction>\d{1,9}))?(?P<after>.*)")
"""What follows the minute in an instant."""
_UNIX = re.compile(r"(?P<s>\d{9,10})(?:\.(?P<fraction>\d{1,9}))?")
_ISO = re.compile(r"(?P<y>\d{4})[-./](?P<m>\d\d?)[-./](?P<d>\d\d?)[T ]?")
_MONTH_FIRST = re.compile(r"(?:[A-Za-z]{3},? +)?(?P<m>[A-Za-z]{3}) +(?P<d>\d\d?)(?:,? +(?P<y>\d{4}))?:? *")
_DAY_FIRST = re.compile(r"(?:[A-Za-z]{3}, +)?(?P<d>\d\d?)[- /](?P<m>[A-Za-z]{3})[- /](?P<y>\d{4})[ :T]*")
_COMPACT = re.compile(r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)[T ]?")
_SLASHES = re.compile(r"(?P<a>\d\d?)[-/.](?P<b>\d\d?)[-/.](?P<y>\d{4}) *")
_AFTER = re.compile(
    r" *(?P<half>[AaPp]\.?[Mm]\.?)?(?: *(?P<y>\d{4}))?(?: *(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d|[A-Z]{3,5}))?"
    r"(?: +(?P<y2>\d{4}))?"
)
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<h>\d\d):?(?P<m>\d\d)")


def zone_named(name: str) -> tzinfo:
    """The zone of an IANA name, `UTC`, `Z` or an offset as `+02:00`. Raises FedtraceError."""
    if name.upper() in ("Z", "UTC", "GMT"):
        return UTC
    if offset := _OFFSET.fullmatch(name):
        minutes = int(offset["h"]) * 60 + int(offset["m"])
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=minutes if offset["sign"] == "+" else -minutes))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise FedtraceError(
            f"zone {name[:40]!r}", "there is no such zone", "say it as Europe/Berlin or +02:00"
        ) from None


def day_named(text: str) -> date:
    """The day of `2013-09-06`. Raises FedtraceError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FedtraceError(f"date {text[:40]!r}", "this is no day", "say it as 2013-09-06") from None


class Clock:
    """Reads the instants of one source, in its order."""

    def __init__(self, how: How) -> None:
        """`how` tells what the user and the neighbours know."""
        self.assumed: list[str] = []
        """What was assumed so far, one sentence each."""
        self._zone = zone_named(how.zone) if how.zone else UTC
        self._zone_told = how.zone is not None
        self._day = day_named(how.date) if how.date else None
        # A told day tells the year of lines that name their own day.
        self._year = how.year if how.year is not None or self._day is None else self._day.year
        self._day_first: bool | None = None
        self._near_ns = how.near_ns
        self._near_why = how.near_why or "for want of anything better"
        self._shift_ns = how.offset_ns
        self._minutes: dict[tuple[str, str], int] = {}
        self._before: tuple[str, str | None, int] = ("", None, 0)
        """Of the instant before: its text up to the seconds and from behind them, and when that minute began."""
        self._last_ns: int | None = None

    def learn(self, texts: Iterable[str]) -> None:
        """See in instants of the source, before they are read, whether dates as 4/5/2017 have the day first.

        A number above 12 is a day; of two dates that follow each other the day is what has changed.
        """
        before: tuple[int, int] | None = None
        for text in texts:
            found = _SLASHES.match(text.strip("[] \t"))
            if found is None:
                continue
            now = int(found["a"]), int(found["b"])
            if max(now) > 12:
                self._day_first = now[0] > 12
                return
            if before is not None and (before[0] == now[0]) != (before[1] == now[1]):
                self._day_first = before[1] == now[1]
                return
            before = now

    def read(self, text: str) -> tuple[int, int]:
        """The earliest instant that the text can mean, and for how long it holds, both ns. Raises ValueError."""
        # Neighbouring lines share a minute, whatever their clock leaves out.
        start, end, minute_ns = self._before
        rest = _REST.fullmatch(text, len(start)) if text.startswith(start) else None
        if rest is not None and rest["after"] == end:
            seconds, fraction = rest["s"], rest["fraction"]
        else:
            found = _TIME.fullmatch(text)
            if found is None:
                return self._unix(text)
            before, hours, minutes, seconds, fraction, after = found.groups()
            start, day = text[: found.start("s")], before.strip("[] \t")
            known = self._minutes.get((start, after))
            if known is None:
                known = self._minute(day, int(hours), int(minutes), after.strip("] \t:"))
                if day:
                    if len(self._minutes) >= MINUTES_MAX:
                        self._minutes.clear()
                    self._minutes[start, after] = known
            minute_ns = known
            self._before = (start, after, minute_ns)
        at_ns = minute_ns + int(seconds) * SECOND
        width_ns = SECOND
        if fraction is not None:
            width_ns = 10 ** (9 - len(fraction))
            at_ns += int(fraction) * width_ns
        self._last_ns = at_ns
        return at_ns + self._shift_ns, width_ns

    def _unix(self, text: str) -> tuple[int, int]:
        """Seconds since 1970 UTC."""
        found = _UNIX.fullmatch(text.strip("[] \t"))
        if found is None:
            raise ValueError(f"no instant: {text[:40]!r}")
        fraction = found["fraction"] or ""
        width_ns = 10 ** (9 - len(fraction))
        at_ns = int(found["s"]) * SECOND + (int(fraction) * width_ns if fraction else 0)
        self._last_ns, self._before = at_ns, ("", None, 0)
        return at_ns + self._shift_ns, width_ns

    def _minute(self, before: str, hour: int, minute: int, after: str) -> int:
        """The instant at which a minute begins."""
        tail = _AFTER.fullmatch(after)
        if tail is None:
            raise ValueError(f"no end of an instant: {after[:40]!r}")
        if tail["half"]:
            hour = hour % 12 + (12 if tail["half"][0] in "pP" else 0)
        zone = self._zone_of(tail["zone"])
        year, month, day = self._parts(before, twelve_hours=bool(tail["half"]))
        year = year or int(tail["y"] or tail["y2"] or 0) or None
        if day is None:
            return self._on_some_day(hour, minute, zone)
        if year is None:
            return self._in_some_year(month, day, hour, minute, zone)
        return _instant(year, month, day, hour, minute, zone)

    def _zone_of(self, name: str | None) -> tzinfo:
        """The zone that a line names, else the one that was told, else UTC, and then that is said."""
        if name in ("Z", "UTC", "GMT") or (name is not None and name[0] in "+-"):
            return zone_named(name)
        if name is not None:
            # EST, IST and their like mean several zones.
            if not self._zone_told and len(self.assumed) < ASSUMED_MAX:
                self._assume(f"zone UTC ({name} is ambiguous; --zone says which)")
        elif not self._zone_told:
            self._assume("zone UTC (the lines name none; --zone says otherwise)")
        return self._zone

    def _parts(self, text: str, *, twelve_hours: bool) -> tuple[int | None, int, int | None]:
        """Year, month and day, as far as they stand there."""
        if not text:
            return None, 0, None
        if found := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
            return int(found["y"]), int(found["m"]), int(found["d"])
        found = _MONTH_FIRST.fullmatch(text) or _DAY_FIRST.fullmatch(text)
        if found and (month := _MONTHS.get(found["m"].lower())):
            return int(found["y"] or 0) or None, month, int(found["d"])
        if found := _SLASHES.fullmatch(text):
            a, b = int(found["a"]), int(found["b"])
            if a > 12 or b > 12:
                self._day_first = a > 12
            elif self._day_first is None and a != b:
                # Who counts twelve hours writes the month first, and mostly nobody else does.
                self._day_first = not twelve_hours
                self._assume(f"the {'day' if self._day_first else 'month'} stands first in {text}")
            month, day = (b, a) if self._day_first else (a, b)
            return int(found["y"]), month, day
        raise ValueError(f"no date: {text[:40]!r}")

    def _in_some_year(self, month: int, day: int, hour: int, minute: int, zone: tzinfo) -> int:
        """A minute without a year: of the told year, then of the one nearest to the line before."""
        if self._last_ns is None and self._year is not None:
            return _instant(self._year, month, day, hour, minute, zone)
        near_ns = self._last_ns if self._last_ns is not None else self._near_ns
        if near_ns is None:
            raise ValueError("a date without a year, and nothing tells the year")
        near = datetime.fromtimestamp(near_ns // SECOND, UTC).year
        found = []
        for year in (near - 1, near, near + 1, near + 2, near + 3, near - 2, near - 3):
            # Leap days exist in some years only.
            try:
                found.append(_instant(year, month, day, hour, minute, zone))
            except ValueError:
                continue
        if not found:
            raise ValueError("no such day")
        at_ns = min(found, key=lambda ns: abs(ns - near_ns))
        if self._last_ns is None:
            year = datetime.fromtimestamp(at_ns // SECOND, zone).year
            self._assume(f"year {year} ({self._near_why}; --year says otherwise)")
        return at_ns

    def _on_some_day(self, hour: int, minute: int, zone: tzinfo) -> int:
        """A minute without a day: of the told day, then of the day of the line before or the next one."""
        if self._last_ns is not None:
            last = datetime.fromtimestamp(self._last_ns // SECOND, zone)
            at_ns = _instant(last.year, last.month, last.day, hour, minute, zone)
            return at_ns + DAY if self._last_ns - at_ns > BACKWARDS_NS else at_ns
        if self._day is not None:
            return _instant(self._day.year, self._day.month, self._day.day, hour, minute, zone)
        if self._near_ns is None:
            raise ValueError("a time of day, and nothing tells the day")
        near = datetime.fromtimestamp(self._near_ns // SECOND, zone)
        today = _instant(near.year, near.month, near.day, hour, minute, zone)
        at_ns = min((today - DAY, today, today + DAY), key=lambda ns: abs(ns - self._near_ns))  # type: ignore[operator]
        day = datetime.fromtimestamp(at_ns // SECOND, zone).date()
        self._assume(f"date {day} of the first line ({self._near_why}; --date says otherwise)")
        return at_ns

    def _assume(self, sentence: str) -> None:
        if sentence not in self.assumed:
            self.assumed.append(sentence)


def _instant(year: int, month: int, day: int, hour: int, minute: int, zone: tzinfo) -> int:
    """The instant at which a minute begins, ns. Raises ValueError for a day or an hour that does not exist."""
    if year not in YEARS or hour > 23 or minute > 59:
        raise ValueError("no such instant")
    if zone is UTC:
        return ((date(year, month, day) - _EPOCH).days * 86_400 + hour * 3600 + minute * 60) * SECOND
    return int(datetime(year, month, day, hour, minute, tzinfo=zone).timestamp()) * SECOND


def untimed(reading: Reading, how: How) -> tuple[str]:
    """What was assumed of a source with lines that tell no time and have none before them, once it was read."""
    which = "its lines" if reading.first_ns is None else "some of its lines"
    why = how.near_why or "for want of anything better"
    return (f"{which} tell no time; taken as written on one day ({why})",)
