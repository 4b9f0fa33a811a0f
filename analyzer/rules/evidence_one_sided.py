"""Rule: the capture shows one way of the conversation only."""

from analyzer.citations import note
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """One side of a conversation talks on, and no source shows the other."""
    for connection in session.connections:
        if connection.captured and all(s.answered_unseen for s in connection.sightings):
            sender = connection.client if ">" in connection.primary.seen_ways else connection.server
            return Match(
                events=connection.events[:1],
                because=(
                    f"{', '.join(sorted(connection.vantages))} shows only what {end_text(sender)} sent of "
                    f"{end_text(connection.client)} > {end_text(connection.server)}"
                ),
                connection=connection.id,
            )
    return None


RULE = Rule(
    title="Only one way of the conversation was captured",
    stage=Stage.CONNECT,
    severity=Severity.NOTE,
    owner=Owner.EVIDENCE,
    rivals=("network-asymmetric-route",),
    explanation=(
        "The capture holds the packets of one side only.\n"
        "A mirror port that copies one direction does this, a capture filter, or a path whose two ways lead over "
        "different lines.\n"
        "What the other side said cannot be known from it, and that it is missing proves nothing."
    ),
    remedy="Capture on the server itself, or mirror both directions.",
    sources=(note("general knowledge of captures"),),
    predicate=predicate,
)
