"""Rule: a server closes the stream for a reason that only its text tells. General."""

from analyzer.citations import note, rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The stream errors `undefined-condition` and `internal-server-error`."""
    found = session.error("undefined-condition", "internal-server-error")
    if found is None:
        return None
    connection, error = found
    speaker = connection.sender(error)
    return Match(
        events=(error,),
        because=f"{speaker} closed the stream {connection.initiator} > {connection.receiver}: {words_of(error)}",
        connection=connection.id,
        domain=speaker,
        owner=owner_of(speaker, case),
        severity=Severity.DEGRADED if session.survived(connection) else None,
    )


RULE = Rule(
    title="The server closed the stream for a reason of its own",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM, Stage.AUTH}),
    masks=("stream-closed-without-error",),
    rivals=("hosting-domain-registered-at-google", "hosting-policy-denied"),
    said=(SaidSign(topic=Topic.REFUSED, conditions=("undefined-condition",)),),
    explanation=(
        "The server closed the stream with a condition that XMPP does not define, or for an internal error.\n"
        "Only the text of the error and the server's own log say why."
    ),
    remedy="Read the text of the error; ask the operator of that server for the line in its log.",
    sources=(rfc(6120, "4.9.3.21"), rfc(6120, "4.9.3.8"), note("Prosody mod_s2s")),
    predicate=predicate,
)
