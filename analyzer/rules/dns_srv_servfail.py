"""Rule: the resolver failed on the SRV question."""

from analyzer.citations import rfc
from analyzer.lookup import Lookup
from analyzer.rule import Confidence, Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic

WAITED_NS = 4 * 10**9
"""A resolver that fails says so at once; one that waits for others asks them again after some seconds."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """The SRV question was answered SERVFAIL, and no other resolver did better."""
    for found in session.resolutions:
        if found.srv_outcome != "servfail":
            continue
        failed = found.srv_with("servfail")
        resolvers = ", ".join(dict.fromkeys(k.resolver for k in failed))
        waited = not any(k.captured for k in failed) and all(_waited(k) for k in failed)
        return Match(
            events=(*(k.answer for k in failed if k.answer), *failed[0].asked[:1]),
            because=(
                f"{resolvers} answered SERVFAIL when {found.asker} asked for {failed[0].name}"
                + (", after seconds, as a server's own resolver does that waited for others in vain" if waited else "")
            ),
            domain=found.domain,
            confidence=Confidence.POSSIBLE if waited else Confidence.LIKELY,
            severity=None if found.failed else Severity.DEGRADED,
            undecided=(
                ("dns-dnssec-bogus", f"the same question with checking disabled: dig +cd {failed[0].name} SRV"),
                ("dns-srv-timeout", f"a capture at {failed[0].resolver}: whether its own questions are answered"),
            ),
            remedy=(
                f"see why {failed[0].resolver} cannot resolve {failed[0].name}: its log, and dig +trace "
                f"{found.domain} NS"
            ),
        )
    return None


def _waited(lookup: Lookup) -> bool:
    """Whether only a log tells of the failure, and it came late: a library says SERVFAIL of silence as well."""
    return lookup.answered_ns is not None and lookup.answered_ns - lookup.asked_ns >= WAITED_NS


RULE = Rule(
    title="The resolver failed on the SRV question",
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
    rivals=("dns-dnssec-bogus", "dns-srv-timeout"),
    said=(SaidSign(topic=Topic.RESOLVE_FAILED, conditions=("servfail",)),),
    explanation=(
        "The resolver answered SERVFAIL: it tried to find the record and could not.\n"
        "That says nothing about the record. The zone's servers may be unreachable for the resolver, the "
        "delegation broken,\n"
        "the zone expired or not loaded, or DNSSEC validation may have failed.\n"
        "Some servers try the address of the domain itself after such an error, others stop here."
    ),
    remedy=(
        "Look at the resolver's log for that name.\n"
        "Check that its forwarders or the zone's authoritative servers answer it; check delegation and DNSSEC of "
        "the zone."
    ),
    sources=(rfc(1035, "4.1.1"), rfc(6120, "3.2.1")),
    predicate=predicate,
)
