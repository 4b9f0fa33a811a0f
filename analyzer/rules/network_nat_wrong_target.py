"""Rule: the public address leads to a host or port inside that is not the federation server."""

from analyzer.addresses import is_private
from analyzer.citations import cisco
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """An inbound conversation fails at a private address inside from which the domain never speaks."""
    if session.direction != "inbound" or session.authenticated:
        return None
    own = {a for a in case.hosts.get(session.receiver, frozenset()) if is_private(a)}
    if not own:
        return None
    for connection in session.connections:
        if connection.server_header is not None:
            continue
        outer = [s for s in connection.sightings if not is_private(s.server[0])]
        inner = [s for s in connection.sightings if is_private(s.server[0]) and s.server[0] not in own]
        if not outer or not inner:
            continue
        return Match(
            events=(inner[0].events[0], outer[0].events[0]),
            because=(
                f"what {connection.client[0]} sends to {end_text(outer[0].server)} arrives in {inner[0].tap} at "
                f"{end_text(inner[0].server)}, while {session.receiver} lives at {', '.join(sorted(own))}"
            ),
            connection=connection.id,
            domain=session.receiver,
            remedy=f"let the translation of {end_text(outer[0].server)} lead to {min(own)}",
        )
    return None


RULE = Rule(
    title="The address translation leads to the wrong host",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-connection-refused", "network-syn-unanswered", "network-service-not-listening", "stream-not-xmpp"),
    rivals=("network-listens-elsewhere", "network-service-not-listening"),
    explanation=(
        "The same conversation was seen outside and inside.\n"
        "Inside it goes to an address from which the domain's server was never seen to speak, and it fails there: "
        "the static translation names the wrong object."
    ),
    remedy="Correct the object of the static translation, so that it leads to the federation server and its port.",
    sources=(cisco("Interdomain Federation Guide 12.5(1)SU3"),),
    predicate=predicate,
)
