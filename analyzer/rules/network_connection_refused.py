"""Rule: the SYN was answered by a reset; who sent it cannot be told from here."""

from analyzer.citations import cisco, rfc
from analyzer.failover import failover
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """A connection of the attempt was refused."""
    refused = [(c, c.refusal) for c in session.connections if c.refusal is not None]
    resets = tuple(rst for _, rst in refused if rst is not None)
    if not resets:
        return None
    first = refused[0][0]
    tried = ", ".join(dict.fromkeys(end_text(c.server) for c, _ in refused))
    other = failover(session, [c for c, _ in refused])
    worked = any(c.accepted for c in session.connections)
    return Match(
        events=(*resets, *(s for c, _ in refused for s in c.syns[:1])),
        because=f"the SYN from {first.client[0]} to {tried} was answered by a reset"
        + (other.tells if other is not None else ""),
        connection=first.id,
        domain=session.receiver,
        owner=owner_of(session.receiver, case) if other is not None else None,
        severity=Severity.DEGRADED if worked else None,
        undecided=(
            ("network-service-not-listening", f"a capture on {first.server[0]} itself"),
            (
                "network-outbound-reset",
                "a capture outside the firewall: does the reset come in there?",
            ),
        ),
        remedy=(
            f"tell {session.receiver} that its SRV target {', '.join(other.failed)} refuses connections"
            if other is not None
            else ""
        ),
    )


RULE = Rule(
    title="The connection attempt is refused",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.CONNECT}),
    rivals=("network-service-not-listening", "network-outbound-reset", "network-inbound-no-nat", "dns-srv-wrong-port"),
    said=(SaidSign(topic=Topic.CONNECT_FAILED, conditions=("refused",)),),
    explanation=(
        "The SYN was answered by a reset at once: there is somebody, and it does not want this connection.\n"
        "Mostly no service listens on that port; but a firewall that rejects, or the wrong host behind an address "
        "translation, answers in the very same way."
    ),
    remedy=(
        "See whether the service runs and listens on that address and port (`ss -tln` on the host).\n"
        "If it does: capture on the host, to see whether the SYN arrives there at all."
    ),
    sources=(rfc(9293, "3.5.2"), cisco("116339", "verification step 2")),
    predicate=predicate,
)
