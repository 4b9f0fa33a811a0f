"""Rule: the answer was sent and did not arrive; or it needs TCP, which does not get through."""

from collections.abc import Iterator
from heapq import merge

from analyzer.citations import cisco, rfc
from analyzer.lookup import Lookup
from analyzer.resolution import Resolution
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import FirewallLog

SAME_QUESTION_NS = 10**9
"""A question passes from one tap to the next within a second, clock offsets applied."""

WAITING_NS = 10 * 10**9
"""How long after a question the log may tell that its answer was dropped: resolvers ask again for about so long."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """An answer at one tap is missing at the one nearer to the asker; or a truncated one was never fetched over TCP."""
    for found in session.resolutions:
        if not found.failed:
            continue
        for lookup in _chain(found, case):
            if lookup.unanswered_at and lookup.answer is not None:
                there = [t for t in lookup.taps if t not in lookup.unanswered_at]
                return _dropped(found, lookup, lookup, there, lookup.unanswered_at)
            if lookup.outcome == "unanswered":
                line = _said(lookup, case)
                if line is not None:
                    return Match(
                        events=(line, *lookup.asked[:1]),
                        because=f"{lookup.client} got no answer about {lookup.name}; the firewall says: {line.text}",
                        domain=found.domain,
                        confidence=Confidence.PROVEN,
                    )
                twin = _twin(lookup, case) if lookup.captured else None
                if twin is not None:
                    return _dropped(found, lookup, twin, twin.taps, lookup.taps)
        if found.srv_outcome == "truncated":
            lookup = found.srv_with("truncated")[0]
            tcp = [k for k in found.srv_lookups if k.transport == "tcp"]
            answer = lookup.answer
            if answer is None:
                continue
            return Match(
                events=(answer, *(e for k in tcp for e in k.asked)),
                because=(
                    f"{lookup.resolver} answered {lookup.name} with a truncated message, and "
                    + (f"{len(tcp)} questions over TCP got no answer" if tcp else "no question over TCP was seen")
                ),
                domain=found.domain,
                confidence=Confidence.LIKELY if tcp else Confidence.POSSIBLE,
                remedy=f"permit TCP 53 from {lookup.client} to {lookup.resolver}; and longer answers over UDP",
            )
    return None


def _chain(found: Resolution, case: CaseView) -> Iterator[Lookup]:
    """The questions of the attempt, and those that the resolvers asked in turn for the same name."""
    yield from found.lookups
    resolvers = {k.resolver for k in found.lookups}
    names = dict.fromkeys(k.name for k in found.lookups)
    for lookup in merge(*(case.asking(name) for name in names), key=lambda k: k.asked_ns):
        if any(case.same_host(lookup.client, r) for r in resolvers):
            yield lookup


def _said(lookup: Lookup, case: CaseView) -> FirewallLog | None:
    """The line with which a firewall dropped an answer to the asker while it waited."""
    until_ns = lookup.asked_ns + WAITING_NS
    return next(
        (
            line
            for line in case.firewall
            if line.message_id in ("410001", "106007")
            and line.real is not None
            and (line.real.src_ip, line.real.dst_ip) == (lookup.resolver, lookup.client)
            and lookup.asked_ns - line.width_ns <= line.at_ns <= until_ns
        ),
        None,
    )


def _twin(lookup: Lookup, case: CaseView) -> Lookup | None:
    """The same question beyond address translation, answered there."""
    txids = {getattr(e, "txid", None) for e in lookup.asked}
    return next(
        (
            k
            for k in case.asking(lookup.name)
            if (k.resolver, k.rrtype) == (lookup.resolver, lookup.rrtype)
            and k.answer is not None
            and k.answer.txid in txids
            and not set(k.taps) & set(lookup.taps)
            and abs(k.asked_ns - lookup.asked_ns) < SAME_QUESTION_NS
        ),
        None,
    )


def _dropped(
    found: Resolution, lookup: Lookup, answered: Lookup, there: list[str] | tuple[str, ...], missing: tuple[str, ...]
) -> Match:
    """The match for an answer seen at some taps and missing at others."""
    answer = answered.answer
    return Match(
        events=(*((answer,) if answer else ()), *lookup.asked),
        because=(
            f"the answer of {lookup.resolver} for {lookup.name} {lookup.rrtype} was seen in "
            f"{', '.join(sorted(set(there)))} "
            f"and never in {', '.join(sorted(set(missing)))}"
        ),
        domain=found.domain,
        confidence=Confidence.PROVEN,
        ruled_out=(("dns-srv-timeout", f"{lookup.resolver} did answer"),),
        remedy=(
            f"permit DNS answers from {lookup.resolver} to {lookup.client} of any length "
            "(message-length maximum client auto), and TCP 53"
        ),
    )


RULE = Rule(
    title="The DNS answer is dropped on the way",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.DNS}),
    masks=("dns-srv-timeout", "dns-srv-servfail", "dns-srv-fallback-a"),
    rivals=("dns-srv-timeout",),
    explanation=(
        "The resolver answered and the answer did not arrive, or it said that the rest must be fetched over TCP "
        "and that never came.\n"
        "SRV answers with many servers are long. Firewalls that inspect DNS drop messages above 512 bytes by default,\n"
        "and many permit UDP 53 only."
    ),
    remedy=(
        "Let DNS inspection pass what the client announces (`message-length maximum client auto`).\n"
        "Permit TCP 53 as well as UDP 53."
    ),
    sources=(rfc(7766, "5"), rfc(6891, "6.2.3"), cisco("ASA syslog 410001", "Dropped UDP DNS reply")),
    predicate=predicate,
)
