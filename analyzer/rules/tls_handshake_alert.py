"""Rule: a TLS alert ends the handshake. General."""

from analyzer.citations import rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """A fatal alert that can be read."""
    for connection in session.connections:
        alert = connection.fatal_alert
        if alert is None:
            continue
        speaker = connection.sender(alert)
        return Match(
            events=(alert,),
            because=f"{speaker} broke off the TLS handshake with the alert {alert.description}",
            connection=connection.id,
            domain=speaker,
            owner=owner_of(speaker, case),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


RULE = Rule(
    title="The TLS handshake failed",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TLS}),
    masks=("stream-closed-without-error",),
    rivals=("tls-cipher-mismatch", "tls-cert-untrusted", "tls-client-cert-missing"),
    said=(SaidSign(topic=Topic.TLS_FAILED, conditions=("handshake",)),),
    explanation=(
        "One side ended the TLS handshake with a fatal alert. The alert names the kind of trouble:\n"
        "`handshake_failure` no common parameters, `protocol_version` no common version, `bad_certificate`,\n"
        "`certificate_unknown` and `unknown_ca` a certificate that does not satisfy, `internal_error` trouble of\n"
        "its own. Who sent the alert is who did not agree; the fault is as often with the other side."
    ),
    remedy="Look at the alert, and at that moment in the log of the side that sent it.",
    sources=(rfc(8446, "6.2"), rfc(5246, "7.2.2")),
    predicate=predicate,
)
