"""The log of dnsmasq, and of Pi-hole, which is built on it. Knows no other DNS server.

Grammar: src/cache.c, `log_query`; `log-queries=extra` puts a serial and the client's end before the message, and only
with it an error is known to be the answer of which question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers.logs.lookups import answered, asked, matter, record
from parsers.logs.table import LogFormat, Sample, Says, Told

_EXTRA = r"(?:(?P<tag>\d+) [0-9a-fA-F.:]+/\d+ )?"
_EMPTY = {"NODATA": None, "NODATA-IPv4": "A", "NODATA-IPv6": "AAAA"}


def _query(match: re.Match[str]) -> Iterator[Told]:
    """A client's question."""
    yield asked(match["name"], match["rrtype"], client=match["client"])


def _reply(match: re.Match[str]) -> Iterator[Told]:
    """An answer, or one record of it; of SRV and others only that they came."""
    name, value = match["name"], match["value"]
    if value == "NXDOMAIN":
        for rrtype in ("SRV",) if name.startswith("_") else ("A", "AAAA"):
            yield answered(name, rrtype, "NXDOMAIN")
    elif value in _EMPTY:
        rrtype = _EMPTY[value] or ("SRV" if name.startswith("_") else "A")
        yield answered(name, rrtype, "NOERROR", records_told=True)
    elif value.startswith("<"):
        rrtype = value.strip("<>")
        if rrtype != "CNAME":
            yield answered(name, rrtype, "NOERROR")
    else:
        rrtype = "AAAA" if ":" in value else "A"
        held = record(name, rrtype, value)
        yield answered(name, rrtype, "NOERROR", (held,) if held is not None else ())


def _failed(match: re.Match[str]) -> Iterator[Told]:
    """A failure, which names no question: its serial number does."""
    yield answered("", "", match["rcode"])


FORMAT = LogFormat(
    name="dnsmasq",
    title="dnsmasq or Pi-hole log",
    explanation=(
        "Written with `log-queries`, best with `log-queries=extra`. It does not print SRV records, only that some "
        "came, and of an error it names the question only with `extra`."
    ),
    reference="https://thekelleys.org.uk/dnsmasq/docs/dnsmasq-man.html",
    headers=(
        r"(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)(?: \S+)? dnsmasq(?:-\w+)?\[\d+\]: (?P<text>.*)",
        r"dnsmasq(?:-\w+)?(?:\[\d+\])?: (?P<text>.*)",
    ),
    marks=r"dnsmasq(?:-\w+)?\[\d+\]: ",
    says=(
        Says(
            pattern=_EXTRA + r"query\[(?P<rrtype>[^\]]+)\] (?P<name>\S+) from (?P<client>\S+)",
            tells=_query,
            silent=True,
        ),
        Says(
            pattern=_EXTRA
            + r"(?:reply|cached|config|cached-stale|/\S+|DHCP) (?P<name>(?!error )\S+) is (?P<value>\S+)",
            tells=_reply,
            silent=True,
        ),
        Says(pattern=r"(?P<tag>\d+) [0-9a-fA-F.:]+/\d+ reply error is (?P<rcode>[A-Z]+)", tells=_failed, silent=True),
    ),
    after=matter,
    samples=(
        Sample(
            line="Nov 22 11:08:11 dnsmasq[16]: 1 10.0.0.5/23305 query[SRV] _xmpp-server._tcp.example.net from 10.0.0.5",
            kind="DnsQuery",
        ),
        Sample(
            line="Nov 22 11:08:11 dnsmasq[16]: 1 10.0.0.5/23305 reply _xmpp-server._tcp.example.net is <SRV>",
            kind="DnsAnswer",
        ),
    ),
)
