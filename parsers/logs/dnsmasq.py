"""The log of dnsmasq, and of Pi-hole, which is built on it. Knows no other DNS server.

Grammar: src/cache.c, `log_query` and `_log_query`; dnsmasq 2.4x to 2.90, Pi-hole's additions.
An answer stands in one line for each record, all of them at once; here they become one answer.
`log-queries=extra` puts a serial and the client's end before the message: only with it an error is known to be the
answer of which question, and only with it silence is told.
What dnsmasq asks upstream (`forwarded`) is no lookup of anybody who federates, and is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from parsers.events import DnsAnswer, DnsQuery, DnsRecord, Event, Topic
from parsers.logs.lookups import LIMITS, WAITING_MAX, Lookups, answered, asked, record
from parsers.logs.table import LogFormat, Sample, Says, Told
from parsers.names import SERVER_SERVICE
from parsers.source import How, Reading

ASKERS_MAX = 64
"""Clients that wait for the answer to one name, where no serials tell whose it is."""

_TIME = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
_EXTRA = r"(?:(?P<tag>\d+) \S+/\d+ )?"
_FROM = r"(?:reply|cached(?:-stale)?|config|DHCP|/\S+|[a-z]+ (?:blocked|denied|blacklisted)(?: \([^)]*\))?)"
"""Where an answer came from: upstream, the cache, settings, a file of hosts, a list of Pi-hole."""
_NONE = {"NODATA": "", "NODATA-IPv4": "A", "NODATA-IPv6": "AAAA", "NXDOMAIN": ""}
_DUPLICATE = "DUPLICATE"
"""`reply query is duplicate`: the same question from another client, answered with the answer just told."""


def _query(match: re.Match[str]) -> Iterator[Told]:
    """A client's question."""
    tag = match["tag"]
    yield asked(match["name"], match["rrtype"], client=match["client"], tag=tag, answer_told=tag is not None)


def _reply(match: re.Match[str]) -> Iterator[Told]:
    """One line of an answer: a record, that there is one of a type, or that there is none; "" for a type not told."""
    name, value = match["name"], match["value"]
    if name == "query" and value == "duplicate":
        yield answered("", _DUPLICATE, "")
    elif value in _NONE:
        yield answered(name, _NONE[value], "NXDOMAIN" if value == "NXDOMAIN" else "NOERROR", records_told=True)
    elif value.startswith("<"):
        yield answered(name, value.strip("<>"), "NOERROR")
    else:
        rrtype = "AAAA" if ":" in value else "A" if value[:1].isdecimal() else "PTR"
        held = record(name, rrtype, value)
        yield answered(name, rrtype, "NOERROR", (held,) if held is not None else ())


def _failed(match: re.Match[str]) -> Iterator[Told]:
    """A failure, which names no question: its serial does."""
    yield answered("", "", match["rcode"], records_told=True)


@dataclass(slots=True)
class _Answer:
    """The lines of one answer, as far as they were read."""

    first: DnsAnswer
    queries: list[DnsQuery]
    """The questions that it answers; none where the log does not hold them."""
    rrtype: str = ""
    records: list[DnsRecord] = field(default_factory=list)
    hidden: bool = False
    """Records came of which only the type is told."""
    alias: str | None = None
    """The owner of an alias; its target's name stands in the next line."""
    lines: int = 0

    def add(self, line: DnsAnswer) -> None:
        """One line more."""
        self.lines += 1
        if self.alias is not None:
            self.records.append(DnsRecord(name=self.alias, rrtype="CNAME", ttl_s=None, data=line.name))
        self.alias = line.name if line.rrtype == "CNAME" else None
        self.records += line.answers
        self.hidden |= not line.records_told and line.rrtype != "CNAME"
        self.rrtype = self.rrtype if line.rrtype in ("", "CNAME") else line.rrtype

    def told(self) -> Iterator[DnsAnswer]:
        """The answer, once for each who asked."""
        first = self.first
        hidden = self.hidden or self.alias is not None
        whole = replace(first, answers=tuple(self.records), records_told=not hidden or first.rcode != 0)
        if not self.queries:
            # That there is no such name is so for every type.
            rrtype = self.rrtype or ("SRV" if first.name.startswith("_") else "A")
            yield replace(whole, rrtype=rrtype)
        for query in self.queries:
            yield replace(whole, name=query.name, rrtype=query.rrtype, client_ip=query.client_ip, tag=query.tag)


