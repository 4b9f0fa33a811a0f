"""Rule: the SRV record names an alias."""

from analyzer.citations import rfc
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """An SRV target was answered with a CNAME."""
    for found in session.resolutions:
        targets = {r.data for r in found.targets}
        if not targets:
            continue
        for lookup in found.lookups:
            if lookup.name not in targets or lookup.answer is None:
                continue
            alias = next((r for r in lookup.records if r.rrtype == "CNAME" and r.name == lookup.name), None)
            if alias is None:
                continue
            return Match(
                events=(lookup.answer,),
                because=f"the SRV record of {found.domain} names {lookup.name}, which is an alias of {alias.data}",
                domain=found.domain,
                remedy=f"let the SRV record name {alias.data} itself",
            )
    return None


RULE = Rule(
    title="The SRV record names an alias",
    stage=Stage.DNS,
    severity=Severity.NOTE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    explanation=(
        "The host in an SRV record must not be an alias (CNAME). Many servers follow it all the same,\n"
        "some do not, and then only some peers fail."
    ),
    remedy="Name the host itself in the SRV record, the one that has the address record.",
    sources=(rfc(2782),),
    predicate=predicate,
)
