"""Rule: our SYN has left our network, and no answer comes back."""

from analyzer.citations import note, rfc
from analyzer.rule import Confidence, FirewallSign, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A local server's SYN was seen beyond address translation, or on the peer's own host, and nowhere an answer."""
    if session.direction != "outbound":
        return None
    worked = any(c.accepted for c in session.connections)
    for connection in session.connections:
        if not connection.unanswered_everywhere or connection.vantages <= case.one_way_taps:
            continue
        arrived = [s for s in connection.sightings if case.at_home(s.tap, connection.server[0])]
        outside = case.outside(connection, connection.client[0])
        if not arrived and not outside:
            continue
        missing = [c.tap for c in case.missing_at(connection)]
        last = (arrived or outside)[-1]
        reached = f"it reached {end_text(last.server)}, whose own capture {last.tap} shows no answer"
        left = f"it left as {end_text(last.client)} in {last.tap}, and no answer came in there"
        return Match(
            events=tuple(dict.fromkeys((*last.events[:1], *connection.syns))),
            because=(
                f"the SYN {end_text(connection.client)} > {end_text(connection.server)} was dropped beyond us: "
                + (reached if arrived else left)
                + (f"; it is missing in {', '.join(missing)}" if missing else "")
            ),
            connection=connection.id,
            confidence=Confidence.PROVEN if arrived or missing else Confidence.LIKELY,
            domain=session.receiver,
            severity=Severity.DEGRADED if worked else None,
            ruled_out=(("network-outbound-blocked-silent", f"the SYN was seen outside, in {last.tap}"),),
            undecided=() if arrived else (("network-asymmetric-route", "a capture on the peer's host"),),
            remedy=(
                f"ask the administrator of {session.receiver} whether SYNs from {last.client[0]} reach "
                f"{end_text(last.server)}"
            ),
        )
    return None


RULE = Rule(
    title="The peer's side does not answer",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-syn-unanswered",),
    rivals=("network-outbound-blocked-silent", "network-asymmetric-route"),
    firewall=(FirewallSign(action="teardown", reason=r"^SYN Timeout", way="out"),),
    explanation=(
        "The server's SYN was recorded outside our own firewall, or even on the peer's host, and nothing came "
        "back.\n"
        "Our side let it go; it is lost on the way to the peer, dropped by the peer's firewall, or the host is "
        "down."
    ),
    remedy="Nothing to mend here: ask the peer's administrator, and give the address from which the SYNs come.",
    sources=(rfc(9293, "3.8.3"), note("comparison of a capture inside and one outside of a translating firewall")),
    predicate=predicate,
)
