"""The XCP logs of Cisco CUPS and IM&P: federation connection managers, router, other connection managers.

What the federation component says stands in `xcp_messages`. Lines have a time of day, and neither date nor zone.
Source: Partitioned Intradomain Federation guide 12.5, sample logs. No line of `xmpp-cm-4_*.log` itself is public: that
it speaks as the same component does in Expressway, behind these headers, is inferred.
"""

from __future__ import annotations

from parsers.events import Topic
from parsers.logs.table import LogFormat, Sample
from parsers.logs.xcp_messages import XCP

FORMAT = LogFormat(
    name="cisco_xcp",
    title="Cisco CUPS or IM&P XCP log",
    explanation=(
        "Written to /var/log/active/epas/trace/xcp/log: `xmpp-cm-4_*.log` is the XMPP federation connection manager, "
        "`rtr-jsm-1*` the router. Lines have a time of day only. At the usual level what is received is not logged, so "
        "that a packet which is not in the log may well have come."
    ),
    reference="https://www.cisco.com/c/en/us/td/docs/voice_ip_comm/cucm/im_presence/interdomain_federation/12_5_1/index.html",
    headers=(
        r"(?P<time>\d{1,2}:\d\d:\d\d\.\d{3}) \|(?P<level>debug|info|notice|warn(?:ing)?|error|vbose) \S+ (?P<text>.*)",
        r"(?:\d{1,2}:)?(?P<time>\d{1,2}:\d\d:\d\d\.\d{3}) \|[\w.]+:\d+:? (?P<text>.*)",
        # The beginning of a line lost its hour when the log was cut.
        r"\d\d:\d\d\.\d{3} \|[\w.]+:\d+: (?P<text>.*)",
    ),
    marks=r"\.\d{3} \|(?:(?:debug|info|vbose|error|warn) )?(?:[A-Za-z]\w*\.c(?:pp)?:\d+|[\w-]+\.\w+ )",
    says=XCP,
    continues=200,
    samples=(
        Sample(
            line="17:19:45.847 |info stream.in xcoder=94A9B60C8 closing stream used for dialback only",
            topic=Topic.CLOSED,
            condition="verified-only",
        ),
        Sample(
            line="17:19:45.847 |Resolver.cpp:128: Starting resolver lookup for "
            "'example.net:puny=example.net:service=_xmpp-server._tcp:defport=0'",
            kind="DnsQuery",
        ),
    ),
)
