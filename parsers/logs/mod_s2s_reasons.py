"""Reasons as Prosody and Metronome log them: texts of stream errors of either side, words of OpenSSL and resolvers.

The first that is found counts, so what a text says goes before the condition that it stands beside.
"""

from __future__ import annotations

from parsers.events import STREAM_CONDITIONS, Topic
from parsers.logs.table import Reason


def _certificate(pattern: str, condition: str) -> Reason:
    return Reason(pattern=pattern, topic=Topic.TLS_FAILED, condition=f"certificate-{condition}")


REASONS = (
    # mod_s2s: friendly_cert_error; one sentence for all before 0.12
    _certificate(r"invalid, expired, or not trusted|could not be validated", "invalid"),
    _certificate(r"has expired|certificate expired", "expired"),
    _certificate(r"not yet valid", "future"),
    _certificate(r"self[ -]signed", "self-signed"),
    _certificate(r"not valid for this name|host ?name mismatch", "name"),
    _certificate(r"unable to get (?:local )?issuer|unable to verify the first certificate", "chain"),
    _certificate(r"not trusted|unknown ca\b", "untrusted"),
    _certificate(r"revoked", "revoked"),
    _certificate(r"unsupported certificate", "purpose"),
    _certificate(r"certificate required|did not return a certificate|No certificate", "missing"),
    _certificate(r"bad certificate|certificate unknown|certificate verify failed", "invalid"),
    # mod_tls, and what ejabberd answers
    Reason(pattern=r"TLS negotiation failed", topic=Topic.TLS_FAILED, condition="refused"),
    Reason(
        pattern=r"required but was not (?:offered|used)|STARTTLS is (?:disabled|required)|Use of STARTTLS required",
        topic=Topic.TLS_FAILED,
        condition="not-offered",
    ),
    Reason(
        pattern=r"unsupported protocol|protocol version|no protocols available|version too low|unsupported ssl",
        topic=Topic.TLS_FAILED,
        condition="version",
    ),
    Reason(pattern=r"no shared cipher|no ciphers available", topic=Topic.TLS_FAILED, condition="cipher"),
    Reason(
        pattern=r"negotiation of encrypted connection|(?:ssl|tls) handshake|handshake failure|wrong version number",
        topic=Topic.TLS_FAILED,
        condition="handshake",
    ),
    # mod_dialback: the key was found invalid, or the peer could not find out; the line does not say which
    Reason(pattern=r"dialback authentication failed", topic=Topic.AUTH_FAILED, condition=None),
    Reason(pattern=r"No stream features to offer", topic=Topic.AUTH_FAILED, condition="no-mechanism"),
    # net/resolvers, net/dns.lua
    # A service that is not found is followed by the domain's own address: the last lookup does not tell which failed.
    Reason(pattern=r"(?:NXDomain|NoError) in (?:A|AAAA) lookup", topic=Topic.RESOLVE_FAILED, condition="no-address"),
    Reason(pattern=r"NXDomain", topic=Topic.RESOLVE_FAILED, condition="nxdomain"),
    Reason(pattern=r"NoError in \w+ lookup", topic=Topic.RESOLVE_FAILED, condition="nodata"),
    Reason(pattern=r"ServFail", topic=Topic.RESOLVE_FAILED, condition="servfail"),
    Reason(pattern=r"Refused in \w+ lookup", topic=Topic.RESOLVE_FAILED, condition="dns-refused"),
    Reason(pattern=r"service explicitly unavailable", topic=Topic.RESOLVE_FAILED, condition="no-service"),
    Reason(pattern=r"\bIDNA?\b", topic=Topic.RESOLVE_FAILED, condition="not-idna"),
    Reason(
        pattern=r"DNS resolution failed|name resolution failed|unable to resolve service",
        topic=Topic.RESOLVE_FAILED,
        condition=None,
    ),
    # net/connect.lua, net/server*.lua
    Reason(pattern=r"connection refused", topic=Topic.CONNECT_FAILED, condition="refused"),
    Reason(
        pattern=r"connection timeout|(?:connection|operation) timed out|^timeout$",
        topic=Topic.CONNECT_FAILED,
        condition="timeout",
    ),
    Reason(pattern=r"no route to host|is unreachable", topic=Topic.CONNECT_FAILED, condition="unreachable"),
    Reason(pattern=r"reset by peer|^reset$", topic=Topic.CONNECT_FAILED, condition="reset"),
    Reason(pattern=r"Connecting failed", topic=Topic.CONNECT_FAILED, condition=None),
    # mod_s2s, and lists of domains: mod_s2s_whitelist, mod_s2s_blacklist, ejabberd's s2s_access
    Reason(pattern=r"does(?: not|n't) serve|^host-unknown\b", topic=Topic.REFUSED, condition="host-unknown"),
    Reason(
        pattern=r"Communication with this domain is|Denied by (?:service )?policy|Access denied by",
        topic=Topic.REFUSED,
        condition="forbidden",
    ),
    Reason(pattern=r"Server-to-server communication is disabled", topic=Topic.REFUSED, condition="policy-violation"),
    Reason(pattern=r"from a host we serve", topic=Topic.REFUSED, condition="own-domain"),
    Reason(pattern=r"'(?:to|from)' (?:address|attribute)", topic=Topic.REFUSED, condition="improper-addressing"),
    Reason(pattern=r"Missing stream ID", topic=Topic.CLOSED, condition="undefined-condition"),
    Reason(pattern=r"stanza is too big", topic=Topic.CLOSED, condition="policy-violation"),
    Reason(pattern=r"Idle connection|inactivity", topic=Topic.CLOSED, condition="idle"),
    Reason(pattern=r"Received SIG|shutting down|s2s shutdown", topic=Topic.CLOSED, condition="system-shutdown"),
    *(Reason(pattern=rf"^{name}(?![\w-])", topic=Topic.CLOSED, condition=name) for name in sorted(STREAM_CONDITIONS)),
)
