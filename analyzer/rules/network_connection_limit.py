"""Rule: the firewall's limit of connections is reached."""

from analyzer.citations import cisco
from analyzer.rule import FirewallSign, Owner, Rule, Severity, logged_only
from analyzer.stage import Stage

RULE = Rule(
    title="A limit of connections was reached at the firewall",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-syn-unanswered",),
    rivals=("stream-resource-constraint",),
    firewall=(FirewallSign(action="deny", ids=("201002", "201003", "201009", "201010", "201011", "201012", "201013")),),
    explanation=(
        "The firewall counts the connections of a host or a rule, and let no more in.\n"
        "Under load some attempts fail and others do not; a flood of connections from elsewhere has the same "
        "effect."
    ),
    remedy=(
        "Look at `show conn count` and at `set connection conn-max` and `embryonic-conn-max` of the policy "
        "for the federation server."
    ),
    sources=(cisco("ASA syslog guide", "201011"),),
    predicate=logged_only,
)
