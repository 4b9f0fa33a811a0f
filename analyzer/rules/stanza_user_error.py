"""Rule: the peer delivered the stanza to nobody; federation itself works."""

from analyzer.citations import rfc
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

CONDITIONS = ("service-unavailable", "item-not-found", "forbidden", "not-allowed", "recipient-unavailable", "gone")
"""What a server says of a user and not of itself (RFC 6120 section 8.3.3, RFC 6121 section 8.5)."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A stanza error about a user came over an authenticated stream."""
    found = session.stanza_error(*CONDITIONS) if session.authenticated else None
    if found is None:
        return None
    return Match(
        events=(found,),
        because=f"{found.from_domain} answered a {found.name} from {found.to_domain} with {found.condition}",
        domain=found.from_domain,
    )


RULE = Rule(
    title="The addressee, not federation, is the trouble",
    stage=Stage.TRAFFIC,
    severity=Severity.NOTE,
    owner=Owner.USER,
    needs=frozenset({Stage.TRAFFIC}),
    explanation=(
        "The stanza was carried to the peer, and the peer answered that this user does not exist, is not there or "
        "does not want it.\n"
        "That answer came over a stream that works in the direction in which it came."
    ),
    remedy=(
        "See whether the contact's address is right and whether the user accepts the sender.\nThe servers are in order."
    ),
    sources=(rfc(6120, "8.3.3"), rfc(6121, "8.5")),
    predicate=predicate,
)
