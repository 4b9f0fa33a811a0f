"""Rule: the name `_xmpp-server._tcp.DOMAIN` does not exist."""

from analyzer.citations import cisco, rfc
from analyzer.once import once
from analyzer.rule import Confidence, Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The SRV question was answered NXDOMAIN, and no other resolver knew better."""
    for found in session.resolutions:
        if found.srv_outcome != "nxdomain":
            continue
        lookup = found.srv_with("nxdomain")[0]
        return Match(
            events=(*(e for e in (lookup.answer,) if e), *lookup.asked[:1]),
            because=f"{lookup.resolver} told {found.asker} that {lookup.name} does not exist",
            domain=found.domain,
            severity=None
            if found.failed and not _goes_without(case, session.initiator, session.receiver)
            else Severity.DEGRADED,
            undecided=(
                ("dns-split-horizon", f"the same question to a public resolver: dig {lookup.name} SRV"),
                ("dns-stale-or-negative-cache", f"the same question to the authoritative server of {found.domain}"),
            ),
            remedy=f"publish: _xmpp-server._tcp.{found.domain}. IN SRV 0 0 5269 the-server-of-{found.domain}.",
        )
    return None


@once
def _goes_without(case: CaseView, initiator: str, receiver: str) -> bool:
    """Whether an attempt of the pair got through without the record, on the address of the domain itself."""
    return any(
        r.srv_outcome == "nxdomain" and not r.failed for s in case.between(initiator, receiver) for r in s.resolutions
    )


RULE = Rule(
    title="The SRV record does not exist",
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
    rivals=("dns-split-horizon", "dns-srv-wrong-owner", "dns-stale-or-negative-cache"),
    said=(SaidSign(topic=Topic.RESOLVE_FAILED, conditions=("nxdomain",), confidence=Confidence.POSSIBLE),),
    explanation=(
        "The server asked DNS for `_xmpp-server._tcp.` of the domain and was told that no such name exists "
        "(NXDOMAIN).\n"
        "Without it a server can only try the address of the domain itself on port 5269, which is seldom where "
        "XMPP lives.\n"
        "Either the record was never published, or it stands under another name, or this resolver has another "
        "view of the zone.\n"
        "When it is the receiving server that asks, to call back, then it is the sender's own record that is missing."
    ),
    remedy=(
        "Publish `_xmpp-server._tcp.DOMAIN. IN SRV 0 0 5269 HOST.` in the public zone, and an address for HOST.\n"
        "If it is published: ask the authoritative server, and flush the resolver's negative cache."
    ),
    sources=(rfc(6120, "3.2.1"), rfc(2782), cisco("116339", "XMPP Federation Between CUPS and Other Servers")),
    predicate=predicate,
)
