"""Rule: the firewall let the SYN in, and our side did not answer it."""

from analyzer.citations import cisco
from analyzer.rule import FirewallSign, Owner, Rule, Severity, logged_only
from analyzer.stage import Stage

RULE = Rule(
    title="A SYN passed the firewall inward and was not answered",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-syn-unanswered",),
    rivals=("network-service-not-listening", "network-nat-wrong-target", "network-asymmetric-route"),
    firewall=(FirewallSign(action="teardown", reason=r"^SYN Timeout", way="in"),),
    explanation=(
        "The firewall built the connection that the peer opened and gave it up after 30 seconds without an "
        "answer from inside.\n"
        "Its rules permit it; the server is down or filters, the translation leads to another host, or the "
        "answer takes another way."
    ),
    remedy=(
        "See that the translation leads to the federation server, that it listens on TCP 5269, and that its "
        "way back is this firewall."
    ),
    sources=(cisco("ASA syslog guide", "302014, SYN Timeout"),),
    predicate=logged_only,
)
