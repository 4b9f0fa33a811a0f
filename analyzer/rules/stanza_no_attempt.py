"""Rule: a stanza came back, and nobody tried to deliver it."""

from analyzer.bounces import untried
from analyzer.citations import cisco, rfc
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """The server gave a stanza back without a question to DNS or a connection, and no failed attempt explains it."""
    found = untried(session, case)
    if found is None or found.after is not None:
        return None
    return Match(
        events=(found.bounce, found.trigger),
        because=(
            f"the server of {session.initiator} gave the {found.trigger.name} for {session.receiver} back with "
            f"{found.bounce.condition} and neither asked DNS nor opened a connection"
        ),
        domain=session.initiator,
        undecided=(
            ("hosting-federation-off", f"whether federation is switched on at {session.initiator}'s server"),
            ("hosting-policy-denied", f"the allow list of {session.initiator}'s server"),
            *(() if found.watched else (("stanza-backoff", "a capture from five minutes earlier on"),)),
        ),
        confidence=Confidence.LIKELY if found.watched else Confidence.POSSIBLE,
    )


RULE = Rule(
    title="A stanza came back, and nobody tried to deliver it",
    stage=Stage.TRAFFIC,
    severity=Severity.FAILURE,
    owner=Owner.LOCAL,
    masks=("stanza-bounced-not-found", "stanza-bounced-timeout"),
    rivals=("hosting-federation-off", "hosting-policy-denied", "stanza-backoff", "dns-idna"),
    explanation=(
        "The client's stanza was given back at once, and the capture at that server shows neither a DNS question "
        "nor a connection for it.\n"
        "Inside the server the stanza did not reach what federates: federation is off or the service is down,\n"
        "the domain is not on the allow list, or it is routed elsewhere, such as a SIP domain of the same name.\n"
        "A server that failed shortly before may also refuse to try again for some minutes."
    ),
    remedy=(
        "See that federation is switched on and its service runs.\n"
        "Look at the policy or allow list for that domain, and for a SIP federated domain of the same name."
    ),
    sources=(rfc(6120, "10.4"), rfc(6120, "8.3.3.16"), cisco("Interdomain Federation Guide 12.5(1)SU3")),
    predicate=predicate,
)
