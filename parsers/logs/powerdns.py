"""The logs of PowerDNS: the recursor's structured form, and the authoritative server's. Knows no other DNS server.

Grammar: the recursor's `structured-logging`, and `log-dns-queries` of the authoritative server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers.logs.lookups import answered, asked, matter
from parsers.logs.table import LogFormat, Sample, Says, Told

_NUMBERS = {"0": "NOERROR", "1": "FORMERR", "2": "SERVFAIL", "3": "NXDOMAIN", "4": "NOTIMP", "5": "REFUSED"}


def _question(match: re.Match[str]) -> Iterator[Told]:
    """A client's question."""
    yield asked(match["name"], match["rrtype"], client=match["client"])


def _answer(match: re.Match[str]) -> Iterator[Told]:
    """What a client was answered, by the number of the code."""
    yield answered(match["name"], match["rrtype"], _NUMBERS.get(match["rcode"], "?"), client=match["client"])


def _wants(match: re.Match[str]) -> Iterator[Told]:
    """A question to the authoritative server, which does not log its answers."""
    yield asked(match["name"], match["rrtype"], client=match["client"], answer_told=False)


FORMAT = LogFormat(
    name="powerdns",
    title="PowerDNS log",
    explanation=(
        "Written by the recursor with `quiet=no`, and by the authoritative server with `log-dns-queries`, which "
        "tells no answers. Records are not printed."
    ),
    reference="https://doc.powerdns.com/recursor/yamlsettings.html",
    headers=(
        r"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )?(?P<text>msg=\".*? ts=\"(?P<time>\d+\.\d+)\".*)",
        r"(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)(?: \S+)? (?:pdns\w*(?:\[\d+\])?: )?(?P<text>Remote .*)",
        r"(?P<text>Remote \S+ wants .*)",
    ),
    marks=r"msg=\"(?:Question|Answer)\"|Remote \S+ wants '",
    says=(
        Says(
            pattern=r"msg=\"Question\".* qname=\"(?P<name>[^\"]+)\" qtype=\"(?P<rrtype>[^\"]+)\" "
            r"remote=\"\[?(?P<client>[0-9a-fA-F.:]+?)\]?:\d+\"",
            tells=_question,
            silent=True,
        ),
        Says(
            pattern=r"msg=\"Answer\".* qname=\"(?P<name>[^\"]+)\" qtype=\"(?P<rrtype>[^\"]+)\" "
            r".*?rcode=\"(?P<rcode>\d+)\".*?remote=\"\[?(?P<client>[0-9a-fA-F.:]+?)\]?:\d+\"",
            tells=_answer,
            silent=True,
        ),
        Says(
            pattern=r"Remote (?P<client>[0-9a-fA-F.:]+) wants '(?P<name>[^|']+)\|(?P<rrtype>\w+)'",
            tells=_wants,
            silent=True,
        ),
    ),
    after=matter,
    samples=(
        Sample(
            line='Jul 09 08:06:11 msg="Question" subsystem="syncres" ts="1720505171.301" mtid="0" proto="udp" '
            'qname="_xmpp-server._tcp.example.net" qtype="SRV" remote="10.0.0.5:58786"',
            kind="DnsQuery",
        ),
    ),
)
