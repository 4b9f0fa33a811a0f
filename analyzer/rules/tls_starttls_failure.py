"""Rule: STARTTLS was offered, asked for, and refused."""

from analyzer.citations import note, rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """`<failure/>` in answer to `<starttls/>`."""
    for connection in session.connections:
        failure = next((w for w in connection.starttls if w.word == "failure"), None)
        if failure is None or connection.features is None or connection.features.starttls == "absent":
            continue
        return Match(
            events=(failure,),
            because=f"{session.receiver} at {connection.server[0]} answered <starttls/> with <failure/>",
            connection=connection.id,
            domain=session.receiver,
            owner=owner_of(session.receiver, case),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


RULE = Rule(
    title="STARTTLS was refused",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=("stream-closed-without-error",),
    rivals=("tls-required-not-offered",),
    said=(SaidSign(topic=Topic.TLS_FAILED, conditions=("refused",)),),
    explanation=(
        "The initiating server asked for STARTTLS and was answered `<failure/>`.\n"
        "A server that offers TLS and then refuses it mostly has no usable certificate for the domain."
    ),
    remedy="Look at the certificate and key that the refusing server is configured with, and at its log.",
    sources=(rfc(6120, "5.4.2.2"), note("Openfire ServerDialback")),
    predicate=predicate,
)
