"""Rule: the XCP router works with settings of yesterday."""

from analyzer.citations import cisco
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.told import said_before
from analyzer.view import CaseView

NEAR_NS = 24 * 3600 * 10**9
"""How long before an attempt the router may have said so: a day, since it goes on until it is restarted."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A line of our side's log says so before the attempt, and the attempt came to nothing."""
    decides = ("hosting-policy-denied", "whether it helps to restart the XCP router on all nodes")
    return said_before(session, case, "router-bouncing", NEAR_NS, decides)


RULE = Rule(
    title="The XCP router was not restarted after a change",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.LOCAL,
    rivals=("hosting-policy-denied",),
    explanation=(
        "The XCP router reads its settings when it starts, and gives stanzas back that its old ones do not cover.\n"
        "After a change of domains, of federation or of its nodes it has to be restarted everywhere."
    ),
    remedy="Restart the Cisco XCP router on all nodes of IM and Presence, outside working hours: users are signed out.",
    sources=(cisco("213865", "Configure and Troubleshoot XMPP Federation on Expressway"),),
    predicate=predicate,
)
