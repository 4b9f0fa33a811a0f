"""Rule: the XCP router works with settings of yesterday."""

from analyzer.citations import cisco
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

NEAR_NS = 24 * 3600 * 10**9
"""How long before an attempt the router may have said so: a day, since it goes on until it is restarted."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A line of our side's log says so before the attempt, and the attempt came to nothing."""
    if session.authenticated or not (case.is_local(session.initiator) or case.is_local(session.receiver)):
        return None
    line = next(
        (
            said
            for said in case.said
            if said.condition == "router-bouncing" and session.began_ns - NEAR_NS <= said.at_ns <= session.ended_ns
        ),
        None,
    )
    if line is None:
        return None
    return Match(
        events=(line,),
        because=f"the log {line.where.source} says: {line.text}",
        confidence=Confidence.POSSIBLE,
        # Whoever tried to connect was not kept from it by this.
        severity=Severity.NOTE if session.connections else None,
        undecided=(("hosting-policy-denied", "whether it helps to restart the XCP router on all nodes"),),
    )


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
