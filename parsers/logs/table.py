"""A log format as data, and the one reader that all logs share.

A format says how a line begins (`headers`) and what its messages mean (`says`): patterns, each with what it tells.
The reader takes off what carries the lines, reads clocks, joins lines that continue an entry, counts every line,
and gives events. Knows no program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from parsers.clock import DAY, Clock
from parsers.events import Damage, Event, Said, Stanza, Topic, Where
from parsers.format import Guess, Head
from parsers.lines import Lines
from parsers.logs.fragments import quoted
from parsers.logs.words import address, domain_named, scrubbed
from parsers.source import How, Reading, Source
from parsers.wrapping import Unwrapped, plain, unwrap

ENTRY_MAX = 1 << 12
"""Characters of an entry of several lines that are looked at."""
KINDS_MAX = 4096
"""Kinds of stanzas that are remembered, so that each is told once for its stream."""

Fields = Mapping[str, Any]
"""An event's own fields by name; `sent` may be among them, and `tag` to override the line's."""
Told = tuple[type[Event], Fields]

_DOMAINS = ("from_domain", "to_domain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """Messages of one form, and what they say in the words of `Said`.

    Groups of the pattern are named for fields of `Said`: `from_domain`, `to_domain`, `peer_ip`, `peer_port`,
    `stream_id`, `reason`; a group `tag` names the stream in the header's stead.
    A group `xml` holds a quoted element. Other groups must be non-capturing.
    """

    pattern: str
    """A regular expression; it must match from the message's beginning, not to its end."""
    topic: Topic = Topic.OTHER
    """What about; where a `reason` is found among the format's `reasons`, that one's topic."""
    condition: str | None = None
    """Why, one of `CONDITIONS` for the topic."""
    sent: bool | None = None
    """Whether the server that wrote the line did it; for `xml`, sent it."""
    outgoing: bool | None = None
    """Whether that server opened the stream."""
    tells: Callable[[re.Match[str]], Iterable[Told]] | None = None
    """What the message tells beside or instead of that: other events."""
    silent: bool = False
    """No `Said` comes of it: what `tells` or `xml` gives is all."""
    reasoned: bool = True
    """Whether a known `reason` decides on topic and condition; not so where the server goes on all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A reason in the server's words, and which topic and condition it is."""

    pattern: str
    """A regular expression, searched for in the reason, case ignored."""
    topic: Topic
    """What about."""
    condition: str | None
    """One of `CONDITIONS` for the topic."""
    sent: bool | None = None
    """Who did it, where the reason tells; else the form of the message does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A real line, and what it must become."""

    line: str
    """The line as a file holds it; several lines for an entry that has them."""
    topic: Topic | None = None
    """The topic of its `Said`; None where `kind` says what comes."""
    kind: str = "Said"
    """The class of its first event."""
    condition: str | None = None
    """The condition of its `Said`."""


