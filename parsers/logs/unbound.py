"""The log of Unbound. Knows no other DNS server.

Grammar: util/log.c (the prefix: `log-time-ascii`, `log-time-iso`, syslog), util/net_help.c (`log-queries`,
`log-replies`, `log-tag-queryreply`), services/mesh.c (`log-servfail`), iterator/iterator.c (`verbosity` 2 and above).
What Unbound asks other servers is intermediate: it asks the next where one fails. Of it only the records are kept,
and the word that there are none, for the reply to the client, which tells neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from parsers.events import DnsAnswer, DnsQuery, DnsRecord, Topic
from parsers.logs.lookups import LIMITS, WAITING_MAX, Lookups, answered, asked, record
from parsers.logs.table import LogFormat, Sample, Says, Told
from parsers.names import SERVER_SERVICE
from parsers.source import How, Reading

FRESH_NS = 5 * 10**9
"""How long after another server's answer a reply is made of it."""

_TIME = (
    r"\[\d{9,10}(?:\.\d+)?\]|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
)
_PID = r"\[(?P<tag>[0-9a-f]+:[0-9a-f]+)\]"
_LEVEL = r"(?P<level>fatal error|error|warning|notice|info|debug|query|reply)"
_QUESTION = r"(?P<name>\S+?)\.? (?P<rrtype>[A-Z0-9]+) IN"
_CLIENT = r"(?P<client>[0-9a-fA-F.:]+)(?:@\d+)? "
_RECORD = re.compile(r"^(?P<name>\S+)\s+(?P<ttl>\d{1,10})\s+IN\s+(?P<type>A|AAAA|CNAME|SRV)\s+(?P<data>\S.*)$", re.M)


def _query(match: re.Match[str]) -> Iterator[Told]:
    """A client's question."""
    yield asked(match["name"], match["rrtype"], client=match["client"])


def _reply(match: re.Match[str]) -> Iterator[Told]:
    """What a client was answered."""
    yield answered(match["name"], match["rrtype"], match["rcode"], client=match["client"])


def _failed(match: re.Match[str]) -> Iterator[Told]:
    """A question that could not be resolved; whose it was is not told."""
    yield answered(match["name"], match["rrtype"], "SERVFAIL", sent=True)


def _resolving(match: re.Match[str]) -> Iterator[Told]:
    """Somebody's question that Unbound sets out to resolve."""
    yield asked(match["name"], match["rrtype"], answer_told=False, sent=True)


def _response_for(match: re.Match[str]) -> Iterator[Told]:
    """Which question the next lines of the thread are about."""
    yield asked(match["name"], match["rrtype"], answer_told=False, sent=False)


def _packet(match: re.Match[str]) -> Iterator[Told]:
    """Another server's answer, printed whole (verbosity 4)."""
    section = re.search(r";; ANSWER SECTION:(.*?)(?:\n;; [A-Z]|\Z)", match["packet"], re.S)
    found = _RECORD.finditer(section[1]) if section else ()
    records = [record(r["name"], r["type"], r["data"], r["ttl"]) for r in found]
    yield answered("", "", match["rcode"], [r for r in records if r is not None], sent=False, records_told=False)


def _was(match: re.Match[str]) -> Iterator[Told]:
    """What Unbound makes of another server's answer (verbosity 2)."""
    rcode = "NXDOMAIN" if match["word"] == "NXDOMAIN ANSWER" else "NOERROR"
    yield answered("", "", rcode, sent=False, records_told=match["word"] == "NODATA ANSWER")


class _Lookups(Lookups):
    """Joins what one log tells: records of other servers' answers go with the reply that is made of them."""

    def __init__(self, how: How, reading: Reading) -> None:
        super().__init__(how, reading)
        self._threads: dict[str | None, DnsQuery] = {}
        self._records: dict[str | None, tuple[DnsRecord, ...]] = {}
        self._fresh: dict[tuple[str, str], DnsAnswer] = {}
        self._queries_told = False

    def might(self, match: re.Match[str], at_ns: int) -> bool:
        """Each other server's answer says that the lines after it are about another question."""
        return match.string.startswith("response") or super().might(match, at_ns)

    def _question(self, query: DnsQuery) -> DnsQuery | None:
        if query.sent is None:
            self._queries_told = True
            # Silence tells only where replies are logged.
            query = replace(query, answer_told=self._answers_told)
        elif not query.sent:
            if len(self._threads) >= WAITING_MAX:
                self._threads.clear()
                self._records.clear()
            self._threads.pop(query.tag, None)
            self._records.pop(query.tag, None)
            if self._choice.might(query.name, "", query.at_ns):
                self._threads[query.tag] = query
            return None
        elif self._queries_told or self._answers_told:
            return None
        return replace(query, sent=None) if self._choice.takes(query) else None

    def _answer(self, answer: DnsAnswer) -> DnsAnswer | None:
        if answer.sent is False:
            return self._from_others(answer)
        if answer.sent is None:
            self._answers_told = True
            fresh = self._fresh.get((answer.name, answer.rrtype))
            if answer.rcode == 0 and fresh is not None and answer.at_ns - fresh.at_ns <= FRESH_NS:
                answer = replace(answer, answers=fresh.answers, records_told=fresh.records_told)
        elif self._answers_told:
            return None
        return replace(answer, sent=None) if self._choice.takes(answer) else None

    def _from_others(self, answer: DnsAnswer) -> DnsAnswer | None:
        """What another server answered: kept for the reply; told where no client's lines are logged."""
        question = self._threads.get(answer.tag)
        if question is None:
            return None
        if answer.answers:
            self._records[answer.tag] = answer.answers
            return None
        records = self._records.pop(answer.tag, ())
        name, rrtype = question.name, question.rrtype
        whole = replace(answer, name=name, rrtype=rrtype, answers=records, sent=None)
        whole = replace(whole, records_told=bool(records) or answer.records_told)
        if len(self._fresh) >= WAITING_MAX:
            self._fresh.clear()
        self._fresh[(name, rrtype)] = whole
        told = self._queries_told or self._answers_told
        return whole if not told and self._choice.takes(whole) else None


