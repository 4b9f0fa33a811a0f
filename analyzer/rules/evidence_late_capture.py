"""Rule: the capture began after the conversation."""

from analyzer.citations import note
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A conversation of the attempt has no SYN in any source."""
    for connection in session.connections:
        if any(s.flow and s.flow[0].after == "SYN_SENT" for s in connection.sightings):
            continue
        if connection.flow_state in ("UNREACHABLE", "IDLE") or not connection.primary.flow:
            continue
        return Match(
            events=connection.events[:1],
            because=(
                f"{end_text(connection.client)} > {end_text(connection.server)} was under way when "
                f"{', '.join(sorted(connection.vantages))} began to show it"
            ),
            connection=connection.id,
        )
    return None


RULE = Rule(
    title="The capture began in mid conversation",
    stage=Stage.CONNECT,
    severity=Severity.NOTE,
    owner=Owner.EVIDENCE,
    explanation=(
        "The first packet of the conversation that was captured is not its first.\n"
        "Its lookup, its header and perhaps its authentication happened before, so that their absence says "
        "nothing."
    ),
    remedy=(
        "Start the capture before the attempt: restart the federation service, or remove the contact and add it again."
    ),
    sources=(note("general knowledge of captures"),),
    predicate=predicate,
)
