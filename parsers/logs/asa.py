"""The syslog of Cisco ASA, FTD, PIX and FWSM firewalls. What its messages mean stands in `asa_messages`.

A firewall logs everything that passes, so this reader looks at a line's tag and at the ports that stand in it before
it reads more, and reads clocks only of the lines that it tells. Knows no server.
Headers: Cisco's syslog guides leave the header to the relay; the forms here are those that relays and devices write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from parsers.clock import DAY, Clock, untimed
from parsers.events import Damage, Event, FirewallLog, Where
from parsers.format import Guess, Head
from parsers.lines import Lines
from parsers.logs.asa_ftd import FTD, ftd
from parsers.logs.asa_messages import DENIALS, DNS_NEEDLE, DNS_PORT, MESSAGES, PROBLEMS, Fields
from parsers.logs.words import scrubbed
from parsers.source import How, Reading, Source

_TAG = re.compile(r"%?(?:ASA|PIX|FTD|FWSM|NGIPS)-(?:[\w-]+?-)?[0-7]-(?P<id>\d{6}):?\s*")
_PIPE = re.compile(r"[0-7]\|(?P<time>[^|]{8,24})\|(?P<id>\d{6}): ")
"""The viewer of ASDM, as it saves: severity, time and id between pipes."""
_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?"
    r"|[A-Z][a-z]{2} +\d{1,2}(?: \d{4})? \d\d:\d\d:\d\d(?:\.\d+)?(?: [A-Z]{3,5}(?=[ :]|$))?"
)
"""Instants in a header. A relay writes its own before the device's, which is the last."""
_BLOCK = re.compile(r"Syslog logging: |\s+\S")
"""Lines of the block that `show logging` prints before the messages."""
_WORDS = (
    ("Deny TCP (no connection)", "106015"),
    ("Deny tcp src", "106023"),
    ("Deny udp src", "106023"),
    ("Deny protocol", "106023"),
    ("access-list ", "106100"),
    ("Inbound TCP connection denied", "106001"),
    ("Built dynamic", "305011"),
    ("Built static", "305011"),
    ("Built ", "302013"),
    ("Teardown ", "302014"),
)
"""Messages that people paste without their tag, by how they begin."""
_UNTAGGED = re.compile("|".join(f"(?P<w{n}>{re.escape(words)})" for n, (words, _) in enumerate(_WORDS)))
_BARE = re.compile(r"(?P<id>\d{6}): ")


REFUSED_DNS_MAX = 10_000
"""Refusals of DNS that are told; a firewall that faces the internet refuses more every day; damage says how many."""
HEADER_MAX = 160
"""Characters before the tag of a line: dates, a host, a device's name."""


class Asa:
    """Cisco ASA syslog as a format."""

    name = "asa"
    title = "Cisco ASA, FTD, PIX or FWSM syslog"
    explanation = (
        "Written by the firewall to a syslog server, to ASDM's viewer or in `show logging`. It says which connections "
        "it built, tore down and refused, with the ends before and after translation; a connection that it built may "
        "still have had no answer. Of connections only those on federation ports are told (--port names further ones), "
        "of DNS only what was refused."
    )
    reference = "https://www.cisco.com/c/en/us/td/docs/security/asa/syslog/b_syslog.html"

    def guess(self, head: Head) -> Guess:
        """By the share of lines that have a tag; the block of `show logging` is left out."""
        lines = [line for line in head.lines if line.strip() and not _BLOCK.match(line)]
        tagged = sum(1 for line in lines if _tag(line) is not None)
        if not any(_TAG.search(line) or _PIPE.match(line) for line in lines):
            return Guess(score=0, because="no %ASA- tag")
        share = tagged / len(lines)
        return Guess(score=max(1, round(90 * share)), because=f"{tagged} of {len(lines)} lines have a %ASA- tag")

    def dated(self, head: Head) -> bool:
        """Whether its lines tell the year."""
        clock = Clock(How())
        for line in head.lines:
            found = _tag(line)
            if found is not None and (time := _time(line, found)) is not None:
                try:
                    clock.read(time)
                except ValueError:
                    return False
                return True
        return False

    def read(self, source: Source, how: How, reading: Reading) -> Iterator[Event]:
        """Events in file order; a line without a tag is damage, an unknown message is not."""
        return _Reader(source, how, reading).run()


class _Tag(NamedTuple):
    """Where the header of a line ends, and what it says."""

    id: str
    start: int
    end: int
    time: str | None


def _tag(line: str) -> _Tag | None:
    """The tag of a line; what follows it is the message. None for a line that has none, and is no known message."""
    place = line.find("%")
    found = _TAG.match(line, place) if place >= 0 else None
    if found is None and line[1:2] == "|" and (found := _PIPE.match(line)):
        return _Tag(found["id"], 0, found.end(), found["time"])
    if found is None:
        found = _TAG.search(line, 0, HEADER_MAX) or _BARE.match(line)
    if found is not None:
        return _Tag(found["id"], found.start(), found.end(), None)
    if words := _UNTAGGED.match(line):
        return _Tag(_WORDS[int(str(words.lastgroup)[1:])][1], 0, 0, None)
    return None


def _time(line: str, tag: _Tag) -> str | None:
    """The device's instant in the header of a line."""
    if tag.time is not None:
        return tag.time
    found = _TIME.findall(line, 0, tag.start)
    return found[-1] if found else None