@dataclass(frozen=True, kw_only=True)
class LogFormat:
    """One program's log."""

    name: str
    """Its name, the one for `--as`."""
    title: str
    """What it is, in a few words."""
    explanation: str
    """Which server, which setting writes it, what it leaves out."""
    reference: str
    """Where it is defined."""
    headers: tuple[str, ...]
    """How a line begins, as regular expressions over the whole line, with groups `text`, and `time`, `level`, `tag` as
    far as there are; the commonest first. Where `time` is missing the carrier's time stands for it."""
    says: tuple[Says, ...]
    """What messages mean; the first that matches counts."""
    samples: tuple[Sample, ...]
    """Real lines that a test holds it to."""
    reasons: tuple[Reason, ...] = ()
    """Reasons in the server's words; the first that is found counts."""
    marks: str = ""
    """A regular expression that only this program's logs hold somewhere in their first lines; "" for none."""
    continues: int = 0
    """How many lines without a header may continue an entry; more are damage."""
    joined: bool = False
    """Whether these lines are part of the message, or only passed over."""
    day_first: bool = False
    """4/5/2017 is the fourth of May."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """Levels whose names are not plain: "I" → "info"."""

    @cached_property
    def _headers(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(h) for h in self.headers)

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(s.pattern, re.S) for s in self.says)

    @cached_property
    def _any(self) -> re.Pattern[str]:
        """All messages in one expression: its last group tells which."""
        for says, pattern in zip(self.says, self._patterns, strict=True):
            if pattern.groups != len(pattern.groupindex):
                raise ValueError(f"{self.name}: a group without a name in {says.pattern!r}")
        return re.compile("|".join(f"({re.sub(r'[(][?]P<[a-z_]+>', '(?:', s.pattern)})" for s in self.says), re.S)

    @cached_property
    def _reasons(self) -> tuple[tuple[re.Pattern[str], Reason], ...]:
        return tuple((re.compile(r.pattern, re.I), r) for r in self.reasons)

    @cached_property
    def _marks(self) -> re.Pattern[str] | None:
        return re.compile(self.marks) if self.marks else None

    def match(self, line: str) -> tuple[re.Match[str], str | None] | None:
        """The header of a line and the carrier's time; None where it has none of ours."""
        for header in self._headers:
            if found := header.fullmatch(line):
                return found, None
        bare: Unwrapped = unwrap(line)
        if bare.text is not line:
            for header in self._headers:
                if found := header.fullmatch(bare.text):
                    return found, bare.time
        return None

    def guess(self, head: Head) -> Guess:
        """By the share of lines that begin as ours do, and by what only this program writes."""
        lines = [line for line in head.lines if line.strip()]
        if not lines:
            return Guess(score=0, because="no text")
        fits = sum(1 for line in lines if self.match(plain(line)))
        marked = self._marks is None or any(self._marks.search(line) for line in lines)
        if not fits or not marked:
            return Guess(score=0, because=f"{fits} of {len(lines)} lines fit, and no mark of it")
        # Lines that continue an entry lie between: few headers and a mark are enough.
        share = fits / len(lines) if not self.continues else max(fits / len(lines), 0.5)
        return Guess(score=max(1, round(90 * share)), because=f"{fits} of {len(lines)} lines fit")

    def dated(self, head: Head) -> bool:
        """Whether its first lines can be read without knowing when it was written."""
        clock = Clock(How())
        for line in head.lines:
            if found := self.match(plain(line)):
                time = found[0].groupdict().get("time") or found[1]
                try:
                    clock.read(time or "")
                except ValueError:
                    continue
                return True
        return False

    def read(self, source: Source, how: How, reading: Reading) -> Iterator[Event]:
        """Events in file order; a line that is not of this format is damage."""
        return _Reader(self, source, how, reading).run()

    def why(self, reason: str) -> Reason | None:
        """What a reason in the server's words is."""
        for pattern, known in self._reasons:
            if pattern.search(reason):
                return known
        return None


@dataclass(slots=True)
class _Entry:
    """One entry of a log that is being read."""

    line: int
    at_ns: int
    width_ns: int
    tag: str | None
    level: str
    text: str
    lines: int = 1


