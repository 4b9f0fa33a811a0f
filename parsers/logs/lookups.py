"""Lookups that the log of a DNS server tells: which of them matter, and in which words they become events.

The choice is the one that is made of captures (`parsers.capture.dns_names`), by what a log can show of it:
services of XMPP, the domains that these are of, and what their answers mention; and where a log hides answers,
what the same client asks soon after. Knows no program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
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
_NOBODY: tuple[int, set[str]] = (-(1 << 63), set())
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
        if service:
            self._follow(event)
        return taken or self._every

    def might(self, name: str, client: str, at_ns: int) -> bool:
        """Whether a lookup of this name by this client can matter, before it is read further; too often yes."""
        if self._every or self._patterns or "_xmpp" in name or "_jabber" in name or name in self._wanted:
            return True
        if not self._clients:
            return False
        until_ns, names = self._clients.get(address(client), _NOBODY)
        follows = at_ns <= until_ns and (len(names) < SOON_MAX or name in names)
        return follows or at_ns <= self._soon.get(name, at_ns - 1)

    def _want(self, name: str) -> None:
        if name not in ("", ".") and len(self._wanted) < WANTED_MAX:
            self._wanted.add(name)

    def _fits(self, name: str) -> bool:
        return any(pattern.match(name) for pattern in self._patterns)

    def _follow(self, event: DnsQuery | DnsAnswer) -> None:
        """A client looks for a service: what it asks soon after may be about its targets."""
        client = _client(event)
        until_ns, _ = self._clients.get(client, _NOBODY)
        if isinstance(event, DnsAnswer) and event.at_ns <= until_ns:
            return
        if len(self._clients) >= CLIENTS_MAX:
            self._clients.clear()
        self._clients[client] = (event.at_ns + SOON_NS, set())

    def _is_soon(self, event: DnsQuery | DnsAnswer) -> bool:
        """Whether it is about a name that a client asked for soon after it had asked for a service."""
        if not self._clients:
            return False
        if event.rrtype in ("A", "AAAA"):
            until_ns, names = self._clients.get(_client(event), _NOBODY)
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

    def ask(self, query: DnsQuery) -> None:
        """A question begins to wait; the oldest no longer does where there are too many."""
        if len(self._asked) >= WAITING_MAX:
            del self._asked[next(iter(self._asked))]
        self._asked[(query.tag, query.name, query.rrtype)] = query

    def answered(self, answer: DnsAnswer) -> DnsAnswer | None:
        """An answer with the ends of its question; None where no question of its tag waits for it."""
        query = self._asked.get((answer.tag, answer.name, answer.rrtype)) if answer.tag is not None else None
        if query is None or answer.flow is not None:
            return None
        flow = query.flow.reverse if query.flow is not None else None
        return replace(answer, flow=flow, client_ip=None if flow is not None else query.client_ip)


class Lookups:
    """The lookups of one log: those that matter are told, with their answers; other lines are counted.

    That a question has no answer tells something only in a log that has told answers before.
    """

    def __init__(self, how: How, reading: Reading) -> None:
        """`how` may widen the choice; `reading` counts what is left out."""
        self._choice = Choice(how)
        self._waiting = Waiting()
        self._reading = reading
        self._answers_told = False

    def might(self, match: re.Match[str], at_ns: int) -> bool:
        """Whether a message can come to anything, by its groups `name` and `client`; most are about other names.

        One that has a `rcode` beside its name is an answer to a client.
        """
        groups = match.re.groupindex
        if "name" not in groups:
            return True
        self._answers_told = self._answers_told or "rcode" in groups
        return self._choice.might(self._named(match["name"]), match["client"] if "client" in groups else "", at_ns)

    def run(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events of the log, lookups that do not matter left out."""
        for event in events:
            told: Event | None = event
            if isinstance(event, DnsQuery):
                told = self._question(event)
            elif isinstance(event, DnsAnswer):
                told = self._answer(event)
            if told is None:
                self._reading.other += 1
            else:
                yield told

    def _question(self, query: DnsQuery) -> DnsQuery | None:
        if query.answer_told and not self._answers_told:
            query = replace(query, answer_told=False)
        if not self._choice.takes(query):
            return None
        self._waiting.ask(query)
        return query

    def _answer(self, answer: DnsAnswer) -> DnsAnswer | None:
        self._answers_told = True
        whole = self._waiting.answered(answer)
        taken = self._choice.takes(whole or answer)
        return whole or (answer if taken else None)

    def _named(self, text: str) -> str:
        """The name that a message gives, in the one spelling."""
        return domain(text)


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

    An answer that went well, of which the log tells no record, is one whose records are not told;
    a code that is not known is a failure like any other.
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
    fields["records_told"] = bool(fields["answers"])
    fields.update(more)
    fields["records_told"] = fields["records_told"] or fields["rcode"] != 0
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


def _client(event: DnsQuery | DnsAnswer) -> str:
    """Who asked; "" where the log does not tell."""
    if event.flow is None:
        return event.client_ip or ""
    return event.flow.src_ip if isinstance(event, DnsQuery) else event.flow.dst_ip
