"""Lookups that the log of a DNS server tells: which of them matter, and in which words they become events.

The choice is the one that is made of captures (`parsers.capture.dns_names`), by what a log can show of it:
services of XMPP, the domains that these are of, and what their answers mention; and where a log hides answers,
what the server that asked asks soon after. A busy resolver's log would not fit into memory as events: so much of it is
told, and damage says how many lines are not. Knows no program.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from parsers.events import Damage, DnsAnswer, DnsQuery, DnsRecord, Event, Flow
from parsers.logs.words import address
from parsers.names import SERVER_SERVICE, SERVICE, domain, fitting
from parsers.source import How, Reading

DNS_PORT = 53
"""Stands for a server's own port, which logs do not tell (RFC 1035 section 4.2)."""
SOON_NS = 60 * 10**9
"""How long after asking for another server a server's questions for addresses may be for its targets:
these are tried one after the other, and a server waits some twenty seconds for each."""
SOON_MAX = 16
"""Names followed so after one such question: whoever asks for more is a whole site's resolver."""
CLIENTS_MAX = 1_024
"""Servers that are followed at one time, as clients of the DNS server."""
WANTED_MAX = 65_536
"""Names followed. A log that asks for the services of more domains than this is not an incident but a census."""
WAITING_MAX = 4_096
"""Questions that wait for their answer."""
REPEATS_MAX = 1_000
"""Lookups that are told of one question of one server, and of all others' together: so often a server asks in a day
that tries a peer every minute and a half, and the rest says the same."""
LOOKUPS_MAX = 50_000
"""Lookups that are told of one log: each takes some 1.2 kB, with what is made of it."""
LIMITS = (
    f"\nOf one question {REPEATS_MAX:,} lookups are told, of one log {LOOKUPS_MAX:,}; how many more there are is said."
)
"""The last line of what is explained of each such format."""

RCODES = {
    word: number
    for number, word in enumerate(
        ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH")
    )
}
"""Response codes by the words that logs have for them (RFC 1035 section 4.1.1, RFC 2136 section 2.2)."""

_SERVICE = re.compile(SERVICE)
_SERVER_SERVICE = re.compile(SERVER_SERVICE)
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
        self._askers: set[str] = set()
        self._told: Counter[tuple[str, str, str]] = Counter()
        self._open: set[tuple[str, str, str]] = set()
        self._first_left: DnsQuery | DnsAnswer | None = None
        self._left = self._all = 0

    def takes(self, event: DnsQuery | DnsAnswer, asked: bool = False) -> bool:
        """Whether a question or an answer is told: it matters, as one whose question was told does, and is not one
        too many.
        """
        return (self.matters(event) or asked) and (self._every or self._is_within(event))

    def left(self) -> Iterator[Damage]:
        """What matters and was one too many, told once the log is read."""
        first = self._first_left
        if first is not None:
            what = f"lookups not told: more than {REPEATS_MAX:,} of one question, or {LOOKUPS_MAX:,} in all"
            at_ns, width_ns, where = first.at_ns, first.width_ns, first.where
            yield Damage(at_ns=at_ns, width_ns=width_ns, where=where, what=what, lost=self._left, unit="lines")

    def matters(self, event: DnsQuery | DnsAnswer) -> bool:
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
        if service and _SERVER_SERVICE.search(event.name):
            self._follow(event)
        return taken or self._every

    def might(self, name: str, client: str, at_ns: int) -> bool:
        """Whether a lookup of this name by this client can matter, before it is read further; too often yes."""
        if self._every or self._patterns or name in self._wanted or (name[:1] == "_" and _SERVICE.search(name)):
            return True
        if not self._clients:
            return False
        until_ns, names = self._clients.get(address(client), _NOBODY)
        follows = at_ns <= until_ns and (len(names) < SOON_MAX or name in names)
        return follows or (not client and at_ns <= self._soon.get(name, at_ns - 1))

    def _want(self, name: str) -> None:
        if name not in ("", ".") and len(self._wanted) < WANTED_MAX:
            self._wanted.add(name)

    def _fits(self, name: str) -> bool:
        return any(pattern.match(name) for pattern in self._patterns)

    def _follow(self, event: DnsQuery | DnsAnswer) -> None:
        """A server looks for another: what it asks soon after may be about its targets."""
        client = _client(event)
        if len(self._askers) < WANTED_MAX:
            self._askers.add(client)
        until_ns, _ = self._clients.get(client, _NOBODY)
        if isinstance(event, DnsAnswer) and event.at_ns <= until_ns:
            return
        if len(self._clients) >= CLIENTS_MAX:
            self._clients.clear()
        self._clients[client] = (event.at_ns + SOON_NS, set())

    def _is_soon(self, event: DnsQuery | DnsAnswer) -> bool:
        """Whether it is about a name that a server asked for soon after it had asked for another."""
        if not self._clients:
            return False
        client = _client(event)
        if event.rrtype in ("A", "AAAA"):
            until_ns, names = self._clients.get(client, _NOBODY)
            if event.at_ns <= until_ns and (event.name in names or len(names) < SOON_MAX):
                names.add(event.name)
                if len(self._soon) >= WANTED_MAX:
                    self._soon.clear()
                self._soon[event.name] = event.at_ns + SOON_NS
                return True
        # A line that names no client may be about this one's question; whose client is another's is not.
        return not client and event.at_ns <= self._soon.get(event.name, event.at_ns - 1)

    def _is_within(self, event: DnsQuery | DnsAnswer) -> bool:
        """Whether there is room for one more; for an answer there is where there was for its question, so that no
        question looks as if it had none.
        """
        client = _client(event)
        question = (client if client in self._askers else "", event.name, event.rrtype)
        if isinstance(event, DnsAnswer) and question in self._open:
            return True
        room = self._told[question] < REPEATS_MAX and self._all < LOOKUPS_MAX
        if room:
            self._told[question] += 1
            self._all += 1
        else:
            self._first_left = self._first_left or event
            self._left += 1
        if isinstance(event, DnsQuery):
            (self._open.add if room else self._open.discard)(question)
        return room


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
        yield from self._left()

    def _left(self) -> Iterator[Damage]:
        """What was one too many; it is not among the lines that tell nothing."""
        for damage in self._choice.left():
            self._reading.other -= damage.lost
            yield damage

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
        told = whole or answer
        return told if self._choice.takes(told, asked=whole is not None) else None

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


@lru_cache(maxsize=256)
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
