"""The log of Tigase. Knows no other server.

Grammar: LogFormatter.java, and the classes of tigase.server.xmppserver. Most of what it says of federation is at FINE,
which is not written by default.
"""

from __future__ import annotations

from parsers.events import Topic
from parsers.logs.table import LogFormat, Sample, Says

_CID = r"[\w.$]*\(\): "
_PAIR = r"(?P<from_domain>[^\s@]+)@(?P<to_domain>[^\s,\]]+)"
"""A connection's id: our domain, then the peer's (CID.java)."""

FORMAT = LogFormat(
    name="tigase",
    title="Tigase log",
    explanation=(
        "Written by Tigase (`tigase-console.log`, `tigase.log.0`). What it says of federation is mostly at levels that "
        "are not written by default, so that silence proves nothing."
    ),
    reference="https://github.com/tigase/tigase-server/tree/master/src/main/java/tigase/server/xmppserver",
    headers=(
        r"\[(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[:.]\d{3})\] \[(?P<level>\w+) *\] \[[^\]]*\] (?P<text>.*)",
        r"\[(?P<level>SEVERE|WARNING|INFO|CONFIG|FINE|FINER|FINEST) *\] \[[^\]]*\] (?P<text>.*)",
    ),
    marks=r"\[(?:SEVERE|WARNING|INFO|CONFIG|FINE|FINER|FINEST) *\] \[ *[\w.-]+ *\] [\w$]+\.\w+\(\):",
    continues=200,
    says=(
        Says(
            pattern=_CID + r"DNS misconfiguration for domain: (?P<to_domain>[^\s,]+), for: ",
            topic=Topic.RESOLVE_FAILED,
            condition="no-address",
            outgoing=True,
        ),
        Says(
            pattern=_CID + r"(?:Remote host not found: |Unknown host for domain: )(?P<to_domain>[^\s,]+)",
            topic=Topic.RESOLVE_FAILED,
            condition="nxdomain",
            outgoing=True,
        ),
        Says(
            pattern=_CID + r"Invalid result for DB authentication: " + _PAIR,
            topic=Topic.AUTH_FAILED,
            condition="dialback-invalid",
            outgoing=True,
            sent=False,
        ),
        Says(
            pattern=_CID + r"Received result with type valid for .* but it was not requested",
            topic=Topic.AUTH_FAILED,
            condition="dialback-stray",
            sent=False,
        ),
        Says(
            pattern=_CID + r"Connection not authenticated within timeout, stopping",
            topic=Topic.AUTH_FAILED,
            condition="dialback-timeout",
        ),
        Says(
            pattern=_CID + r"(?:All authentication methods failed|No more authenticators for outgoing connections)",
            topic=Topic.AUTH_FAILED,
            condition="no-mechanism",
        ),
        Says(
            pattern=_CID + r"Certificate name doesn't match to '(?P<to_domain>[^']+)'",
            topic=Topic.TLS_FAILED,
            condition="certificate-name",
            sent=True,
        ),
        Says(
            pattern=_CID + r"Certificate is not trusted",
            topic=Topic.TLS_FAILED,
            condition="certificate-untrusted",
            sent=True,
        ),
        Says(
            pattern=_CID + r"Not a local host for cid: " + r"(?P<to_domain>[^\s@]+)@(?P<from_domain>\S+)",
            topic=Topic.REFUSED,
            condition="host-unknown",
            outgoing=False,
            sent=True,
        ),
    ),
    levels={"SEVERE": "error", "WARNING": "warn", "INFO": "info", "CONFIG": "info", "FINE": "debug", "FINEST": "debug"},
    samples=(
        Sample(
            line="[2020-01-02 03:04:05:678] [CONFIG  ] [   in_1-s2s ] S2SConnManTask.run(): "
            "Remote host not found: example.net",
            topic=Topic.RESOLVE_FAILED,
            condition="nxdomain",
        ),
    ),
)
