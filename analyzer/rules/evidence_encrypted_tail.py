"""Rule: from some frame on the stream is ciphertext."""

from analyzer.citations import rfc, xep
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A stream of the attempt went on under TLS, and nothing in the clear says how it ended."""
    if session.authenticated:
        return None
    for connection in session.connections:
        record = connection.ciphertext
        if record is None:
            continue
        return Match(
            events=(record,),
            because=(
                f"{end_text(connection.client)} > {end_text(connection.server)} is ciphertext from frame "
                f"{record.where.frame} of {record.where.source} on: whether {session.receiver} believed "
                f"{session.initiator} was said under TLS"
            ),
            connection=connection.id,
        )
    return None


RULE = Rule(
    title="The rest was said under TLS",
    stage=Stage.TLS,
    severity=Severity.NOTE,
    owner=Owner.EVIDENCE,
    explanation=(
        "The servers agreed on TLS, as they should.\n"
        "Headers, authentication and stanzas after it can be seen by size and time only, and under TLS 1.3 even a "
        "refused certificate looks like ordinary ciphertext."
    ),
    remedy=(
        "Bring the log of one of the two servers for that time, or capture with the TLS session keys of a test server."
    ),
    sources=(rfc(6120, "5.4.3.3"), rfc(8446, "5"), xep(178)),
    predicate=predicate,
)
