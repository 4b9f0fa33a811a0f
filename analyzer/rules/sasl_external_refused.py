"""Rule: SASL EXTERNAL was tried and refused."""

from analyzer.citations import note, rfc, xep
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """`<failure><not-authorized/></failure>`, and the attempt failed."""
    if session.authenticated:
        return None
    for connection in session.connections:
        failure = next(
            (w for w in connection.sasl if w.word == "failure" and w.condition in ("not-authorized", None)), None
        )
        if failure is None:
            continue
        return Match(
            events=(failure,),
            because=f"{session.receiver} refused EXTERNAL of {session.initiator}: {failure.condition or 'failure'}",
            connection=connection.id,
            domain=session.initiator,
            owner=owner_of(session.initiator, case),
            undecided=(("tls-cert-wrong-name", f"the log of {session.receiver}: what it thinks of the certificate"),),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


RULE = Rule(
    title="SASL EXTERNAL was refused",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    masks=("stream-closed-without-error", "stream-not-authorized"),
    rivals=("tls-cert-wrong-name", "tls-cert-untrusted", "sasl-authzid"),
    said=(SaidSign(topic=Topic.AUTH_FAILED, conditions=("external-refused",)),),
    explanation=(
        "The initiating server proved itself with its certificate, and the receiving server did not accept:\n"
        "the certificate does not carry the domain in the stream's `from`, or leads to no trusted authority."
    ),
    remedy="Give the initiating server a certificate for its XMPP domain; allow dialback for the time being.",
    sources=(rfc(6120, "6.5.10"), xep(178), note("Prosody mod_saslauth")),
    predicate=predicate,
)
