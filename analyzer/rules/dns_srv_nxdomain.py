"""Rule: the name `_xmpp-server._tcp.DOMAIN` does not exist."""

from analyzer.citations import cisco, rfc
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import CaseView, Session
from analyzer.stage import Stage


def predicate(session: Session, case: CaseView) -> Match | None:
    """The SRV question was answered NXDOMAIN, and the attempt found no other way."""
    lookup = next((k for k in session.lookups if k.service == "_xmpp-server" and k.outcome == "nxdomain"), None)
    if lookup is None or lookup.answer is None:
        return None
    answered = any(k.service == "_xmpp-server" and k.outcome == "answered" for k in session.lookups)
    if answered:
        return None
    severity = Severity.DEGRADED if session.connections else None
    return Match(
        events=(lookup.answer, *lookup.asked[:1]),
        because=f"{lookup.resolver or 'the resolver'} says that {lookup.name} does not exist",
        domain=session.receiver,
        owner=Owner.DNS,
        severity=severity,
        remedy=f"publish: _xmpp-server._tcp.{session.receiver}. IN SRV 0 0 5269 the-server-of-{session.receiver}.",
    )


RULE = Rule(
    title="The SRV record does not exist",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    rivals=("dns-split-horizon", "dns-srv-wrong-owner", "dns-stale-or-negative-cache"),
    explanation=(
        "The server asked DNS for `_xmpp-server._tcp.` of the domain and was told that no such name exists (NXDOMAIN).\n"
        "Without it a server can only try the address of the domain itself on port 5269, which is seldom where XMPP lives.\n"
        "Either the record was never published, or it stands under another name, or this resolver has another view of the zone."
    ),
    remedy=(
        "Publish `_xmpp-server._tcp.DOMAIN. IN SRV 0 0 5269 HOST.` in the public zone, and an address for HOST.\n"
        "If it is published: ask the authoritative server, and flush the resolver's negative cache."
    ),
    sources=(rfc(6120, "3.2.1"), rfc(2782), cisco("116339", "XMPP federation between CUPS and other servers")),
    predicate=predicate,
)
