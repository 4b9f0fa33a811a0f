"""Rule: something on the way resets our connection in the peer's name."""

from analyzer.citations import cisco, rfc
from analyzer.connection import Connection
from analyzer.rule import Confidence, FirewallSign, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import TcpMark

NEARER_HOPS = 2
"""One hop of difference may be a route that changed; a reset that is two routers nearer than all else its sender sent
comes from the path."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A reset came in that further out nobody saw, or that was sent from nearer than the peer is."""
    for connection in session.connections:
        if case.way(connection, session.direction) != "out":
            continue
        reset = connection.refusal or _cut(connection)
        if reset is None:
            continue
        unseen = _unseen(connection, reset, case)
        nearer = case.nearer_by(connection.primary.tap, reset) or 0
        if not unseen and not nearer:
            continue
        if unseen and nearer:
            confidence = Confidence.PROVEN
        elif unseen or nearer >= NEARER_HOPS:
            confidence = Confidence.LIKELY
        else:
            confidence = Confidence.POSSIBLE
        worked = any(c.accepted for c in session.connections) if connection.refused else False
        fate = "was answered" if connection.refused else "was open and was cut"
        why = []
        if unseen:
            why.append(f"{', '.join(unseen)}, further out, saw no such reset")
        if nearer:
            why.append(f"it was sent {nearer} hops nearer (TTL {reset.ttl}) than all else from {connection.server[0]}")
        decides = "a capture of the same time outside the firewall: does the reset come in there?"
        return Match(
            events=(reset, *connection.syns[:1]),
            because=(
                f"{end_text(connection.client)} > {end_text(connection.server)} {fate} by a reset that "
                f"the peer did not send: {' and '.join(why)}"
            ),
            connection=connection.id,
            confidence=confidence,
            severity=Severity.DEGRADED if worked else None,
            ruled_out=(("network-service-not-listening", "the reset is not the peer's"),) if unseen else (),
            undecided=() if unseen else (("network-connection-refused", decides),),
            remedy=(
                f"look for a rule that rejects or resets tcp from {connection.client[0]} to port "
                f"{connection.server[1]}, in the firewall's access lists and its intrusion prevention"
            ),
        )
    return None


def _cut(connection: Connection) -> TcpMark | None:
    """The reset towards us that ended an open conversation which nobody had begun to close."""
    reset = connection.reset
    if reset is None or connection.way(reset) == ">":
        return None
    fin = connection.fin
    return None if fin is not None and fin.at_ns <= reset.at_ns else reset


def _unseen(connection: Connection, reset: TcpMark, case: CaseView) -> list[str]:
    """Taps that recorded at that moment, saw the conversation or should have, and saw neither reset nor end of it."""
    taps = [c.tap for c in case.missing_at(connection)]
    for sighting in connection.sightings:
        coverage = case.coverage.get(sighting.tap)
        if coverage is None or coverage.damaged or not coverage.covers(reset.at_ns, reset.at_ns):
            continue
        if not any(m.mark in ("rst", "fin") for m in sighting.of(TcpMark)):
            taps.append(sighting.tap)
    return sorted(taps)


RULE = Rule(
    title="Something on the way resets our connections",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=(
        "network-connection-refused",
        "stream-closed-without-error",
        "stream-open-but-silent",
        "dialback-result-timeout",
    ),
    rivals=("network-connection-refused", "network-inspection-interference", "network-idle-timeout"),
    firewall=(
        FirewallSign(action="teardown", reason=r"^TCP Reset-APPLIANCE"),
        FirewallSign(action="teardown", ids=("netfilter",), reason=r"reset|rst"),
        FirewallSign(action="deny", answered=True, way="out"),
    ),
    explanation=(
        "A reset came back in the peer's name that the peer did not send.\n"
        "Either a capture further out does not show it, or its time to live tells that it was sent from nearer "
        "than everything else that came from the peer.\n"
        "Firewalls do this when a rule says reject instead of drop, and intrusion prevention when it dislikes a "
        "stream."
    ),
    remedy=(
        "Look for a rule that rejects or resets traffic to TCP 5269, and for intrusion prevention on that path; "
        "exempt the federation server.\n"
        "The firewall's log of that moment names the rule."
    ),
    sources=(cisco("ASA syslog guide", "302014: TCP Reset-APPLIANCE"), rfc(9293, "3.5.2")),
    predicate=predicate,
)
