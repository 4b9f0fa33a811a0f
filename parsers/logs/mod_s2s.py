"""What mod_s2s and the modules around it write: Prosody's from 0.9 to 13, and Metronome's, which grew from 0.9.

Each group names the source file whose messages it translates. Does not know what third-party modules log in their own
words, but for the few that close streams.

A failure is told by several lines: the socket's, the session's, and the info line of the close.
The close tells it once for all where the session had come to a stream; `Destroying` tells the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from parsers.events import STREAM_CONDITIONS, BadXml, NotXmpp, Topic
from parsers.logs.mod_s2s_net import FEDERATION, NAMES, TCP
from parsers.logs.table import Says, Told
from parsers.wire.first_bytes import protocol

# --- layout: util/logger.lua, core/loggingmanager.lua, and modules/mod_posix.lua for syslog

_LEVEL = r"(?P<level>debug|info|warn|error)"
_STREAM = r"s2s(?:in|out)[0-9a-fx]{5,}"
_THREAD = rf"(?:{_STREAM}|(?:c2s|jcp|admin)[0-9a-fx]{{5,}}|unbound\.query[\w-]+)"
_NAME = rf"(?:(?P<tag>{_THREAD})|(?P<local_domain>[^\s:]+):\w+|[^\s:]\S*)"
"""A stream, `host:module`, or a part of the server."""
_GAP = r"[\t ]+"
"""A tab; pastes and terminals turn it into blanks, and names are padded to a column."""
_TIME = (
    r"(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
    r"|\d{9,10}(?:\.\d+)?)"
)
_END = r"(?:\(unknown host\)|[^\s>(][^\s>]*)"
_SAID_OF_STREAMS = rf"(?:[Ii]ncoming|[Oo]utgoing) s2s (?:stream|connection) {_END}->{_END} (?:closed: |complete$)"

HEADERS = (
    rf"{_TIME} +{_NAME}{_GAP}{_LEVEL}{_GAP}(?P<text>.*)",
    # Standard output, containers: no time of its own.
    rf"{_NAME}{_GAP}{_LEVEL}{_GAP}(?P<text>.*)",
    # Its own syslog sink tells neither column nor level.
    rf"(?:(?P<tag>{_THREAD})|mod_\w+|net\.\w+|unbound|adns|stanzarouter|\w+manager|(?P<local_domain>[\w.-]+):(?:tls|saslauth|dialback))"
    r": (?P<text>.*)",
    # A message by itself, as people quote it.
    rf"(?P<text>{_SAID_OF_STREAMS}.*)",
)
OUTGOING_TAGS = "s2sout"
INCOMING_TAGS = "s2sin"
CLIENT_TAGS = "c2s|jcp|admin"

_COLUMN = rf"{_GAP}(?:debug|info|warn|error)[\t ]"
MARKS = (
    rf"(?:^|[\s|])(?:{_STREAM}(?:{_COLUMN}|: )"
    rf"|(?:(?:c2s|jcp)[0-9a-fx]{{8,}}|mod_\w+|stanzarouter|portmanager|modulemanager|net\.connect|adns"
    rf"|unbound\.query[\w-]+|[\w.-]+:(?:tls|saslauth|dialback)){_COLUMN}|{_SAID_OF_STREAMS})"
    r"|Hello and welcome to Prosody"
)

# --- messages

_FROM = rf"(?P<from_domain>{_END})"
_TO = rf"(?P<to_domain>{_END})"
_CONDITION = "|".join(sorted(STREAM_CONDITIONS))
_WAYS = (("[Ii]ncoming", False), ("[Oo]utgoing", True))


def _bad_bytes(match: re.Match[str]) -> Iterable[Told]:
    """Bytes of the peer that are no XML; where they are another protocol's, which. Nothing of them is kept else."""
    # Quoted as Lua does it since 0.12, with \r and \n spelt out.
    data = re.split(r"\\[rn]|\\1[03]", match["data"].lstrip('" '), maxsplit=1)[0]
    spoken = protocol(data.encode("latin-1", "replace"))
    if spoken in ("http", "smtp", "ssh", "ftp"):
        yield NotXmpp, {"protocol": spoken, "text": data.strip()[:64], "sent": False}
    else:
        yield BadXml, {"reason": "not-well-formed", "sent": False}


QUOTES = (
    Says(pattern=r"RECV: (?P<xml><.*)", sent=False, silent=True, tagged=True),
    Says(pattern=r"SEND: (?P<xml><.*)", sent=True, silent=True, tagged=True),
    Says(pattern=r"Received\[[^\]]*\]: (?P<xml><.*)", sent=False, silent=True, tagged=True, echo=True),
    Says(pattern=r"(?:Sending\[[^\]]*\]|sending): (?P<xml><.*)", sent=True, silent=True, tagged=True, echo=True),
    Says(pattern=r"Incoming s2s received (?P<xml><.*)", sent=False, silent=True),
    Says(pattern=r"Sending stream features: (?P<xml><.*)", sent=True, silent=True, echo=True, adopts=True),
    Says(
        pattern=r"Disconnecting .*\[s2s(?:in|out)\w*\], <stream:error> is: (?P<xml><.*)",
        sent=True,
        silent=True,
        echo=True,
    ),
)
"""Elements that lines quote: whole ones by mod_stanza_debug, opening tags by the session (0.9: `sending:`)."""

