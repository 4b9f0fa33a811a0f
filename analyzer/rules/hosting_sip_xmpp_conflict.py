"""Rule: our router gives stanzas for the peer to federation by SIP."""

from analyzer.citations import cisco
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.told import said_before
from analyzer.view import CaseView

NEAR_NS = 5 * 10**9
"""How long before the end of an attempt the router may have said so: it routes a stanza at once."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """The router redirects to the SIP federation's component while nothing is tried by XMPP."""
    if session.connections or session.lookups:
        return None
    decides = ("stanza-no-attempt", "the list of SIP federated domains in the settings of the presence server")
    return said_before(session, case, "routed", NEAR_NS, decides, text=r"sip-fed")


RULE = Rule(
    title="The peer's domain is still federated by SIP",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.LOCAL,
    rivals=("stanza-no-attempt",),
    explanation=(
        "One domain can be federated by SIP or by XMPP, and the list of SIP federated domains goes before.\n"
        "While the peer's domain stands in it, the router hands its stanzas to the SIP component, and no stream of "
        "XMPP is ever tried."
    ),
    remedy="Delete the domain from the SIP federated domains, and restart the Cisco XCP router.",
    sources=(cisco("Interdomain Federation Guide 12.5", "XMPP federation, SIP and XMPP for one domain"),),
    predicate=predicate,
)
