"""The logs of BIND named: queries, errors of queries, responses, zones as they load; and those of appliances on it.

Grammar: lib/ns/query.c (`log_query`, `log_queryerror`, `log_response`, "denied"), lib/dns/zone.c,
lib/isc/log.c (`print-time`, `print-category`, `print-severity`, each optional), BIND 9.8 to 9.20.
EfficientIP and Infoblox add the answer with its records. What named asks other servers is not told as lookups:
a server that fails is followed by the next, and what came of it stands in query-errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from parsers.events import DnsRecord, Topic
from parsers.logs.lookups import LIMITS, RCODES, Lookups, answered, asked, flow, record
from parsers.logs.table import LogFormat, Sample, Says, Told
from parsers.names import SERVER_SERVICE

_TIME = r"\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?:\.\d+)?"
_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
_SYSLOG = rf"[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d|{_ISO}"
_CATEGORY = (
    r"(?:client|cname|config|database|default|delegation-only|dispatch|dnssec|dnstap|edns-disabled|general|"
    r"lame-servers|network|notify|nsid|queries|query-errors|rate-limit|resolver|responses|rpz|rpz-passthru|security|"
    r"serve-stale|spill|sslkeylog|trust-anchor-telemetry|unmatched|update|update-security|xfer-in|xfer-out|zoneload): "
)
_LEVEL = r"(?P<level>critical|error|warning|notice|info|debug \d+|dynamic): "
_BARE = (
    r"client (?:@0x[0-9a-f]+ )?[0-9a-fA-F.:]+#\d|zone [^\s/]+/(?:IN|CH|HS)|transfer of '|view \S+: |validating |"
    r"rpz: |managed-keys-zone|(?:[a-zA-Z ]+) resolving '|success resolving '|List Matched "
)
"""How messages begin that stand without a prefix, as far as they are known for named's."""

_IP = r"[0-9a-fA-F.:]+(?:%\w+)?"
_CLIENT = (
    rf"client (?:@0x[0-9a-f]+ )?(?P<client>{_IP})#(?P<port>\d{{1,5}})(?: \([^)\s]*\))?: (?:view [^:\s]+: )?"
    r"(?:(?P<proto>UDP|TCP): )?"
)
_QUESTION = r"(?P<name>\S+) IN (?P<rrtype>[\w-]+)"
_RECORD = re.compile(
    r"(?:(?P<name>\S+\.) )?(?P<ttl>\d{1,10}) (?:IN )?(?:(?P<srv>SRV) (?P<where>\d+ \d+ \d+ [^\s;]+)"
    r"|(?P<type>A|AAAA|CNAME) (?P<data>[^\s;]+))"
)


def _query(match: re.Match[str]) -> Iterator[Told]:
    """A question. What came of it this category never tells."""
    flags = match["flags"] or ""
    fields = {"tag": _tag(match), "answer_told": False, "checking_disabled": "C" in flags}
    if match["server"]:
        fields["flow"] = flow(match["client"], match["port"], match["server"], "tcp" if "T" in flags else "udp")
    yield asked(match["name"], match["rrtype"], client=match["client"], **fields)


def _failed(match: re.Match[str]) -> Iterator[Told]:
    """A question that failed: what is no response code itself is told to the client as SERVFAIL."""
    rcode = match["why"] if match["why"] in RCODES else "SERVFAIL"
    yield answered(match["name"], match["rrtype"], rcode, client=match["client"], tag=_tag(match))


def _denied(match: re.Match[str]) -> Iterator[Told]:
    """A question that the server's settings forbid to this client."""
    yield answered(match["name"], match["rrtype"], "REFUSED", client=match["client"], tag=_tag(match))


def _response(match: re.Match[str]) -> Iterator[Told]:
    """An answer of which the code and the number of records are told (BIND 9.20, `responselog`)."""
    told = match["rcode"] != "NOERROR" or match["count"] == "0"
    yield answered(
        match["name"], match["rrtype"], match["rcode"], client=match["client"], tag=_tag(match), records_told=told
    )


def _answer(match: re.Match[str]) -> Iterator[Told]:
    """An appliance's line of an answer, with its records."""
    text = match["records"] or ""
    records = tuple(_records(match["name"], text))
    fields = {"tag": _tag(match), "records_told": bool(records) or not text.strip(" +-AETDCSKV()0123456789")}
    if server := match.groupdict().get("server"):
        fields["flow"] = flow(match["client"], match["port"], server).reverse
    yield answered(match["name"], match["rrtype"], match["rcode"], records, client=match["client"], **fields)


def _records(owner: str, text: str) -> Iterable[DnsRecord]:
    """The records of an answer; who leaves out their owner means the question's name, or the alias before."""
    for found in _RECORD.finditer(text):
        held = record(
            found["name"] or owner, found["type"] or found["srv"], found["data"] or found["where"], found["ttl"]
        )
        if held is not None:
            owner = held.data if held.rrtype == "CNAME" else owner
            yield held


def _tag(match: re.Match[str]) -> str:
    """The client's end: it holds together what is told of a question."""
    return f"{match['client']}#{match['port']}"


