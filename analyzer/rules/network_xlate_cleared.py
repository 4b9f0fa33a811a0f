"""Rule: connections with several peers are reset at one moment."""

from bisect import bisect_left
from collections.abc import Sequence

from analyzer.citations import cisco
from analyzer.connection import Connection
from analyzer.once import once
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


RESETS_MAX = 32
"""Resets of others that are cited."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """Within a second, resets came in from several peers on connections that had stood for a while."""
    for connection in session.connections:
        reset = connection.reset
        if reset is None or reset.at_ns - connection.began_ns < SETTLED_NS:
            continue
        settled = _resets_near(case, reset.at_ns)
        if connection not in settled:
            continue
        peers = {c.reset.flow.src_ip for c in settled if c.reset is not None and c.reset.flow is not None}
        if len(peers) < PEERS:
            continue
        resets = [c.reset for c in settled if c.reset is not None and c is not connection]
        return Match(
            events=(reset, *resets[:RESETS_MAX]),
            because=(
                f"{end_text(connection.client)} > {end_text(connection.server)} was reset, and within a second so were "
                f"{len(settled) - 1} connections more, with {len(peers)} peers in all"
            ),
            connection=connection.id,
            confidence=Confidence.POSSIBLE,
            undecided=(("network-outbound-reset", "the firewall's log of that second, and whether it changed over"),),
        )
    return None


def _resets_near(case: CaseView, at_ns: int) -> Sequence[Connection]:
    """Settled conversations that resets from outside our hosts ended near one instant, in order of time."""
    resets = _resets(case)
    first = bisect_left(resets, at_ns - MOMENT_NS, key=lambda pair: pair[0])
    last = bisect_left(resets, at_ns + MOMENT_NS + 1, key=lambda pair: pair[0])
    return [connection for _, connection in resets[first:last]]


@once
def _resets(case: CaseView) -> Sequence[tuple[int, Connection]]:
    found = []
    for connection in case.connections:
        reset, end = connection.reset, connection.ending
        if reset is None or end is not reset or reset.flow is None or reset.at_ns - connection.began_ns < SETTLED_NS:
            continue
        if reset.flow.src_ip not in case.local_addresses:
            found.append((reset.at_ns, connection))
    return sorted(found, key=lambda pair: (pair[0], pair[1].id))


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
