"""The logs of jabberd2: its s2s component, and c2s, sm, router and resolver, which tell little of federation.

Grammar: s2s/in.c, s2s/out.c, s2s/db.c and util/log.c, 2.x. A number in brackets is the file descriptor of a connection,
which is used again when it was closed. A route is written LOCAL/REMOTE whichever way it goes. Knows no other server.
"""

from __future__ import annotations

from parsers.events import Topic
from parsers.logs.table import LogFormat, Reason, Sample, Says

_TIME = r"(?P<time>[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})"
_FD = r"\[(?P<tag>\d+)\] \[(?P<peer_ip>[^\], ]+), port=(?P<peer_port>\d+)\] "
_OUT = r"'(?P<from_domain>[^'/]+)/(?P<to_domain>[^']+)'"
_IN = r"'(?P<to_domain>[^'/]+)/(?P<from_domain>[^']+)'"

FORMAT = LogFormat(
    name="jabberd2",
    title="jabberd2 log",
    explanation=(
        "Written by jabberd2's components, to files or to syslog. The s2s component names routes, the peer's address "
        "and port, and ids of incoming streams; one text stands for NXDOMAIN, SERVFAIL and an SRV target of `.` alike."
    ),
    reference="https://github.com/jabberd2/jabberd2/tree/master/s2s",
    headers=(
        _TIME + r" \[(?P<level>\w+)\] (?P<text>.*)",
        # Debug: with a place in the source, and by the stream library without a time.
        _TIME + r" [\w.]+\.c:\d+ (?P<text>.*)",
        r"sx \([\w.]+:\d+\) (?P<text>.*)",
        # In syslog the header is the relay's.
        r"(?P<text>\[\d+\] \[[^\]]+, port=\d+\] .*|dns lookup for \S+ .*|\[[^\]]+, port=\d+\] .*)",
    ),
    marks=(
        r"\[\d+\] \[[^\]]+, port=\d+\]|jabberd/\w+\[\d+\]|^sx \(|jabberd-router"
        r"|\[notice\] (?:starting up|ready for)|to router"
    ),
    # SQL and XML of several lines.
    continues=100,
    leads=(_FD,),
    says=(
        Says(pattern=_FD + r"incoming connection", topic=Topic.CONNECTED, outgoing=False),
        Says(
            pattern=_FD + r"incoming stream online \(id (?P<stream_id>[^)]+)\)", topic=Topic.CONNECTED, outgoing=False
        ),
        Says(pattern=_FD + r"received dialback auth request for route " + _IN, topic=Topic.CONNECTED, outgoing=False),
        Says(pattern=_FD + r"outgoing connection for '(?P<to_domain>[^']+)'", topic=Topic.CONNECTING, outgoing=True),
        Says(pattern=_FD + r"sending dialback auth request for route " + _OUT, topic=Topic.CONNECTED, outgoing=True),
        Says(
            pattern=_FD + r"outgoing route " + _OUT + r" is now valid",
            topic=Topic.AUTHED,
            condition="dialback",
            outgoing=True,
            sent=False,
        ),
        Says(
            pattern=_FD + r"incoming route " + _IN + r" is now valid",
            topic=Topic.AUTHED,
            condition="dialback",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=_FD + r"outgoing route " + _OUT + r" is now invalid",
            topic=Topic.AUTH_FAILED,
            condition="dialback-invalid",
            outgoing=True,
            sent=False,
        ),
        Says(
            pattern=_FD + r"incoming route " + _IN + r" is now invalid",
            topic=Topic.AUTH_FAILED,
            condition="dialback-invalid",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=_FD + r"checking dialback verification from (?P<from_domain>\S+?): sending invalid",
            topic=Topic.AUTH_FAILED,
            condition="dialback-imposter",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=_FD + r"dialback for outgoing route " + _OUT + r" timed out",
            topic=Topic.AUTH_FAILED,
            condition="dialback-timeout",
            outgoing=True,
        ),
        Says(
            pattern=_FD + r"dialback for incoming route " + _IN + r" timed out",
            topic=Topic.AUTH_FAILED,
            condition="callback-timeout",
            outgoing=False,
        ),
        Says(
            pattern=_FD + r"dialback verify request timed out",
            topic=Topic.AUTH_FAILED,
            condition="callback-timeout",
            outgoing=True,
        ),
        Says(
            pattern=_FD + r"connection to (?P<to_domain>\S+) timed out",
            topic=Topic.CONNECT_FAILED,
            condition="timeout",
            outgoing=True,
        ),
        Says(
            pattern=r"connection to (?P<to_domain>\S+) timed out",
            topic=Topic.CONNECT_FAILED,
            condition="timeout",
            outgoing=True,
        ),
        Says(
            pattern=_FD + r"(?:\[(?:local|origin): [^\]]*\] )?(?:write|read|mio_connect) error: (?P<reason>.+)",
            topic=Topic.CLOSED,
            condition="reset",
        ),
        Says(pattern=_FD + r"unable to connect host", topic=Topic.CONNECT_FAILED, outgoing=True),
        Says(
            pattern=_FD + r"error: Stream error \((?P<xml><stream:error.*)\)",
            topic=Topic.CLOSED,
            sent=False,
        ),
        Says(
            pattern=_FD + r"error: XML parse error \((?P<reason>[^)]*)",
            topic=Topic.CLOSED,
            condition="not-well-formed",
            sent=True,
        ),
        Says(
            pattern=_FD + r"(?:stream initiation timed out|no dialback started)",
            topic=Topic.CLOSED,
            condition="connection-timeout",
            sent=True,
        ),
        Says(pattern=_FD + r"idle timeout", topic=Topic.CLOSED, condition="idle"),
        Says(pattern=_FD + r"(?:disconnect|closing connection)", topic=Topic.CLOSED, condition="closed"),
        Says(
            pattern=r"dns lookup for (?P<to_domain>\S+) timed out",
            topic=Topic.RESOLVE_FAILED,
            condition="dns-timeout",
            outgoing=True,
        ),
        Says(pattern=r"dns lookup for (?P<to_domain>\S+) failed", topic=Topic.RESOLVE_FAILED, outgoing=True),
        Says(
            pattern=r"idna dns \w+ for (?P<to_domain>\S+) failed",
            topic=Topic.RESOLVE_FAILED,
            condition="not-idna",
            outgoing=True,
        ),
        Says(
            pattern=r"received a packet not from a whitelisted domain (?P<from_domain>[^\s,]+)",
            topic=Topic.REFUSED,
            condition="policy-violation",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=r"sending a packet to domain not in the whitelist (?P<to_domain>[^\s,]+)",
            topic=Topic.REFUSED,
            condition="policy-violation",
            outgoing=True,
            sent=True,
        ),
        Says(pattern=r"unable to establish encrypted session with peer", topic=Topic.TLS_FAILED, condition="handshake"),
        Says(pattern=r"\[[^\]]+, port=5269\] listening for connections", condition="listening"),
        Says(pattern=r"\[[^\]]+, port=5269\] failed to listen", condition="not-listening"),
    ),
    reasons=(
        Reason(pattern=r"Connection refused", topic=Topic.CONNECT_FAILED, condition="refused"),
        Reason(pattern=r"timed out", topic=Topic.CONNECT_FAILED, condition="timeout"),
        Reason(pattern=r"unreachable|No route", topic=Topic.CONNECT_FAILED, condition="unreachable"),
    ),
    samples=(
        Sample(
            line="Sun Nov 22 11:00:45 2026 [notice] [9] [203.0.113.5, port=5269] outgoing route "
            "'example.com/example.net' is now valid TLS",
            topic=Topic.AUTHED,
            condition="dialback",
        ),
        Sample(
            line="Sep  9 18:30:05 host jabberd/s2s[8570]: [67] [198.51.100.7, port=5269] "
            "outgoing connection for 'example.net'",
            topic=Topic.CONNECTING,
        ),
        Sample(
            line="Sun Nov 22 10:33:03 2026 [notice] [11] [198.51.100.20, port=5269] "
            "write error: Connection refused (111)",
            topic=Topic.CONNECT_FAILED,
            condition="refused",
        ),
    ),
)
