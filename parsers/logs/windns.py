"""The debug log of a Windows DNS server. Knows no other DNS server.

Grammar: the key at the head of each such file ("Message logging key"), Windows Server 2003 to 2025: date and time as
the server's locale writes them, thread, PACKET, number of the packet, transport, direction, the other end's address,
id in hex, `R` for an answer, opcode, flags and code in brackets, type, name in labels. With "Details" the whole
message follows in indented lines. What the server asks others (`Snd` of a question) is nobody's who federates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers.events import DnsRecord
from parsers.logs.lookups import LIMITS, Lookups, answered, asked, record
from parsers.logs.table import LogFormat, Sample, Says, Told
from parsers.names import domain

_TIME = r"[\d/.-]{8,11} \d{1,2}[:.]\d\d[:.]\d\d(?: [AaPp]\.?[Mm]\.?)?"
_LABEL = re.compile(r"\(\d+\)([^()\[\]]*)(?:\[[0-9A-F]{4}\])?")
_COUNT = re.compile(r"\n\s*ACOUNT\s+(\d+)")
_SECTION = re.compile(r"ANSWER SECTION:(.*?)(?:\n\s*AUTHORITY SECTION|\Z)", re.S)
_RECORD = re.compile(
    r"Name\s+\"(?P<name>[^\"]*)\"\s+TYPE\s+(?P<type>\w+)[^\n]*\s+CLASS[^\n]*\s+TTL\s+(?P<ttl>\d{1,10})\s+DLEN[^\n]*"
    r"\s+DATA\s*(?P<data>.*?)(?=\n\s*Offset|\Z)",
    re.S,
)
_DETAILS = (
    r"\s|(?:UDP|TCP) \w+ info at |Message|(?:Socket|Time Query|Buf length|Msg length)\b.*=|Remote addr |XID |Flags "
    r"|(?:QR|OPCODE|AA|TC|RD|RA|Z|CD|AD|RCODE|[A-Z]+COUNT|Offset|Name|Q?TYPE|Q?CLASS|TTL|DLEN|DATA)\b|[A-Z]+ SECTION"
    r"|empty"
)
"""How lines behind a packet begin; what is pasted into mails has lost its indentation."""


def _packet(match: re.Match[str]) -> Iterator[Told]:
    """A question that came in, or an answer that went out."""
    is_answer = match["response"] == "R"
    if is_answer != (match["way"] == "Snd") or match["opcode"] != "Q":
        return
    name = _name(match["name"])
    # Windows Server 2003 does not name the type; of a service nothing else is asked.
    rrtype = match["rrtype"] or ("SRV" if name.startswith("_") else None)
    if rrtype is None:
        return
    client, txid = match["client"], int(match["txid"], 16)
    if not is_answer:
        yield asked(name, rrtype, client=client, txid=txid)
        return
    count = _COUNT.search(match["details"])
    records = [held for held in _records(match["details"]) if held is not None]
    yield answered(
        name,
        rrtype,
        match["code"],
        records,
        client=client,
        txid=txid,
        authoritative="A" in match["flags"],
        truncated="T" in match["flags"],
        records_told=count is not None and int(count[1]) == len(records),
    )


def _records(details: str) -> Iterator[DnsRecord | None]:
    """The records of an answer that is printed whole."""
    section = _SECTION.search(details)
    for found in _RECORD.finditer(section[1]) if section else ():
        data = found["data"]
        if "(" in data:
            numbers, _, labels = data.partition("(")
            data = " ".join([*re.findall(r"\b\d+\b", numbers), _name("(" + labels)])
        yield record(_name(found["name"]), found["type"], data, found["ttl"])


def _name(labels: str) -> str:
    """`(7)example(3)net(0)` → `example.net`; pointers of compression stand in brackets and are written out behind."""
    return ".".join(label for label in _LABEL.findall(labels) if label)


class _Lookups(Lookups):
    """Names stand in labels."""

    def might(self, match: re.Match[str], at_ns: int) -> bool:
        """What goes out as an answer, about whatever name, shows that answers are logged."""
        self._answers_told = self._answers_told or (match["way"] == "Snd" and match["response"] == "R")
        return super().might(match, at_ns)

    def _named(self, text: str) -> str:
        return domain(_name(text))


FORMAT = LogFormat(
    name="windns",
    title="Windows DNS debug log",
    explanation=(
        "Written with debug logging of packets: questions and answers, received and sent.\n"
        "Its dates follow the server's locale: which of two numbers is the day is found in each file, else assumed "
        "and said.\n"
        'Records are printed only with "Details", so that an answer without any looks like one with some;\n'
        "the server's own address is not told." + LIMITS
    ),
    reference="https://learn.microsoft.com/en-us/windows-server/networking/dns/dns-logging-and-diagnostics",
    headers=(
        rf"(?P<time>{_TIME}) (?P<text>[0-9A-Fa-f]{{3,8}} +[A-Za-z]+:? .*)",
        rf"(?P<text>DNS Server log file creation at|Log file wrap at) (?P<time>{_TIME})(?: \w+)?\.?",
    ),
    marks=r" [0-9A-Fa-f]{3,8} PACKET +(?:[0-9A-Fa-f]{8,16} )?(?:UDP|TCP) (?:Rcv|Snd) |Message logging key \(for ",
    continues=400,
    continuation=r"Message logging key|" + _DETAILS,
    joined=True,
    date_orders=True,
    says=(
        Says(
            pattern=r"[0-9A-Fa-f]+ PACKET +(?:[0-9A-Fa-f]+ )?(?:UDP|TCP) (?P<way>Rcv|Snd) (?P<client>[0-9a-fA-F.:%]+) +"
            r"(?P<txid>[0-9a-f]{4}) (?P<response>[R ]) (?P<opcode>[A-Z?]) "
            r"\[[0-9a-f]{4} (?P<flags>[A-Z ]{0,6}) (?P<code>[A-Z]+)\] +(?P<rrtype>[A-Z]\w*)? *"
            r"(?P<name>\(\d+\)[^\n]*)(?P<details>.*)",
            tells=_packet,
            silent=True,
        ),
    ),
    after=_Lookups,
    samples=(
        Sample(
            line="4/21/2017 7:52:03 AM 06B0 PACKET  00000000028657F0 UDP Rcv 10.2.0.1        6590   Q "
            "[0001   D   NOERROR] SRV    (12)_xmpp-server(4)_tcp(7)example(3)net(0)",
            kind="DnsQuery",
        ),
        Sample(
            line="21/04/2017 07:52:03 06B0 PACKET  00000000028657F0 UDP Snd 10.2.0.1        6590 R Q "
            "[8381   DR NXDOMAIN] SRV    (12)_xmpp-server(4)_tcp(7)example(3)net(0)",
            kind="DnsAnswer",
        ),
    ),
)
