"""Rule: a firewall drops what would come back by another translation."""

from analyzer.citations import cisco
from analyzer.rule import FirewallSign, Owner, Rule, Severity, logged_only
from analyzer.stage import Stage

RULE = Rule(
    title="The firewall's translation rules do not match in both directions",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-syn-unanswered", "network-inbound-blocked-acl", "network-inbound-no-nat"),
    rivals=("network-inbound-no-nat",),
    firewall=(FirewallSign(action="deny", ids=("305013",)),),
    explanation=(
        "The firewall would translate the way in by one rule and the way back by another, and drops the "
        "connection for it. A dynamic rule for the whole network stands before the static one of the server, "
        "or a rule without translation covers it."
    ),
    remedy=(
        "Put the static translation of the federation server before rules for whole networks, and exempt "
        "nothing that covers it."
    ),
    sources=(cisco("ASA syslog guide", "305013"),),
    predicate=logged_only,
)
