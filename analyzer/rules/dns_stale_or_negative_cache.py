"""Rule: a resolver still gives an old answer, or an old denial."""

from bisect import bisect_right

from analyzer.citations import note, rfc
from analyzer.lookup import Lookup
from analyzer.once import once
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import DnsAnswer


def predicate(session: Session, case: CaseView) -> Match | None:
    """The authority had said otherwise before the answer, or the same resolver said otherwise after it."""
    for found in session.resolutions:
        if not found.failed:
            continue
        for lookup in found.lookups:
            answer = lookup.answer
            if answer is None or answer.authoritative or lookup.outcome not in ("nxdomain", "empty", "answered"):
                continue
            other, when = _before(lookup, answer, case), "the authority had answered before"
            before = other is not None
            if other is None and lookup.outcome in ("nxdomain", "empty"):
                other, when = _after(lookup, answer, case), "the same resolver answered later"
            if other is None or other.answer is None:
                continue
            return Match(
                events=(answer, other.answer),
                because=(
                    f"{lookup.resolver} answered {_said(lookup)} for {lookup.name}, where {when} {_said(other)} "
                    f"(from {other.resolver})"
                ),
                domain=found.domain,
                confidence=Confidence.LIKELY if before else Confidence.POSSIBLE,
                undecided=(("dns-split-horizon", f"dig +norecurse {lookup.name} at {lookup.resolver}: the age of it"),),
                remedy=f"flush {lookup.name} in the cache of {lookup.resolver}, or wait until it has expired",
            )
    return None


def _before(lookup: Lookup, answer: DnsAnswer, case: CaseView) -> Lookup | None:
    """What the authority had told by then, and the answer no longer is."""
    for authority in _authorities(case, lookup.name, lookup.rrtype):
        told = authority.answer
        if authority is not lookup and told is not None and told.at_ns <= answer.at_ns and _outdated(lookup, authority):
            return authority
    return None


def _after(lookup: Lookup, answer: DnsAnswer, case: CaseView) -> Lookup | None:
    """The records that the same resolver gave next."""
    given = _given(case, lookup.name, lookup.rrtype, lookup.resolver)
    next_one = bisect_right(given, answer.at_ns, key=lambda g: g[0])
    return given[next_one][1] if next_one < len(given) else None


@once
def _authorities(case: CaseView, name: str, rrtype: str) -> tuple[Lookup, ...]:
    """What the authority told, each time that it differs the first."""
    told: dict[tuple[object, ...], Lookup] = {}
    for lookup in case.asking(name):
        if lookup.rrtype == rrtype and lookup.answer is not None and lookup.answer.authoritative:
            told.setdefault((lookup.resolver, lookup.outcome, lookup.records), lookup)
    return tuple(told.values())


@once
def _given(case: CaseView, name: str, rrtype: str, resolver: str) -> list[tuple[int, Lookup]]:
    """The answers with records that a resolver gave, by their instants, in order."""
    return sorted(
        (
            (k.answer.at_ns, k)
            for k in case.asking(name)
            if k.answer is not None and (k.rrtype, k.resolver) == (rrtype, resolver) and (k.srv or k.addresses)
        ),
        key=lambda g: g[0],
    )


def _outdated(lookup: Lookup, authority: Lookup) -> bool:
    """Whether an answer is no longer the authority's: a denial, or other records that have aged."""
    if not (authority.srv or authority.addresses):
        return False
    if lookup.outcome != "answered":
        return True
    held, told = lookup.records, authority.records
    if {r.data for r in held} & {r.data for r in told}:
        return False
    held_s = [r.ttl_s for r in held if r.ttl_s is not None]
    told_s = [r.ttl_s for r in told if r.ttl_s is not None]
    return bool(held_s and told_s) and max(held_s) < min(told_s)


def _said(lookup: Lookup) -> str:
    """The answer in a few words."""
    if lookup.outcome != "answered":
        return "that there is none"
    return ", ".join([f"{r.data}:{r.port}" for r in lookup.srv] or lookup.addresses)


RULE = Rule(
    title="The resolver gives an old answer",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    masks=(
        "dns-srv-nxdomain",
        "dns-srv-nodata",
        "dns-srv-target-no-address",
        "dns-split-horizon",
        "dns-srv-fallback-a",
    ),
    rivals=("dns-split-horizon",),
    explanation=(
        "The record exists, and the resolver still answers from its cache what it learnt before the record was "
        "published or changed.\n"
        "A denial is kept as long as the zone's SOA record says (its minimum), which may be a day;\n"
        "servers keep answers themselves as well."
    ),
    remedy=(
        "Flush the resolver's cache for the name, or wait.\n"
        "Restart the federating server's router process if it keeps answers itself. Lower the SOA minimum before "
        "changes."
    ),
    sources=(rfc(2308, "5"), note("Openfire: negative cache result; jabberd2: negative cache entry")),
    predicate=predicate,
)
