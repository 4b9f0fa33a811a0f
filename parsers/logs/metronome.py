"""Metronome's log: the layout and most of the messages of Prosody 0.9, from which it grew, and some of its own.

Does not know it from Prosody where no line names the program or has a message of its own.
"""

from __future__ import annotations

from parsers.events import Topic
from parsers.logs.mod_s2s import CLIENT_TAGS, HEADERS, INCOMING_TAGS, OUTGOING_TAGS, SAYS
from parsers.logs.mod_s2s_reasons import REASONS
from parsers.logs.table import LogFormat, Sample, Says

_OWN = (
    # mod_dialback.lua
    Says(
        pattern=r"shortcircuiting (?P<from_domain>\S+) dialback request, as it presented a valid certificate",
        topic=Topic.AUTHED,
        condition="external",
        sent=True,
        outgoing=False,
    ),
    Says(
        pattern=r"SASL EXTERNAL for (?P<from_domain>\S+) failed and stream is not multiplexed",
        topic=Topic.AUTH_FAILED,
        condition="external-fallback",
        outgoing=False,
    ),
    Says(
        pattern=r"SASL EXTERNAL failed and no dialback available|Remote server doesn't offer any mean of \(known\)",
        topic=Topic.AUTH_FAILED,
        condition="no-mechanism",
        outgoing=True,
    ),
    Says(
        pattern=r"Failed to open an outgoing verification stream to (?P<from_domain>\S+) \(id: (?P<stream_id>[^)]*)\)",
        topic=Topic.AUTH_FAILED,
        condition="callback-failed",
        outgoing=False,
    ),
    Says(
        pattern=r"sending dialback error \((?P<reason>[^)]*)\) to (?P<from_domain>[^\s.]\S*?)\.\.\.",
        topic=Topic.AUTH_FAILED,
        condition="dialback-error",
        sent=True,
        outgoing=False,
        reasoned=False,
    ),
    Says(
        pattern=r"dialback verification only stream, closing gracefully",
        topic=Topic.CLOSED,
        condition="verified-only",
        sent=True,
    ),
    # The peer wants TLS and this server has none.
    Says(
        pattern=r"Remote server mandates to encrypt streams but TLS is not available", topic=Topic.TLS_FAILED, sent=True
    ),
    # mod_s2s.lua
    Says(
        pattern=r"Closing outgoing connection to (?P<to_domain>\S+)",
        topic=Topic.CLOSED,
        condition="closed",
        sent=True,
        outgoing=True,
    ),
    Says(
        pattern=r"Closing incoming connection from (?P<from_domain>\S+)",
        topic=Topic.CLOSED,
        condition="closed",
        sent=True,
        outgoing=False,
    ),
)
_MARKS = (
    r"[Mm]etronome|: shortcircuiting \S+ dialback request|dialback verification only stream"
    r"|mean of \(known\) authentication|beginning gathering of Direct TLS SRV|checking \w+ streams for inactivity"
)

FORMAT = LogFormat(
    name="metronome",
    title="Metronome log",
    explanation=(
        "What Metronome writes by its `log` option, in local time without a year. Lua tracebacks follow in lines of "
        "their own. At the level info it tells results only, at debug also DNS and the opening tags of elements."
    ),
    reference="https://github.com/maranda/metronome",
    headers=HEADERS,
    says=(*_OWN, *SAYS),
    reasons=REASONS,
    marks=_MARKS,
    outgoing_tags=OUTGOING_TAGS,
    incoming_tags=INCOMING_TAGS,
    client_tags=CLIENT_TAGS,
    continues=64,
    samples=(
        Sample(
            line="Oct 17 08:45:30 general\tinfo\tHello and welcome to Metronome version 3.14",
            topic=Topic.OTHER,
        ),
        Sample(
            line="Oct 17 08:45:31 s2sin1a2b3c0\tinfo\tincoming s2s connection example.net->example.com complete",
            topic=Topic.AUTHED,
        ),
        Sample(
            line="Oct 17 08:45:32 s2sout1a2b3c1\tdebug\tdialback verification only stream, closing gracefully",
            topic=Topic.CLOSED,
            condition="verified-only",
        ),
    ),
)
