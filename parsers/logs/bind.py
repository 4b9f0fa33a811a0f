"""The logs of BIND named: queries, errors of queries, the resolver, zones as they load. Knows no other DNS server.

Grammar: lib/ns/query.c and client.c, lib/dns/zone.c, and "logging" in the BIND 9 Administrator Reference Manual.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers.events import Said, Topic
from parsers.logs.lookups import answered, asked, flow, matter, record
from parsers.logs.table import LogFormat, Sample, Says, Told
from parsers.names import domain

_CLIENT = r"client (?:@0x[0-9a-f]+ )?(?P<client>[0-9a-fA-F.:]+)#(?P<port>\d+)(?: \([^)]*\))?: (?:view [^:]+: )?"
_REASONS = {"timed out": "SERVFAIL", "zone not loaded": "SERVFAIL", "operation canceled": "SERVFAIL"}
_RECORD = re.compile(r"(?:(?P<name>[\w.-]+\.) )?(?P<ttl>\d+) (?P<type>[A-Z]+) (?P<data>\S+(?: \d+ \d+ \S+)?)")


def _query(match: re.Match[str]) -> Iterator[Told]:
    """A question. What came of it this log never tells."""
    ends = flow(match["client"], match["port"], match["server"], "tcp" if "T" in match["flags"] else "udp")
    unchecked = "C" in match["flags"]
    yield asked(match["name"], match["rrtype"], flow=ends, answer_told=False, checking_disabled=unchecked)


def _failed(match: re.Match[str]) -> Iterator[Told]:
    """A question that failed, in the category query-errors."""
    reason = match["rcode"]
    yield answered(match["name"], match["rrtype"], _REASONS.get(reason, reason), client=match["client"])


def _answer(match: re.Match[str]) -> Iterator[Told]:
    """An appliance's line of an answer, with its records."""
    ends = flow(match["client"], match["port"], match["server"])
    yield asked(match["name"], match["rrtype"], flow=ends)
    records = []
    for found in _RECORD.finditer(match["records"] or ""):
        held = record(found["name"] or match["name"], found["type"], found["data"], found["ttl"])
        if held is not None:
            records.append(held)
    yield answered(match["name"], match["rrtype"], match["rcode"], records, flow=ends.reverse)


def _zone(condition: str, text: str, name: str) -> Told:
    return (
        Said,
        {
            "topic": Topic.RESOLVE_FAILED,
            "condition": condition,
            "text": text,
            "level": "error",
            "to_domain": domain(name),
        },
    )


def _no_address(match: re.Match[str]) -> Iterator[Told]:
    """A record of a zone whose target has no address."""
    yield _zone("no-address", f"{match['target']} has no address records", match["name"].partition("._tcp.")[2])


def _not_loaded(match: re.Match[str]) -> Iterator[Told]:
    """A zone that the server does not serve, though it should."""
    yield _zone("servfail", f"zone {match['name']} was not loaded", match["name"])


FORMAT = LogFormat(
    name="bind",
    title="BIND named log",
    explanation=(
        "Written by BIND's channels `queries`, `query-errors`, `resolver`, `lame-servers` and others. The query log "
        "tells who asked whom for what, and never what came of it: only failures are told, in query-errors."
    ),
    reference="https://bind9.readthedocs.io/en/stable/reference.html#the-category-phrase",
    headers=(
        r"(?P<time>\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\dT[\d:.]+Z?) (?:[a-z-]+: )?"
        r"(?:(?P<level>info|notice|warning|error|critical|debug \d+): )?(?P<text>.*)",
        r"(?:(?:queries|query-errors|resolver|lame-servers|general|security|client|rpz|zoneload|database): )?"
        r"(?:(?P<level>info|notice|warning|error|critical|debug \d+): )?(?P<text>(?:client |zone |network ).*)",
    ),
    marks=r"client (?:@0x[0-9a-f]+ )?[0-9a-fA-F.:]+#\d+|(?:zoneload|general|database): |/IN: |lame-servers|"
    r"managed-keys",
    continues=20,
    says=(
        Says(
            pattern=_CLIENT + r"query: (?P<name>\S+) IN (?P<rrtype>\w+) (?P<flags>\S+)(?: \[?ECS [^)]*\]?)? "
            r"\((?P<server>[0-9a-fA-F.:]+)\)",
            tells=_query,
            silent=True,
        ),
        Says(
            pattern=_CLIENT + r"query failed \((?P<rcode>[^)]+)\) for (?P<name>[^/\s]+)/IN/(?P<rrtype>\w+)",
            tells=_failed,
            silent=True,
        ),
        Says(
            pattern=_CLIENT + r"answer: (?P<name>\S+) IN (?P<rrtype>\w+) (?:\S+ )?\((?P<server>[0-9a-fA-F.:]+)\) "
            r"-> (?P<rcode>[A-Z]+)(?P<records> .*)?$",
            tells=_answer,
            silent=True,
        ),
        Says(
            pattern=r"zone \S+/IN: (?P<name>_xmpp\S*?)/SRV '(?P<target>[^']+)' has no address records",
            tells=_no_address,
            silent=True,
        ),
        Says(pattern=r"zone (?P<name>\S+?)/IN: not loaded due to errors", tells=_not_loaded, silent=True),
    ),
    after=matter,
    samples=(
        Sample(
            line="22-Nov-2026 11:08:11.539 queries: info: client @0x7f7260a9c098 198.51.100.10#59513 "
            "(_xmpp-server._tcp.example.net): query: _xmpp-server._tcp.example.net IN SRV +E(0)K (192.0.2.53)",
            kind="DnsQuery",
        ),
        Sample(
            line="22-Nov-2026 11:08:11.539 query-errors: info: client 198.51.100.10#59513 "
            "(_xmpp-server._tcp.example.net): query failed (SERVFAIL) for _xmpp-server._tcp.example.net/IN/SRV "
            "at query.c:7841",
            kind="DnsAnswer",
        ),
    ),
)
