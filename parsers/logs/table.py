"""A log format as data, for the one reader that all logs share.

A format says how a line begins (`headers`) and what its messages mean (`says`): patterns, each with what it tells.
Knows no program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import groupby
from typing import Any, Protocol

from parsers.clock import Clock
from parsers.events import Event, Topic
from parsers.format import Guess, Head
from parsers.logs.reader import Reader
from parsers.source import How, Reading, Source
from parsers.wrapping import Unwrapped, plain, unwrap

Fields = Mapping[str, Any]
"""An event's own fields by name; `sent` may be among them, and `tag` to override the line's."""
Told = tuple[type[Event], Fields]

WHYS_MAX = 256
"""Reasons that are remembered; each may be as long as a line."""

_NEVER = "(?!)"
"""A regular expression that nothing matches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """Messages of one form, and what they say in the words of `Said`.

    Groups of the pattern are named for fields of `Said`: `from_domain`, `to_domain`, `peer_ip`, `peer_port`, `own_ip`,
    `own_port`, `stream_id`, `reason`; a group `tag` names the stream in the header's stead. A group `xml` holds a
    quoted element; `peer_domain` is the other side's: which end of the stream that is follows from `outgoing`.
    Other groups must be non-capturing.
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
    echo: bool = False
    """The line before or after it may tell the same of the same stream in full; then that one counts."""
    tagged: bool = False
    """Only a line whose tag is a stream's tells this: elsewhere it is about something else."""
    adopts: bool = False
    """It names no stream and speaks of the one that the next lines name."""
    follows: bool = False
    """It names no stream and speaks of the one that the last line about the same other end named; else of none."""


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