class _Reader:
    """Reads one source."""

    def __init__(self, form: LogFormat, source: Source, how: How, reading: Reading) -> None:
        self._form = form
        self._source = source
        self._how = how
        self._reading = reading
        self._clock = Clock(how, day_first=form.day_first)
        self._last: tuple[int, int] | None = None
        self._timeless = False
        self._kinds: set[tuple[object, ...]] = set()
        self._bad_from = self._bad = 0

    def run(self) -> Iterator[Event]:
        """All events, damage between them where it stood."""
        entry: _Entry | None = None
        form, reading = self._form, self._reading
        reading.resolution_ns = DAY
        with Lines(self._source, reading) as lines:
            for number, raw in lines:
                line = plain(raw)
                begun = self._begin(number, line)
                if begun is not None:
                    if entry is not None:
                        yield from self._tell(entry)
                    if self._bad:
                        yield self._damage()
                    entry = begun
                elif not line.strip():
                    reading.other += 1
                elif entry is not None and not self._bad and entry.lines <= form.continues:
                    entry.lines += 1
                    if form.joined and len(entry.text) < ENTRY_MAX:
                        entry.text += "\n" + line
                else:
                    self._bad_from = self._bad_from or number
                    self._bad += 1
            if entry is not None:
                yield from self._tell(entry)
            if self._bad:
                yield self._damage()
            for event in lines.damage:
                yield self._placed(event)
        reading.assumed = [*self._clock.assumed, *reading.assumed]

    def _begin(self, number: int, line: str) -> _Entry | None:
        """The entry that a line begins; None where it begins none."""
        found = self._form.match(line)
        if found is None:
            return None
        header, carried = found
        groups = header.groupdict()
        time = groups.get("time") or carried
        if time is None:
            at_ns, width_ns = self._untimed()
        else:
            try:
                at_ns, width_ns = self._clock.read(time)
            except ValueError:
                return None
            reading = self._reading
            reading.first_ns = at_ns if reading.first_ns is None else min(reading.first_ns, at_ns)
            reading.last_ns = at_ns if reading.last_ns is None else max(reading.last_ns, at_ns)
            reading.resolution_ns = min(reading.resolution_ns, width_ns)
        self._last = (at_ns, width_ns)
        level = (groups.get("level") or "").strip()
        level = self._form.levels.get(level) or level.lower()
        tag = groups.get("tag")
        return _Entry(number, at_ns, width_ns, tag.strip() if tag else None, level, groups["text"])

    def _untimed(self) -> tuple[int, int]:
        """A line that tells no time: that of the line before; in a log without any, the day that it is near to."""
        if self._last is not None:
            return self._last
        if not self._timeless:
            self._timeless = True
            why = self._how.near_why or "for want of anything better"
            self._reading.assumed.append(f"its lines tell no time; taken as written on one day ({why})")
        return (self._how.near_ns or 0, DAY)

    def _tell(self, entry: _Entry) -> Iterator[Event]:
        """The events of an entry."""
        form = self._form
        found = form._any.match(entry.text) if form.says else None
        if found is None:
            if self._how.everything:
                yield self._said(entry, Topic.OTHER, {})
            self._reading.other += entry.lines
            return
        index = (found.lastindex or 1) - 1
        says = form.says[index]
        match = form._patterns[index].match(entry.text)
        if match is None:  # the two expressions are one but for their groups
            raise AssertionError(f"{form.name}: {says.pattern!r} matches only without its groups")
        told = 0
        groups = match.groupdict()
        entry.tag = groups.pop("tag", None) or entry.tag
        if xml := groups.get("xml"):
            for kind, quote in quoted(xml):
                if event := self._event(entry, kind, {"sent": says.sent, **quote}):
                    told += 1
                    yield event
        if says.tells is not None:
            for kind, fields in says.tells(match):
                told += 1
                if event := self._event(entry, kind, fields):
                    yield event
        if not says.silent:
            topic, condition, sent = says.topic, says.condition, says.sent
            if says.reasoned and (reason := groups.get("reason")) and (known := form.why(reason)):
                topic, condition = known.topic, known.condition or condition
                sent = sent if known.sent is None else known.sent
            if topic is not Topic.OTHER or condition is not None or self._how.everything:
                told += 1
                more = {name: value for name, value in groups.items() if name != "xml"}
                given = {"condition": condition, "sent": sent, "outgoing": says.outgoing}
                yield self._said(entry, topic, {**more, **given})
        # The lines that continue an entry belong to what it tells.
        self._reading.other += entry.lines if not told else 0

    def _event(self, entry: _Entry, kind: type[Event], fields: Fields) -> Event | None:
        """An event of an entry; a stanza only if it is the first of its kind on its stream."""
        if kind is Stanza:
            mark = (entry.tag, *fields.values())
            if mark in self._kinds:
                return None
            if len(self._kinds) >= KINDS_MAX:
                self._kinds.clear()
            self._kinds.add(mark)
        common: dict[str, Any] = {"at_ns": entry.at_ns, "width_ns": entry.width_ns, "tag": entry.tag}
        common["where"] = Where(source=self._source.name, line=entry.line)
        return kind(**{**common, **fields})

    def _said(self, entry: _Entry, topic: Topic, fields: Fields) -> Said:
        more: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
        for name in _DOMAINS:
            if name in more:
                more[name] = domain_named(more[name])
        if "peer_port" in more:
            more["peer_port"] = int(more["peer_port"])
        if "peer_ip" in more:
            more["peer_ip"] = address(more["peer_ip"])
        if "reason" in more:
            more["reason"] = scrubbed(more["reason"])
        return Said(
            at_ns=entry.at_ns,
            width_ns=entry.width_ns,
            where=Where(source=self._source.name, line=entry.line),
            tag=entry.tag,
            topic=topic,
            text=scrubbed(entry.text),
            level=entry.level,
            **more,
        )

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