class _Answers(Lookups):
    """Joins the lines of one log."""

    def __init__(self, how: How, reading: Reading) -> None:
        super().__init__(how, reading)
        self._serials: dict[str, DnsQuery] = {}
        self._names: dict[str, list[DnsQuery]] = {}
        self._held: _Answer | None = None
        self._last: _Answer | None = None

    def might(self, match: re.Match[str], at_ns: int) -> bool:
        """A line of an answer that matters may name an alias' target only."""
        goes_on = match["tag"] in self._serials if "tag" in match.re.groupindex else False
        return goes_on or (self._held is not None and self._held.alias is not None) or super().might(match, at_ns)

    def run(self, events: Iterable[Event]) -> Iterator[Event]:
        """Questions that matter and their answers, each whole; what else is told stays."""
        for event in events:
            if isinstance(event, DnsAnswer):
                if self._held is not None and self._goes_on(self._held, event):
                    self._held.add(event)
                    continue
                yield from self._end()
                self._begin(event)
                continue
            yield from self._end()
            if isinstance(event, DnsQuery):
                if not self._choice.takes(event):
                    self._reading.other += 1
                    continue
                self._wait(event)
            yield event
        yield from self._end()
        yield from self._left()

    def _wait(self, query: DnsQuery) -> None:
        """A question begins to wait for its answer."""
        if query.tag is not None:
            if len(self._serials) >= WAITING_MAX:
                del self._serials[next(iter(self._serials))]
            self._serials[query.tag] = query
            return
        if len(self._names) >= WAITING_MAX:
            del self._names[next(iter(self._names))]
        asked_before = self._names.setdefault(query.name, [])
        ends = (query.rrtype, query.client_ip)
        if len(asked_before) < ASKERS_MAX and all((q.rrtype, q.client_ip) != ends for q in asked_before):
            asked_before.append(query)

    def _goes_on(self, held: _Answer, line: DnsAnswer) -> bool:
        """Whether a line belongs to the answer before it."""
        if not line.name or held.first.rcode != 0 or line.rcode != 0 or line.tag != held.first.tag:
            return False
        if line.tag is not None or held.alias is not None:
            return True
        owner = held.records[-1].name if held.records else held.first.name
        return line.name == owner and line.rrtype == held.rrtype

    def _begin(self, line: DnsAnswer) -> None:
        """The first line of an answer."""
        queries = self._asked(line)
        if line.rrtype == _DUPLICATE:
            last = self._last
            if last is None or not queries or not last.queries or last.queries[0].name != queries[0].name:
                self._reading.other += 1
                return
            self._held = replace(last, first=replace(last.first, where=line.where, tag=line.tag), queries=queries)
            return
        if not queries and not (line.name and self._choice.takes(line)):
            self._reading.other += 1
            return
        self._held = _Answer(line, queries)
        self._held.add(line)

    def _asked(self, line: DnsAnswer) -> list[DnsQuery]:
        """The questions that an answer is for: without serials every one of its name and type."""
        if line.tag is not None:
            query = self._serials.get(line.tag)
            return [] if query is None else [query]
        waiting = self._names.get(line.name, [])
        rrtype = line.rrtype if line.rrtype not in ("", "CNAME") else waiting[0].rrtype if waiting else ""
        found = [query for query in waiting if query.rrtype == rrtype]
        if found:
            self._names[line.name] = [query for query in waiting if query.rrtype != rrtype]
        return found

    def _end(self) -> Iterator[Event]:
        """The answer that is whole now."""
        held, self._held = self._held, None
        if held is None:
            return
        self._last = held
        for answer in held.told():
            self._choice.matters(answer)
            yield answer


FORMAT = LogFormat(
    name="dnsmasq",
    title="dnsmasq or Pi-hole log",
    explanation=(
        "Written with `log-queries`, best with `log-queries=extra`.\n"
        "It does not print SRV records, only that some came: neither targets nor ports are told.\n"
        "Without `extra` an error names no question, so that silence proves nothing; message ids are never told."
        + LIMITS
    ),
    reference="https://thekelleys.org.uk/dnsmasq/docs/dnsmasq-man.html",
    headers=(
        rf"(?:[\w.-]+ +\| )?(?P<time>{_TIME}) (?:\S+ )?dnsmasq(?:-\w+)?(?:\[\d+\])?: (?P<text>.*)",
        r"(?:[\w.-]+ +\| )?dnsmasq(?:-\w+)?(?:\[\d+\])?: (?P<text>.*)",
        r"(?P<text>(?:\d+ \S+/\d+ )?(?:query\[|forwarded \S+ to |reply \S+ is |cached \S+ is |config \S+ is ).*)",
    ),
    marks=r"\bdnsmasq(?:-\w+)?(?:\[\d+\])?: |(?:\d+ \S+/\d+ )query\[\w+\] \S+ from ",
    says=(
        Says(
            pattern=_EXTRA + r"query\[(?P<rrtype>[^\]]+)\] (?P<name>\S+) from (?P<client>\S+)",
            tells=_query,
            silent=True,
        ),
        Says(
            pattern=_EXTRA + rf"{_FROM} (?P<name>(?!error )\S+) is (?P<value>\S+)",
            tells=_reply,
            silent=True,
        ),
        Says(pattern=r"(?P<tag>\d+) \S+/\d+ reply error is (?P<rcode>[A-Z]+)", tells=_failed, silent=True),
        Says(
            pattern=rf"(?:\d+ \S+/\d+ )?validation {SERVER_SERVICE}\._\w+\.(?P<to_domain>\S+) (?P<reason>is BOGUS)",
            topic=Topic.RESOLVE_FAILED,
            condition="dnssec-bogus",
        ),
    ),
    after=_Answers,
    samples=(
        Sample(
            line="Nov 22 11:08:11 dnsmasq[16]: 1 10.0.0.5/23305 query[SRV] _xmpp-server._tcp.example.net from 10.0.0.5",
            kind="DnsQuery",
        ),
        Sample(
            line="Nov 22 11:08:11 dnsmasq[16]: 1 10.0.0.5/23305 reply _xmpp-server._tcp.example.net is <SRV>",
            kind="DnsAnswer",
        ),
        Sample(
            line="Nov 22 11:08:11 dnsmasq[16]: cached _xmpp-server._tcp.example.net is NXDOMAIN "
            "(src/dnsmasq/rfc1035.c:1942)",
            kind="DnsAnswer",
        ),
    ),
)
