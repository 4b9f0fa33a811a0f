"""Rule: the host that was called refuses, while another address of the same domain answers."""

from analyzer.citations import cisco, rfc
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import CaseView, Session
from analyzer.stage import Stage, end_text


def predicate(session: Session, case: CaseView) -> Match | None:
    """One end of the receiver was refused; at another the receiver greeted somebody as a server."""
    for connection in session.connections:
        if connection.refusal is None:
            continue
        for other in case.connections:
            if other.receiver != session.receiver or other.server == connection.server or other.server_header is None:
                continue
            same = case.same_host(other.server[0], connection.server[0])
            if same and other.server[1] == connection.server[1]:
                continue
            return Match(
                events=(connection.refusal, other.server_header),
                because=(
                    f"{end_text(connection.server)} refuses, while {session.receiver} answers at "
                    f"{end_text(other.server)}"
                ),
                connection=connection.id,
                domain=session.receiver,
                owner=Owner.LOCAL if case.is_local(session.receiver) else Owner.PEER,
                remedy=f"start the service at {end_text(connection.server)}, or publish only {end_text(other.server)}",
            )
    return None


RULE = Rule(
    title="The service listens elsewhere",
    stage=Stage.CONNECT,
    severity=Severity.NOTE,
    owner=Owner.LOCAL,
    needs=frozenset({Stage.CONNECT}),
    rivals=("network-service-not-listening", "dns-srv-wrong-port"),
    explanation=(
        "One address or port that the domain publishes refuses connections while another of the same domain "
        "answers.\n"
        "A node where federation is off is still published, or the service is bound to another interface or port."
    ),
    remedy="Publish only the nodes and ports that listen, or start the service on those that are published.",
    sources=(rfc(6120, "3.2.1"), cisco("Interdomain Federation Guide", "DNS configuration for XMPP federation")),
    predicate=predicate,
)
