"""Rule: one host of ours sends, another is asked about it and does not know."""

from analyzer.addresses import is_private
from analyzer.citations import cisco, xep
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """The key left one host of ours, the callback reached another, and that one disowned it."""
    if session.direction != "outbound":
        return None
    for key in session.dialbacks:
        sent, asked = case.connection(key.asked_on), case.connection(key.verified_on)
        disowned = key.step_into("DISOWNED", "VERIFY_ERROR")
        if sent is None or asked is None or disowned is None or key.request is None:
            continue
        senders = {s.client[0] for s in sent.sightings}
        keepers = {s.server[0] for s in asked.sightings}
        if any(case.same_host(a, b) for a in senders for b in keepers):
            continue
        if not any(map(is_private, senders)):
            continue  # nothing shows that the sender is a host of ours
        return Match(
            events=(disowned.event, key.request),
            because=(
                f"the key of {session.initiator} went out from {sent.client[0]}, and {session.receiver} asked "
                f"{asked.server[0]}, which disowned it"
            ),
            connection=asked.id,
            domain=session.initiator,
            confidence=Confidence.POSSIBLE,
            undecided=(
                (
                    "dialback-secret-mismatch",
                    f"what {sent.client[0]} and {asked.server[0]} are: nodes of one cluster, or two edges",
                ),
            ),
            remedy=f"let only one of {sent.client[0]} and {asked.server[0]} federate, the one that DNS names",
        )
    return None


RULE = Rule(
    title="Two edges federate for one domain",
    stage=Stage.AUTH,
    severity=Severity.DEGRADED,
    owner=Owner.LOCAL,
    needs=frozenset({Stage.AUTH}),
    rivals=("dialback-secret-mismatch", "hosting-cluster-settings-differ", "hosting-unexpected-callback"),
    explanation=(
        "One host sends for the domain, and DNS leads callbacks to another, which knows nothing of the key.\n"
        "So it is when an IM and Presence node and an Expressway both federate: that is not supported.\n"
        "Nodes of one cluster behave the same when their dialback secrets differ."
    ),
    remedy="Federate through one edge only: switch federation off on the other, and point the SRV record at the one.",
    sources=(cisco("Interdomain Federation Guide 12.5(1)SU3", "restrictions"), xep(220, "1.3")),
    predicate=predicate,
)
