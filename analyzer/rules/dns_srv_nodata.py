"""Rule: the name `_xmpp-server._tcp.DOMAIN` exists but holds no SRV record."""

from analyzer.citations import rfc
from analyzer.once import once
from analyzer.resolution import Resolution
from analyzer.rule import Confidence, Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The SRV question was answered without an error and without a record."""
    for found in session.resolutions:
        if found.srv_outcome != "empty":
            continue
        lookup = found.srv_with("empty")[0]
        return Match(
            events=(*(e for e in (lookup.answer,) if e), *lookup.asked[:1]),
            because=f"{lookup.resolver} told {found.asker} that {lookup.name} has no SRV record",
            domain=found.domain,
            severity=None
            if found.failed and not _goes_without(case, session.initiator, session.receiver) and _ended(found, session)
            else Severity.DEGRADED,
            ruled_out=(("dns-answer-dropped-by-firewall", "the answer came, and it was whole"),),
            undecided=(("dns-split-horizon", f"the same question to a public resolver: dig {lookup.name} SRV"),),
            remedy=f"publish: _xmpp-server._tcp.{found.domain}. IN SRV 0 0 5269 the-server-of-{found.domain}.",
        )
    return None


def _ended(found: Resolution, session: Session) -> bool:
    """Whether the attempt can be known to end here: RFC 6120 goes on to the address of the domain itself, and a source
    that shows neither that question nor connections says nothing of it.
    """
    return Stage.CONNECT in session.visible or any(k.rrtype in ("A", "AAAA") for k in found.lookups)


@once
def _goes_without(case: CaseView, initiator: str, receiver: str) -> bool:
    """Whether an attempt of the pair got through without the record, on the address of the domain itself."""
    return any(
        r.srv_outcome == "empty" and not r.failed for s in case.between(initiator, receiver) for r in s.resolutions
    )


RULE = Rule(
    title="There is no SRV record at the name",
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
    rivals=("dns-split-horizon", "dns-answer-dropped-by-firewall", "dns-xmpps-only"),
    said=(SaidSign(topic=Topic.RESOLVE_FAILED, conditions=("nodata",), confidence=Confidence.POSSIBLE),),
    explanation=(
        "DNS answered the question for `_xmpp-server._tcp.` of the domain without an error, but with no SRV "
        "record (NODATA).\n"
        "A server then falls back to the address of the domain itself on port 5269; that works only where XMPP "
        "lives there.\n"
        "It happens where the record was deleted, or where a wildcard of another type covers the name."
    ),
    remedy="Publish `_xmpp-server._tcp.DOMAIN. IN SRV 0 0 5269 HOST.` in the public zone, and an address for HOST.",
    sources=(rfc(2782), rfc(2308, "2.2"), rfc(6120, "3.2.2")),
    predicate=predicate,
)
