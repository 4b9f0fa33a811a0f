"""Rule: our SYN leaves one place and never reaches the next: something between drops it."""

from analyzer import asa
from analyzer.citations import cisco, rfc
from analyzer.rule import Confidence, FirewallSign, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """The SYN of a server behind a firewall was seen at one tap, unanswered, and not at one that its path leads past.

    A SYN that was seen beyond address translation has left; where it was lost then is another's.
    """
    worked = any(c.accepted for c in session.connections)
    for connection in session.connections:
        if not connection.unanswered_everywhere or case.way(connection, session.direction) != "out":
            continue
        if case.outside(connection, connection.client[0]):
            continue
        missing = case.missing_at(connection)
        if not missing:
            continue
        seen = sorted(connection.vantages)
        return Match(
            events=connection.syns,
            because=(
                f"the SYN {end_text(connection.client)} > {end_text(connection.server)} was seen "
                f"{len(connection.syns)} times in {', '.join(seen)} and never in {', '.join(c.tap for c in missing)}, "
                "which saw other conversations then"
            ),
            connection=connection.id,
            confidence=Confidence.PROVEN,
            severity=Severity.DEGRADED if worked else None,
            ruled_out=(("network-far-side-block", f"the SYN did not get as far as {missing[0].tap}"),),
            undecided=(("network-no-route", "the log of the firewall between the two captures"),),
            remedy=asa.let_out(connection, f", on what lies between {seen[0]} and {missing[0].tap}"),
        )
    return None


RULE = Rule(
    title="Outbound federation is dropped on the way",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-syn-unanswered",),
    rivals=("network-outbound-reset", "network-far-side-block", "network-no-route", "network-nat-rpf"),
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
            way="out",
        ),
    ),
    explanation=(
        "The server's SYN to the peer was recorded on the near side and is missing on the far side, while the far "
        "side's capture shows other traffic of that time.\n"
        "Something between the two places dropped it without a word, as a firewall does with an access list that "
        "does not permit TCP 5269 outbound."
    ),
    remedy=(
        "Permit outbound TCP 5269 (and any other port that the peer's SRV record names) from the federation server."
    ),
    sources=(cisco("116339", "troubleshooting step 2"), rfc(9293, "3.8.3")),
    predicate=predicate,
)