FORMAT = LogFormat(
    name="unbound",
    title="Unbound log",
    explanation=(
        "Written with `log-queries` and `log-replies`; `log-servfail` gives reasons, and `verbosity` 2 tells how "
        "Unbound resolves.\n"
        "Records are not printed below verbosity 4, so that an answer without any looks like one with some;\n"
        "neither message ids nor the server's own address are told, and without `log-replies` silence proves nothing."
        + LIMITS
    ),
    reference="https://unbound.docs.nlnetlabs.nl/en/latest/manpages/unbound.conf.html",
    headers=(
        rf"(?P<time>{_TIME}) (?:\S+ )?unbound{_PID} {_LEVEL}: (?P<text>.*)",
        rf"(?P<time>{_TIME}) (?:\S+ )?unbound(?:\[\d+\])?: {_PID} {_LEVEL}: (?P<text>.*)",
        rf"(?:unbound(?:\[\d+\])?: )?{_PID} {_LEVEL}: (?P<text>.*)",
    ),
    marks=r"\bunbound(?:\[[0-9a-f:]+\])?:? |^\[\d+:[0-9a-f]+\] (?:info|debug|query|reply): ",
    continues=256,
    continuation=r";|\S+\.\s+(?:\d+\s+)?(?:IN|CH|ANY)\s",
    joined=True,
    says=(
        Says(
            pattern=_CLIENT + _QUESTION + r" (?P<rcode>[A-Z]+) [\d.]+ \d \d+",
            tells=_reply,
            silent=True,
        ),
        Says(pattern=_CLIENT + _QUESTION + r"\s*$", tells=_query, silent=True),
        Says(pattern=r"SERVFAIL <" + _QUESTION + r">", tells=_failed, silent=True),
        Says(pattern=r"resolving " + _QUESTION + r"\b", tells=_resolving, silent=True),
        Says(pattern=r"response for " + _QUESTION + r"\b", tells=_response_for, silent=True),
        Says(
            pattern=r"query response was (?P<word>ANSWER|NXDOMAIN ANSWER|NODATA ANSWER)",
            tells=_was,
            silent=True,
        ),
        Says(
            pattern=r"incoming scrubbed packet:? *\n?;; ->>HEADER<<- opcode: QUERY, rcode: (?P<rcode>NOERROR)"
            r"(?P<packet>,.*)",
            tells=_packet,
            silent=True,
        ),
        Says(
            pattern=rf"validation failure <{SERVER_SERVICE}\._\w+\.(?P<to_domain>\S+?)\.? SRV IN>:? ?(?P<reason>.*)",
            topic=Topic.RESOLVE_FAILED,
            condition="dnssec-bogus",
        ),
    ),
    after=_Lookups,
    samples=(
        Sample(
            line="[1571999004] unbound[6384:0] info: 10.0.0.54 _xmpp-server._tcp.example.net. SRV IN",
            kind="DnsQuery",
        ),
        Sample(
            line="Nov 22 10:31:48 unbound[24:0] info: 10.0.0.54 _xmpp-server._tcp.example.net. SRV IN NXDOMAIN "
            "0.019 0 106",
            kind="DnsAnswer",
        ),
        Sample(
            line="Nov 22 10:31:49 ns1 unbound: [24:0] error: SERVFAIL <_xmpp-server._tcp.example.net. SRV IN>: "
            "all the configured stub or forward servers failed, at zone . from 192.0.2.53 got SERVFAIL",
            kind="DnsAnswer",
        ),
        Sample(
            line="[1571999005] unbound[6384:0] info: validation failure <_xmpp-server._tcp.example.net. SRV IN>: "
            "signature expired from 192.0.2.53",
            topic=Topic.RESOLVE_FAILED,
            condition="dnssec-bogus",
        ),
    ),
)
