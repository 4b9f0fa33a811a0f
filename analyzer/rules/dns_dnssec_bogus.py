"""Rule: the answer fails DNSSEC validation."""

from collections.abc import Iterator

from analyzer.citations import note, rfc
from analyzer.lookup import Lookup
from analyzer.once import once
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import DnsAnswer, DnsQuery, Topic

SERVFAIL = 2
"""RFC 1035 section 4.1.1."""
SAME_STATE_NS = 300 * 10**9
"""Both answers tell of one state of the zone: resolvers keep a failure for at most 5 minutes (RFC 2308 section 7.1)."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A resolver answers SERVFAIL, and with checking disabled it has the records."""
    for found in session.resolutions:
        for lookup in found.srv_lookups:
            failed = next((a for a, unchecked in _answers(lookup) if a.rcode == SERVFAIL and not unchecked), None)
            if failed is None:
                continue
            unchecked = _unchecked(lookup, failed, case)
            if unchecked is None:
                continue
            return Match(
                events=(failed, unchecked),
                because=(
                    f"{lookup.resolver} answers SERVFAIL when {found.asker} asks for {lookup.name}, and has the "
                    "records when the same is asked with checking disabled"
                ),
                domain=found.domain,
                severity=None if found.failed else Severity.DEGRADED,
                undecided=(("dns-srv-servfail", f"the log of {lookup.resolver}: what failed in the validation"),),
                remedy=f"sign the zone {found.domain} anew, or mend its DS record; see: delv {lookup.name} SRV",
            )
    return None


def _answers(lookup: Lookup) -> Iterator[tuple[DnsAnswer, bool]]:
    """The answers of a question, each with whether it was asked with checking disabled."""
    asked: dict[int, bool] = {}
    for step in lookup.steps:
        if isinstance(step.event, DnsQuery):
            asked[step.event.txid] = step.event.checking_disabled
        elif isinstance(step.event, DnsAnswer) and step.event.txid in asked:
            yield step.event, asked[step.event.txid]


def _unchecked(lookup: Lookup, failed: DnsAnswer, case: CaseView) -> DnsAnswer | None:
    """The records that the same resolver gave, to whomever, without validation."""
    known = _unvalidated(case, lookup.name, lookup.rrtype, lookup.resolver)
    return next((a for a in known if abs(a.at_ns - failed.at_ns) <= SAME_STATE_NS), None)


@once
def _unvalidated(case: CaseView, name: str, rrtype: str, resolver: str) -> tuple[DnsAnswer, ...]:
    """All records that it gave so."""
    return tuple(
        answer
        for lookup in case.asking(name)
        if (lookup.rrtype, lookup.resolver) == (rrtype, resolver)
        for answer, unchecked in _answers(lookup)
        if unchecked and answer.rcode == 0 and answer.answers
    )


RULE = Rule(
    title="The answer fails DNSSEC validation",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    masks=(
        "dns-srv-servfail",
        "dialback-callback-absent",
        "dialback-result-error",
        "dialback-result-invalid",
        "dialback-result-timeout",
        "dialback-authoritative-unreachable",
        "stream-remote-connection-failed",
    ),
    rivals=("dns-srv-servfail",),
    said=(SaidSign(topic=Topic.RESOLVE_FAILED, conditions=("dnssec-bogus",)),),
    explanation=(
        "A resolver that validates DNSSEC answers SERVFAIL for data whose signatures do not hold.\n"
        "Asked with checking disabled it hands the same data out: the zone is there, its signatures are not in order.\n"
        "They have expired, or the DS record in the parent zone names a key that the zone no longer has,\n"
        "or the resolver's clock is wrong."
    ),
    remedy=(
        "Sign the zone anew, or correct its DS record at the registrar.\n"
        "If only one resolver says so, look at that resolver's clock and trust anchor."
    ),
    sources=(rfc(4035, "3.2.2"), rfc(4035, "5.5"), note("Prosody: Validation error in SRV lookup")),
    predicate=predicate,
)
