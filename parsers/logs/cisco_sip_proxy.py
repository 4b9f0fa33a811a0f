"""The SIP proxy's log of Cisco CUPS and IM&P (`esp*.log`). It tells nothing of XMPP federation.

It is read because it lies in the same folders, and because some of its lines have the date that its neighbours lack.
"""

from __future__ import annotations

from parsers.events import Topic
from parsers.logs.table import LogFormat, Sample

FORMAT = LogFormat(
    name="cisco_sip_proxy",
    title="Cisco CUPS or IM&P SIP proxy log",
    explanation=(
        "Written to /var/log/active/epas/trace/esp/sdi. Federation by SIP is its matter, so that its lines are only "
        "counted; some of them have a date."
    ),
    reference="https://www.cisco.com/c/en/us/td/docs/voice_ip_comm/cucm/im_presence/intradomain_federation/12_5_1/index.html",
    headers=(
        r"\s*\d{1,2}:\d\d:\d\d\.\d{3} \|(?P<time>[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d \d{4})\] (?P<text>.*)",
        r"\s*(?P<time>\d{1,2}:\d\d:\d\d\.\d{3}) \|P?ID\(\d+\) (?P<text>.*)",
    ),
    marks=r"\|(?:[A-Z][a-z]{2} [^|]*\] )?P?ID\(\d+\) \w+\.c\(\d+\)",
    says=(),
    continues=400,
    samples=(
        Sample(
            line="22:26:18.719 |Mon Mar 07 22:26:18 2011] PID(25333) mod_sip_routing.c(1435) Routing: dipping",
            topic=Topic.OTHER,
        ),
    ),
)
