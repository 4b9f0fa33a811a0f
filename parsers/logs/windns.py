"""The debug log of a Windows DNS server. Knows no other DNS server.

Grammar: "DNS Logging and Diagnostics" (Microsoft): date and time as the server's locale writes them, thread, PACKET,
direction, the other end's address, id in hex, `R` for an answer, flags and code in brackets, type, name in labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers.logs.lookups import answered, asked, matter
from parsers.logs.table import LogFormat, Sample, Says, Told

_LABEL = re.compile(r"\(\d+\)([^()]*)")


def _packet(match: re.Match[str]) -> Iterator[Told]:
    """A question that came in, or an answer that went out; what the server asks others belongs to nobody's attempt."""
    is_answer = match["response"] == "R"
    if is_answer != (match["way"] == "Snd"):
        return
    name = ".".join(label for label in _LABEL.findall(match["labels"]) if label)
    client, txid = match["client"], int(match["txid"], 16)
    if is_answer:
        owner = "A" in match["flags"]
        yield answered(name, match["rrtype"], match["rcode"], client=client, txid=txid, authoritative=owner)
    else:
        yield asked(name, match["rrtype"], client=client, txid=txid)


FORMAT = LogFormat(
    name="windns",
    title="Windows DNS debug log",
    explanation=(
        "Written with debug logging of packets. Its dates follow the server's locale: which of two numbers is the "
        "day is found in each file, or assumed and said. Records are printed only with details, which are passed "
        "over."
    ),
    reference="https://learn.microsoft.com/en-us/windows-server/networking/dns/dns-logging-and-diagnostics",
    headers=(
        r"(?P<time>[\d/.-]{8,10} \d{1,2}:\d\d:\d\d(?: [AP]M)?) (?P<text>[0-9A-F]{3,5} PACKET .*)",
        r"(?P<time>[\d/.-]{8,10} \d{1,2}:\d\d:\d\d(?: [AP]M)?) (?P<text>[0-9A-F]{3,5} (?:EVENT|Note:|DSPOLL) .*)",
    ),
    marks=r" [0-9A-F]{3,5} PACKET +[0-9A-F]{8,16} (?:UDP|TCP) ",
    continues=200,
    says=(
        Says(
            pattern=r"[0-9A-F]+ PACKET +[0-9A-F]+ (?P<proto>UDP|TCP) (?P<way>Rcv|Snd) (?P<client>[0-9a-fA-F.:]+) +"
            r"(?P<txid>[0-9a-f]{4}) (?P<response>[R ]) (?P<opcode>\w) "
            r"\[[0-9a-f]{4} (?P<flags>[A-Z ]{0,6}) (?P<rcode>[A-Z]+)\] (?P<rrtype>\w+) +(?P<labels>\(\d+\).*)",
            tells=_packet,
            silent=True,
        ),
    ),
    after=matter,
    samples=(
        Sample(
            line="4/21/2017 7:52:03 AM 06B0 PACKET  00000000028657F0 UDP Rcv 10.2.0.1        6590   Q "
            "[0001   D   NOERROR] SRV    (12)_xmpp-server(4)_tcp(7)example(3)net(0)",
            kind="DnsQuery",
        ),
    ),
)
