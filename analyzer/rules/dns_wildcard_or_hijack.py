"""Rule: names that have no federation record all lead to one address, which is nobody's server."""

from collections.abc import Mapping, Sequence

from analyzer.citations import note, rfc
from analyzer.once import once
from analyzer.resolution import Resolution
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

DOMAINS_MIN = 3
"""Two domains on one web server are common; three without a record that all fail look like one answer for all."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """No SRV record, the domain's address is that of at least two other such domains, and the attempt failed."""
    for found in session.resolutions:
        if (
            not found.failed
            or found.calls_back
            or found.srv_outcome not in ("nxdomain", "empty")
            or not found.connections
        ):
            continue
        here = set(found.addresses_of(found.domain))
        if len(here) != 1:
            continue
        same = {found.domain: found}
        for theirs in _denied(case).get(next(iter(here)), ()):
            same.setdefault(theirs.domain, theirs)
        if len({d.split(".", 1)[-1] if d.count(".") > 1 else d for d in same}) < DOMAINS_MIN:
            continue
        answers = [
            k.answer for f in same.values() for k in f.lookups if k.name == f.domain and k.addresses and k.answer
        ]
        return Match(
            events=tuple(answers),
            because=f"{', '.join(sorted(same))} all lead to {next(iter(here))}, and none of them has an SRV record",
            domain=found.domain,
            confidence=Confidence.POSSIBLE,
            undecided=(
                (
                    "dns-srv-fallback-a",
                    f"whether a made-up name leads to {next(iter(here))} as well: dig made-up-name A",
                ),
            ),
        )
    return None


@once
def _denied(case: CaseView) -> Mapping[str, Sequence[Resolution]]:
    """By the one address of the domain itself, the first failure of each domain that has no record."""
    found: dict[str, dict[str, Resolution]] = {}
    for session in case.sessions:
        for theirs in session.resolutions:
            if theirs.srv_outcome in ("nxdomain", "empty") and theirs.failed:
                addresses = set(theirs.addresses_of(theirs.domain))
                if len(addresses) == 1:
                    found.setdefault(addresses.pop(), {}).setdefault(theirs.domain, theirs)
    return {address: tuple(those.values()) for address, those in found.items()}


RULE = Rule(
    title="One address for every name",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS, Stage.CONNECT}),
    masks=("dns-srv-nxdomain", "dns-srv-nodata"),
    rivals=("dns-srv-fallback-a",),
    explanation=(
        "Several unrelated domains without a federation record lead to the same address, where no XMPP server "
        "answers.\n"
        "Either the resolver replaces denials by an address of its own (a search page, a filter),\n"
        "or the domains are parked with one provider."
    ),
    remedy="Ask for a made-up name. If that has an address too, use another resolver, or switch its redirection off.",
    sources=(rfc(4592), note("general knowledge of resolvers that rewrite NXDOMAIN")),
    predicate=predicate,
)
