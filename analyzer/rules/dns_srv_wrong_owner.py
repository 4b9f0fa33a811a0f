"""Rule: the record stands under a name that no server asks for."""

from collections.abc import Mapping

from analyzer.citations import cisco, rfc
from analyzer.lookup import Lookup
from analyzer.once import once
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

SERVICES = frozenset({"_xmpp-server", "_xmpps-server", "_xmpp-client", "_xmpps-client"})
"""The names that are asked for (RFC 6120 section 3.2.1, XEP-0368)."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """The right name has no record, and one like it, of the same domain, does."""
    for found in session.resolutions:
        if found.srv_outcome not in ("nxdomain", "empty"):
            continue
        missing = found.srv_with(found.srv_outcome)[0]
        lookup = _misplaced(case).get(found.domain)
        if lookup is not None:
            return Match(
                events=tuple(e for e in (missing.answer, lookup.answer) if e),
                because=f"{missing.name} has no record, but {lookup.name} has one, for {lookup.srv[0].data}",
                domain=found.domain,
                severity=None if found.failed else Severity.DEGRADED,
                ruled_out=(("dns-srv-nxdomain", f"the record exists, under {lookup.name}"),),
                remedy=(
                    f"publish the record as _xmpp-server._tcp.{found.domain}. IN SRV 0 0 {lookup.srv[0].port} "
                    f"{lookup.srv[0].data}."
                ),
            )
    return None


@once
def _misplaced(case: CaseView) -> Mapping[str, Lookup]:
    """By domain, the first record of it that stands under another name."""
    found: dict[str, Lookup] = {}
    for lookup in case.lookups:
        service = lookup.service or ""
        if service not in SERVICES and ("xmpp" in service or "jabber" in service) and lookup.srv:
            found.setdefault(lookup.domain, lookup)
    return found


RULE = Rule(
    title="The SRV record stands under the wrong name",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    masks=("dns-srv-nxdomain", "dns-srv-nodata", "dns-srv-fallback-a"),
    rivals=("dns-srv-nxdomain",),
    explanation=(
        "Servers ask for `_xmpp-server._tcp.DOMAIN`, and that name has no record, while one very like it has:\n"
        "an underscore is missing or stands for the hyphen, or only the name of before RFC 3920, `_jabber._tcp`, "
        "is published.\n"
        "Instructions that print the underscore in a wrong place are copied so."
    ),
    remedy="Rename the record to `_xmpp-server._tcp.DOMAIN`.",
    sources=(rfc(6120, "3.2.1"), rfc(2782), cisco("116339", "configuration step 1")),
    predicate=predicate,
)