FORMAT = LogFormat(
    name="bind",
    title="BIND named log",
    explanation=(
        "Written by named's channels: `queries`, `query-errors`, `responses`, `zoneload`, `general` and the others.\n"
        "The query log tells who asked whom for what, and never what came of it, so that silence proves nothing;\n"
        "only failures are told, in query-errors, and from 9.20 on codes and numbers of records, in responses.\n"
        "Appliances of EfficientIP and Infoblox print records as well. The server's own port is not told: 53 stands "
        "for it." + LIMITS
    ),
    reference="https://bind9.readthedocs.io/en/stable/reference.html#the-category-phrase",
    headers=(
        rf"(?P<time>{_TIME}) (?:{_CATEGORY})?(?:{_LEVEL})?(?P<text>.*)",
        rf"(?P<time>{_SYSLOG}) (?:\S+ )?named(?:\[\d+\])?: (?:{_CATEGORY})?(?:{_LEVEL})?(?P<text>.*)",
        rf"(?:(?P<time>{_ISO}) )?(?:\d+:)?{_CATEGORY}(?:{_LEVEL})?(?P<text>.*)",
        rf"(?:(?P<time>{_ISO}) )?(?:\d+:)?(?:{_LEVEL})?(?P<text>(?:{_BARE}).*)",
        r"(?:named(?:\[\d+\])?: )(?P<text>.*)",
        # A message that is printed at the highest debug levels, line for line without a prefix.
        r"(?P<text>;.*|\S+\.\s+(?:\d+\s+)?(?:IN|CH|ANY|NONE)\s+[A-Z]+\b.*)",
    ),
    marks=(
        r"client (?:@0x[0-9a-f]+ )?[0-9a-fA-F.:]+#\d+.*(?:: (?:query|answer|response)|query failed|' denied)"
        r"|(?:zoneload|general|database|resolver|lame-servers|query-errors|xfer-in|xfer-out): (?:info|error|notice|"
        r"warning|debug)|\bzone [^\s/]+/(?:IN|CH): | resolving '[^']+'|named\[\d+\]: "
    ),
    leads=(_CLIENT,),
    says=(
        Says(
            pattern=_CLIENT + r"query: " + _QUESTION + rf"(?: (?P<flags>[+-]\S*))?(?: \((?P<server>{_IP})\))?(?: \[|$)",
            tells=_query,
            silent=True,
        ),
        Says(
            pattern=_CLIENT + r"query failed \((?P<why>[^)]+)\) for (?P<name>[^/\s]+)/IN/(?P<rrtype>[\w-]+)",
            tells=_failed,
            silent=True,
        ),
        Says(
            pattern=_CLIENT + r"query (?:\(cache\) )?'(?P<name>[^/\s']+)/(?P<rrtype>[\w-]+)/IN' denied",
            tells=_denied,
            silent=True,
        ),
        Says(
            pattern=_CLIENT + r"response: " + _QUESTION + r" (?P<rcode>[A-Z]+)(?: (?P<count>\d+) \d+ \d+)?",
            tells=_response,
            silent=True,
        ),
        Says(
            pattern=_CLIENT
            + r"answer: "
            + _QUESTION
            + rf"(?: [+-]\S*)?(?: \((?P<server>{_IP})\))? -> (?P<rcode>[A-Z]+)(?P<records>.*)",
            tells=_answer,
            silent=True,
        ),
        Says(
            pattern=_CLIENT + r"query: " + _QUESTION + r" response: (?P<rcode>[A-Z]+)(?P<records>.*)",
            tells=_answer,
            silent=True,
        ),
        Says(
            pattern=rf"zone \S+: {SERVER_SERVICE}\._\w+\.(?P<to_domain>[^/\s]+)/SRV "
            r"(?P<reason>'[^']+' has no address records)",
            topic=Topic.RESOLVE_FAILED,
            condition="no-address",
        ),
        Says(
            pattern=r"zone (?P<to_domain>[^/\s]+)/IN(?:/[^\s:]+)?: "
            r"(?P<reason>not loaded due to errors|loading from (?:master|primary|zone) file .* failed: .*|expired\b)",
            topic=Topic.RESOLVE_FAILED,
            condition="servfail",
        ),
        Says(
            pattern=r"(?P<reason>broken trust chain) resolving "
            rf"'{SERVER_SERVICE}\._\w+\.(?P<to_domain>[^/\s']+)/SRV/IN'",
            topic=Topic.RESOLVE_FAILED,
            condition="dnssec-bogus",
        ),
    ),
    after=Lookups,
    samples=(
        Sample(
            line="22-Nov-2026 11:08:11.539 queries: info: client @0x7f7260a9c098 198.51.100.10#59513 "
            "(_xmpp-server._tcp.example.net): query: _xmpp-server._tcp.example.net IN SRV +E(0)K (192.0.2.53)",
            kind="DnsQuery",
        ),
        Sample(
            line="22-Nov-2026 11:08:11.539 query-errors: info: client 198.51.100.10#59513 "
            "(_xmpp-server._tcp.example.net): query failed (zone not loaded) for _xmpp-server._tcp.example.net/IN/SRV "
            "at query.c:5713",
            kind="DnsAnswer",
        ),
        Sample(
            line="client 192.0.2.7#61806 (example.net): answer: _xmpp-server._tcp.example.net IN SRV (192.0.2.53) "
            "-> NOERROR 300 SRV 5 0 5269 xmpp.example.net.",
            kind="DnsAnswer",
        ),
        Sample(
            line="22-Nov-2026 10:31:44.887 general: error: zone example.net/IN: _xmpp-server._tcp.example.net/SRV "
            "'gone.example.net' has no address records (A or AAAA)",
            topic=Topic.RESOLVE_FAILED,
            condition="no-address",
        ),
        Sample(
            line="Nov 22 10:31:44 ns1 named[812]: zone example.net/IN: not loaded due to errors.",
            topic=Topic.RESOLVE_FAILED,
            condition="servfail",
        ),
    ),
)
