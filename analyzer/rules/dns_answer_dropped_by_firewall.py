"""Rule: a firewall let no question out; or the answer was sent and did not arrive, or needs TCP, which is not let
through.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from analyzer.addresses import is_private
from analyzer.citations import cisco, rfc
from analyzer.firewall import between
from analyzer.lookup import Lookup
from analyzer.once import once
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
DROPPED = ("410001", "106007")
"""Messages of an ASA about DNS that it dropped: by its inspection, and since no question was open."""
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
        loss = _loss_on_the_way(found, case)
        if loss is not None:
            return _lost(found, *loss)
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
    return (flow.src_ip, flow.dst_ip) in _captured(case, lookup.name)


@once
def _captured(case: CaseView, name: str) -> set[tuple[str, str]]:
    """Who was seen to ask for a name, and whom."""
    return {(k.client, k.resolver) for k in case.asking(name) if k.captured}


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


class _Loss(NamedTuple):
    """An answer that did not come through."""

    lookup: Lookup
    """Where it is missing."""
    answered: Lookup
    """Where it was seen; the same where one question was seen at both."""
    line: FirewallLog | None = None
    """With which a firewall says so; nothing else was seen of it then."""


def _loss_on_the_way(found: Resolution, case: CaseView) -> _Loss | None:
    """The first among the questions of the attempt, else among those that the resolvers asked in turn for its names."""
    own = {k.id for k in found.lookups}
    resolvers = {k.resolver for k in found.lookups}
    losses = [loss for name in dict.fromkeys(k.name for k in found.lookups) for loss in _losses(case, name)]
    ours = [loss for loss in losses if loss.lookup.id in own]
    asked_in_turn = (x for x in losses if any(case.same_host(x.lookup.client, r) for r in resolvers))
    return min(ours or asked_in_turn, key=lambda loss: loss.lookup.asked_ns, default=None)


@once
def _losses(case: CaseView, name: str) -> tuple[_Loss, ...]:
    """The questions for a name of which an answer was lost."""
    found = []
    for lookup in case.asking(name):
        if lookup.unanswered_at and lookup.answer is not None:
            found.append(_Loss(lookup, lookup))
        elif lookup.outcome == "unanswered":
            line = _said(lookup, case)
            twin = _twin(lookup, case) if line is None and lookup.captured else None
            if line is not None or twin is not None:
                found.append(_Loss(lookup, twin or lookup, line))
    return tuple(found)


def _said(lookup: Lookup, case: CaseView) -> FirewallLog | None:
    """The line with which a firewall dropped an answer to the asker while it waited."""
    until_ns = lookup.asked_ns + WAITING_NS
    lines = _drops(case, lookup.resolver, lookup.client)
    return next((e for e in lines if lookup.asked_ns - e.width_ns <= e.at_ns <= until_ns), None)


@once
def _drops(case: CaseView, resolver: str, client: str) -> tuple[FirewallLog, ...]:
    """The lines with which firewalls dropped answers of a resolver to a client."""
    return tuple(
        line
        for line in case.firewall
        if line.message_id in DROPPED
        and line.real is not None
        and (line.real.src_ip, line.real.dst_ip) == (resolver, client)
    )


def _twin(lookup: Lookup, case: CaseView) -> Lookup | None:
    """The same question beyond address translation, answered there."""
    txids = {getattr(e, "txid", -1) for e in lookup.asked}
    same = (k for txid in sorted(txids) for k in _answered(case, lookup.name).get((lookup.resolver, txid), ()))
    return next(
        (
            k
            for k in same
            if k.rrtype == lookup.rrtype
            and not set(k.taps) & set(lookup.taps)
            and abs(k.asked_ns - lookup.asked_ns) < SAME_QUESTION_NS
        ),
        None,
    )


@once
def _answered(case: CaseView, name: str) -> Mapping[tuple[str, int], Sequence[Lookup]]:
    """The questions for a name that a resolver answered under a message id."""
    found: dict[tuple[str, int], list[Lookup]] = {}
    for lookup in case.asking(name):
        if lookup.answer is not None:
            found.setdefault((lookup.resolver, lookup.answer.txid), []).append(lookup)
    return found


def _lost(found: Resolution, lookup: Lookup, answered: Lookup, line: FirewallLog | None) -> Match:
    """The match for an answer that did not come through."""
    if line is not None:
        return Match(
            events=(line, *lookup.asked[:1]),
            because=f"{lookup.client} got no answer about {lookup.name}; the firewall says: {line.text}",
            domain=found.domain,
            confidence=Confidence.PROVEN,
        )
    if answered is lookup:
        return _dropped(
            found, lookup, answered, [t for t in lookup.taps if t not in lookup.unanswered_at], lookup.unanswered_at
        )
    return _dropped(found, lookup, answered, answered.taps, lookup.taps)


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
