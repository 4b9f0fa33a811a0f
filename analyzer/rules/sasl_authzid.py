"""Rule: the identity sent with SASL EXTERNAL is not accepted."""

from analyzer.citations import rfc, xep
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

CONDITIONS = ("invalid-authzid", "incorrect-encoding", "malformed-request")
"""SASL failures about what was sent, not who sent it (RFC 6120 section 6.5)."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A failure that speaks of the authorization identity or its encoding."""
    for connection in session.connections:
        failure = next((w for w in connection.sasl if w.word == "failure" and w.condition in CONDITIONS), None)
        if failure is None:
            continue
        return Match(
            events=(failure,),
            because=f"{session.receiver} does not take the identity that {session.initiator} sent: {failure.condition}",
            connection=connection.id,
            domain=session.initiator,
            owner=owner_of(session.initiator, case),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


RULE = Rule(
    title="The authorization identity was refused",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    masks=("stream-closed-without-error", "stream-not-authorized"),
    rivals=("sasl-external-refused",),
    explanation=(
        "With EXTERNAL the initiating server sends its domain, in base64, or `=` for none.\n"
        "Old servers need the domain, others want it left out, and it must equal the stream's `from`."
    ),
    remedy="Update the older of the two servers; allow dialback for the time being.",
    sources=(rfc(6120, "6.5.6"), rfc(6120, "6.5.5"), xep(178)),
    predicate=predicate,
)
