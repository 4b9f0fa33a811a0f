"""What Linux' connection tracking tells: `conntrack -E -o timestamp`, `conntrack -L`, `/proc/net/nf_conntrack`.

Each connection stands there twice, as it was asked for and as answers come: where the two differ, it is translated.
Grammar: nf_conntrack_standalone.c. Knows no rule, and so no refusal: what was dropped is not tracked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from parsers.events import FirewallLog, Flow
from parsers.logs.passing import DNS_MAX, Passing
from parsers.logs.table import LogFormat, Sample, Says, Told
from parsers.logs.words import address

_TUPLE = r"src=(?P<{0}src>\S+) dst=(?P<{0}dst>\S+) sport=(?P<{0}sport>\d{{1,5}}) dport=(?P<{0}dport>\d{{1,5}})"
_ACTIONS = {"NEW": "built", "DESTROY": "teardown"}


def _connection(match: re.Match[str]) -> Iterator[Told]:
    """A connection as its owners know it, and as the side that is behind a translation sees it.

    The inside end is where answers come from or go to: of a translated server the reply's source, of a translated
    client the request's.
    """
    proto = match["proto"]
    asked = Flow(
        src_ip=address(match["src"]),
        src_port=int(match["sport"]),
        dst_ip=address(match["dst"]),
        dst_port=int(match["dport"]),
        proto="udp" if proto == "udp" else "tcp",
    )
    answered = Flow(
        src_ip=address(match["rsrc"]),
        src_port=int(match["rsport"]),
        dst_ip=address(match["rdst"]),
        dst_port=int(match["rdport"]),
        proto=asked.proto,
    )
    real = Flow(
        src_ip=asked.src_ip,
        src_port=asked.src_port,
        dst_ip=answered.src_ip,
        dst_port=answered.src_port,
        proto=asked.proto,
    )
    mapped = Flow(
        src_ip=answered.dst_ip,
        src_port=answered.dst_port,
        dst_ip=asked.dst_ip,
        dst_port=asked.dst_port,
        proto=asked.proto,
    )
    state = match["state"] or ""
    yield (
        FirewallLog,
        {
            "action": _ACTIONS.get(match["event"] or "", "other"),
            "message_id": "conntrack",
            "real": real,
            "mapped": mapped,
            "reason": state or None,
            "text": f"{match['event'] or ''} {state}{' unreplied' if match['unreplied'] else ''}".strip(),
        },
    )


FORMAT = LogFormat(
    name="conntrack",
    title="Linux connection tracking",
    explanation=(
        "Written by `conntrack -E -o timestamp`, or printed by `conntrack -L` and `/proc/net/nf_conntrack`. It tells "
        "which connections passed and what their ends were translated to; of what a rule dropped it tells nothing. "
        f"Only connections on federation ports are told (--port names further ones), and the first {DNS_MAX:,} of DNS."
    ),
    reference="https://conntrack-tools.netfilter.org/manual.html",
    headers=(
        r"\[(?P<time>\d{9,10}\.\d+)\]\s+(?P<text>\[\w+\] .*)",
        r"(?P<text>(?:\[\w+\] )?(?:ipv[46]\s+\d+ )?(?:tcp|udp|icmp\w*|sctp|unknown)\s+\d+ .*src=.*)",
    ),
    marks=r"\b(?:src|dst)=\S+ .*(?:src|dst)=\S+ sport=",
    says=(
        Says(
            pattern=(
                r"(?:\[(?P<event>NEW|DESTROY)\] )?(?:ipv[46]\s+\d+ )?(?P<proto>tcp|udp)\s+\d+ (?:\d+ )?"
                r"(?P<state>[A-Z_]+)? ?"
                + _TUPLE.format("")
                + r"(?: packets=\d+ bytes=\d+)? (?P<unreplied>\[UNREPLIED\] )?"
                + _TUPLE.format("r")
            ),
            tells=_connection,
            silent=True,
        ),
    ),
    after=partial(Passing, ("sport", "dport", "rsport", "rdport")),
    samples=(
        Sample(
            line="[1795345691.562100]\t    [NEW] tcp      6 120 SYN_SENT src=198.51.100.20 dst=203.0.113.5 sport=55690 "
            "dport=5269 [UNREPLIED] src=10.0.0.5 dst=198.51.100.20 sport=5269 dport=55690",
            kind="FirewallLog",
        ),
    ),
)
