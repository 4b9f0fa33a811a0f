"""Rule: the domain has its record, a domain below it for rooms or files has none."""

from analyzer.citations import cisco, rfc
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """No SRV record for `x.DOMAIN`, while `DOMAIN` itself is answered."""
    for found in session.resolutions:
        if found.srv_outcome not in ("nxdomain", "empty"):
            continue
        _, _, parent = found.domain.partition(".")
        if "." not in parent:
            continue
        main = case.naming(parent)
        if main is None or main.answer is None:
            continue
        missing = found.srv_with(found.srv_outcome)[0]
        return Match(
            events=tuple(e for e in (missing.answer, main.answer) if e),
            because=f"{parent} has an SRV record ({main.srv[0].data}), {found.domain} has none",
            domain=found.domain,
            severity=None if found.failed else Severity.DEGRADED,
            ruled_out=(("dns-srv-nxdomain", f"{parent} itself is published: only the domain below it was left out"),),
            remedy=(f"publish: _xmpp-server._tcp.{found.domain}. IN SRV 0 0 {main.srv[0].port} {main.srv[0].data}."),
        )
    return None


RULE = Rule(
    title="A domain below the main one has no SRV record",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    masks=("dns-srv-nxdomain", "dns-srv-nodata", "dns-srv-fallback-a"),
    rivals=("dns-srv-nxdomain",),
    explanation=(
        "The main domain is published, the domain below it is not. Chat rooms and file transfer have domains of "
        "their own\n"
        "(`conference-2.DOMAIN`), to which peers connect as to any other; each needs its own SRV record."
    ),
    remedy="Publish `_xmpp-server._tcp.` for the alias, with the same host and port as for the main domain.",
    sources=(
        rfc(6120, "3.2.4"),
        cisco("Interdomain Federation Guide 12.5(1)SU3"),
    ),
    predicate=predicate,
)
