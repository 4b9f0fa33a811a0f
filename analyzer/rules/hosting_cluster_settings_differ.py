"""Rule: it works from one node of ours and fails from another."""

from analyzer.addresses import is_private
from analyzer.citations import cisco
from analyzer.once import once
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """An attempt that came as far as a stream failed from one inside host, and the same pair succeeded from another."""
    host = session.host
    if session.direction != "outbound" or session.authenticated or session.outcome != "failed" or host is None:
        return None
    if session.reached < Stage.STREAM or not is_private(host):
        return None
    for other in _succeeding(case, session.initiator, session.receiver):
        if other.host is None or case.same_host(other.host, host) or session.stream is None or other.stream is None:
            continue
        return Match(
            events=(*session.stream.events[-2:], *other.stream.events[:2]),
            because=(
                f"from {other.host} {session.initiator} was authenticated at {session.receiver}, from {host} it failed "
                f"({session.stream.outcome})"
            ),
            connection=session.stream.id,
            domain=session.initiator,
            confidence=Confidence.POSSIBLE,
            undecided=(("dialback-secret-mismatch", f"the dialback secrets of {host} and {other.host}"),),
            remedy=f"compare federation status, TLS mode, SASL, dialback secret and policy of {host} and {other.host}",
        )
    return None


@once
def _succeeding(case: CaseView, initiator: str, receiver: str) -> tuple[Session, ...]:
    """The first attempt of the pair from each inside host that was authenticated."""
    found: dict[str, Session] = {}
    for session in case.between(initiator, receiver):
        if session.host is not None and session.authenticated and session.stream and is_private(session.host):
            found.setdefault(session.host, session)
    return tuple(found.values())


RULE = Rule(
    title="Our nodes differ",
    stage=Stage.AUTH,
    severity=Severity.DEGRADED,
    owner=Owner.LOCAL,
    needs=frozenset({Stage.STREAM}),
    rivals=("dialback-secret-mismatch", "network-source-address-surprise"),
    explanation=(
        "Two hosts of ours speak for the domain; one gets through to the peer and the other does not.\n"
        "Clusters and nodes must agree in federation status, TLS mode, SASL, dialback secret and policy;\n"
        "or the peer knows the address or the certificate of one of them only."
    ),
    remedy="Set the same federation settings on all nodes and clusters, then restart the Cisco XCP Router on each.",
    sources=(cisco("Interdomain Federation Guide 12.5(1)SU3", "troubleshooting"),),
    predicate=predicate,
)
