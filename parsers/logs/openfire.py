"""The logs of Openfire, 3.6 to 5. Knows no other server.

Grammar: ServerDialback.java, LocalOutgoingServerSession.java, SocketUtil.java and their kin. In 3.x messages begin with
who speaks (OS, RS, AS: XEP-0220's originating, receiving and authoritative server) and name both domains; from 4.x on
the logger's name holds them, in brackets.
"""

from __future__ import annotations

from parsers.events import Topic
from parsers.logs.table import LogFormat, Reason, Sample, Says

_TIME = r"(?P<time>\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d(?:\.\d{3})?)"
_LOGGER = r"(?:[\w.$]++(?:\[[^\]]*\])*+ - |- )?"
_PAIR = (
    r"[\w.$]*+(?:(?<=LocalOutgoingServerSession)|(?<=ServerDialback)|(?<=SocketUtil))\[(?:Create outgoing session for: "
    r"|Authenticate local domain: |Acting as Originating Server: Authenticate domain: )'?(?P<from_domain>[^\s'\]]+)'?"
    r" (?:to remote domain: |to |with a RS in the domain of: )'?(?P<to_domain>[^\s'\])]+)'?[^\]]*\] - "
)
"""A logger that names who wants to reach whom."""
_RS = (
    r"[\w.$]*+(?<=ServerDialback)\[Acting as Receiving Server: (?:Validate domain:? ?|Verify key from:? ?)'?"
    r"(?P<from_domain>[^\s'\](]+)'?[^\]]*\] - "
)
_BETWEEN = r"'(?P<to_domain>[^']+)' \(from '(?P<from_domain>[^']+)'\)"
_DNS = r" ?\(DNS lookup: (?P<peer_ip>[^:)]+)(?::(?P<peer_port>\d+))?"
_OLD = r"(?:[\w.$]*+(?:(?<=ServerDialback)|(?<=LocalOutgoingServerSession)): )?"
_FROM = r"from: (?P<to_domain>\S+) id: (?P<stream_id>\S+) for domain: (?P<from_domain>\S+)"


def _out(pattern: str, topic: Topic, condition: str | None = None, sent: bool | None = None) -> Says:
    """A message about a stream that goes out, in the words of 4.x and later."""
    return Says(pattern=_PAIR + pattern, topic=topic, condition=condition, outgoing=True, sent=sent)


