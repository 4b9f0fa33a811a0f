"""Rule: the SRV record names a host that has no address."""

from analyzer.citations import cisco, rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """Every target that was asked for has neither A nor AAAA, and no target an address."""
    for found in session.resolutions:
        targets = [r.data for r in found.targets if r.data != "."]
        if not targets:
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
    rivals=("dns-split-horizon", "dns-srv-target-malformed"),
    said=(SaidSign(topic=Topic.RESOLVE_FAILED, conditions=("no-address",)),),
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
