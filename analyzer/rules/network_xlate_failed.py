"""Rule: the firewall finds no address or port to translate to."""

from analyzer.citations import cisco
from analyzer.rule import FirewallSign, Owner, Rule, Severity, logged_only
from analyzer.stage import Stage

RULE = Rule(
    title="The firewall could not translate the connection",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-syn-unanswered", "network-outbound-blocked-silent"),
    rivals=("network-outbound-blocked-silent",),
    firewall=(FirewallSign(action="deny", ids=("305006", "305016"), way="out"),),
    explanation=(
        'Our server"s connection matched a translation rule that had no address or port left, or that has '
        "none for its interface.\n"
        "Nothing of it leaves; it may come and go with the load."
    ),
    remedy=(
        "Give the federation server a static translation of its own, or enlarge the pool: `show nat pool` "
        "shows what is used."
    ),
    sources=(cisco("ASA syslog guide", "305006, 305016"),),
    predicate=logged_only,
)
