"""Rule: a key is verified on the very connection that it came on."""

from analyzer.citations import xep
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """Result and verify of one key on one connection."""
    for key in session.dialbacks:
        if key.request is None or key.verify is None or key.asked_on is None or key.asked_on != key.verified_on:
            continue
        return Match(
            events=(key.verify, key.request),
            because=(
                f"{key.target_domain} asked about the key of {key.sender_domain} on the connection that it came on, "
                "which proves nothing"
            ),
            connection=key.asked_on,
            domain=key.target_domain,
            owner=owner_of(key.target_domain, case),
            severity=Severity.NOTE if session.authenticated else None,
        )
    return None


RULE = Rule(
    title="The key was verified with whoever sent it",
    stage=Stage.AUTH,
    severity=Severity.DEGRADED,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    rivals=("dialback-unsolicited-answer",),
    explanation=(
        "Dialback proves a domain because the question goes to where DNS leads. Here it went back over the\n"
        "connection that brought the key, so whoever claims the name vouches for it. This is forbidden, and happens\n"
        "with bidirectional streams (XEP-0288)."
    ),
    remedy="Update the server that asks so; until then anybody can take any name with it.",
    sources=(xep(288), xep(220, "1.4")),
    predicate=predicate,
)
