"""Lookups that the log of a DNS server tells: which of them matter, and in which words they become events.

The choice is the one that is made of captures (`parsers.capture.dns_names`), by what a log can show of it:
services of XMPP, the domains that these are of, and what their answers mention; and where a log hides answers,
what the same client asks soon after. Knows no program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from parsers.events import DnsAnswer, DnsQuery, DnsRecord, Event, Flow
from parsers.logs.words import address
from parsers.names import SERVICE, domain, fitting
from parsers.source import How, Reading

DNS_PORT = 53
"""Stands for a server's own port, which logs do not tell (RFC 1035 section 4.2)."""
SOON_NS = 60 * 10**9
"""How long after asking for a service a client's questions for addresses may be for its targets:
these are tried one after the other, and a server waits some twenty seconds for each."""
SOON_MAX = 16
"""Names followed so after one such question: a client that asks for more is a whole site's resolver."""
CLIENTS_MAX = 1_024
"""Clients that are followed at one time."""
WANTED_MAX = 65_536
"""Names followed. A log that asks for the services of more domains than this is not an incident but a census."""
WAITING_MAX = 4_096
"""Questions that wait for their answer."""

RCODES = {
    word: number
    for number, word in enumerate(
        ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH")
    )
}
"""Response codes by the words that logs have for them (RFC 1035 section 4.1.1, RFC 2136 section 2.2)."""

_SERVICE = re.compile(SERVICE)
_NAMED = ("CNAME", "NS", "PTR", "DNAME")
"""Types whose data is a name."""

Told = tuple[type[Event], dict[str, Any]]


class Choice:
    """Which lookups of one log matter, by what is known so far."""

    def __init__(self, how: How) -> None:
        """`how` may widen it: by patterns of names, or to everything."""
        self._every = how.everything or "*" in how.dns_names
        self._patterns = fitting(how.dns_names)
        self._wanted: set[str] = set()
        self._clients: dict[str, tuple[int, set[str]]] = {}
        self._soon: dict[str, int] = {}

    def takes(self, event: DnsQuery | DnsAnswer) -> bool:
        """Whether a question or an answer matters; what it leads to matters from then on."""
        name = event.name
        service = "_" in name and _SERVICE.search(name) is not None
        if service:
            while name.startswith("_"):
                name = name.partition(".")[2]
            self._want(name)
        taken = service or event.name in self._wanted or self._is_soon(event) or self._fits(event.name)
        if taken and isinstance(event, DnsAnswer):
            for record in event.answers:
                if record.rrtype in ("SRV", "CNAME"):
                    self._want(record.data)
        elif service and isinstance(event, DnsQuery):
            if len(self._clients) >= CLIENTS_MAX:
                self._clients.clear()
            self._clients[_client(event)] = (event.at_ns + SOON_NS, set())
        return taken or self._every

    def _want(self, name: str) -> None:
        if name not in ("", ".") and len(self._wanted) < WANTED_MAX:
            self._wanted.add(name)

    def _fits(self, name: str) -> bool:
        return any(pattern.match(name) for pattern in self._patterns)

    def _is_soon(self, event: DnsQuery | DnsAnswer) -> bool:
        """Whether it is about a name that a client asked for soon after it had asked for a service."""
        if not self._clients:
            return False
        if isinstance(event, DnsQuery) and event.rrtype in ("A", "AAAA"):
            until_ns, names = self._clients.get(_client(event), (0, set()))
            if event.at_ns <= until_ns and (event.name in names or len(names) < SOON_MAX):
                names.add(event.name)
                if len(self._soon) >= WANTED_MAX:
                    self._soon.clear()
                self._soon[event.name] = event.at_ns + SOON_NS
                return True
        return event.at_ns <= self._soon.get(event.name, event.at_ns - 1)