_TLS = (
    Says(pattern=r"Stream encrypted\b", topic=Topic.SECURED, condition="starttls"),
    Says(
        pattern=r"(?P<to_domain>\S+) is \*not\* offering TLS, trying anyways",
        topic=Topic.TLS_FAILED,
        condition="not-offered",
        sent=False,
        outgoing=True,
    ),
    Says(
        pattern=r"Encrypted server-to-server communication is required but was not "
        r"(?:offered by|used) ?(?P<peer_domain>\S*)",
        topic=Topic.TLS_FAILED,
        condition="not-offered",
        sent=False,
    ),
    Says(
        pattern=r"TLS negotiation with (?P<to_domain>\S+) failed\.",
        topic=Topic.TLS_FAILED,
        condition="refused",
        sent=False,
        outgoing=True,
    ),
    Says(
        pattern=r"Attempt to start TLS, but TLS is not available on this s2s",
        topic=Topic.TLS_FAILED,
        condition="refused",
        sent=True,
    ),
    # mod_s2s_auth_certs: what it thinks of a chain decides nothing by itself, dialback may do
    Says(
        pattern=r"certificate chain validation result: invalid|certificate error(?:\(s\) at depth \d+)?: ",
        topic=Topic.SECURED,
        condition="certificate-untrusted",
    ),
    Says(
        pattern=r"certificate identity validation result: valid",
        topic=Topic.SECURED,
        condition="certificate-trusted",
    ),
    Says(
        pattern=r"certificate identity validation result: |No certificate provided by (?P<peer_domain>\S+)",
        topic=Topic.SECURED,
        condition="certificate-untrusted",
    ),
    Says(pattern=r"DANE validation successful", topic=Topic.SECURED, condition="certificate-trusted"),
    Says(pattern=r"DANE validation failed", topic=Topic.SECURED, condition="certificate-untrusted"),
    Says(
        pattern=r"Forbidding insecure connection to/from "
        r"(?:(?P<peer_ip>[\d.]+|[\da-f]*:[\da-f:.]+)|(?P<peer_domain>\S+))(?= |$)"
        r"(?: because its certificate (?P<reason>.*))?",
        topic=Topic.TLS_FAILED,
        condition="certificate-invalid",
        sent=True,
    ),
)

_AUTH = (
    Says(
        pattern=rf"[Oo]utgoing s2s connection {_FROM}->{_TO} complete",
        topic=Topic.AUTHED,
        sent=False,
        outgoing=True,
    ),
    Says(
        pattern=rf"[Ii]ncoming s2s connection {_FROM}->{_TO} complete",
        topic=Topic.AUTHED,
        sent=True,
        outgoing=False,
    ),
    # mod_saslauth; the next thing that is tried is dialback, unless it says that there is none
    Says(
        pattern=r"Accepting SASL EXTERNAL identity from (?P<from_domain>\S+)",
        topic=Topic.AUTHED,
        condition="external",
        sent=True,
        outgoing=False,
    ),
    Says(
        pattern=r"SASL EXTERNAL with (?P<to_domain>\S+) succeeded",
        topic=Topic.AUTHED,
        condition="external",
        sent=False,
        outgoing=True,
    ),
    Says(
        pattern=r"SASL EXTERNAL with (?P<to_domain>\S+) failed(?:: (?P<reason>.*))?",
        topic=Topic.AUTH_FAILED,
        condition="external-fallback",
        sent=False,
        outgoing=True,
        reasoned=False,
    ),
    Says(
        pattern=r"SASL EXTERNAL failed, falling back to dialback",
        topic=Topic.AUTH_FAILED,
        condition="external-fallback",
        sent=True,
        outgoing=True,
    ),
    Says(
        pattern=r"No fallback from SASL EXTERNAL failure, giving up",
        topic=Topic.AUTH_FAILED,
        condition="external-refused",
        outgoing=True,
    ),
    Says(
        pattern=r"No SASL EXTERNAL offer and Dialback doesn't seem to be enabled"
        r"|No stream features to offer, giving up",
        topic=Topic.AUTH_FAILED,
        condition="no-mechanism",
    ),
    # mod_dialback; the domain of a callback is ours, the receiving one of the stream that it comes by
    Says(
        pattern=r"Asked to verify a dialback key that was incorrect\. "
        r"An imposter is claiming to be (?P<to_domain>\S+?)\?$",
        topic=Topic.AUTH_FAILED,
        condition="dialback-imposter",
        sent=True,
        outgoing=False,
    ),
    Says(
        pattern=r"authoritative server for (?P<from_domain>\S+) denied the key",
        topic=Topic.AUTH_FAILED,
        condition="dialback-invalid",
        sent=False,
        outgoing=False,
    ),
    Says(
        pattern=r"Incoming s2s session \S+ was closed in the meantime, so we can't notify it",
        topic=Topic.AUTH_FAILED,
        condition="dialback-stray",
        outgoing=False,
    ),
    Says(
        pattern=rf"{_FROM} tried to connect to {_TO}, which we don't serve",
        topic=Topic.REFUSED,
        condition="host-unknown",
        sent=True,
        outgoing=False,
    ),
)

