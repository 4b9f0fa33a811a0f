"""Rule: WebEx holds our domain as one of its own."""

from analyzer.citations import cisco, xep
from analyzer.claims import belongs_to, claim_on, names_at
from analyzer.clouds import WEBEX
from analyzer.once import once
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A host of WebEx speaks for our domain, or a domain that lives there asks about a key that we did not send."""
    for key in session.dialbacks:
        claim = claim_on(key, case)
        if claim is None or claim.disowned is None or claim.hidden is not None:
            continue
        names = (
            () if claim.address is None else [n for n in names_at(claim.address, case) if belongs_to(n, WEBEX.zones)]
        )
        own = case.succeeded(key.sender_domain, key.target_domain)
        if names and claim.claimant is not None and claim.end is not None and key.request is not None:
            return Match(
                events=(key.request, claim.disowned, claim.verify),
                because=(
                    f"{end_text(claim.end)} ({', '.join(names)}) claimed to be {key.sender_domain} towards "
                    f"{key.target_domain}, and our server disowned the key"
                ),
                connection=claim.claimant.id,
                domain=key.sender_domain,
                confidence=Confidence.PROVEN if claim.apart else Confidence.LIKELY,
                severity=Severity.DEGRADED if own or session.authenticated else None,
                ruled_out=(("dialback-secret-mismatch", f"{claim.address} is no node of ours"),),
            )
        asker = _host(case, key.target_domain)
        if asker is not None or belongs_to(key.target_domain, WEBEX.zones):
            return Match(
                events=(claim.verify, claim.disowned),
                because=(
                    f"{key.target_domain} ({asker or 'WebEx'}) asked about a key of {key.sender_domain} that our "
                    f"server "
                    "did not send, as happens when the domain is registered with WebEx"
                ),
                connection=claim.callback.id,
                domain=key.sender_domain,
                confidence=Confidence.POSSIBLE,
                severity=Severity.NOTE,
                undecided=(("hosting-unexpected-callback", f"the WebEx organisation, if any, of {key.sender_domain}"),),
            )
    return None


@once
def _host(case: CaseView, domain: str) -> str | None:
    """A host of WebEx that DNS names for a domain."""
    return next((r.data for k in case.lookups_of(domain) for r in k.srv if belongs_to(r.data, WEBEX.zones)), None)


RULE = Rule(
    title="The domain is registered with WebEx",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.LOCAL,
    needs=frozenset({Stage.AUTH}),
    masks=(
        "hosting-unexpected-callback",
        "stream-not-authorized",
        "dialback-result-invalid",
        "dialback-callback-absent",
        "stream-closed-without-error",
    ),
    rivals=("hosting-unexpected-callback", "dialback-secret-mismatch"),
    explanation=(
        "A WebEx Messenger organisation holds the domain as its own. WebEx opens connections in the name of the "
        "domain to\n"
        "third servers, which then call back to ours, and does not send its users' messages out to it."
    ),
    remedy="Have WebEx support release the domain from the organisation that holds it.",
    sources=(cisco("116339", "verification step 3"), xep(220, "2.2.2")),
    predicate=predicate,
)
