"""What Linux' packet filter logs: iptables' LOG target and nftables' `log`, in the kernel's or ulogd's log.

A rule's own words stand before `IN=`; whether the packet passed they tell, or nobody.
Grammar: nf_log_ipv4.c and nf_log_ipv6.c. Knows no translation: the filter logs a packet as it comes by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from parsers.events import FirewallLog, Flow
from parsers.logs.passing import DNS_MAX, Passing
from parsers.logs.table import LogFormat, Sample, Says, Told
from parsers.logs.words import address

_DENIED = re.compile(r"deny|denied|drop|reject|block", re.I)
_RESET = re.compile(r"reset|rst", re.I)
"""A packet of a connection that stands, or the SYN of a new one, that is answered by a reset."""
_FLAGS = ("SYN", "ACK", "FIN", "RST", "PSH", "URG")


def _packet(match: re.Match[str]) -> Iterator[Told]:
    """One packet of TCP or UDP."""
    tail = match["tail"].split()
    prefix = (match["prefix"] or "").strip(" :-")
    flow = Flow(
        src_ip=address(match["src"]),
        src_port=int(match["sport"]),
        dst_ip=address(match["dst"]),
        dst_port=int(match["dport"]),
        proto="udp" if match["proto"] == "UDP" else "tcp",
    )
    flags = [flag for flag in _FLAGS if flag in tail]
    yield (
        FirewallLog,
        {
            "action": "deny" if _DENIED.search(prefix) else "teardown" if _RESET.search(prefix) else "other",
            "message_id": "netfilter",
            "real": flow,
            "interfaces": tuple(name for name in (match["inside"], match["outside"]) if name),
            "rule": prefix or None,
            "reason": prefix or None,
            "flags": " ".join(flags) or None,
            "text": f"{prefix} {match['proto']} {' '.join(flags)}".strip(),
        },
    )


FORMAT = LogFormat(
    name="netfilter",
    title="Linux iptables or nftables log",
    explanation=(
        "Written by a rule with LOG or `log prefix`, to the kernel's log or by ulogd. Only packets that such a rule "
        "sees are logged, before or after translation as its hook has it; whether they passed the prefix alone tells. "
        f"Of these only packets on federation ports are told (--port names further ones), and the first {DNS_MAX:,} of "
        "DNS."
    ),
    reference="https://wiki.nftables.org/wiki-nftables/index.php/Logging_traffic",
    headers=(
        r"(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) \S+ (?:kernel: )?(?:\[ *[\d.]+\] ?)?(?P<text>.*?\bIN=.*)",
        r"(?:kernel: )?(?:\[ *[\d.]+\] ?)?(?P<text>.*?\bIN=\S* OUT=.*)",
    ),
    marks=r"\bIN=\S* OUT=\S* .*SRC=",
    says=(
        Says(
            pattern=(
                r"(?P<prefix>.{0,120}?)\s*IN=(?P<inside>\S*) OUT=(?P<outside>\S*) .{0,200}?"
                r"SRC=(?P<src>\S+) DST=(?P<dst>\S+) .{0,200}?"
                r"PROTO=(?P<proto>TCP|UDP) SPT=(?P<sport>\d{1,5}) DPT=(?P<dport>\d{1,5})(?P<tail>.*)"
            ),
            tells=_packet,
            silent=True,
        ),
    ),
    after=partial(Passing, ("sport", "dport")),
    samples=(
        Sample(
            line="Nov 22 11:08:11 fw DENY-IN  IN=outside OUT=inside MAC=02:00:00:00:00:01 SRC=198.51.100.20 "
            "DST=10.0.0.5 LEN=60 TOS=00 PREC=0x00 TTL=62 ID=24983 DF PROTO=TCP SPT=55690 DPT=5269 SEQ=1 ACK=0 "
            "WINDOW=64240 SYN URGP=0",
            kind="FirewallLog",
        ),
    ),
)
