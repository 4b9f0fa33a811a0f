"""Rule: the edge could not tell the inside servers that it is there."""

from analyzer.citations import cisco
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.told import said_before
from analyzer.view import CaseView

NEAR_NS = 24 * 3600 * 10**9
"""How long before an attempt the edge may have failed: it tries again only when its settings change."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A line of our side's log says so before the attempt, and the attempt came to nothing."""
    decides = (
        "stanza-one-directional",
        "the Expressway's status of XMPP federation, and `run sql select * from xmpps2snodes`",
    )
    return said_before(session, case, "edge-axl-failed", NEAR_NS, decides)


RULE = Rule(
    title="The Expressway could not write its node into IM and Presence",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.LOCAL,
    rivals=("stanza-one-directional",),
    explanation=(
        "To route outgoing federation over the edge, the Expressway writes its node into the database of IM and "
        "Presence.\n"
        "Its request was refused: what comes in is served, and nothing goes out."
    ),
    remedy=(
        "Give the Expressway the name and password of an administrator of IM and Presence with the AXL role, "
        "and restart the XCP router afterwards."
    ),
    sources=(cisco("213865", "Configure and Troubleshoot XMPP Federation on Expressway"),),
    predicate=predicate,
)
