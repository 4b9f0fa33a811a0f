"""The log of Vines, a server in Ruby. It quotes stanzas with the ends that they went between. Knows no other server.

Grammar: Ruby's Logger, and lib/vines/log.rb.
"""

from __future__ import annotations

from parsers.logs.table import LogFormat, Sample, Says

FORMAT = LogFormat(
    name="vines",
    title="Vines log",
    explanation=(
        "Written by Vines, a server in Ruby that is no longer kept. It logs the ends of a conversation and quotes XML "
        "in the lines below; who was authenticated it does not say."
    ),
    reference="https://github.com/negativecode/vines",
    headers=(r"[DIWEF], \[(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+) #\d+\] +(?P<level>\w+) -- : (?P<text>.*)",),
    marks=r"(?:Sent|Received) stanza: |\] +\w+ -- : ",
    continues=100,
    says=(Says(pattern=r"(?:Sent|Received) stanza:"),),
    samples=(
        Sample(
            line="D, [2015-09-08T11:24:38.600755 #25286] DEBUG -- : Sent stanza: 10.0.2.15:5280 -> 10.0.2.2:39992",
            kind="Said",
        ),
    ),
)
