"""Rule: the firewall knows no way to the other side."""

from analyzer.citations import cisco
from analyzer.rule import FirewallSign, Owner, Rule, Severity, logged_only
from analyzer.stage import Stage

RULE = Rule(
    title="The firewall has no route to the other side",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-syn-unanswered", "network-outbound-blocked-silent"),
    rivals=("network-outbound-blocked-silent",),
    firewall=(FirewallSign(action="deny", ids=("110002", "110003")),),
    explanation=(
        "The firewall took the connection in and found no interface or no next hop to send it on.\n"
        'Nothing of it leaves, and the server"s SYN stays unanswered, as if an access list had dropped it.'
    ),
    remedy=(
        'Look at the firewall"s routes to that address: the default route of the outside interface, and the '
        'next hop"s ARP entry.'
    ),
    sources=(cisco("ASA syslog guide", "110002, 110003"),),
    predicate=logged_only,
)
