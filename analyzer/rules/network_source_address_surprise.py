"""Rule: outside we appear with another address than the one that we publish."""

from analyzer.addresses import is_private
from analyzer.citations import xep
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A local server's connection shows, beyond translation, a source that its domain's records do not name."""
    if session.direction != "outbound":
        return None
    for connection in session.connections:
        for sighting in case.outside(connection, connection.client[0]):
            published = {a for a in case.published(session.initiator) if not is_private(a)}
            if not published:
                return None
            source = sighting.client[0]
            if source in published or {":" in p for p in published} != {":" in source}:
                continue
            return Match(
                events=sighting.events[:1],
                because=(
                    f"{connection.client[0]} appears as {end_text(sighting.client)} in {sighting.tap}, while "
                    f"{session.initiator} publishes {', '.join(sorted(published))}"
                ),
                connection=connection.id,
                domain=session.initiator,
            )
    return None


RULE = Rule(
    title="Our source address is not the published one",
    stage=Stage.CONNECT,
    severity=Severity.NOTE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    explanation=(
        "Outbound connections are translated to another address than the one that DNS publishes for the domain.\n"
        "Dialback does not mind, for it asks DNS; a peer that admits servers by address does."
    ),
    remedy=(
        "Translate the federation server to its published address in both directions, or tell the peer both addresses."
    ),
    sources=(xep(220, "1.3"),),
    predicate=predicate,
)
