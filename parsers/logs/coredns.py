"""The log of CoreDNS: its plugins `log` and `errors`. Knows no other DNS server.

Grammar: plugin/log/README.md (the common format: client, id, question, code, flags, size, duration) and
plugin/errors/errors.go; before 1.2 the line held its own time. A line is written when the answer is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers.logs.lookups import LIMITS, Lookups, answered
from parsers.logs.table import LogFormat, Sample, Says, Told

_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d))?"
_LEVEL = r"\[(?P<level>INFO|ERROR|WARNING|DEBUG|FATAL|PANIC)\]"


def _line(match: re.Match[str]) -> Iterator[Told]:
    """A question that was answered; when it was asked is not told, only for how long the answer took."""
    flags = match["flags"].split(",")
    yield answered(
        match["name"],
        match["rrtype"],
        match["rcode"],
        client=match["client"],
        txid=int(match["txid"]),
        authoritative="aa" in flags,
        truncated="tc" in flags,
    )


def _error(match: re.Match[str]) -> Iterator[Told]:
    """A question that failed; whose it was is not told."""
    yield answered(match["name"], match["rrtype"], "SERVFAIL")


FORMAT = LogFormat(
    name="coredns",
    title="CoreDNS log",
    explanation=(
        "Written by the plugin `log` of CoreDNS when an answer was sent, as a rule without a time of its own, and by "
        "`errors`, which names no client.\n"
        "Records are not printed, only the size of the answer, so that one without any looks like one with some;\n"
        "a question that was never answered leaves no line, and the server's own address is not told." + LIMITS
    ),
    reference="https://coredns.io/plugins/log/",
    headers=(
        rf"(?:\[pod/\S+\] )?(?:(?P<time>{_TIME}) (?:\S+ \S+\[\d+\]: )?)?{_LEVEL} (?P<text>.*)",
        r"(?P<text>\S+:\d+ - \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] .*)",
        # What it prints when it starts: zones with their ports, version, and what it was built with.
        r"(?P<text>\S*\.:\d+|CoreDNS-\d.*|linux/\w+, go\S+, \w*|[a-z]+/[a-z]+\d*, go\d.*|\.:\d+)",
    ),
    marks=r"\[INFO\] \[?[0-9a-fA-F.:]+\]?:\d+ - \d+ \"|\[\w+\] plugin/\w+: |CoreDNS-\d|:\d+ - \[[^\]]+\] \d+ \"",
    says=(
        Says(
            pattern=r"\[?(?P<client>[0-9a-fA-F.:]+?)\]?:(?:\d+) - (?:\[[^\]]+\] )?(?P<txid>\d{1,5}) "
            r"\"(?P<rrtype>[\w-]+) IN (?P<name>\S+) (?:udp|tcp|tls|https|grpc|quic)\b[^\"]*\" (?P<rcode>[A-Z]+) "
            r"(?P<flags>\S+)",
            tells=_line,
            silent=True,
        ),
        Says(
            pattern=r"plugin/errors: 2 (?P<name>\S+) (?P<rrtype>[A-Z0-9]+): ",
            tells=_error,
            silent=True,
        ),
    ),
    after=Lookups,
    samples=(
        Sample(
            line='[INFO] 10.0.0.5:38093 - 59961 "SRV IN _xmpp-server._tcp.example.net. udp 44 false 512" NXDOMAIN '
            "qr,ra 44 0.08s",
            kind="DnsAnswer",
        ),
        Sample(
            line="[ERROR] plugin/errors: 2 _xmpp-server._tcp.example.net. SRV: read udp 10.0.0.7:40153->192.0.2.53:53: "
            "i/o timeout",
            kind="DnsAnswer",
        ),
    ),
)
