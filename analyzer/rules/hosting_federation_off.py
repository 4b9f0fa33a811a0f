"""Rule: our server takes no part in federation at all: it refuses, and opens nothing."""

from analyzer.citations import cisco
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView

FEDERATION = 5269
"""The registered port (RFC 6120 section 14.7)."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A host of ours resets on the federation port, and neither accepts nor opens any federation."""
    for connection in (*session.connections, *session.callbacks):
        if not connection.refused:
            continue
        home = next((s for s in connection.sightings if case.at_home(s.tap, s.server[0])), None)
        if home is None or home.server[1] != FEDERATION:
            continue
        host = home.server[0]
        takes_part = any(
            case.same_host(s.client[0], host) or (c.accepted and case.same_host(s.server[0], host))
            for c in case.connections
            for s in c.sightings
        )
        if takes_part:
            continue
        reset = next((e for e in home.events if getattr(e, "mark", "") == "rst"), home.events[-1])
        return Match(
            events=(reset, *connection.syns),
            because=f"{end_text(home.server)} resets every attempt, and {host} opened no federation of its own",
            connection=connection.id,
            domain=session.receiver if connection in session.connections else session.initiator,
            confidence=Confidence.POSSIBLE,
            undecided=(
                (
                    "network-service-not-listening",
                    f"the list of services on {host}: `utils service list`, federation status",
                ),
            ),
        )
    return None


RULE = Rule(
    title="Federation may be switched off",
    stage=Stage.CONNECT,
    severity=Severity.NOTE,
    owner=Owner.LOCAL,
    needs=frozenset({Stage.CONNECT}),
    rivals=("network-service-not-listening", "network-listens-elsewhere"),
    explanation=(
        "The host refuses connections on 5269 and opens none itself in the whole capture: it takes no part in "
        "federation.\n"
        "That is what it looks like when the XMPP federation node status is Off, or when the federation "
        "connection manager\n"
        "is stopped; it cannot be started while the status is Off."
    ),
    remedy=(
        "Set the XMPP federation node status to On, then start the Cisco XCP XMPP Federation Connection Manager.\n"
        "Restart the Cisco XCP Router on all nodes afterwards."
    ),
    sources=(
        cisco("116339", "configuration steps 4 and 5"),
        cisco("Interdomain Federation Guide 12.5(1)SU3"),
    ),
    predicate=predicate,
)
