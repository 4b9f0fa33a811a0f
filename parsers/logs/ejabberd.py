"""The log of ejabberd, and of MongooseIM, which has its old words. Knows no other server.

Grammar: ejabberd_s2s_in.erl, ejabberd_s2s_out.erl, mod_s2s_dialback.erl and ejabberd_listener.erl, 2.1 to 24, and
`format_error` of xmpp_stream_out.erl, which words the reasons.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers.events import STREAM_CONDITIONS, Topic
from parsers.logs.fragments import quoted
from parsers.logs.table import LogFormat, Reason, Sample, Says, Told

_PID = r"\s*(?:(?:[DIWEC]\(|\((?:tcp|tls|ws|http)[\w+]*\||\(#PID|\()(?P<tag><[\d.]+>)(?::[\w:]+)?\) (?:: )?)?"
"""Before a message: the process, as 2.1 writes it, as sockets are written, as Elixir writes it."""
_PAIR = r"(?P<from_domain>.+?) -> (?P<to_domain>\S+?)"
_ADDRESS = r"(?: \((?P<peer_ip>[0-9a-fA-F:.]+|[^()\s]+)\))?"
_IP = r"\[?(?P<peer_ip>(?:::ffff:|::FFFF:)?\d+\.\d+\.\d+\.\d+|[0-9a-fA-F]*:[0-9a-fA-F:.]+)\]?"

_HEADER = re.compile(r"(.*?<stream:stream\b[^>]*>)(.*)", re.S)
_ENDS = frozenset({"connection-timeout", "conflict", "reset", "system-shutdown"})
"""Conditions of streams that end; the others refuse."""


def _element(match: re.Match[str]) -> Iterator[Told]:
    """The element that an Erlang string holds, with who sent it."""
    text = match["element"].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
    # A header and what came in the same packet are quoted in one piece.
    header = _HEADER.match(text)
    for part in header.groups() if header else (text,):
        for kind, fields in quoted(part):
            yield kind, {**fields, "sent": match["way"] == "Send"}


_CERTIFICATES = (
    (r"certificate has expired|certificate expired", "certificate-expired"),
    (r"not yet valid", "certificate-future"),
    (r"host name mismatch|not valid for this name|hostname|doesn't match", "certificate-name"),
    (r"self.?signed", "certificate-self-signed"),
    (r"local issuer|issuer certificate|verify the first certificate", "certificate-chain"),
    (r"unsupported certificate purpose", "certificate-purpose"),
    (r"revoked", "certificate-revoked"),
    (r"not trusted|untrusted|unknown ca", "certificate-untrusted"),
)
"""What is wrong with a certificate, in OpenSSL's words and in Prosody's."""

_PEER, _OURS = False, True
_KNOWN: tuple[tuple[str, Topic, str | None, bool | None], ...] = (
    (r"DNS lookup failed: (?:non-existing domain|nxdomain)", Topic.RESOLVE_FAILED, "nxdomain", None),
    (r"DNS lookup failed: (?:no data available|nodata)", Topic.RESOLVE_FAILED, "nodata", None),
    (r"DNS lookup failed: (?:timed out|timeout)", Topic.RESOLVE_FAILED, "dns-timeout", None),
    (r"DNS lookup failed: enoname", Topic.RESOLVE_FAILED, "no-address", None),
    (r"DNS lookup failed: .*refused", Topic.RESOLVE_FAILED, "dns-refused", None),
    # "resource temporarily unavailable" is a failing server, and in 23.01 a target of "." as well.
    (r"DNS lookup failed", Topic.RESOLVE_FAILED, None, None),
    (r"IDN hostname", Topic.RESOLVE_FAILED, "not-idna", None),
    *((rf"Stream closed by peer: .*certificate.*(?:{t})", Topic.TLS_FAILED, c, _PEER) for t, c in _CERTIFICATES),
    *((rf"(?:certificate rejected|TLS failed): .*(?:{t})", Topic.TLS_FAILED, c, _OURS) for t, c in _CERTIFICATES),
    (r"Peer certificate rejected", Topic.TLS_FAILED, "certificate-invalid", _OURS),
    (r"Use of STARTTLS required", Topic.TLS_FAILED, "not-offered", None),
    (r"TLS failed: .*(?:unsupported protocol|protocol version|wrong version)", Topic.TLS_FAILED, "version", None),
    (r"TLS failed: .*(?:no shared cipher|handshake failure)", Topic.TLS_FAILED, "cipher", None),
    # Asked for STARTTLS, it has none to offer: it answers `<failure/>`.
    (r"TLS failed: starttls_unsupported", Topic.TLS_FAILED, "refused", _OURS),
    (r"TLS failed", Topic.TLS_FAILED, "handshake", None),
    (r"Peer doesn't support STARTTLS", Topic.TLS_FAILED, "not-offered", _OURS),
    (
        r"(?:responded with error|Verification failed): .*invalid dialback key",
        Topic.AUTH_FAILED,
        "dialback-invalid",
        None,
    ),
    (r"responded with error: not-authorized", Topic.AUTH_FAILED, "not-authorized", _PEER),
    (r"Access denied by service policy|\(forbidden\)|: forbidden", Topic.REFUSED, "forbidden", None),
    (r"item-not-found", Topic.REFUSED, "item-not-found", None),
    (r"responded with error", Topic.AUTH_FAILED, "dialback-error", _PEER),
    (r"remote-server-timeout", Topic.AUTH_FAILED, "callback-timeout", None),
    (r"Verification failed|remote-server-not-found", Topic.AUTH_FAILED, "callback-failed", None),
    *(
        (rf"Stream closed by (?:{who}): (?:.*\()?{c}\)?$", Topic.CLOSED if c in _ENDS else Topic.REFUSED, c, sent)
        for who, sent in (("peer", _PEER), ("us|local host", _OURS))
        for c in sorted(STREAM_CONDITIONS)
    ),
    (r"Stream closed by", Topic.CLOSED, None, None),
    (r"Stream reset by peer", Topic.CLOSED, "reset", _PEER),
    (r"Connection failed: connection closed", Topic.CLOSED, "closed", None),
    (r"Connection failed: connection refused", Topic.CONNECT_FAILED, "refused", None),
    (r"Connection failed: (?:timeout|connection timed out)", Topic.CONNECT_FAILED, "timeout", None),
    (r"Connection failed: .*(?:unreachable|no route)", Topic.CONNECT_FAILED, "unreachable", None),
    (r"Connection failed: .*reset", Topic.CONNECT_FAILED, "reset", None),
    (r"Connection failed", Topic.CONNECT_FAILED, None, None),
    (r"authentication failed", Topic.AUTH_FAILED, None, None),
    # 2.1
    (r"^remote server not found$", Topic.RESOLVE_FAILED, None, None),
    (r"^(?:stopped|timeout) in open socket$", Topic.CONNECT_FAILED, None, None),
    (r"^TLS is required but unavailable$", Topic.TLS_FAILED, "not-offered", _OURS),
    (r"^invalid dialback key$", Topic.AUTH_FAILED, "dialback-invalid", None),
    (r"^timeout in wait_for_", Topic.CLOSED, "connection-timeout", None),
    (r"^(?:bad format|invalid xml)$", Topic.CLOSED, "not-well-formed", None),
    (r"^invalid namespace", Topic.CLOSED, "invalid-namespace", None),
)
"""Reasons: what they are found by, topic, condition, and whether the server that wrote them did it."""

FORMAT = LogFormat(
    name="ejabberd",
    title="ejabberd log",
    explanation=(
        "Written by ejabberd and MongooseIM (`ejabberd.log`, `loglevel`). At level info it names both domains, the "
        "peer's address and the reason of each failure, but not the port of an outgoing stream; at debug it quotes the "
        "XML of both sides. A second try within the delay of `bouncing for N seconds` leaves no trace on the network."
    ),
    reference="https://docs.ejabberd.im/admin/guide/troubleshooting/",
    headers=(
        # 13.12 with lager, 20.04 with a zone, the console with times only, Elixir without a process.
        r"(?:\(ejabberd@\S+?\)\d+> )?"
        r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+(?:[+-]\d\d:\d\d|Z)?|\d\d:\d\d:\d\d\.\d{3})"
        r" \[(?P<level>\w+)\] ?(?:(?P<tag><[\d.]+>)(?:@[\w:/.'-]+)? ?)?(?P<text>.*)",
        # 2.1: the message stands in the lines below.
        r"=(?P<level>[A-Z]+) REPORT==== (?P<time>\d[\w-]+(?:::| )\d\d:\d\d:\d\d) ===(?P<text>)",
        # What people paste: without the time, from the process or the module on.
        r"(?:\[(?P<level>\w+)\] )?(?P<tag><[\d.]+>)?@?(?:ejabberd_\w+|mod_s2s_\w+):[\w/]+:\d+ ?(?P<text>.*)",
        r"\[(?P<level>debug|info|notice|warning|error|critical)\] (?P<text>.* s2s .*)",
        r"(?P<text>(?:Failed|Accepted|Closing) (?:to establish )?(?:in|out)bound s2s .*)",
    ),
    marks=(
        r"ejabberd|mod_s2s_dialback|\(t(?:cp|ls)\|<[\d.]+>\)"
        r"|s2s (?:connection|(?:dialback|EXTERNAL) authentication) \S+ -> "
    ),
    continues=5000,
    joined=True,
    leads=(_PID,),
    says=(
        Says(
            pattern=_PID + r"(?P<way>Send|Received) XML on stream = (?:<<)?\"(?P<element>.*?)\"(?:>>)?\s*$",
            tells=_element,
            silent=True,
        ),
        Says(pattern=_PID + r"Accepted connection \S+ -> \S+:5222\b"),
        Says(
            pattern=_PID + r"Accepted connection " + _IP + r":(?P<peer_port>\d+) -> ",
            topic=Topic.CONNECTED,
            outgoing=False,
        ),
        Says(
            pattern=_PID + r"Outbound s2s connection started: " + _PAIR + r"\s*$", topic=Topic.CONNECTING, outgoing=True
        ),
        Says(
            pattern=_PID + r"Accepted outbound s2s dialback authentication " + _PAIR + _ADDRESS + r"\s*$",
            topic=Topic.AUTHED,
            condition="dialback",
            outgoing=True,
            sent=False,
        ),
        Says(
            pattern=_PID + r"Accepted outbound s2s EXTERNAL authentication " + _PAIR + _ADDRESS + r"\s*$",
            topic=Topic.AUTHED,
            condition="external",
            outgoing=True,
            sent=False,
        ),
        Says(
            pattern=_PID + r"Accepted inbound s2s dialback authentication " + _PAIR + _ADDRESS + r"\s*$",
            topic=Topic.AUTHED,
            condition="dialback",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=_PID + r"Accepted inbound s2s EXTERNAL authentication " + _PAIR + _ADDRESS + r"\s*$",
            topic=Topic.AUTHED,
            condition="external",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=_PID
            + r"Failed outbound s2s EXTERNAL authentication "
            + _PAIR
            + _ADDRESS
            + r":\s+Authentication failed: STARTTLS is disabled in local configuration",
            topic=Topic.AUTH_FAILED,
            condition="external-fallback",
            outgoing=True,
        ),
        Says(
            pattern=_PID
            + r"Failed outbound s2s EXTERNAL authentication "
            + _PAIR
            + _ADDRESS
            + r":\s+(?P<reason>Authentication failed: Peer provided no SASL mechanisms.*)",
            topic=Topic.AUTH_FAILED,
            condition="external-not-offered",
            outgoing=True,
            sent=False,
            reasoned=False,
        ),
        Says(
            pattern=_PID + r"Failed outbound s2s EXTERNAL authentication " + _PAIR + _ADDRESS + r":\s+(?P<reason>.+)",
            topic=Topic.AUTH_FAILED,
            condition="external-refused",
            outgoing=True,
            sent=False,
            reasoned=False,
        ),
        Says(
            pattern=_PID + r"Failed inbound s2s EXTERNAL authentication " + _PAIR + _ADDRESS + r":\s+(?P<reason>.+)",
            topic=Topic.AUTH_FAILED,
            condition="external-refused",
            outgoing=False,
            sent=True,
            reasoned=False,
        ),
        Says(
            pattern=_PID + r"Failed outbound s2s \w+ authentication " + _PAIR + _ADDRESS + r":\s+(?P<reason>.+)",
            topic=Topic.AUTH_FAILED,
            outgoing=True,
            sent=False,
        ),
        Says(
            pattern=_PID + r"Failed inbound s2s \w+ authentication " + _PAIR + _ADDRESS + r":\s+(?P<reason>.+)",
            topic=Topic.AUTH_FAILED,
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=_PID + r"Failed to secure inbound s2s connection(?: to \S+)?: (?P<reason>.+)",
            topic=Topic.TLS_FAILED,
            outgoing=False,
        ),
        Says(
            pattern=_PID
            + r"Failed to establish outbound s2s connection "
            + _PAIR
            + r":\s+(?P<reason>.+?)(?:; bouncing for .*)?$",
            topic=Topic.CLOSED,
            outgoing=True,
        ),
        Says(
            pattern=_PID + r"Retrying with s2s dialback authentication: " + _PAIR + _ADDRESS + r"\s*$",
            topic=Topic.AUTH_FAILED,
            condition="external-fallback",
            outgoing=True,
        ),
        Says(
            pattern=_PID + r"Closing inbound s2s connection " + _IP + r" -> (?P<to_domain>\S+?): (?P<reason>.+)",
            topic=Topic.CLOSED,
            outgoing=False,
        ),
        Says(
            pattern=_PID + r"Closing inbound s2s connection " + _PAIR + r": (?P<reason>.+)",
            topic=Topic.CLOSED,
            outgoing=False,
        ),
        Says(
            pattern=_PID + r"Closing outbound s2s connection " + _PAIR + r": (?P<reason>.+)",
            topic=Topic.CLOSED,
            outgoing=True,
        ),
        Says(
            pattern=_PID + r"Got stray dialback packet",
            topic=Topic.AUTH_FAILED,
            condition="dialback-stray",
            sent=False,
        ),
        Says(
            pattern=_PID + r"Disabling (?:s2s )?connections (?:to|from) (?P<to_domain>\S+) for \S+ seconds",
            condition="backoff",
        ),
        Says(pattern=_PID + r"Start accepting .*connections at \S+ for ejabberd_s2s_in", condition="listening"),
        # 2.1 to 15
        Says(
            pattern=_PID + r"Trying to open s2s connection: " + _PAIR + r"(?: with TLS=\S+)?\s*$",
            topic=Topic.CONNECTING,
            outgoing=True,
        ),
        Says(
            pattern=_PID + r"Connection established: " + _PAIR + r" with SASL EXTERNAL and TLS=\S+",
            topic=Topic.AUTHED,
            condition="external",
            outgoing=True,
        ),
        Says(
            pattern=_PID + r"Connection established: " + _PAIR + r"(?: with TLS=\S+)?\s*$",
            topic=Topic.AUTHED,
            outgoing=True,
        ),
        Says(
            pattern=_PID + r"(?:s2s connection|Closing s2s connection): " + _PAIR + r" \((?P<reason>[^)]*)",
            topic=Topic.CLOSED,
            outgoing=True,
        ),
        Says(
            pattern=_PID + r"Accepted s2s (?:dialback )?authentication for (?P<from_domain>\S+)",
            topic=Topic.AUTHED,
            condition="dialback",
            outgoing=False,
        ),
        Says(
            pattern=_PID + r"Accepted s2s EXTERNAL authentication for (?P<from_domain>\S+)",
            topic=Topic.AUTHED,
            condition="external",
            outgoing=False,
        ),
        Says(
            pattern=_PID + r"Won't accept certificate of (?P<to_domain>\S+?): (?P<reason>.+)",
            topic=Topic.TLS_FAILED,
            condition="certificate-invalid",
            sent=True,
        ),
        Says(
            pattern=_PID + r"The DNS servers\s.*timed out on request for \"?(?P<to_domain>[^\s\"]+)\"? IN SRV",
            topic=Topic.RESOLVE_FAILED,
            condition="dns-timeout",
            outgoing=True,
        ),
    ),
    reasons=tuple(Reason(pattern=p, topic=t, condition=c, sent=s) for p, t, c, s in _KNOWN),
    samples=(
        Sample(
            line="2026-11-22 11:08:11.515279+00:00 [info] <0.488.0>@ejabberd_s2s_out:init/1:289 "
            "Outbound s2s connection started: cupdomain.com -> example.net",
            topic=Topic.CONNECTING,
        ),
        Sample(
            line="2017-03-02 10:36:44.359 [info] <0.4501.3>@ejabberd_s2s_out:process_closed:153 Failed to establish "
            "outbound s2s connection example.com -> example.net: Connection failed: connection refused; "
            "bouncing for 8 seconds",
            topic=Topic.CONNECT_FAILED,
            condition="refused",
        ),
        Sample(
            line="=INFO REPORT==== 2010-09-10 11:22:33 ===\n"
            "I(<0.403.0>:ejabberd_s2s_out:175) : Connection established: example.com -> example.net with TLS=true",
            topic=Topic.AUTHED,
        ),
        Sample(
            line="13:08:22.843 [warning] Failed inbound s2s dialback authentication example.net -> example.com "
            "(::FFFF:198.51.100.7): remote-server-not-found",
            topic=Topic.AUTH_FAILED,
            condition="callback-failed",
        ),
    ),
)
