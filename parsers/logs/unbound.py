"""The log of Unbound. Knows no other DNS server.

Grammar: util/log.c for the prefix, util/data/msgreply.c for `log-queries` and `log-replies`, services/mesh.c for
`log-servfail`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers.logs.lookups import answered, asked, matter
from parsers.logs.table import LogFormat, Sample, Says, Told

_NAME = r"(?P<name>\S+?)\.? (?P<rrtype>[A-Z0-9]+) (?:IN|CH)"


def _query(match: re.Match[str]) -> Iterator[Told]:
    """A client's question."""
    yield asked(match["name"], match["rrtype"], client=match["client"])


def _reply(match: re.Match[str]) -> Iterator[Told]:
    """What a client was answered."""
    yield answered(match["name"], match["rrtype"], match["rcode"], client=match["client"])


def _failed(match: re.Match[str]) -> Iterator[Told]:
    """A question that could not be resolved; whose it was is not told."""
    yield answered(match["name"], match["rrtype"], "SERVFAIL")


FORMAT = LogFormat(
    name="unbound",
    title="Unbound log",
    explanation=(
        "Written with `log-queries` and `log-replies`; `log-servfail` gives reasons. Records are not printed, only "
        "how many bytes the answer had."
    ),
    reference="https://unbound.docs.nlnetlabs.nl/en/latest/manpages/unbound.conf.html",
    headers=(
        r"\[(?P<time>\d{9,10})\] unbound\[[0-9a-f]+:[0-9a-f]+\] (?P<level>\w+): (?P<text>.*)",
        r"(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)(?: \S+)? "
        r"unbound(?:\[[0-9a-f:]+\])?:? (?:\[[0-9a-f]+:[0-9a-f]+\] )?(?P<level>\w+): (?P<text>.*)",
        r"\[[0-9a-f]+:[0-9a-f]+\] (?P<level>info|notice|error|debug|warning|query|reply|fatal error): (?P<text>.*)",
    ),
    marks=r"unbound(?:\[[0-9a-f:]+\])?:? ",
    continues=20,
    says=(
        Says(
            pattern=r"(?P<client>[0-9a-fA-F.:]+) "
            + _NAME
            + r" (?P<rcode>[A-Z]+) (?P<took>[\d.]+) (?P<cached>\d) (?P<size>\d+)\s*$",
            tells=_reply,
            silent=True,
        ),
        Says(pattern=r"(?P<client>[0-9a-fA-F.:]+) " + _NAME + r"\s*$", tells=_query, silent=True),
        Says(pattern=r"SERVFAIL <" + _NAME + r">: ", tells=_failed, silent=True),
    ),
    after=matter,
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
    ),
)
