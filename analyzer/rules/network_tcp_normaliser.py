"""Rule: the firewall's TCP normaliser ended the stream."""

from analyzer.citations import cisco
from analyzer.rule import FirewallSign, Owner, Rule, Severity, logged_only
from analyzer.stage import Stage

RULE = Rule(
    title="The firewall ended a stream because it disliked its TCP segments",
    stage=Stage.TRAFFIC,
    severity=Severity.DEGRADED,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-loss-or-latency",),
    rivals=("network-mtu-black-hole", "network-inspection-interference"),
    firewall=(
        FirewallSign(
            action="teardown",
            reason=r"bad retransmission|partial overlap|unexpected window size|invalid SYN|TCP segment",
        ),
    ),
    explanation=(
        "The firewall checks that segments agree with each other, and closed the connection over one that did "
        "not: sent again with other content, overlapping, or with a window that cannot be.\n"
        "A middlebox that rewrites segments is behind it more often than one of the two servers."
    ),
    remedy=(
        "Look for a proxy, WAN accelerator or second firewall on the way. If the segments are in order, relax "
        "the check by a tcp-map for TCP 5269."
    ),
    sources=(cisco("ASA syslog guide", "302014, teardown reasons"),),
    predicate=logged_only,
)
