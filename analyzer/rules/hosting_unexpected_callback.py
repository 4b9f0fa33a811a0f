"""Rule: a server asks ours about a key that ours never sent: somebody else claims the domain."""

from collections.abc import Mapping

from analyzer.citations import cisco, note, xep
from analyzer.claims import Claim, claim_on, names_at
from analyzer.once import once
from analyzer.rule import Blind, Confidence, Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import Topic, river_key


def predicate(session: Session, case: CaseView) -> Match | Blind | None:
    """A db:verify for our domain without our db:result, and nothing that could hide it."""
    claims = [c for d in session.dialbacks if (c := claim_on(d, case)) is not None]
    if not claims:
        return None
    best = max(claims, key=lambda c: (c.claimant is not None, c.hidden is None, c.disowned is not None))
    if best.hidden is not None:
        return Blind(because=best.hidden)
    if best.disowned is None and not best.watched:
        return Blind(
            because=f"the capture began only {best.since_ns // 10**9} s before the question about the key of "
            f"{best.key.sender_domain}: our server may have sent it before"
        )
    return _match(session, case, best)


def _match(session: Session, case: CaseView, claim: Claim) -> Match:
    """The finding, as sure as what was seen allows."""
    key = claim.key
    askers = _askers(case).get(key.sender_domain, frozenset())
    answered = " and our server answered that it is invalid" if claim.disowned is not None else ""
    told = f"{key.target_domain} asked {end_text(claim.callback.server)} about a key of {key.sender_domain}{answered}; "
    if claim.end is not None:
        names = [n for n in names_at(claim.end[0], case) if n != key.sender_domain]
        told += f"the key came from {end_text(claim.end)}"
        told += f" ({', '.join(names)})" if names else ""
        told += ", which is no host of ours"
    else:
        told += f"no key was seen to leave our server for {key.target_domain} that it could belong to"
    if len(askers) > 1:
        told += f"; {len(askers)} domains asked so"
    sure = claim.disowned is not None and (claim.vouched or claim.watched or len(askers) > 1)
    if claim.claimant is not None and claim.apart:
        confidence = Confidence.PROVEN
    else:
        confidence = Confidence.LIKELY if sure or claim.claimant is not None else Confidence.POSSIBLE
    own = case.succeeded(key.sender_domain, key.target_domain)
    events = [e for e in (claim.verify, claim.disowned, key.request, key.answer) if e is not None]
    return Match(
        events=(*events[:2], *sorted(events[2:], key=river_key)),
        because=told,
        connection=claim.callback.id,
        domain=key.sender_domain,
        confidence=confidence,
        severity=Severity.DEGRADED if own or session.authenticated else None,
        ruled_out=_ruled_out(claim),
        undecided=_undecided(claim),
        remedy=(
            f"find who speaks for {key.sender_domain} at {claim.address} and end it there"
            if claim.address
            else f"ask the operator of {key.target_domain} from which address the key of {key.sender_domain} came, "
            f"then have the domain released there; first look at your Google and WebEx accounts, then at "
            f"old servers"
        ),
    )


def _ruled_out(claim: Claim) -> tuple[tuple[str, str], ...]:
    """The rivals that the evidence excludes."""
    found = []
    if claim.claimant is not None and claim.apart:
        found.append(
            ("dialback-secret-mismatch", f"the claimant never came past {', '.join(claim.apart)}, as our nodes do")
        )
    if claim.watched and claim.claimant is None:
        found.append(("dialback-wrong-id", "no key of ours left for that peer in the 30 s before"))
    return tuple(found)


def _undecided(claim: Claim) -> tuple[tuple[str, str], ...]:
    """The rivals that stay open, each with what would decide."""
    peer, own = claim.key.target_domain, claim.key.sender_domain
    if claim.claimant is not None:
        whose = ("hosting-domain-registered-at-google", f"whois {claim.address}: whose address it is")
        node = ("dialback-secret-mismatch", f"the list of nodes of {own}: whether {claim.address} is one")
        return (whose,) if claim.apart else (whose, node)
    return (
        (
            "hosting-domain-registered-at-google",
            f"the log of {peer}, or a capture there: from which address the key came",
        ),
        (
            "dialback-secret-mismatch",
            f"a capture or the log of the other nodes of {own}: whether one sent the key",
        ),
        *(
            ()
            if claim.watched
            else (
                ("dialback-wrong-id", "a capture that runs for half a minute before: whether our server sent the key"),
            )
        ),
    )


@once
def _askers(case: CaseView) -> Mapping[str, frozenset[str]]:
    """Who asked our server about keys that it never made, by the domain that they claim to be of."""
    found: dict[str, set[str]] = {}
    for key in case.dialbacks:
        if claim_on(key, case) is not None:
            found.setdefault(key.sender_domain, set()).add(key.target_domain)
    return {domain: frozenset(those) for domain, those in found.items()}


RULE = Rule(
    title="An unexpected dialback callback: somebody else claims the domain",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.LOCAL,
    needs=frozenset({Stage.AUTH}),
    masks=(
        "dialback-result-invalid",
        "dialback-callback-absent",
        "dialback-authoritative-elsewhere",
        "stream-closed-without-error",
        "stream-not-authorized",
    ),
    rivals=(
        "hosting-domain-registered-at-google",
        "dialback-secret-mismatch",
        "hosting-domain-registered-at-webex",
        "dialback-wrong-id",
        "dialback-partial-domains",
    ),
    said=(SaidSign(topic=Topic.AUTH_FAILED, conditions=("dialback-imposter",)),),
    explanation=(
        "A server holds a connection on which somebody says that he is this domain and shows a dialback key. It "
        "asks the\n"
        "server that DNS names for the domain, which is ours, whether the key is right. Ours never sent it.\n"
        "So a second server speaks for the domain: the domain is still registered with Google or WebEx, which opens\n"
        "connections of its own for it; or an old or test server of ours still runs; or somebody tries to pass "
        "for us.\n"
        "Users there and users here cannot reach each other's contacts."
    ),
    remedy=(
        "Look whether the domain has an account with Google (Apps, Workspace) or WebEx, and have it released or "
        "its chat\n"
        "service switched off. Look for old servers that still know the domain.\n"
        "If all nodes of ours answer for each other, see that they share one dialback secret."
    ),
    sources=(
        xep(220, "2.2.2"),
        xep(220, "2.1.2"),
        cisco("116339", "verification step 3"),
        note("Prosody mod_dialback: Asked to verify a dialback key that was incorrect"),
    ),
    predicate=predicate,
)
