"""Rule: only the record for direct TLS is published."""

from analyzer.citations import note, xep
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """`_xmpp-server` has no record, and `_xmpps-server` has one."""
    for found in session.resolutions:
        if found.srv_outcome not in ("nxdomain", "empty"):
            continue
        direct = case.naming(found.domain, "_xmpps-server")
        if direct is None or direct.answer is None:
            continue
        missing = found.srv_with(found.srv_outcome)[0]
        target = direct.srv[0]
        return Match(
            events=tuple(e for e in (missing.answer, direct.answer) if e),
            because=f"{found.domain} publishes {direct.name} ({target.data} {target.port}) and no {missing.name}",
            domain=found.domain,
            severity=None if found.failed else Severity.NOTE,
            remedy=f"publish as well: _xmpp-server._tcp.{found.domain}. IN SRV 0 0 5269 {target.data}.",
        )
    return None


RULE = Rule(
    title="Only direct TLS is published",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    masks=("dns-srv-nxdomain", "dns-srv-nodata", "dns-srv-fallback-a"),
    rivals=("dns-srv-nodata",),
    explanation=(
        "The domain publishes `_xmpps-server._tcp`, for TLS from the first byte, and no `_xmpp-server._tcp`.\n"
        "A server that does not know direct TLS finds nothing to connect to."
    ),
    remedy="Publish both records; `_xmpp-server._tcp` names the port that speaks STARTTLS.",
    sources=(xep(368), note("Openfire: Skipping directTLS address, as we're ourselves not accepting directTLS")),
    predicate=predicate,
)
