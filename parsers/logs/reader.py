"""Reads one log by its format: takes off what carries the lines, reads clocks, joins lines that continue an entry,
counts every line, and gives events. Knows no program.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from parsers.clock import DAY, Clock, untimed
from parsers.events import Damage, Event, Said, Stanza, Topic, Where
from parsers.lines import Lines
from parsers.logs.fragments import STANZAS, element, quoted
from parsers.logs.threads import Line, Threads
from parsers.logs.words import address, domain_named, scrubbed
from parsers.source import How, Reading, Source
from parsers.wrapping import plain

if TYPE_CHECKING:
    from parsers.logs.table import Fields, LogFormat, Says

ENTRY_MAX = 1 << 12
"""Characters of an entry of several lines that are looked at."""
FIELD_MAX = 1023
"""Characters of a name, an address or an id, as of the longest domain (RFC 7622 section 3.2)."""
DATES_MAX = 20_000
"""Lines that are looked at to learn how a source orders its dates."""
KINDS_MAX = 4096
"""Kinds of stanzas that are remembered, so that each is told once for its stream."""

_DOMAINS = ("from_domain", "to_domain")
_LONG = ("xml", "reason")
"""Of these more is looked at, and less is kept."""


_ADDRESS = re.compile(r"\d+(?:\.\d+){3}|[0-9a-f]*:[0-9a-f:.]*")


@dataclass(slots=True)
class _Entry:
    """One entry of a log that is being read. Most tell nothing, so of its header only the time was looked at."""

    line: int
    at_ns: int
    width_ns: int
    header: re.Match[str]
    text: str
    lines: int = 1
    tag: str | None = None


def _cut(told: Any) -> Any:
    """Text of bounded length; anything else as it is."""
    return told[:FIELD_MAX] if isinstance(told, str) else told


def _leaves(stanza: Fields, sent: bool | None) -> bool:
    """Whether a client's stanza is for another domain or from one: the others are many, and nothing to a peer."""
    sender, target = stanza.get("from_domain"), stanza.get("to_domain")
    if sent:
        return sender is not None and sender != target
    return target is not None and sender != target


