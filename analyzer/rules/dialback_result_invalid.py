"""Rule: the receiving server says that the key is invalid. General."""

from analyzer.citations import cisco, xep
from analyzer.claims import claim_on
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """`<db:result type='invalid'/>`."""
    for key in session.dialbacks:
        step = key.step_into("REJECTED")
        if step is None:
            continue
        claim = claim_on(key, case)
        if claim is not None and claim.claimant is not None:
            continue  # a stranger's key, which hosting-unexpected-callback tells of: that it is refused is right
        events = (step.event, *(e for e in (key.verify_answer, key.verify, key.request) if e is not None))
        checked = ""
        if key.verify_answer is None:
            checked = "; whom it asked about the key was not seen here"
        elif key.step_into("DISOWNED"):
            checked = "; the server that it asked had disowned the key"
        return Match(
            events=events,
            because=f"{key.target_domain} told {key.sender_domain} that its dialback key is invalid{checked}",
            connection=key.asked_on,
            domain=key.sender_domain,
            undecided=(
                (
                    "dialback-secret-mismatch",
                    f"a capture at every server of {key.sender_domain}: which of them is asked about the key",
                ),
                (
                    "hosting-domain-registered-at-google",
                    f"a capture at {key.target_domain}: whether it asks anybody about the key",
                ),
            ),
            severity=Severity.DEGRADED if session.authenticated else None,
        )
    return None


RULE = Rule(
    title="The dialback key was called invalid",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.LOCAL,
    needs=frozenset({Stage.AUTH}),
    masks=("stream-not-authorized", "stream-closed-without-error"),
    rivals=("dialback-secret-mismatch", "dialback-authoritative-elsewhere", "hosting-domain-registered-at-google"),
    said=(SaidSign(topic=Topic.AUTH_FAILED, conditions=("dialback-invalid",)),),
    explanation=(
        "The receiving server asked the server that DNS names for the sender's domain about the key, and was told\n"
        "that it is not one of its keys. So the machine that sent the key and the machine that was asked do not\n"
        "know each other: two nodes with different secrets, or the domain lives at two providers, or DNS is wrong."
    ),
    remedy=(
        "Give all servers of the domain one dialback secret.\n"
        "Let the SRV record name them and nobody else; have the domain removed where it is also set up."
    ),
    sources=(xep(220, "2.1.1"), cisco("Interdomain Federation Guide 12.5(1)SU3", "troubleshooting")),
    predicate=predicate,
)
