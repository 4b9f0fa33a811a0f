"""The logs of PowerDNS: the recursor, structured or not, and the authoritative server. Knows no other DNS server.

Grammar: pdns_recursor.cc and syncres.cc ("question for", "answer to question"; `msg="Question"`, `msg="Answer"` with
`structured-logging`, 4.6 and later), and nameserver.cc with tcpreceiver.cc of the authoritative server
("Remote … wants", `log-dns-queries`), 3.x to 5.x. A structured line's own `ts` counts, not the time before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers.logs.lookups import LIMITS, RCODES, Lookups, answered, asked
from parsers.logs.table import LogFormat, Sample, Says, Told

_TIME = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
_PROGRAM = r"(?:pdns\w*|pdns-recursor|powerdns)(?:\[\d+\])?: "
_END = r"(?P<client>\[[0-9a-fA-F.:]+\]|\d+(?:\.\d+){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]+)(?::\d+)?"
"""An address, and its port where one is told: with it IPv6 stands in brackets."""
_PAIRS = r"(?:[\w-]+=\"[^\"]*\" )*?"
"""Keys and values of a structured line that are passed over; each pair can be read in one way only."""
_NUMBERS = {number: word for word, number in RCODES.items()}


def _structured(match: re.Match[str]) -> Iterator[Told]:
    """A question of the recursor's; of one that its packet cache answers no answer is told."""
    yield asked(match["name"], match["rrtype"], client=match["client"], answer_told=match["msg"] == "Question")


def _structured_answer(match: re.Match[str]) -> Iterator[Told]:
    """What a client was answered."""
    yield _answer(match["name"], match["rrtype"], match["rcode"], match["count"], client=match["client"])


def _question(match: re.Match[str]) -> Iterator[Told]:
    """A client's question; thread and task name what is told of it."""
    yield asked(match["name"], match["rrtype"], client=match["client"], tag=_tag(match))


def _answered(match: re.Match[str]) -> Iterator[Told]:
    """What the question of this thread and task was answered."""
    yield _answer(match["name"], match["rrtype"], match["rcode"], match["count"], tag=_tag(match))


def _wants(match: re.Match[str]) -> Iterator[Told]:
    """A question to the authoritative server, which does not log its answers."""
    yield asked(match["name"], match["rrtype"], client=match["client"], answer_told=False)


def _answer(name: str, rrtype: str, rcode: str, count: str, client: str | None = None, tag: str | None = None) -> Told:
    """An answer of which the code is told as a number, and how many records it has."""
    word = _NUMBERS.get(int(rcode), "") if rcode.isdecimal() else ""
    return answered(name, rrtype, word, client=client, tag=tag, records_told=count == "0")


def _tag(match: re.Match[str]) -> str:
    return f"{match['thread'] or ''}/{match['task']}"


FORMAT = LogFormat(
    name="powerdns",
    title="PowerDNS log",
    explanation=(
        "Written by the recursor with `quiet=no`, and by the authoritative server with `log-dns-queries`.\n"
        "Records are not printed, only how many the recursor answered; what its packet cache answered is not told "
        "at all, and the authoritative server tells no answers, so that silence proves nothing there." + LIMITS
    ),
    reference="https://doc.powerdns.com/recursor/settings.html#quiet",
    headers=(
        rf"(?:(?:{_TIME}) )?(?:\S+ {_PROGRAM})?"
        rf"(?P<text>msg=\"[^\"]*\" {_PAIRS}ts=\"(?P<time>\d{{9,10}}(?:\.\d+)?)\".*)",
        rf"(?P<time>{_TIME}) (?:\S+ )?{_PROGRAM}(?P<text>.*)",
        rf"(?P<time>{_TIME}) (?P<text>(?!\S+ [\w./-]+(?:\[\d+\])?: |\S+\[\d+\]: ).*)",
        r"(?P<text>(?:Remote \S+ wants |msg=\"|(?:\d+ )?(?:\[\d+(?:/\d+)?\] )?(?:question for|answer to question|"
        r"question answered from)).*)",
    ),
    marks=(
        r"msg=\"(?:Question|Answer)\".* qname=|Remote \S+ wants '[^']*\|\w+'|pdns_(?:server|recursor)(?:\[\d+\])?: "
        r"|\] (?:question for|answer to question) '[^']*\|\w+'"
    ),
    says=(
        Says(
            pattern=rf"msg=\"(?P<msg>Question|Question answered from packet cache)\" {_PAIRS}"
            rf"qname=\"(?P<name>[^\"]+)\" qtype=\"(?P<rrtype>[^\"]+)\" {_PAIRS}remote=\"{_END}\"",
            tells=_structured,
            silent=True,
        ),
        Says(
            pattern=rf"msg=\"Answer\" {_PAIRS}answers=\"(?P<count>\d+)\" {_PAIRS}qname=\"(?P<name>[^\"]+)\" "
            rf"qtype=\"(?P<rrtype>[^\"]+)\" rcode=\"(?P<rcode>\d+)\" {_PAIRS}remote=\"{_END}\"",
            tells=_structured_answer,
            silent=True,
        ),
        Says(
            pattern=rf"msg=\"Received (?:TCP )?query\" {_PAIRS}remote=\"{_END}\" query=\"(?P<name>[^\"]+)\" "
            r"type=\"(?P<rrtype>[^\"]+)\"",
            tells=_wants,
            silent=True,
        ),
        Says(
            pattern=r"(?:(?P<thread>\d+) )?\[(?P<task>\d+)(?:/\d+)?\] (?:TCP )?question for "
            rf"'(?P<name>[^|']+)\|(?P<rrtype>\w+)' from {_END}(?: |$)",
            tells=_question,
            silent=True,
        ),
        Says(
            pattern=r"(?:(?P<thread>\d+) )?\[(?P<task>\d+)(?:/\d+)?\] answer to (?:TCP )?question "
            r"'(?P<name>[^|']+)\|(?P<rrtype>\w+)': (?P<count>\d+) answers, .*\brcode=(?P<rcode>\d+)",
            tells=_answered,
            silent=True,
        ),
        Says(
            pattern=r"(?:TCP )?Remote (?P<client>[0-9a-fA-F.:]+)(?:<-\S+)? wants "
            r"'(?P<name>[^|']+)\|(?P<rrtype>\w+)'",
            tells=_wants,
            silent=True,
        ),
    ),
    after=Lookups,
    samples=(
        Sample(
            line='Jul 09 08:06:11 msg="Question" subsystem="syncres" ts="1720505171.301" mtid="0" proto="udp" '
            'qname="_xmpp-server._tcp.example.net" qtype="SRV" remote="10.0.0.5:58786"',
            kind="DnsQuery",
        ),
        Sample(
            line="Dec 15 06:52:09 ns pdns_recursor[10861]: 3 [1418626328/2] question for "
            "'_xmpp-server._tcp.example.net|SRV' from 10.0.0.5:55002",
            kind="DnsQuery",
        ),
        Sample(
            line="Dec 15 06:52:09 ns pdns_server[773]: Remote 192.0.2.1 wants '_xmpp-server._tcp.example.net|SRV', "
            "do = 0, bufsize = 512: packetcache MISS",
            kind="DnsQuery",
        ),
    ),
)
