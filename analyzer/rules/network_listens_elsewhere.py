"""Rule: one target of the domain refuses, while another answers."""

from analyzer.citations import cisco, rfc
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """One target of the attempt was refused; at another the receiver answered as a server."""
    refused = [(c, c.refusal) for c in session.connections if c.refusal is not None]
    if not refused:
        return None
    ends = {c.server for c, _ in refused}
    other = next((c for c in session.connections if c.server_header is not None and c.server not in ends), None)
    connection, reset = refused[0]
    if other is None or other.server_header is None or reset is None:
        return None
    return Match(
        events=(reset, other.server_header),
        because=f"{end_text(connection.server)} refuses, while {session.receiver} answers at {end_text(other.server)}",
        connection=connection.id,
        domain=session.receiver,
        owner=Owner.LOCAL if case.is_local(session.receiver) else Owner.PEER,
        remedy=f"start the service at {end_text(connection.server)}, or publish only {end_text(other.server)}",
    )


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
    sources=(rfc(6120, "3.2.1"), cisco("Interdomain Federation Guide 12.5(1)SU3")),
    predicate=predicate,
)
