"""The machine of one XML stream and its negotiation (RFC 6120 sections 4 to 6, XEP-0220, XEP-0368).

`>` comes from the initiating entity. States are named for what was *seen*: CIPHERTEXT, not "secured",
because under TLS 1.3 a refused certificate also looks like that; after it a capture is blind.
Knows nothing of TCP, of other streams or of time.
"""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.machines.table import Machine, direction
from parsers.events import (
    BadXml,
    Dialback,
    Event,
    NotXmpp,
    Said,
    Sasl,
    Stanza,
    StartTls,
    StreamEnd,
    StreamError,
    StreamFeatures,
    StreamHeader,
    TlsAlert,
    TlsCertificate,
    TlsData,
    TlsHello,
    Topic,
)

_VERIFIES = {"verify>": "", "verify<": ""}
_KEYS = {"dialback>": "", "dialback:valid<": "", "dialback:invalid<": "", "dialback:error<": "", **_VERIFIES}
"""On a stream that is authenticated: keys of further pairs of domains, and what came of them (XEP-0220 section 2.6)."""


class StreamMachine(Machine):
    """Key: the flow, or the source and tag of a log."""

    NAME = "stream"
    TABLE = {
        "IDLE": {
            "header>": "OPENED",
            "header<": "GREETED",
            "hello>": "TLS_HELLO",
            "hello<": "TLS_ANSWERED",
            # A capture that begins in mid stream: ordinary, but no proof of what came before.
            "stanza>": "",
            "stanza<": "",
            "ciphertext>": "CIPHERTEXT",
            "ciphertext<": "CIPHERTEXT",
        },
        # Loggers seldom print the header of their own server: its features tell that it was sent.
        "OPENED": {"header<": "GREETED", "features<": "READY"},
        "GREETED": {
            "features<": "READY",
            "dialback>": "DIALBACK_ASKED",
            "starttls>": "TLS_ASKED",
            **_VERIFIES,
        },
        "READY": {
            "starttls>": "TLS_ASKED",
            "auth>": "SASL_ASKED",
            "dialback>": "DIALBACK_ASKED",
            **_VERIFIES,
        },
        "TLS_ASKED": {"proceed<": "TLS_AGREED", "tls-failure<": "TLS_REFUSED"},
        "TLS_AGREED": {"hello>": "TLS_HELLO"},
        "TLS_HELLO": {"hello<": "TLS_ANSWERED"},
        "TLS_ANSWERED": {
            "certificate>": "",
            "certificate<": "",
            "hello>": "",
            "hello<": "",
            "ciphertext>": "CIPHERTEXT",
            "ciphertext<": "CIPHERTEXT",
        },
        "CIPHERTEXT": {
            "certificate>": "",
            "certificate<": "",
            "ciphertext>": "",
            "ciphertext<": "",
            "header>": "OPENED",
            "alert>": "",
            "alert<": "",
        },
        "SASL_ASKED": {"success<": "AUTHED", "sasl-failure<": "AUTH_REFUSED"},
        "AUTH_REFUSED": {"dialback>": "DIALBACK_ASKED", "auth>": "SASL_ASKED", **_VERIFIES},
        "DIALBACK_ASKED": {
            "dialback:valid<": "AUTHED",
            "dialback:invalid<": "AUTH_REFUSED",
            "dialback:error<": "AUTH_REFUSED",
            "dialback>": "",
            **_VERIFIES,
        },
        "AUTHED": {
            "header>": "REOPENED",
            "stanza>": "TRAFFIC",
            "stanza<": "TRAFFIC",
            **_KEYS,
        },
        # After SASL the stream begins anew, and stays authenticated (RFC 6120 section 6.3.2).
        "REOPENED": {
            "header<": "",
            "features<": "AUTHED",
            "stanza>": "TRAFFIC",
            "stanza<": "TRAFFIC",
            **_KEYS,
        },
        "TRAFFIC": {
            "stanza>": "",
            "stanza<": "",
            **_KEYS,
        },
        "ERRORED": {"end>": "ENDED", "end<": "ENDED", "error>": "", "error<": ""},
        "ENDED": {"end>": "", "end<": "", "error>": "", "error<": ""},
        "TLS_REFUSED": {"end>": "ENDED", "end<": "ENDED"},
        # From here a log tells, where a capture is blind; loggers seldom print every header.
        "SECURED": {
            "header>": "OPENED",
            "header<": "GREETED",
            "features<": "READY",
            "auth>": "SASL_ASKED",
            "dialback>": "DIALBACK_ASKED",
            **_VERIFIES,
        },
        "UNREACHED": {"header>": "OPENED", "header<": "GREETED", "features<": "READY"},
        "TLS_BROKEN": {"alert>": "", "alert<": ""},
    }
    ANYWHERE = {
        "end>": "ENDED",
        "end<": "ENDED",
        "error>": "ERRORED",
        "error<": "ERRORED",
        "alert>": "TLS_BROKEN",
        "alert<": "TLS_BROKEN",
        "not-xmpp>": "NOT_XMPP",
        "not-xmpp<": "NOT_XMPP",
        "bad-xml>": "BAD_XML",
        "bad-xml<": "BAD_XML",
        "said:connecting": "",
        "said:connected": "",
        "said:aside": "",
        "said:unreached": "UNREACHED",
        "said:secured": "SECURED",
        "said:tls-failed": "TLS_BROKEN",
        "said:authed": "AUTHED",
        "said:auth-failed": "AUTH_REFUSED",
        "said:refused": "ERRORED",
        "said:closed": "ENDED",
    }


