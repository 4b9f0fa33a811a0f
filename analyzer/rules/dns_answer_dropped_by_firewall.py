"""Rule: a firewall let no question out; or the answer was sent and did not arrive, or needs TCP, which is not let
through.
"""

from collections.abc import Iterator, Sequence
from heapq import merge

from analyzer.addresses import is_private
from analyzer.citations import cisco, rfc
from analyzer.firewall import between
from analyzer.lookup import Lookup
from analyzer.resolution import Resolution
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, is_told
from analyzer.view import CaseView
from parsers.events import FirewallLog

SAME_QUESTION_NS = 10**9
"""A question passes from one tap to the next within a second, clock offsets applied."""

WAITING_NS = 10 * 10**9
"""How long after a question the log may tell that its answer was dropped: resolvers ask again for about so long."""

DNS_PORT = 53
"""RFC 1035 section 4.2."""
LINES_MAX = 4
"""Lines of a firewall that are cited: a refused question is logged each time it is sent."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """Questions refused by a firewall; an answer at one tap that is missing at the one nearer to the asker; or a
    truncated one that was never fetched over TCP.
    """
    for found in session.resolutions:
        if not found.failed:
            continue
        refused = _refused(found, case)
        if refused is not None:
            return refused
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


def _refused(found: Resolution, case: CaseView) -> Match | None:
    """The lines with which a firewall refused questions that left the asker, or its resolver, while it waited."""
    waiting = [k for k in found.srv_lookups if k.outcome in ("unanswered", "servfail") or k.state == "TRUNCATED"]
    for lookup in waiting if found.srv_outcome in ("unanswered", "servfail", "truncated") else ():
        until_ns = max(lookup.asked[-1].at_ns + WAITING_NS, lookup.answered_ns or 0)
        lines = [
            line
            for line in between(case.firewall, lookup.asked_ns - SAME_QUESTION_NS, until_ns)
            if line.action == "deny" and _asks(line, lookup, case)
        ]
        known = is_told(lookup.resolver)
        if not lines or lines[0].real is None or not (known or _may_be_resolver(lines, lookup)):
            continue
        source, flow = lines[0].where.source, lines[0].real
        same = [line for line in lines if line.where.source == source]
        own = known and lookup.captured and any(_is_own(line, lookup, case) for line in same)
        return Match(
            events=(*same[:LINES_MAX], *lookup.asked[:1]),
            because=(
                f"{source} tells that a firewall refused {len(same)} questions from {flow.src_ip} to {flow.dst_ip} "
                f"port {DNS_PORT} while {found.asker} waited for {lookup.name}"
            ),
            domain=found.domain,
            confidence=Confidence.PROVEN if own else Confidence.LIKELY,
            undecided=() if own else (("dns-srv-servfail", _decides(lookup, flow.src_ip)),),
            ruled_out=(("dns-srv-timeout", "the firewall says that it refused the questions"),) if own else (),
            remedy=f"permit UDP and TCP 53 from {flow.src_ip} to {flow.dst_ip} on the firewall that wrote {source}",
        )
    return None


def _asks(line: FirewallLog, lookup: Lookup, case: CaseView) -> bool:
    """Whether a line is about a question of the asker to its resolver, or of the resolver to others; where no source
    tells which resolver that is, about one from inside.
    """
    flow = line.real
    if flow is None or flow.dst_port != DNS_PORT:
        return False
    if not is_told(lookup.resolver):
        return is_private(flow.src_ip) and not is_private(flow.dst_ip)
    if case.same_host(flow.src_ip, lookup.resolver):
        return True
    return case.same_host(flow.src_ip, lookup.client) and flow.dst_ip == lookup.resolver


def _is_own(line: FirewallLog, lookup: Lookup, case: CaseView) -> bool:
    """Whether a refused question was this one: the asker's own, or one for that name which its resolver was seen to
    send there. A resolver asks for others as well.
    """
    flow = line.real
    if flow is None:
        return False
    if case.same_host(flow.src_ip, lookup.client) and flow.dst_ip == lookup.resolver:
        return True
    return any(k.captured and k.client == flow.src_ip and k.resolver == flow.dst_ip for k in case.asking(lookup.name))


def _decides(lookup: Lookup, refused: str) -> str:
    """What would tell whether it was this question that was refused."""
    if not is_told(lookup.resolver):
        return f"which resolver the server asks: whether it is {refused}"
    return f"a capture at {refused}, or its log: whether what was refused was a question for {lookup.name}"


def _may_be_resolver(lines: Sequence[FirewallLog], lookup: Lookup) -> bool:
    """Whether who was refused can be the resolver that no source tells: one host, refused as soon as it was asked, and
    again.
    """
    soon_ns = SAME_QUESTION_NS + lookup.width_ns + lines[0].width_ns
    one = len({line.real.src_ip for line in lines if line.real}) == 1
    return one and len(lines) > 1 and lines[0].at_ns - lookup.asked_ns <= soon_ns


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
    title="DNS is dropped on the way",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.DNS}),
    masks=("dns-srv-timeout", "dns-srv-servfail", "dns-srv-fallback-a"),
    rivals=("dns-srv-timeout",),
    explanation=(
        "A firewall refuses the questions of the server or of its resolver, and says so; or\n"
        "the resolver answered and the answer did not arrive, or it said that the rest must be fetched over TCP "
        "and that never came.\n"
        "SRV answers with many servers are long. Firewalls that inspect DNS drop messages above 512 bytes by default,\n"
        "and many permit UDP 53 only."
    ),
    remedy=(
        "Permit UDP and TCP 53 from the server to its resolver, and from the resolver to the outside.\n"
        "Let DNS inspection pass what the client announces (`message-length maximum client auto`)."
    ),
    sources=(rfc(7766, "5"), rfc(6891, "6.2.3"), cisco("ASA syslog 410001", "Dropped UDP DNS reply")),
    predicate=predicate,
)
