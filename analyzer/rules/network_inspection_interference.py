"""Rule: each side got a reset that the other did not send."""

from analyzer.citations import cisco
from analyzer.connection import Connection
from analyzer.rule import Confidence, FirewallSign, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import TcpMark


def predicate(session: Session, case: CaseView) -> Match | None:
    """At one tap only the server's reset is seen, at another only the client's: both were made between."""
    for connection in session.connections:
        if len(connection.sightings) < 2 or not connection.accepted:
            continue
        resets = _towards_both(connection)
        if resets is None:
            continue
        at_client, at_server = resets
        return Match(
            events=(at_client, at_server),
            because=(
                f"{end_text(connection.client)} > {end_text(connection.server)} was reset from both sides at once: "
                f"{at_client.where.source} shows a reset from the server only, {at_server.where.source} one from the "
                "client only"
            ),
            connection=connection.id,
            confidence=Confidence.PROVEN,
            ruled_out=(("stream-closed-without-error", "neither side sent the reset that the other got"),),
        )
    return None


def _towards_both(connection: Connection) -> tuple[TcpMark, TcpMark] | None:
    """A reset seen only towards the client at one tap, and one seen only towards the server at another."""
    at_client = at_server = None
    for sighting in connection.sightings:
        ways = {sighting.way(m): m for m in sighting.of(TcpMark) if m.mark == "rst" and not m.repeat}
        if set(ways) == {"<"}:
            at_client = at_client or ways["<"]
        elif set(ways) == {">"}:
            at_server = at_server or ways[">"]
    return None if at_client is None or at_server is None else (at_client, at_server)


RULE = Rule(
    title="Something on the way breaks the stream",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-outbound-reset", "stream-closed-without-error", "network-connection-refused"),
    rivals=("network-outbound-reset", "network-shun-or-threat-detection"),
    firewall=(FirewallSign(action="teardown", reason=r"inspection|IPS|Deny Terminate"),),
    explanation=(
        "The client was told that the server reset the connection, and the server that the client did.\n"
        "Neither sent it: application inspection or intrusion prevention between them ended the stream, towards "
        "both."
    ),
    remedy="Exempt TCP 5269 to and from the federation server from application inspection and intrusion prevention.",
    sources=(cisco("ASA syslog guide", "507003; 302014: Flow closed by inspection"),),
    predicate=predicate,
)
