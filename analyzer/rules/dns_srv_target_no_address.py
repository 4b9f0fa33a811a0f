"""Rule: the SRV record names a host that has no address."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from analyzer.citations import cisco, rfc
from analyzer.lookup import Lookup
from analyzer.once import once
from analyzer.resolution import Resolution
from analyzer.rule import Confidence, Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic

NEXT_NS = 500 * 10**6
"""A server asks for the hosts as soon as it has the SRV record."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """Every target that was asked for has neither A nor AAAA, and no target an address."""
    for found in session.resolutions:
        targets = [r.data for r in found.targets if r.data != "."]
        if not targets:
            if (match := _untold(found, session, case)) is not None:
                return match
            continue
        denied = {name: found.denied(name) for name in dict.fromkeys(targets)}
        barren = [name for name, lookups in denied.items() if lookups]
        if not barren:
            continue
        if any(found.addresses_of(name) for name in targets):
            severity: Severity | None = Severity.NOTE
        else:
            severity = None if found.failed else Severity.DEGRADED
        answers = [k.answer for name in barren for k in denied[name] if k.answer]
        outcome = denied[barren[0]][0].outcome
        return Match(
            events=(*answers, *(k.answer for k in found.srv_with("answered") if k.answer)),
            because=(
                f"the SRV record of {found.domain} names {', '.join(barren)}, and DNS has no address for "
                f"{'it' if len(barren) == 1 else 'them'} ({'no such name' if outcome == 'nxdomain' else 'no A record'})"
            ),
            domain=found.domain,
            severity=severity,
            undecided=(("dns-split-horizon", f"the same question to a public resolver: dig {barren[0]} A"),),
            remedy=f"publish: {barren[0]}. IN A the-public-address-of-{found.domain}; or name another host",
        )
    return None


def _untold(found: Resolution, session: Session, case: CaseView) -> Match | None:
    """The SRV question was answered, no source tells with what, and what was asked for next had no address."""
    srv = next((k for k in found.srv_with("answered") if k.answer is not None and not k.answer.records_told), None)
    if srv is None or srv.answer is None or not found.failed or found.connections:
        return None
    until = srv.asked_ns + srv.width_ns + NEXT_NS
    near = _asked(case, srv.client, srv.asked_ns - srv.width_ns, until)
    hosts = [k for k in near if k.rrtype in ("A", "AAAA") and srv.asked_ns <= k.asked_ns and k.name != found.domain]
    if any(k.service is not None and k.domain != found.domain for k in near):
        hosts = []  # another domain's service was asked for at that moment: the hosts may be its
    said = None if found.calls_back else session.said(Topic.RESOLVE_FAILED, "nxdomain", "no-address")
    if any(k.outcome not in ("nxdomain", "empty") for k in hosts) or not (hosts or said):
        return None
    names = ", ".join(dict.fromkeys(k.name for k in hosts)) or "the host that it names"
    return Match(
        events=(*(k.answer for k in hosts if k.answer), *((said,) if said else ()), srv.answer),
        because=f"{srv.name} was answered, and then {names} has no address" + (f": {said.text}" if said else ""),
        domain=found.domain,
        confidence=Confidence.LIKELY if said else Confidence.POSSIBLE,
        undecided=(("dns-split-horizon", f"the same questions to a public resolver: dig {srv.name} SRV"),),
    )


def _asked(case: CaseView, client: str, first_ns: int, last_ns: int) -> Sequence[Lookup]:
    """The questions of a client within a span of time."""
    asked = _by_client(case).get(client, ())
    first = bisect_left(asked, first_ns, key=lambda k: k.asked_ns)
    return asked[first : bisect_right(asked, last_ns, key=lambda k: k.asked_ns)]


@once
def _by_client(case: CaseView) -> Mapping[str, Sequence[Lookup]]:
    found: dict[str, list[Lookup]] = {}
    for lookup in case.lookups:
        found.setdefault(lookup.client, []).append(lookup)
    return found


RULE = Rule(
    title="The host that the SRV record names has no address",
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
    rivals=("dns-srv-nxdomain", "dns-split-horizon", "dns-srv-target-malformed"),
    # Without a service record it is the domain itself that has no address.
    said=(SaidSign(topic=Topic.RESOLVE_FAILED, conditions=("no-address",), confidence=Confidence.POSSIBLE),),
    explanation=(
        "The SRV record was found, but the host that it names resolves to no address, so there is nowhere to "
        "connect to.\n"
        "The address record was forgotten, exists only in an inside view of the zone, or the SRV record has a "
        "typing error."
    ),
    remedy=(
        "Add an A record for the host in the public zone; the name must be publicly resolvable to a public address.\n"
        "Or correct the host name in the SRV record; mind the trailing dot."
    ),
    sources=(
        rfc(2782),
        rfc(6120, "3.2.1"),
        cisco("Interdomain Federation Guide 12.5(1)SU3"),
    ),
    predicate=predicate,
)
