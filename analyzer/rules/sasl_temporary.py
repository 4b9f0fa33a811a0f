"""Rule: SASL failed for a reason that may pass."""

from analyzer.citations import rfc
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

CONDITIONS = (
    "aborted",
    "account-disabled",
    "credentials-expired",
    "encryption-required",
    "invalid-mechanism",
    "mechanism-too-weak",
    "temporary-auth-failure",
)
"""The SASL failures of RFC 6120 section 6.5 that other rules do not speak of."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A failure that is neither about the proof nor about the identity."""
    for connection in session.connections:
        failure = next((w for w in connection.sasl if w.word == "failure" and w.condition in CONDITIONS), None)
        if failure is None:
            continue
        return Match(
            events=(failure,),
            because=f"{session.receiver} did not finish SASL with {session.initiator}: {failure.condition}",
            connection=connection.id,
            domain=session.receiver,
            owner=owner_of(session.receiver, case),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


RULE = Rule(
    title="SASL failed on the server's side",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    masks=("stream-closed-without-error",),
    rivals=("sasl-external-refused",),
    explanation=(
        "The receiving server ended SASL for a reason of its own: it could not check just now, wants encryption\n"
        "first, or does not do the mechanism. The condition says which."
    ),
    remedy="Try again; if it stays, look at the receiving server's log.",
    sources=(rfc(6120, "6.5"),),
    predicate=predicate,
)