_CLOSES = (
    Says(pattern=r"Session closed by remote with error: (?P<reason>.*)", topic=Topic.CLOSED, sent=False),
    *(
        # `condition (text)` is the peer's error; a condition alone can be either's; a text alone is ours.
        Says(
            pattern=rf"{word} s2s stream {_FROM}->{_TO} closed: (?P<reason>{reason})",
            topic=Topic.CLOSED,
            condition=condition,
            sent=sent,
            outgoing=outgoing,
        )
        for word, outgoing in _WAYS
        for reason, condition, sent in (
            (rf"(?:{_CONDITION}) \(.*", None, False),
            (rf"(?:{_CONDITION})$", None, None),
            (r"stream closed$", "closed", None),
            (r".*", "closed", True),
        )
    ),
    Says(
        pattern=rf"Destroying incomplete session {_FROM}->{_TO} due to inactivity",
        topic=Topic.CLOSED,
        condition="connection-timeout",
        sent=True,
    ),
    # core/s2smanager.lua: what never came to a stream, or broke; all else had its line of the close before
    *(
        Says(
            pattern=rf"Destroying {word} session {_FROM}->{_TO}: (?P<reason>{reason})",
            topic=topic,
            condition=condition,
            outgoing=outgoing,
            reasoned=reasoned,
        )
        for word, outgoing in (("incoming", False), ("outgoing", True))
        for reason, topic, condition, reasoned in (
            (r"unexpected eof while reading|closed$|connection closed$", Topic.CLOSED, "closed", False),
            (r"(?:connection )?reset\b.*|.*reset by peer.*|[Bb]roken pipe.*", Topic.CLOSED, "reset", False),
            (
                r"\w+ in \w+ lookup|service explicitly unavailable|unable to resolve|DNS resolution failed.*"
                r"|[Cc]onnecti(?:on|ng) (?:refused|time|failed).*|.*unreachable.*|No route.*|Operation timed.*"
                r"|Error during negotiation of encrypted connection.*|.*handshake.*",
                Topic.CONNECT_FAILED,
                None,
                True,
            ),
        )
    ),
    Says(
        pattern=rf"s2s disconnected: (?!nil->){_FROM}->{_TO} \(connection closed\)$",
        topic=Topic.CLOSED,
        condition="closed",
    ),
    Says(
        pattern=r"[Ss]tream response did not give us a stream ?id", topic=Topic.CLOSED, condition="undefined-condition"
    ),
    Says(pattern=r"Invalid opening stream header ", topic=Topic.CLOSED, condition="invalid-namespace", sent=True),
    Says(
        pattern=r"Received invalid XML(?: \(.*?\) \d+ bytes)?: (?P<data>.*)",
        tells=_bad_bytes,
        silent=True,
        tagged=True,
    ),
)

_ROUTES = (
    Says(pattern=r"stanza \[[^\]]*\] queued\b", topic=Topic.OTHER, condition="queued", outgoing=True),
    Says(pattern=r"stanza \[[^\]]*\] not queued", topic=Topic.OTHER, condition="bounced", outgoing=True),
    Says(
        pattern=r"sending \d+ queued stanzas across new outgoing connection to (?P<to_domain>\S+)",
        topic=Topic.OTHER,
        condition="routed",
        outgoing=True,
    ),
    Says(
        pattern=r"[Ss]ending error replies for \d+ queued stanzas "
        r"because of failed outgoing connection to (?P<to_domain>\S+)",
        topic=Topic.OTHER,
        condition="bounced",
        outgoing=True,
    ),
    Says(
        pattern=r"Attempt to send stanza from (?P<from_domain>\S+) - a host we don't serve",
        topic=Topic.REFUSED,
        condition="host-unknown",
        sent=True,
        outgoing=True,
    ),
    Says(
        pattern=r"Attempt to route stanza to a remote \S+ - a host we do serve|Trying to send a stanza to ourselves",
        topic=Topic.REFUSED,
        condition="own-domain",
        sent=True,
        outgoing=True,
    ),
    # core/portmanager.lua; direct TLS has no port unless one is set, and that is no sign
    Says(pattern=rf"Activated service 's2s\w*' on .*:{FEDERATION}\b", topic=Topic.OTHER, condition="listening"),
    Says(
        pattern=rf"Activated service 's2s' on no ports|s2s not listening on any ports"
        rf"|Failed to open server port {FEDERATION} ",
        topic=Topic.OTHER,
        condition="not-listening",
    ),
)

SAYS = (*QUOTES, *NAMES, *TCP, *_TLS, *_AUTH, *_CLOSES, *_ROUTES)
"""All of it, the commonest first."""
