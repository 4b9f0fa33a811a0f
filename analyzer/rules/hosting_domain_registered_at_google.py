"""Rule: Google holds our domain as one of its own."""

from analyzer.citations import cisco, note, xep
from analyzer.claims import belongs_to, claim_on, names_at
from analyzer.clouds import GOOGLE
from analyzer.rule import Confidence, Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import Topic

REFUSALS = ("is a google apps domain", "talk service enabled")
"""Texts, in lower case, with which Google refused a domain that it held: an operator's log shows the stream error
`undefined-condition` with "DOMAIN is a Google Apps Domain with Talk service enabled."."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """Google says so outright, speaks for our domain from its hosts, or asks about a key that we did not send."""
    for connection, error in session.errors:
        if error.text and any(t in error.text.lower() for t in REFUSALS):
            return Match(
                events=(error,),
                because=f"{end_text(connection.server)} refused {session.initiator}: {error.text}",
                connection=connection.id,
                domain=session.initiator,
                confidence=Confidence.PROVEN,
                severity=Severity.DEGRADED if session.authenticated else None,
                ruled_out=(("stream-undefined-condition", "the text of the error names the reason"),),
            )
    for key in session.dialbacks:
        claim = claim_on(key, case)
        if claim is None or claim.disowned is None or claim.hidden is not None:
            continue
        names = (
            () if claim.address is None else [n for n in names_at(claim.address, case) if belongs_to(n, GOOGLE.zones)]
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
        if belongs_to(key.target_domain, GOOGLE.zones):
            return Match(
                events=(claim.verify, claim.disowned),
                because=(
                    f"{key.target_domain} asked about a key of {key.sender_domain} that our server did not send, "
                    "as happens when the domain is registered with Google"
                ),
                connection=claim.callback.id,
                domain=key.sender_domain,
                confidence=Confidence.POSSIBLE,
                severity=Severity.NOTE,
                undecided=(("hosting-unexpected-callback", f"the Google account, if any, of {key.sender_domain}"),),
            )
    return None


RULE = Rule(
    title="The domain is registered with Google",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.LOCAL,
    needs=frozenset({Stage.AUTH}),
    masks=(
        "hosting-unexpected-callback",
        "stream-undefined-condition",
        "stream-not-authorized",
        "dialback-result-invalid",
        "dialback-callback-absent",
        "stream-closed-without-error",
    ),
    rivals=("hosting-unexpected-callback", "dialback-secret-mismatch"),
    said=(SaidSign(topic=Topic.REFUSED, conditions=("undefined-condition",), text="|".join(REFUSALS)),),
    explanation=(
        "Google holds the domain as one of its own (Google Apps, Workspace) with its chat service switched on. "
        "It therefore\n"
        "refuses every other server that speaks for the domain, does not send its users' messages out to it, and "
        "opens\n"
        "connections in the name of the domain to third servers, which then call back to ours."
    ),
    remedy=(
        "In the Google administration of the domain switch the chat (Talk) service off, or remove the domain.\n"
        "If nobody in the organisation has access, Google's support must release the domain. It takes effect at once."
    ),
    sources=(
        cisco("116339", "verification step 3"),
        note("an operator's log: undefined-condition (… is a Google Apps Domain with Talk service enabled.)"),
        note("blogs.perficient.com, 2012-11-06"),
        xep(220, "2.2.2"),
    ),
    predicate=predicate,
)
