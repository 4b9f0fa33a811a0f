"""Rule: one side insists on TLS and the other does not offer it."""

from analyzer.citations import cisco, note, rfc
from analyzer.connection import Connection
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Event, StreamError, Topic

GIVING_UP = ("policy-violation", "unsupported-feature", "unsupported-stanza-type")
"""Stream errors with which servers end a stream for want of TLS, or answer a STARTTLS that they did not offer:
RFC 6120 section 5.4.2.2; Prosody mod_s2s; ejabberd xmpp_stream_out; RFC 6120 section 4.9.3.24 for the last."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """`<starttls/>` asked for although not offered and refused, or TLS demanded and the stream given up."""
    if session.authenticated:
        return None
    for connection in session.connections:
        features = connection.features
        if features is None or connection.client_hello is not None:
            continue
        offered = features.starttls != "absent"
        asked = next((w for w in connection.starttls if w.word == "starttls"), None)
        failure = next((w for w in connection.starttls if w.word == "failure"), None)
        error = next((e for c, e in session.errors if c is connection and e.condition in GIVING_UP), None)
        evidence: tuple[Event, ...]
        if not offered and asked is not None and (failure or error or connection.ending):
            wants, lacks = connection.initiator, connection.receiver
            evidence = tuple(e for e in (failure or error, asked, features) if e is not None)
            because = f"{lacks} offers no STARTTLS, and {wants} asked for it all the same"
            because += " and was refused" if failure or error else ", and the stream ended"
        elif not offered and asked is None and error is not None and _early(connection, error):
            wants, lacks = connection.initiator, connection.receiver
            evidence = (error, features)
            because = f"{lacks} offers no STARTTLS, and {wants} gave up: {words_of(error)}"
        elif features.starttls == "required" and asked is None and error is not None and _early(connection, error):
            wants, lacks = connection.receiver, connection.initiator
            evidence = (error, features)
            because = f"{wants} requires STARTTLS, and {lacks} will not have it: {words_of(error)}"
        else:
            continue
        return Match(
            events=evidence,
            because=because,
            connection=connection.id,
            domain=lacks,
            owner=owner_of(lacks, case),
            undecided=(("tls-starttls-stripped", "a capture at the other end: are its features the same there?"),),
            severity=Severity.DEGRADED if session.survived(connection) else None,
            remedy=f"let {lacks} offer TLS on its server-to-server port, or let {wants} not insist on it for {lacks}",
        )
    return None


def _early(connection: Connection, error: StreamError) -> bool:
    """Whether the initiator ended the stream before it tried to authenticate."""
    return connection.way(error) == ">" and not connection.passed("DIALBACK_ASKED", "SASL_ASKED")


RULE = Rule(
    title="TLS is required on one side and missing on the other",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=(
        "stream-policy-violation",
        "stream-closed-without-error",
        "stream-no-common-auth",
        "tls-starttls-failure",
    ),
    rivals=("tls-starttls-stripped", "tls-mode-mismatch"),
    said=(SaidSign(topic=Topic.TLS_FAILED, conditions=("not-offered",)),),
    explanation=(
        "One server takes no stream without encryption; the other did not offer STARTTLS, or has it switched off.\n"
        "The two settings exclude each other, so every attempt ends here, in both directions."
    ),
    remedy=(
        "Switch on TLS for server-to-server streams on the side that lacks it.\n"
        "If that is impossible, let the other side take this peer without TLS (Cisco: TLS Optional or No TLS)."
    ),
    sources=(
        rfc(7590, "3.1"),
        rfc(6120, "5.3.1"),
        note("Prosody mod_s2s, is required but was not offered by"),
        cisco("Interdomain Federation Guide 12.5(1)SU3"),
    ),
    predicate=predicate,
)
