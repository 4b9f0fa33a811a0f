"""Rule: connections with several peers are reset at one moment."""

from analyzer.citations import cisco
from analyzer.rule import Confidence, FirewallSign, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView

PEERS = 3
"""Two peers may close at one moment by chance."""
MOMENT_NS = 10**9
"""Resets within a second are of one moment."""
SETTLED_NS = 60 * 10**9
"""A connection of a minute has passed its negotiation: its reset is no answer to something said there."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """Within a second, resets came in from several peers on connections that had stood for a while."""
    for connection in session.connections:
        reset = connection.reset
        if reset is None or reset.at_ns - connection.began_ns < SETTLED_NS:
            continue
        at_once = case.resets_from_afar(reset.at_ns, MOMENT_NS)
        if connection not in at_once:
            continue
        settled = [c for c in at_once if c.reset is not None and c.reset.at_ns - c.began_ns >= SETTLED_NS]
        peers = {c.reset.flow.src_ip for c in settled if c.reset is not None and c.reset.flow is not None}
        if len(peers) < PEERS:
            continue
        resets = [c.reset for c in settled if c.reset is not None and c is not connection]
        return Match(
            events=(reset, *resets),
            because=(
                f"{end_text(connection.client)} > {end_text(connection.server)} was reset, and within a second so were "
                f"{len(settled) - 1} connections more, with {len(peers)} peers in all"
            ),
            connection=connection.id,
            confidence=Confidence.POSSIBLE,
            undecided=(("network-outbound-reset", "the firewall's log of that second, and whether it changed over"),),
        )
    return None


RULE = Rule(
    title="Connections with several peers are reset at one moment",
    stage=Stage.TRAFFIC,
    severity=Severity.DEGRADED,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-outbound-reset", "network-inspection-interference", "stream-closed-without-error"),
    rivals=("network-outbound-reset", "network-inspection-interference"),
    firewall=(FirewallSign(action="teardown", reason=r"^(?:Xlate Clear|Failover)"),),
    explanation=(
        "Resets came in from several peers within one second, on connections that had stood for a while.\n"
        "Peers that do not know each other do not do that; what they have in common is the way to us.\n"
        "A firewall resets everything when its translations are cleared, it is reloaded, or its partner takes over "
        "without its state."
    ),
    remedy=(
        "Look at the firewall's log of that moment: `clear xlate`, a reload, a failover.\n"
        "With a pair of firewalls, switch on stateful failover."
    ),
    sources=(cisco("ASA syslog guide", "302014: Xlate Clear, Failover primary closed; 104001"),),
    predicate=predicate,
)
