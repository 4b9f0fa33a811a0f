"""Rule: the SRV record says that the domain does not offer the service."""

from analyzer.citations import rfc, xep
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The only target is the root, "."."""
    for found in session.resolutions:
        if not found.targets or any(r.data != "." for r in found.targets):
            continue
        answers = tuple(k.answer for k in found.srv_with("answered") if k.answer)
        after = f"; {found.asker} connected nevertheless, which it should not have" if found.connections else ""
        return Match(
            events=answers,
            because=f"the SRV record of {found.domain} has the target '.': no federation is offered there{after}",
            domain=found.domain,
            severity=None if found.failed else Severity.NOTE,
            ruled_out=(("dns-srv-target-no-address", "the target is the root, on purpose no host"),),
            remedy=f"if {found.domain} is to federate: _xmpp-server._tcp.{found.domain}. IN SRV 0 0 5269 its-server.",
        )
    return None


RULE = Rule(
    title="The domain declares that it does not federate",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    masks=(
        "network-syn-unanswered",
        "network-connection-refused",
        "dns-srv-fallback-a",
        "dialback-callback-absent",
        "dialback-result-error",
        "dialback-result-invalid",
        "dialback-result-timeout",
        "dialback-authoritative-unreachable",
        "stream-remote-connection-failed",
    ),
    rivals=("dns-srv-target-no-address",),
    said=(SaidSign(topic=Topic.RESOLVE_FAILED, conditions=("no-service",)),),
    explanation=(
        "An SRV record whose only target is `.` says that the service is decidedly not available at this domain.\n"
        "A server must stop there; a fallback to the address of the domain is not permitted.\n"
        "The owner of the zone switched federation off, or a hosting provider's default record does."
    ),
    remedy="If federation is wanted, publish a record that names the server. If not, there is nothing to mend.",
    sources=(rfc(2782), rfc(6120, "3.2.1"), xep(368)),
    predicate=predicate,
)