class After(Protocol):
    """What is done with the events of one source before they are told."""

    def might(self, match: re.Match[str], at_ns: int) -> bool:
        """Whether a message can come to anything; asked before it is read further."""

    def run(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events that are told. Counts into the reading."""


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
    """How a line begins, as regular expressions over the whole line, with groups `text`, and `time`, `level`, `tag`,
    `local_domain` (whose part of the server speaks) as far as there are; the commonest first.
    Where `time` is missing the carrier's time stands for it."""
    says: tuple[Says, ...]
    """What messages mean; the first that matches counts. Of a server that logs each question or packet, that form comes
    first: it is tried by itself."""
    samples: tuple[Sample, ...]
    """Real lines that a test holds it to."""
    reasons: tuple[Reason, ...] = ()
    """Reasons in the server's words; the first that is found counts."""
    marks: str = ""
    """A regular expression that only this program's logs hold somewhere in their first lines; "" for none."""
    foreign: str = ""
    """A regular expression of what only another program of the same layout writes: then the log is not ours."""
    outgoing_tags: str = ""
    """A regular expression of tags that name streams which the server opened; "" where tags do not tell."""
    incoming_tags: str = ""
    """… and of those that a peer opened."""
    client_tags: str = ""
    """… and of those with clients and components: of these only stanzas are told."""
    continues: int = 0
    """How many lines without a header may continue an entry; more are damage."""
    continuation: str = ""
    """A regular expression that such a line must match from its beginning; what does not is damage."""
    joined: bool = False
    """Whether these lines are part of the message, or only passed over."""
    after: Callable[[How, Reading], After] | None = None
    """What becomes of the events of a source: those of several lines may become one, and what does not matter is left
    out and counted. The DNS servers' logs need it."""
    date_orders: bool = False
    """Its dates follow a locale: 4/5/2017 may be April or May, and each source is looked at first to learn which."""
    zone: str | None = None
    """Zone of its clock, where the format says it and its lines do not."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """Levels whose names are not plain: "I" → "info"."""
    leads: tuple[str, ...] = ()
    """Beginnings that patterns of `says` have in common, as they stand in them: neighbours' is tried once for all.
    What follows it in a pattern must be no alternative to it."""

    @cached_property
    def _headers(self) -> tuple[tuple[re.Pattern[str], bool], ...]:
        """Each with whether it tells a time."""
        headers = [re.compile(h) for h in self.headers]
        return tuple((header, "time" in header.groupindex) for header in headers)

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(s.pattern, re.S) for s in self.says)

    @cached_property
    def _others(self) -> re.Pattern[str]:
        """All messages but those of the first form in one expression: its last group tells which."""
        for says, pattern in zip(self.says, self._patterns, strict=True):
            if pattern.groups != len(pattern.groupindex):
                raise ValueError(f"{self.name}: a group without a name in {says.pattern!r}")
        runs = (
            (lead, [says.pattern.removeprefix(lead) for says in run])
            for lead, run in groupby(self.says[1:], self._lead)
        )
        # An empty group behind each form tells which: before it, it would hide how the form begins from the engine.
        forms = (f"{lead}(?:{'|'.join(f'(?:{rest})()' for rest in rests)})" for lead, rests in runs)
        return re.compile(re.sub(r"[(][?]P<[a-z_]+>", "(?:", "|".join(forms) or _NEVER), re.S)

    def _lead(self, says: Says) -> str:
        """What a form begins with as its neighbours do; "" for nothing."""
        return next((lead for lead in self.leads if says.pattern.startswith(lead)), "")

    @cached_property
    def _reasons(self) -> tuple[tuple[re.Pattern[str], Reason], ...]:
        return tuple((re.compile(r.pattern, re.I), r) for r in self.reasons)

    @cached_property
    def _marks(self) -> re.Pattern[str]:
        return re.compile(self.marks)

    @cached_property
    def _continuation(self) -> re.Pattern[str]:
        return re.compile(self.continuation)

    @cached_property
    def _foreign(self) -> re.Pattern[str]:
        return re.compile(self.foreign or _NEVER)

    @cached_property
    def _sides(self) -> re.Pattern[str]:
        tags = {"outgoing": self.outgoing_tags, "incoming": self.incoming_tags, "client": self.client_tags}
        return re.compile("|".join(f"(?P<{side}>{pattern or _NEVER})" for side, pattern in tags.items()))

    def side(self, tag: str | None) -> str | None:
        """Whose stream a tag names: "outgoing", "incoming" or "client"; None where it does not tell."""
        found = self._sides.match(tag) if tag else None
        return found.lastgroup if found else None

    def match(self, line: str) -> tuple[re.Match[str], str | None] | None:
        """The header of a line and the time that it tells, else the carrier's; None where it has none of ours."""
        for header, timed in self._headers:
            if found := header.fullmatch(line):
                return found, (timed and found["time"]) or None
        bare: Unwrapped = unwrap(line)
        if bare.text is not line:
            for header, timed in self._headers:
                if found := header.fullmatch(bare.text):
                    return found, (timed and found["time"]) or bare.time
        return None

    def continued(self, line: str, lines: int) -> bool:
        """Whether a line without a header continues an entry that has so many lines."""
        return lines <= self.continues and self._continuation.match(line) is not None

    def guess(self, head: Head) -> Guess:
        """By the share of lines that begin as ours do, and by what only this program writes."""
        lines = [plain(line) for line in head.lines if line.strip()]
        if not lines:
            return Guess(score=0, because="no text")
        fits = sum(1 for line in lines if self.match(line))
        texts = [f"{line}\n{unwrap(line).text}" for line in lines]
        marked = any(map(self._marks.search, texts)) and not any(map(self._foreign.search, texts))
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
                try:
                    clock.read(found[1] or "")
                except ValueError:
                    return False
                return True
        return False

    def read(self, source: Source, how: How, reading: Reading) -> Iterator[Event]:
        """Events in file order; a line that is not of this format is damage."""
        if self.after is None:
            return Reader(self, source, how, reading).run()
        after = self.after(how, reading)
        return after.run(Reader(self, source, how, reading, after.might).run())

    def told(self, message: str) -> tuple[Says, re.Match[str]] | None:
        """Which form a message has, and its groups; None where it is of none."""
        if not self.says:
            return None
        if match := self._patterns[0].match(message):
            return self.says[0], match
        found = self._others.match(message)
        if found is None:
            return None
        index = found.lastindex or 0
        match = self._patterns[index].match(message)
        if match is None:  # the two expressions are one but for their groups
            raise AssertionError(f"{self.name}: {self.says[index].pattern!r} matches only without its groups")
        return self.says[index], match

    @cached_property
    def why(self) -> Callable[[str], Reason | None]:
        """Tells what a reason in the server's words is. Most are the same, and remembered."""
        return lru_cache(maxsize=WHYS_MAX)(
            lambda reason: next((known for pattern, known in self._reasons if pattern.search(reason)), None)
        )
