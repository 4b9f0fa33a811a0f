"""The log of CoreDNS' plugin `log`. Knows no other DNS server.

Grammar: plugin/log/README.md, the common format: client, id, question, code, flags, size, duration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers.logs.lookups import answered, asked, matter
from parsers.logs.table import LogFormat, Sample, Says, Told


def _line(match: re.Match[str]) -> Iterator[Told]:
    """A question and its answer stand in one line."""
    client, txid = match["client"], int(match["txid"])
    yield asked(match["name"], match["rrtype"], client=client, txid=txid)
    truncated = "tc" in match["flags"].split(",")
    yield answered(match["name"], match["rrtype"], match["rcode"], client=client, txid=txid, truncated=truncated)


FORMAT = LogFormat(
    name="coredns",
    title="CoreDNS log",
    explanation=(
        "Written by the plugin `log` of CoreDNS, as a rule without a time of its own. Records are not printed, only "
        "the size of the answer."
    ),
    reference="https://coredns.io/plugins/log/",
    headers=(
        r"(?P<time>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?) .*?"
        r"\[(?P<level>INFO|ERROR|WARNING|DEBUG)\] (?P<text>.*)",
        r"\[(?P<level>INFO|ERROR|WARNING|DEBUG)\] (?P<text>.*)",
    ),
    marks=r"\[INFO\] \[?[0-9a-fA-F.:]+\]?:\d+ - \d+ \"|plugin/\w+: ",
    says=(
        Says(
            pattern=r"\[?(?P<client>[0-9a-fA-F.:]+?)\]?:(?P<port>\d+) - (?P<txid>\d{1,5}) "
            r"\"(?P<rrtype>\w+) \w+ (?P<name>\S+) (?P<proto>udp|tcp) [^\"]*\" (?P<rcode>[A-Z]+) (?P<flags>\S+)",
            tells=_line,
            silent=True,
        ),
    ),
    after=matter,
    samples=(
        Sample(
            line='[INFO] 10.0.0.5:38093 - 59961 "SRV IN _xmpp-server._tcp.example.net. udp 44 false 512" NXDOMAIN '
            "qr,ra 44 0.08s",
            kind="DnsQuery",
        ),
    ),
)
