"""Rule: DNS sends peers of our domain to WebEx."""

from analyzer.citations import cisco, rfc, xep
from analyzer.clouds import WEBEX, record_leads_to
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """The SRV record of a local domain names hosts of WebEx."""
    return record_leads_to(WEBEX, session, case)


RULE = Rule(
    title="The domain's record points to WebEx",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    masks=(
        "dialback-callback-absent",
        "dialback-result-error",
        "dialback-result-invalid",
        "dialback-result-timeout",
        "dialback-authoritative-elsewhere",
        "dialback-authoritative-unreachable",
        "stream-remote-connection-failed",
        "stream-not-authorized",
        "network-syn-unanswered",
        "network-connection-refused",
    ),
    rivals=("hosting-domain-registered-at-webex", "dns-stale-or-negative-cache"),
    explanation=(
        "The SRV record of our domain names hosts of WebEx. Peers connect there to send to us, and ask there whether\n"
        "our dialback keys are right. The record is left over from a time when WebEx served the domain,\n"
        "or part of the domain's users still are there."
    ),
    remedy="Replace the SRV record by one that names your own server, and have WebEx release the domain.",
    sources=(rfc(6120, "3.2.1"), xep(220, "2.1.2"), cisco("Jabber DNS guide")),
    predicate=predicate,
)
