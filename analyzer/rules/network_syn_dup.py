"""Rule: a second SYN with another number comes while the first waits."""

from itertools import pairwise

from analyzer.citations import cisco, rfc
from analyzer.rule import Confidence, FirewallSign, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView

BOTH_SIDES_NS = 200 * 10**6
"""Two SYNs nearer together may be one, seen before and behind a firewall that gives it another number."""
WAITING_NS = 30 * 10**9
"""How long a firewall holds an unanswered SYN: ASA `timeout embryonic`, 0:00:30."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """Two conversations on the same ends at one place, the first still unanswered when the second begins."""
    if len(session.connections) < 2:
        return None
    for first, second in pairwise(session.connections):
        if (first.client, first.server) != (second.client, second.server) or not first.unanswered or not second.syns:
            continue
        apart_ns = second.began_ns - first.began_ns
        if not BOTH_SIDES_NS < apart_ns < WAITING_NS or first.primary.tap != second.primary.tap:
            continue
        return Match(
            events=(second.syns[0], first.syns[0]),
            because=(
                f"{end_text(first.client)} > {end_text(first.server)} was opened a second time, with another sequence "
                f"number, {apart_ns / 10**9:.1f} s after a SYN that was still unanswered"
            ),
            connection=second.id,
            confidence=Confidence.POSSIBLE,
            severity=Severity.NOTE if any(c.accepted for c in session.connections) else None,
            undecided=(("network-syn-unanswered", "the firewall's log: does it drop the second SYN as a duplicate?"),),
        )
    return None


RULE = Rule(
    title="A second SYN with another number comes while the first waits",
    stage=Stage.CONNECT,
    severity=Severity.DEGRADED,
    owner=Owner.NETWORK,
    needs=frozenset({Stage.CONNECT}),
    rivals=("network-syn-unanswered",),
    firewall=(FirewallSign(action="other", ids=("419002",)),),
    explanation=(
        "The same two ends open a connection anew while the first SYN is not answered yet, and not by repeating it: "
        "the sequence number is another one.\n"
        "A host that sends a SYN again keeps its number. Either its program gave up and took the same port again,\n"
        "or a device on the way opens connections in its name. Firewalls drop such a SYN as a duplicate."
    ),
    remedy=(
        "Look for a proxy, load balancer or firewall between the two that answers or rewrites handshakes.\n"
        "If the server binds a fixed source port, let it use any."
    ),
    sources=(rfc(9293, "3.10.7.4"), cisco("ASA syslog guide", "419002")),
    predicate=predicate,
)
