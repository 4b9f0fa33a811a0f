"""Rule: an inside host calls our own public address, and is not turned round."""

from analyzer.citations import note
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A local server's SYN to a public address that stands for the local side itself came to nothing."""
    if session.direction != "outbound":
        return None
    ours = {a for d in case.local_domains for a in case.hosts.get(d, ())}
    for connection in session.connections:
        target = connection.server[0]
        if connection.accepted or not connection.syns:
            continue
        if target in ours or case.same_host(connection.client[0], target):
            return Match(
                events=connection.syns,
                because=(
                    f"{end_text(connection.client)} calls {end_text(connection.server)}, which is an address of our "
                    f"own ({', '.join(case.local_domains)}), and does not get through"
                ),
                connection=connection.id,
                domain=session.receiver,
                severity=Severity.DEGRADED if any(c.accepted for c in session.connections) else None,
            )
    return None


RULE = Rule(
    title="Our own public address cannot be reached from inside",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-syn-unanswered", "network-connection-refused"),
    rivals=("network-outbound-blocked-silent",),
    explanation=(
        "The server was led by DNS to an address that is its own side's, seen from outside.\n"
        "Most firewalls do not turn a packet round on the interface that it came in by, so that inside hosts "
        "cannot use the public address."
    ),
    remedy=(
        "Publish the inside address in the inside view of DNS, or add a U-turn translation on the firewall.\n"
        "If the other domain is not served here: its SRV record is wrong."
    ),
    sources=(note("common behaviour of translating firewalls"),),
    predicate=predicate,
)
