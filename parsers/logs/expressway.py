"""The log of Cisco Expressway, of which the XCP component does federation. What it says stands in `xcp_messages`.

Knows the header of Expressway's lines, and no other module's messages.
"""

from __future__ import annotations

from parsers.events import Topic
from parsers.logs.table import LogFormat, Sample, Says
from parsers.logs.xcp_messages import XCP

_TIME = r"UTCTime= ?\"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3})\""

_DETAIL = r"Detail= ?[\"“](?P<text>.*(?=[\"”]\s*$)|.*\S|)[\"”]?\s*"
"""It ends at the last quotation mark, which is looked for from the end of the line."""
_XCP = r"(?:.*? )?XCP_\w+\[\d+\]:\s*"

FORMAT = LogFormat(
    name="expressway",
    title="Cisco Expressway log",
    explanation=(
        "The diagnostic log of an Expressway or VCS: `XCP_CM2` is its federation, its clock is UTC by name. At the "
        "usual level INFO it logs what it sends, and what it receives only at VBOSE: a packet that is not in the log "
        "may well have come."
    ),
    reference="https://www.cisco.com/c/en/us/support/docs/unified-communications/expressway/213865.html",
    headers=(
        # The zone is in the name of the field.
        _XCP + _TIME + r".*? Level= ?\"(?P<level>\w+) *\".*?" + _DETAIL,
        # Documents leave the time out.
        _XCP + r".*? ?Level= ?\"(?P<level>\w+) *\".*?" + _DETAIL,
        r"(?:.*? )?[\w-]+(?:\[\d+\])?: .*?" + _TIME + r"(?P<text>.*)",
    ),
    zone="UTC",
    marks=r"XCP_\w+\[\d+\]|Module=\"(?:Jabber|XMPPFederation|network\.\w+|developer\.\w+)",
    says=(
        *XCP,
        # Without this the Expressway cannot write its node into IM&P, and outgoing federation is absent (213865).
        Says(pattern=r".*executeSQLQuery.*Status=\"401\"", condition="edge-axl-failed"),
    ),
    levels={"VBOSE": "debug", "ERROR": "error", "INFO": "info", "DEBUG": "debug"},
    samples=(
        Sample(
            line='exp1 XCP_CM2[5164]: UTCTime="2018-03-25 17:19:45,847" ThreadID="1" Module="Jabber" '
            'Level="INFO " CodeLocation="stream.in" Detail="xcoder=94A9B60C8 closing stream used for dialback only"',
            topic=Topic.CLOSED,
            condition="verified-only",
        ),
        Sample(
            line='exp1 XCP_JABBERD[23843]: UTCTime="2018-03-25 17:19:45,847" ThreadID="1" Level="ERROR" CodeLocation='
            '"mio.c:1121" Detail=" Unable to connect to host \'10.0.0.7\', port 7400 :(111) Connection refused"',
            topic=Topic.CONNECT_FAILED,
            condition="refused",
        ),
    ),
)
