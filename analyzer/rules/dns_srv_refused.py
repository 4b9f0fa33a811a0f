"""Rule: the resolver refused the SRV question."""

from analyzer.citations import rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic

RCODES = {1: "FORMERR", 4: "NOTIMP", 5: "REFUSED", 9: "NOTAUTH"}
"""Names of the refusals that occur (RFC 1035 section 4.1.1, RFC 8945)."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """The SRV question was answered REFUSED, NOTIMP or FORMERR, and no other resolver did better."""
    for found in session.resolutions:
        if found.srv_outcome != "refused":
            continue
        lookup = found.srv_with("refused")[0]
        answer = lookup.answer
        if answer is None:
            continue
        rcode = RCODES.get(answer.rcode, f"rcode {answer.rcode}")
        return Match(
            events=(answer, *lookup.asked[:1]),
            because=f"{lookup.resolver} answered {rcode} when {found.asker} ({lookup.client}) asked for {lookup.name}",
            domain=found.domain,
            severity=None if found.failed else Severity.DEGRADED,
            ruled_out=(("dns-srv-servfail", f"the resolver did not try: it answered {rcode}"),),
            remedy=f"allow {lookup.client} to ask {lookup.resolver} recursively, or give the server another resolver",
        )
    return None


RULE = Rule(
    title="The resolver refuses to answer",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    masks=(
        "dialback-callback-absent",
        "dialback-result-error",
        "dialback-result-invalid",
        "dialback-result-timeout",
        "dialback-authoritative-unreachable",
        "stream-remote-connection-failed",
    ),
    rivals=("dns-srv-servfail",),
    said=(SaidSign(topic=Topic.RESOLVE_FAILED, conditions=("dns-refused",)),),
    explanation=(
        "The DNS server answered, but will not resolve this for that client: REFUSED, NOTIMP or FORMERR.\n"
        "An authoritative-only server was configured as resolver, its access list does not permit recursion for "
        "the client,\n"
        "or something between does not understand the question."
    ),
    remedy=(
        "Permit recursion for the federation server in the resolver's access list.\n"
        "Or configure a resolver that serves it (`set network dns primary`)."
    ),
    sources=(rfc(1035, "4.1.1"), rfc(8499, "3")),
    predicate=predicate,
)