_SAID = {
    Topic.CONNECTING: "said:connecting",
    Topic.CONNECTED: "said:connected",
    Topic.RESOLVE_FAILED: "said:unreached",
    Topic.CONNECT_FAILED: "said:unreached",
    Topic.SECURED: "said:secured",
    Topic.TLS_FAILED: "said:tls-failed",
    Topic.AUTHED: "said:authed",
    Topic.AUTH_FAILED: "said:auth-failed",
    Topic.REFUSED: "said:refused",
    Topic.CLOSED: "said:closed",
    Topic.OTHER: "said:aside",
}
"""What a server's log says, in the table's words."""
ASIDE = frozenset(
    {"external-fallback", "dialback-imposter", "dialback-stray", "certificate-trusted", "certificate-untrusted"}
)
"""Conditions that do not change how far the stream itself has come: something else is tried next, or it is said of
another's key."""


_NAMES: Mapping[type[Event], str] = {
    StreamHeader: "header",
    StreamFeatures: "features",
    TlsHello: "hello",
    TlsCertificate: "certificate",
    TlsData: "ciphertext",
    StreamError: "error",
    StreamEnd: "end",
    Stanza: "stanza",
    NotXmpp: "not-xmpp",
    BadXml: "bad-xml",
}
"""Events that are one signal of each side, whatever they say."""


def _said(event: Said) -> str:
    if event.condition in ASIDE and event.topic in (Topic.AUTH_FAILED, Topic.SECURED):
        return "said:aside"
    return _SAID[event.topic]


def signal(event: Event, client: tuple[str, int]) -> str | None:
    """The event in the table's words, or None when it is no event of a stream."""
    if isinstance(event, Said):
        return _said(event)
    way = direction(event, client)
    if name := _NAMES.get(type(event)):
        return name + way
    match event:
        case StartTls(word=word):
            return ("tls-failure" if word == "failure" else word) + way
        case Sasl(word=word):
            return ("sasl-failure" if word == "failure" else word) + way
        case Dialback(word="verify"):
            return "verify" + way
        case Dialback(verdict=None):
            return "dialback" + way
        case Dialback(verdict=verdict):
            return f"dialback:{verdict}{way}"
        case TlsAlert(level=level):
            # A close_notify under TLS is an ordinary end, and an encrypted alert cannot be told from one.
            return None if level == "encrypted" or event.description == "close_notify" else "alert" + way
        case _:
            return None