FORMAT = LogFormat(
    name="openfire",
    title="Openfire log",
    explanation=(
        "Written by Openfire: all.log, debug.log, info.log, warn.log and error.log up to 4.6, where the level is the "
        "name of the file; one openfire.log from 4.7 on. Most of what it says of federation is at level debug."
    ),
    reference="https://github.com/igniterealtime/Openfire/tree/main/xmppserver/src/main/java/org/jivesoftware/openfire/server",
    headers=(
        _TIME + r" (?P<level>TRACE|DEBUG|INFO|WARN|ERROR) +\[[^\]]*\]: (?P<text>.*)",
        _TIME + r" (?P<text>.*)",
        # What people paste of it.
        r"(?:- )?(?P<text>Unexpected answer in validation from: .*)",
    ),
    marks=r"jivesoftware|\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d|answer in validation from",
    continues=500,
    leads=(_PAIR, _LOGGER, _RS, _OLD),
    says=(
        # 4.x and later
        _out(r"Creating new outgoing session", Topic.CONNECTING),
        _out(r"(?:Authentication successful|Authenticated succeeded)", Topic.AUTHED, sent=False),
        _out(r"Dialback (?:over TLS )?was successful", Topic.AUTHED, "dialback", False),
        _out(
            r"(?:EXTERNAL SASL was successful|Successfully authenticated the connection with SASL)",
            Topic.AUTHED,
            "external",
            False,
        ),
        _out(
            r"(?:EXTERNAL SASL failed|Failed to authenticate with EXTERNAL SASL)",
            Topic.AUTH_FAILED,
            "external-refused",
            False,
        ),
        _out(r"Error, EXTERNAL SASL was not offered", Topic.AUTH_FAILED, "external-not-offered", False),
        _out(r"SASL authentication failed\. Will continue with dialback", Topic.AUTH_FAILED, "external-fallback"),
        _out(r".*neither SASL mechanisms nor SERVER DIALBACK", Topic.AUTH_FAILED, "no-mechanism", False),
        _out(r"Failed to authenticate domain: Time out waiting", Topic.AUTH_FAILED, "dialback-timeout"),
        _out(r"Failed to authenticate domain: Dialback has been disabled", Topic.AUTH_FAILED, "dialback-off", True),
        _out(r"Failed to authenticate domain: the validation response", Topic.AUTH_FAILED, "dialback-invalid", False),
        _out(r"Failed to authenticate (?:the connection )?with dialback", Topic.AUTH_FAILED),
        _out(r"Ignoring unexpected answer while waiting", Topic.AUTH_FAILED, "dialback-stray", False),
        _out(r".*<proceed> was not received", Topic.TLS_FAILED, "refused", False),
        _out(
            r"(?:I have no StartTLS yet I must TLS|No TLS auth, but TLS auth required)",
            Topic.TLS_FAILED,
            "not-offered",
            True,
        ),
        _out(
            r"(?:STARTTLS negotiation failed|.*exception occurred while creating an encrypted session)",
            Topic.TLS_FAILED,
            "handshake",
        ),
        _out(r"TLS negotiation was successful", Topic.SECURED, "starttls"),
        _out(r"Unable to create (?:a )?new session: Cannot create a plain socket", Topic.CONNECT_FAILED, "exhausted"),
        _out(r"Skipping server dialback attempt as it has been disabled", Topic.AUTH_FAILED, "dialback-off", True),
        Says(
            pattern=_LOGGER
            + r"Unable to create a socket connection to XMPP domain '(?P<to_domain>[^']+)' using remote host: "
            r"(?P<peer_ip>[^:\s]+):(?P<peer_port>\d+)\. Cause: (?P<reason>.+?)(?: \(a full.*)?$",
            topic=Topic.CONNECT_FAILED,
            outgoing=True,
        ),
        Says(
            pattern=_LOGGER + r"Cannot connect to XMPP domain " + _BETWEEN + r": "
            r"The connection attempt timed out",
            topic=Topic.CONNECT_FAILED,
            condition="timeout",
            outgoing=True,
        ),
        Says(
            pattern=_LOGGER + r"Cannot connect to XMPP domain " + _BETWEEN + r"",
            topic=Topic.CONNECT_FAILED,
            condition="exhausted",
            outgoing=True,
        ),
        Says(pattern=_RS + r"Key was VERIFIED", topic=Topic.AUTHED, condition="dialback", outgoing=False, sent=True),
        Says(
            pattern=_RS + r"(?:Key was NOT VERIFIED|Unable to validate domain: dialback key is invalid)",
            topic=Topic.AUTH_FAILED,
            condition="dialback-invalid",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=_RS + r"(?:Key was ERRORED|An error occurr?ed (?:while )?connecting to the Authoritative Server)",
            topic=Topic.AUTH_FAILED,
            condition="callback-failed",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=_RS + r"Unable to validate domain: Remote domain is not accessible according to our configuration",
            topic=Topic.REFUSED,
            condition="policy-violation",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=_LOGGER + r"Verification of dialback key failed due to TLS failure",
            topic=Topic.TLS_FAILED,
            condition="handshake",
        ),
        # 3.x
        Says(
            pattern=_OLD + r"OS - Trying to connect to (?P<to_domain>\S+?):\d+" + _DNS,
            topic=Topic.CONNECTING,
            outgoing=True,
        ),
        Says(
            pattern=_OLD + r"Error trying to connect to remote server: (?P<to_domain>\S+?) ?\(DNS lookup: "
            r"(?P<peer_ip>[^:)]+)(?::(?P<peer_port>\d+))?\)",
            topic=Topic.CONNECT_FAILED,
            outgoing=True,
        ),
        Says(
            pattern=_OLD + r"OS - Validation GRANTED " + _FROM,
            topic=Topic.AUTHED,
            condition="dialback",
            outgoing=True,
            sent=False,
        ),
        Says(
            pattern=_OLD + r"OS - Validation FAILED " + _FROM,
            topic=Topic.AUTH_FAILED,
            condition="dialback-invalid",
            outgoing=True,
            sent=False,
        ),
        Says(
            pattern=_OLD + r"OS - Time out waiting for answer in validation " + _FROM,
            topic=Topic.AUTH_FAILED,
            condition="dialback-timeout",
            outgoing=True,
        ),
        Says(
            pattern=_OLD + r"(?:OS - )?(?:Ignoring unexpected|Unexpected) answer in validation " + _FROM,
            topic=Topic.AUTH_FAILED,
            condition="dialback-stray",
            outgoing=True,
            sent=False,
        ),
        Says(
            pattern=_OLD + r"OS - Error, EXTERNAL SASL was not offered by (?P<to_domain>\S+)",
            topic=Topic.AUTH_FAILED,
            condition="external-not-offered",
            outgoing=True,
            sent=False,
        ),
        Says(
            pattern=_OLD + r"OS - Error, .*(?:SERVER DIALBACK) were(?: not)? offered by (?P<to_domain>\S+)",
            topic=Topic.AUTH_FAILED,
            condition="no-mechanism",
            outgoing=True,
            sent=False,
        ),
        Says(
            pattern=_OLD + r"OS - (?:EXTERNAL SASL) with (?P<to_domain>\S+) was successful",
            topic=Topic.AUTHED,
            condition="external",
            outgoing=True,
            sent=False,
        ),
        Says(
            pattern=_OLD + r"OS - SERVER DIALBACK .*?with (?P<to_domain>\S+) was successful",
            topic=Topic.AUTHED,
            condition="dialback",
            outgoing=True,
            sent=False,
        ),
        Says(
            pattern=_OLD + r"RS - Received dialback key from host: (?P<from_domain>\S+) to: (?P<to_domain>\S+)",
            topic=Topic.CONNECTED,
            outgoing=False,
        ),
        Says(
            pattern=_OLD + r"RS - Key was VERIFIED by the Authoritative Server for: (?P<from_domain>\S+)",
            topic=Topic.AUTHED,
            condition="dialback",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=_OLD + r"RS - Key was NOT VERIFIED by the Authoritative Server for: (?P<from_domain>\S+)",
            topic=Topic.AUTH_FAILED,
            condition="dialback-invalid",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=_OLD
            + r"RS - Error, hostname is not allowed to establish a connection to this server: (?P<from_domain>\S+)",
            topic=Topic.REFUSED,
            condition="policy-violation",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=_OLD + r"RS - Error, hostname not recognized: (?P<to_domain>\S+)",
            topic=Topic.REFUSED,
            condition="host-unknown",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=_OLD + r"RS - Error, incoming connection already exists from: (?P<from_domain>\S+)",
            topic=Topic.REFUSED,
            condition="duplicate",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=_OLD + r"AS - Key was: INVALID for host: (?P<from_domain>\S+) id: \S+",
            topic=Topic.AUTH_FAILED,
            condition="dialback-imposter",
            outgoing=False,
            sent=True,
        ),
        Says(
            pattern=r"Closing session due to incorrect hostname in stream header\. Host: (?P<to_domain>\S+?)\.? .*"
            r"addr=/(?P<peer_ip>[0-9a-fA-F.:]+),port=(?P<peer_port>\d+)",
            topic=Topic.REFUSED,
            condition="host-unknown",
            outgoing=False,
            sent=True,
        ),
    ),
    reasons=(
        Reason(pattern=r"refused", topic=Topic.CONNECT_FAILED, condition="refused"),
        Reason(pattern=r"timed? ?out", topic=Topic.CONNECT_FAILED, condition="timeout"),
        Reason(pattern=r"unreachable|no route", topic=Topic.CONNECT_FAILED, condition="unreachable"),
    ),
    samples=(
        Sample(
            line="2015.09.29 17:38:01 ServerDialback: OS - Validation FAILED from: example.net id: bc6e5a19 "
            "for domain: example.com",
            topic=Topic.AUTH_FAILED,
            condition="dialback-invalid",
        ),
        Sample(
            line="2024.01.02 03:04:05.678 WARN  [pool-1]: org.jivesoftware.openfire.session.LocalOutgoingServerSession"
            "[Create outgoing session for: example.com to example.net] - Unable to create new session: Cannot create a "
            "plain socket connection with any applicable remote host.",
            topic=Topic.CONNECT_FAILED,
            condition="exhausted",
        ),
    ),
)