class _Reader:
    """Reads one source."""

    def __init__(self, source: Source, how: How, reading: Reading) -> None:
        self._source = source
        self._how = how
        self._reading = reading
        self._clock = Clock(how)
        self._timeless = False
        self._ports = frozenset(how.ports)
        self._needles = tuple(str(port) for port in how.ports)
        self._refused_dns = 0
        self._last: tuple[int, int] | None = None
        self._bad = self._bad_from = 0
        self._block = False

    def run(self) -> Iterator[Event]:
        """All events."""
        reading, everything = self._reading, self._how.everything
        needles, messages = self._needles, MESSAGES
        match_tag = _TAG.match
        reading.resolution_ns = DAY
        last: str | None = None
        other = 0
        with Lines(self._source, reading) as lines:
            for number, line in lines:
                # The commonest line by far: a tag, and neither a port of ours nor a problem.
                place = line.find("%")
                found = match_tag(line, place) if place >= 0 else None
                if found is not None and last is not None and not self._bad and not everything:
                    id = found[1]
                    if id not in PROBLEMS or (id in DENIALS and DNS_NEEDLE not in line):
                        for needle in needles:
                            if needle in line:
                                break
                        else:
                            other += 1
                            last = line
                            continue
                tag = _tag(line)
                if tag is None:
                    self._block = self._block or line.startswith("Syslog logging: ")
                    if not line.strip() or (self._block and last is None and _BLOCK.match(line)):
                        other += 1
                    else:
                        self._bad_from = self._bad_from or number
                        self._bad += 1
                    continue
                if last is None:
                    self._instant(line, tag)
                last = line
                if self._bad:
                    yield self._damage()
                id = tag.id
                wanted = everything or any(needle in line for needle in needles) or id in PROBLEMS
                message = messages.get(id) if wanted else None
                fields = message(line[tag.end :]) if message is not None else None
                if id in FTD:
                    told = 0
                    for kind, more in ftd(line[tag.end :], self._ports, everything):
                        told += 1
                        yield self._event(number, line, tag, kind, more)
                    other += not told
                elif fields is not None and (everything or self._matters(id, fields)):
                    yield self._event(number, line, tag, FirewallLog, fields)
                elif everything:
                    yield self._event(number, line, tag, FirewallLog, {"action": "other"})
                else:
                    other += 1
            if last is not None and (tag := _tag(last)) is not None:
                self._instant(last, tag)
            if self._bad:
                yield self._damage()
            yield from lines.damage
            if (left := self._refused_dns - REFUSED_DNS_MAX) > 0:
                other -= left
                yield self._lost(left, f"refusals of DNS not told: more than {REFUSED_DNS_MAX:,}")
        reading.other = other
        timeless = untimed(reading, self._how) if self._timeless else ()
        reading.assumed = [*self._clock.assumed, *timeless, *reading.assumed]

    def _matters(self, id: str, fields: Fields) -> bool:
        """Whether a message is about federation, or about all that passes."""
        ends = [flow for flow in (fields.get("real"), fields.get("mapped")) if flow is not None]
        ports = {port for flow in ends for port in (flow.src_port, flow.dst_port)}
        if ports & self._ports:
            return True
        if not any(ports):
            # A translation of an address for good, or what befell all; those for a while are too many.
            return fields.get("reason") != "dynamic"
        if id not in PROBLEMS or DNS_PORT not in ports:
            return False
        self._refused_dns += 1
        return self._refused_dns <= REFUSED_DNS_MAX

    def _event(self, number: int, line: str, tag: _Tag, kind: type[Event], fields: Fields) -> Event:
        at_ns, width_ns = self._instant(line, tag)
        where = Where(source=self._source.name, line=number)
        common: dict[str, Any] = {"at_ns": at_ns, "width_ns": width_ns, "where": where}
        if kind is FirewallLog:
            common |= {"message_id": tag.id, "text": scrubbed(line[tag.end :])}
        return kind(**common, **fields)

    def _instant(self, line: str, tag: _Tag) -> tuple[int, int]:
        """The instant of a line; that of the line before where it has none."""
        time = _time(line, tag)
        try:
            found = self._clock.read(time) if time is not None else None
        except ValueError:
            found = None
        if found is None:
            if self._last is None:
                self._timeless = True
                self._last = ((self._how.near_ns or 0) // DAY * DAY, DAY)
            return self._last
        self._last = found
        reading, (at_ns, width_ns) = self._reading, found
        reading.first_ns = at_ns if reading.first_ns is None else min(reading.first_ns, at_ns)
        reading.last_ns = at_ns if reading.last_ns is None else max(reading.last_ns, at_ns)
        reading.resolution_ns = min(reading.resolution_ns, width_ns)
        return found

    def _damage(self) -> Damage:
        """The lines without a tag since the last one that had it."""
        what = f"{'a line' if self._bad == 1 else 'lines'} without a %ASA- tag"
        lost, first, self._bad, self._bad_from = self._bad, self._bad_from, 0, 0
        return self._lost(lost, what, first)

    def _lost(self, lines: int, what: str, first: int | None = None) -> Damage:
        at_ns, width_ns = self._last or (0, 1)
        where = Where(source=self._source.name, line=first)
        return Damage(at_ns=at_ns, width_ns=width_ns, where=where, what=what, lost=lines, unit="lines")


FORMAT = Asa()
