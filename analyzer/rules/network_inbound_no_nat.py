"""Rule: the peer's SYN is refused outside, by somebody who is not our server."""

from analyzer.addresses import is_private
from analyzer.citations import cisco, rfc
from analyzer.rule import Confidence, FirewallSign, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A SYN to a server behind a firewall was answered by a reset at one tap, and neither is at a tap further in."""
    for connection in session.connections:
        if connection.refusal is None or case.way(connection, session.direction) != "in":
            continue
        missing = case.missing_at(connection)
        if not missing or (is_private(connection.server[0]) and not is_private(connection.client[0])):
            continue
        return Match(
            events=(connection.refusal, *connection.syns),
            because=(
                f"the SYN {end_text(connection.client)} > {end_text(connection.server)} was answered by a reset in "
                f"{', '.join(sorted(connection.vantages))}, and {', '.join(c.tap for c in missing)} saw neither"
            ),
            connection=connection.id,
            domain=session.receiver,
            confidence=Confidence.POSSIBLE,
            severity=Severity.DEGRADED if any(c.accepted for c in session.connections) else None,
            ruled_out=(("network-service-not-listening", f"the SYN did not get as far as {missing[0].tap}"),),
            undecided=(("network-inbound-blocked-acl", "the log of the firewall at that moment"),),
        )
    return None


RULE = Rule(
    title="The public address does not lead to the server",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-connection-refused",),
    rivals=("network-inbound-blocked-acl", "network-asa-self-terminated", "network-nat-wrong-target"),
    firewall=(
        FirewallSign(
            action="deny",
            answered=False,
            ids=(
                "305005",
                "305006",
            ),
            way="in",
        ),
    ),
    explanation=(
        "The peer's SYN to our public address was refused, and the capture further in shows neither the SYN nor "
        "the reset: the firewall itself answered.\n"
        "It does so for an address of its own that it forwards nowhere, because no static translation for port "
        "5269 exists; a filter that rejects instead of dropping looks the same."
    ),
    remedy=(
        "Add the static NAT or PAT for the published address and TCP 5269 to the federation server.\n"
        "If it exists: see whether an inbound rule rejects the port."
    ),
    sources=(cisco("116339", "configuration step 2"), rfc(9293, "3.5.2")),
    predicate=predicate,
)
