"""Rule: the peer's SYN arrives outside and never gets in."""

from collections.abc import Mapping

from analyzer import asa
from analyzer.addresses import is_private
from analyzer.citations import cisco, rfc
from analyzer.connection import Connection
from analyzer.once import once
from analyzer.rule import Confidence, FirewallSign, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import End, Stage, end_text
from analyzer.view import CaseView, Coverage


def predicate(session: Session, case: CaseView) -> Match | None:
    """A SYN to a server behind a firewall was seen, unanswered, and is missing at a tap further in."""
    for connection in session.connections:
        if not connection.unanswered_everywhere or case.way(connection, session.direction) != "in":
            continue
        missing = case.missing_at(connection)
        if not missing or (is_private(connection.server[0]) and not is_private(connection.client[0])):
            continue
        through = _through(connection, missing, case)
        return Match(
            events=connection.syns,
            because=(
                f"the SYN {end_text(connection.client)} > {end_text(connection.server)} was seen "
                f"{len(connection.syns)} times in {', '.join(sorted(connection.vantages))} and never in "
                + ", ".join(c.tap for c in missing)
                + (f", where that of {through.client[0]} to the same address came through" if through else "")
            ),
            connection=connection.id,
            domain=session.receiver,
            confidence=Confidence.LIKELY if through else Confidence.POSSIBLE,
            severity=Severity.DEGRADED if any(c.accepted for c in session.connections) else None,
            ruled_out=(
                (("network-inbound-no-nat", f"{end_text(connection.server)} is translated for {through.client[0]}"),)
                if through
                else ()
            ),
            undecided=(
                *((("network-inbound-no-nat", "the log of the firewall at that moment"),) if not through else ()),
                ("network-nat-rpf", "the log of the firewall at that moment"),
            ),
            remedy=asa.let_in(connection, case),
        )
    return None


def _through(connection: Connection, missing: tuple[Coverage, ...], case: CaseView) -> Connection | None:
    """Another conversation to the same end that did get past the place where this one is lost."""
    found = (_came_through(case).get((connection.server, coverage.tap)) for coverage in missing)
    return next((other for other in found if other is not None), None)


@once
def _came_through(case: CaseView) -> Mapping[tuple[End, str], Connection]:
    """(A server's end as one tap shows it, another tap) → a conversation to that end which came past both."""
    found: dict[tuple[End, str], Connection] = {}
    for connection in case.connections:
        for tap in connection.vantages if len(connection.sightings) > 1 else ():
            for sighting in connection.sightings:
                if sighting.tap != tap:
                    found.setdefault((sighting.server, tap), connection)
    return found


RULE = Rule(
    title="Inbound federation is dropped on the way",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-syn-unanswered",),
    rivals=("network-inbound-no-nat", "network-nat-rpf", "network-service-not-listening"),
    firewall=(
        FirewallSign(
            action="deny",
            answered=False,
            ids=(
                "106023",
                "106100",
                "106001",
                "106010",
                "netfilter",
                "430002",
                "430003",
            ),
            way="in",
        ),
    ),
    explanation=(
        "The peer's SYN to our published address was recorded outside, again and again, and not once inside.\n"
        "The firewall between drops it: its access list does not permit TCP 5269 inbound, or no static "
        "translation leads from the public address to the server.\n"
        "That outbound connections work says nothing about this."
    ),
    remedy=(
        "Permit inbound TCP 5269 to the federation server on the outside access list.\n"
        "See that a static NAT or PAT for the published address and port exists."
    ),
    sources=(cisco("116339", "configuration step 2, verification step 1"), rfc(9293, "3.8.3")),
    predicate=predicate,
)