class Waiting:
    """The latest questions of one log, for the lines that tell what came of them."""

    def __init__(self) -> None:
        """None yet."""
        self._asked: dict[tuple[str | None, str, str], DnsQuery] = {}
        self._latest: dict[str | None, DnsQuery] = {}

    def ask(self, query: DnsQuery) -> None:
        """A question begins to wait."""
        if len(self._asked) >= WAITING_MAX:
            del self._asked[next(iter(self._asked))]
            self._latest.clear()
        self._latest[query.tag] = query
        self._asked[(query.tag, query.name, query.rrtype)] = query

    def answered(self, answer: DnsAnswer) -> DnsAnswer | None:
        """An answer with the ends, and if it names none the name, of its question; None where no question waits."""
        if answer.name:
            query = self._asked.get((answer.tag, answer.name, answer.rrtype))
        else:
            query = self._latest.get(answer.tag)
        if query is None:
            return None
        flow = query.flow.reverse if query.flow is not None else answer.flow
        client_ip = None if flow is not None else query.client_ip
        return replace(answer, name=query.name, rrtype=query.rrtype, flow=flow, client_ip=client_ip)


def matter(events: Iterable[Event], how: How, reading: Reading) -> Iterator[Event]:
    """The events of a log without the lookups that do not matter; a line that keeps none of its own is counted."""
    choice, waiting = Choice(how), Waiting()
    for _, told in groupby(events, key=lambda event: event.where.line):
        kept = False
        for event in told:
            taken: Event | None = event
            if isinstance(event, DnsQuery):
                taken = event if choice.takes(event) else None
                if taken is not None:
                    waiting.ask(event)
            elif isinstance(event, DnsAnswer):
                answer = waiting.answered(event) if event.flow is None and event.tag is not None else None
                taken = (answer or event) if choice.takes(answer or event) or answer is not None else None
            if taken is not None:
                kept = True
                yield taken
        reading.other += not kept


def asked(name: str, rrtype: str, *, client: str | None = None, **more: Any) -> Told:
    """A question in the words of the vocabulary."""
    fields = {"txid": -1, "name": domain(name), "rrtype": spelled(rrtype), **more}
    if client is not None and "flow" not in fields:
        fields["client_ip"] = address(client)
    return (DnsQuery, fields)


def answered(
    name: str, rrtype: str, rcode: str, records: Iterable[DnsRecord] = (), *, client: str | None = None, **more: Any
) -> Told:
    """An answer in the words of the vocabulary; `rcode` as the log spells it.

    An answer that went well, of which the log tells no record, is one whose records are not told.
    """
    fields: dict[str, Any] = {
        "txid": -1,
        "name": domain(name),
        "rrtype": spelled(rrtype),
        "rcode": RCODES.get(rcode.upper(), -1),
        "authoritative": False,
        "truncated": False,
        "answers": tuple(records),
    }
    fields["records_told"] = bool(fields["answers"]) or fields["rcode"] > 0
    fields.update(more)
    if client is not None and "flow" not in fields:
        fields["client_ip"] = address(client)
    return (DnsAnswer, fields)


def flow(client: str, port: str | int, server: str, proto: str = "udp") -> Flow:
    """The ends of a question, where a log names both."""
    return Flow(
        src_ip=address(client),
        src_port=int(port),
        dst_ip=address(server),
        dst_port=DNS_PORT,
        proto="tcp" if proto == "tcp" else "udp",
    )


def spelled(rrtype: str) -> str:
    """A type as events spell it: `type=65` and `TYPE65` are one."""
    return rrtype.upper().replace("TYPE=", "TYPE")


def record(name: str, rrtype: str, data: str, ttl_s: str | None = None) -> DnsRecord | None:
    """A record from its presentation (RFC 1035 section 5.1, RFC 2782); None for one that cannot be read."""
    held: dict[str, Any] = {
        "name": domain(name),
        "rrtype": spelled(rrtype),
        "ttl_s": None if ttl_s is None else int(ttl_s),
    }
    words = data.split()
    if held["rrtype"] == "SRV":
        if len(words) < 4 or not all(word.isdecimal() for word in words[:3]):
            return None
        priority, weight, port = map(int, words[:3])
        return DnsRecord(**held, data=domain(words[3]), priority=priority, weight=weight, port=port)
    if not words:
        return None
    if held["rrtype"] in _NAMED:
        return DnsRecord(**held, data=domain(words[0]))
    return DnsRecord(**held, data=address(words[0]) if held["rrtype"] in ("A", "AAAA") else " ".join(words))


def _client(query: DnsQuery) -> str:
    """Who asked; "" where the log does not tell."""
    return query.flow.src_ip if query.flow is not None else query.client_ip or ""
