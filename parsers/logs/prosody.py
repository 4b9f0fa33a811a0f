"""Prosody's log, 0.9 to 13: its file, standard output, syslog, and the containers of Snikket and others.

Does not know other timestamps than dates that a clock of logs reads, and seconds since 1970.
"""

from __future__ import annotations

from parsers.events import Topic
from parsers.logs.mod_s2s import CLIENT_TAGS, HEADERS, INCOMING_TAGS, MARKS, OUTGOING_TAGS, SAYS
from parsers.logs.mod_s2s_reasons import REASONS
from parsers.logs.table import LogFormat, Sample

FORMAT = LogFormat(
    name="prosody",
    title="Prosody log",
    explanation=(
        "What Prosody and Snikket write by the `log` option, in local time, without a year unless `timestamps` says. "
        "At the level info it tells results only; at debug also DNS, connections and the opening tags of all elements, "
        "and with mod_stanza_debug the whole elements."
    ),
    reference="https://prosody.im/doc/logging",
    headers=HEADERS,
    says=SAYS,
    reasons=REASONS,
    marks=MARKS,
    foreign=r"[Mm]etronome",
    outgoing_tags=OUTGOING_TAGS,
    incoming_tags=INCOMING_TAGS,
    client_tags=CLIENT_TAGS,
    continues=64,
    samples=(
        Sample(
            line="Nov 22 11:00:43 s2sout55ea380e31e0\tinfo\tOutgoing s2s connection cupdomain.com->gmail.com complete",
            topic=Topic.AUTHED,
        ),
        Sample(
            line="Nov 22 11:05:38 s2sout55e8e1653280\tinfo\tSession closed by remote with error: host-unknown",
            topic=Topic.REFUSED,
            condition="host-unknown",
        ),
        Sample(
            line="2026-11-22 11:05:21 s2sout55d6ba115600    warn    Forbidding insecure connection to/from gmail.com "
            "because its certificate is not valid for this name",
            topic=Topic.TLS_FAILED,
            condition="certificate-name",
        ),
        Sample(
            line="1795345685 mod_s2s                            info        sending error replies for 1 queued stanzas "
            "because of failed outgoing connection to example.net",
            topic=Topic.OTHER,
            condition="bounced",
        ),
        Sample(
            line="Nov 22 11:04:27 example prosody[176]: s2sin55de5760daa0: Asked to verify a dialback key that was "
            "incorrect. An imposter is claiming to be cupdomain.com?",
            topic=Topic.AUTH_FAILED,
            condition="dialback-imposter",
        ),
        Sample(
            line="2026-11-22 11:01:21 unbound.query3YxK_72KKQa-\tdebug\tResults for _xmpp-server._tcp.gmail.com IN "
            "SRV: NXDomain (Insecure, 0.003534 sec)",
            kind="DnsAnswer",
        ),
        Sample(
            line="2026-11-22 11:00:43 s2sin55ea38327b40\tdebug\tRECV: <presence from='jdoe1@gmail.com' "
            "type='subscribed' to='cupuser1@cupdomain.com'/>",
            kind="Stanza",
        ),
    ),
)