class Reader:
    """Reads one source."""

    def __init__(
        self,
        form: LogFormat,
        source: Source,
        how: How,
        reading: Reading,
        might: Callable[[re.Match[str], int], bool] | None = None,
    ) -> None:
        """`might` says, where it is given, which messages can come to anything."""
        self._form = form
        self._might = might
        self._source = source
        self._how = how
        self._reading = reading
        self._clock = Clock(replace(how, zone=form.zone or how.zone))
        self._last: tuple[int, int] | None = None
        self._time = ""
        self._timeless = False
        self._kinds: set[tuple[object, ...]] = set()
        self._bad_from = self._bad = 0
        self._threads = Threads()
        self._trying: tuple[str | None, ...] = ()

    def run(self) -> Iterator[Event]:
        """All events, damage between them where it stood."""
        entry: _Entry | None = None
        form, reading = self._form, self._reading
        reading.resolution_ns = DAY
        if form.date_orders:
            self._learn_dates()
        first, last = self._how.lines or (0, sys.maxsize)
        number = 0
        with Lines(self._source, reading) as lines:
            for number, raw in lines:
                if not first <= number <= last:
                    if number > last:
                        break
                    continue
                line = plain(raw)
                begun = self._begin(number, line)
                if begun is not None:
                    if entry is not None:
                        yield from self._tell(entry)
                    if self._bad:
                        yield from self._threads.end()
                        yield self._damage()
                    entry = begun
                elif not line.strip():
                    reading.other += 1
                elif entry is not None and not self._bad and form.continued(line, entry.lines):
                    entry.lines += 1
                    if form.joined and len(entry.text) < ENTRY_MAX:
                        entry.text += "\n" + line
                else:
                    self._bad_from = self._bad_from or number
                    self._bad += 1
            if entry is not None:
                yield from self._tell(entry)
            yield from self._threads.end()
            if self._bad:
                yield self._damage()
            if self._how.lines is not None:
                reading.lines = min(number, last) - first + 1
            for event in lines.damage:
                yield self._placed(event)
        timeless = untimed(reading, self._how) if self._timeless else ()
        reading.assumed = [*self._clock.assumed, *timeless, *reading.assumed]

    def _learn_dates(self) -> None:
        """Let the clock see how the source orders its dates."""
        with Lines(self._source, Reading()) as lines:
            found = (self._form.match(plain(line)) for _, line in islice(lines, DATES_MAX))
            self._clock.learn(header[1] or "" for header in found if header is not None)

    def _begin(self, number: int, line: str) -> _Entry | None:
        """The entry that a line begins; None where it begins none."""
        found = self._form.match(line)
        if found is None:
            return None
        header, time = found
        if time is None:
            at_ns, width_ns = self._untimed()
        elif time == self._time and self._last is not None:
            at_ns, width_ns = self._last  # a busy log has many lines of one instant
        else:
            try:
                at_ns, width_ns = self._clock.read(time)
            except ValueError:
                return None
            reading = self._reading
            if reading.first_ns is None or at_ns < reading.first_ns:
                reading.first_ns = at_ns
            if reading.last_ns is None or at_ns > reading.last_ns:
                reading.last_ns = at_ns
            if width_ns < reading.resolution_ns:
                reading.resolution_ns = width_ns
            self._time = time
        self._last = (at_ns, width_ns)
        return _Entry(number, at_ns, width_ns, header, header["text"])

    def _untimed(self) -> tuple[int, int]:
        """A line that tells no time: that of the line before; in a log without any, the day that it is near to."""
        if self._last is not None:
            return self._last
        self._timeless = True
        return (self._how.near_ns or 0, DAY)

    def _tell(self, entry: _Entry) -> Iterable[Event]:
        """The events that can be told once an entry is known; those of a line before it that waited for it first."""
        threads = self._threads
        found = self._form.told(entry.text)
        if found is None:
            nothing = not threads.waiting and not self._how.everything
        else:
            nothing = self._might is not None and not self._might(found[1], entry.at_ns)
        if nothing:
            self._reading.other += entry.lines
            return ()
        groups = found[1].groupdict() if found is not None else {}
        if len(entry.text) > FIELD_MAX:
            groups = {name: text if name in _LONG else _cut(text) for name, text in groups.items()}
        entry.tag = _cut(groups.pop("tag", None) or entry.header.groupdict("").get("tag", "").strip() or None)
        side = self._form.side(entry.tag)
        tag = entry.tag if side else None
        outgoing = None if side is None or side == "client" else side == "outgoing"
        if found is None or (found[0].tagged and side is None):
            self._reading.other += entry.lines
            other = [self._said(entry, Topic.OTHER, {})] if self._how.everything else []
            return threads.add(Line(other, tag, outgoing)) if threads.waiting else other
        says, match = found
        xml = groups.get("xml")
        peer = (groups.get("peer_ip"), groups.get("peer_port"))
        if says.follows:
            if self._trying[1:] != peer:
                self._reading.other += entry.lines
                return ()
            entry.tag = self._trying[0]
        elif entry.tag and peer[0]:
            self._trying = (entry.tag, *peer)
        joins = xml or says.echo or says.adopts
        line = Line((), tag, outgoing)
        if joins:
            about = f"{element(xml)} {says.sent}" if xml else str(says.topic)
            line = Line((), tag, outgoing, about, says, says.echo, says.adopts)
            if threads.told(line):
                return threads.add(line)
        events = list(self._events(entry, says, match, groups, side))
        # The lines that continue an entry belong to what it tells.
        self._reading.other += entry.lines if not events else 0
        return threads.add(line._replace(events=events)) if joins or threads.waiting else events

    def _events(
        self, entry: _Entry, says: Says, match: re.Match[str], groups: dict[str, str | None], side: str | None
    ) -> Iterator[Event]:
        """What one entry tells by itself."""
        xml = groups.get("xml")
        if side == "client":
            for kind, quote in quoted(xml) if xml and element(xml) in STANZAS else ():
                if _leaves(quote, says.sent):
                    yield from self._event(entry, kind, {"sent": says.sent, **quote})
            return
        for kind, quote in quoted(xml) if xml else ():
            yield from self._event(entry, kind, {"sent": says.sent, **quote})
        for kind, fields in says.tells(match) if says.tells is not None else ():
            yield from self._event(entry, kind, fields)
        if says.silent:
            return
        topic, condition, sent = says.topic, says.condition, says.sent
        reason = groups.get("reason")
        if reason and says.reasoned and (known := self._form.why(reason)):
            # A condition belongs to its topic.
            topic, condition = known.topic, known.condition or (condition if known.topic is topic else None)
            sent = sent if known.sent is None else known.sent
        if topic is not Topic.OTHER or condition is not None or self._how.everything:
            outgoing = says.outgoing if says.outgoing is not None or side is None else side == "outgoing"
            given = {"condition": condition, "sent": sent, "outgoing": outgoing}
            yield self._said(entry, topic, {**groups, **given})

    def _event(self, entry: _Entry, kind: type[Event], fields: Fields) -> Iterator[Event]:
        """An event of an entry; a stanza only if it is the first of its kind on its stream."""
        if len(entry.text) > FIELD_MAX:
            fields = {name: _cut(told) for name, told in fields.items()}
        if kind is Stanza:
            mark = (entry.tag, *fields.values())
            if mark in self._kinds:
                return
            if len(self._kinds) >= KINDS_MAX:
                self._kinds.clear()
            self._kinds.add(mark)
        common: dict[str, Any] = {"at_ns": entry.at_ns, "width_ns": entry.width_ns, "tag": entry.tag}
        common["where"] = Where(source=self._source.name, line=entry.line)
        yield kind(**{**common, **fields})

    def _said(self, entry: _Entry, topic: Topic, fields: Fields) -> Said:
        more: dict[str, Any] = {name: value for name, value in fields.items() if value is not None and name != "xml"}
        header = entry.header.groupdict()
        level = (header.get("level") or "").strip()
        level = self._form.levels.get(level) or level.lower()
        ends = (header.get("local_domain"), more.pop("peer_domain", None))
        if (outgoing := more.get("outgoing")) is not None:
            for name, end in zip(_DOMAINS, ends if outgoing else reversed(ends), strict=True):
                if end is not None:
                    more.setdefault(name, end)
        for name in _DOMAINS:
            if name in more:
                more[name] = domain_named(more[name])
        for port in ("peer_port", "own_port"):
            if port in more:
                more[port] = int(more[port])
        for end in ("peer_ip", "own_ip"):
            if end in more:
                ip = address(more.pop(end))
                # Some print the name of the host where they have no address yet.
                if _ADDRESS.fullmatch(ip):
                    more[end] = ip
        if "reason" in more:
            more["reason"] = scrubbed(more["reason"])
        common: dict[str, Any] = {"at_ns": entry.at_ns, "width_ns": entry.width_ns, "tag": entry.tag}
        common["where"] = Where(source=self._source.name, line=entry.line)
        return Said(topic=topic, text=scrubbed(entry.text), level=level, **{**common, **more})

    def _damage(self) -> Damage:
        """The lines that were of no form, since the last entry."""
        what = f"{'a line' if self._bad == 1 else 'lines'} not of the format {self._form.name}"
        at_ns, width_ns = self._last or (0, 1)
        where = Where(source=self._source.name, line=self._bad_from)
        lost, self._bad, self._bad_from = self._bad, 0, 0
        return Damage(at_ns=at_ns, width_ns=width_ns, where=where, what=what, lost=lost, unit="lines")

    def _placed(self, damage: Damage) -> Damage:
        at_ns, width_ns = self._last or (0, 1)
        return Damage(
            at_ns=at_ns,
            width_ns=width_ns,
            where=damage.where,
            what=damage.what,
            lost=damage.lost,
            unit=damage.unit,
        )
