"""Rule: the published address is the firewall's own, and it does not forward the port."""

from collections.abc import Mapping

from analyzer.addresses import is_private
from analyzer.citations import cisco, rfc
from analyzer.connection import Connection
from analyzer.once import once
from analyzer.rule import FirewallSign, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView

SHARED_MAX = 4
"""Conversations that are cited for an address that many hosts share."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A SYN to an address that our hosts share for their own connections was reset outside, and is not seen inside."""
    for connection in session.connections:
        reset = connection.refusal
        if reset is None or case.way(connection, session.direction) != "in":
            continue
        shared = _shared_addresses(case).get(connection.server[0])
        if shared is None:
            continue
        missing = case.missing_at(connection)
        if not missing:
            continue
        address = connection.server[0]
        return Match(
            events=(reset, *connection.syns[:1], *(c.events[0] for c in shared[:SHARED_MAX])),
            because=(
                f"the SYN {end_text(connection.client)} > {end_text(connection.server)} was answered by a reset, and "
                f"{missing[0].tap} saw neither; {address} is an address that connections from inside share, so it is "
                "the firewall's own or of its pool"
            ),
            connection=connection.id,
            domain=session.receiver,
            severity=Severity.DEGRADED if any(c.accepted for c in session.connections) else None,
            ruled_out=(("network-service-not-listening", f"the SYN did not get as far as {missing[0].tap}"),),
            undecided=(("network-inbound-blocked-acl", "the firewall's log: 710003 or 710005 rather than 106023"),),
            remedy=f"add a static PAT on the firewall: {address} tcp 5269 to the federation server, tcp 5269",
        )
    return None


@once
def _shared_addresses(case: CaseView) -> Mapping[str, tuple[Connection, ...]]:
    """Public addresses that stand for many (PAT), each with the conversations that show it.

    Two inside hosts leave by it, or the port is changed with the address: a translation of its own does neither.
    """
    leaving: dict[str, dict[str, Connection]] = {}
    changed: dict[str, tuple[Connection, ...]] = {}
    for connection in case.connections:
        ends = {s.client for s in connection.sightings}
        for inside, port in ends if len(ends) > 1 else ():
            for outside, other_port in ends:
                if is_private(inside) and not is_private(outside):
                    leaving.setdefault(outside, {}).setdefault(inside, connection)
                    if port != other_port:
                        changed.setdefault(outside, (connection,))
    return changed | {a: tuple(those.values()) for a, those in leaving.items() if len(those) > 1}


RULE = Rule(
    title="The firewall itself answers at the published address",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-inbound-no-nat", "network-connection-refused"),
    rivals=("network-inbound-no-nat", "network-inbound-blocked-acl"),
    firewall=(
        FirewallSign(
            action="deny",
            ids=(
                "710003",
                "710005",
            ),
            way="in",
        ),
    ),
    explanation=(
        "The peer's SYN to our public address was reset outside and never came in.\n"
        "Connections of several hosts, or with changed ports, leave by that same address: it is translated to for "
        "many (PAT), mostly the firewall's interface.\n"
        "What comes in to such an address is for the firewall itself, unless the port is forwarded."
    ),
    remedy="Add a static PAT for TCP 5269 to the federation server, or publish an address that is the server's alone.",
    sources=(cisco("ASA syslog guide", "710003, 710005"), cisco("116339", "configuration step 2"), rfc(3022, "2.2")),
    predicate=predicate,
)
