"""Rule: the TLS handshake stops in the middle."""

from analyzer.citations import rfc
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Retransmission, TlsAlert

STALLED_NS = 20 * 10**9
"""A handshake that has not moved for 20 s does not move any more: it needs a few round trips, and TCP has by then
repeated a lost segment four times or more (RFC 6298 section 5)."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A ClientHello, no ciphertext from the server, no alert, and silence for long under watch."""
    if session.authenticated:
        return None
    for connection in session.connections:
        hello = connection.client_hello
        if hello is None or connection.ciphertext is not None or connection.first(TlsAlert) is not None:
            continue
        moved_ns = max((e.at_ns for e in (connection.server_hello, *connection.certificates) if e), default=hello.at_ns)
        end = connection.ending
        until = moved_ns + STALLED_NS if end is None else end.at_ns
        if until - moved_ns < STALLED_NS or not case.watched(connection, until):
            continue
        again = [r for r in connection.of(Retransmission) if r.at_ns >= hello.at_ns]
        told = f", though segments were sent again {len(again)} times" if again else ""
        return Match(
            events=(hello, *again[:3]),
            because=f"the TLS handshake with {session.receiver} stopped for {(until - moved_ns) // 10**9} s{told}",
            connection=connection.id,
            confidence=Confidence.LIKELY if again else Confidence.POSSIBLE,
            undecided=(("network-mtu-black-hole", "a capture at the other end: do the big segments arrive?"),),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


RULE = Rule(
    title="The TLS handshake stalls",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.NETWORK,
    needs=frozenset({Stage.TLS}),
    masks=("stream-closed-without-error", "stream-connection-timeout"),
    rivals=("network-mtu-black-hole", "network-inspection-interference"),
    explanation=(
        "The handshake began and did not go on, and neither side closed for a long time.\n"
        "The flight with the certificates is the first of several full segments: where big packets are lost on the\n"
        "way, everything before works and this does not. An inspection that does not know TLS does the same."
    ),
    remedy=(
        "Lower the MSS on the firewall, and let ICMP fragmentation-needed through.\n"
        "Take the inspection of TCP 5269 off. Else look why the server computes so long."
    ),
    sources=(rfc(5246, "7.3"), rfc(4459), rfc(6298, "5")),
    predicate=predicate,
)
