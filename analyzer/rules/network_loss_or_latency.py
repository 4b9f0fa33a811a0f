"""Rule: packets are lost, but the stream goes on."""

from analyzer.citations import rfc
from analyzer.connection import Connection
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import Event, Retransmission, TcpMark

RETRANSMITTED_MIN = 2
"""One repetition alone is chance, or a delayed acknowledgement."""
SHARE = 0.02
"""From 2 % of lost segments on the window is halved again and again (RFC 5681 section 3.1), and timers begin to
matter."""
HANDSHAKE_NS = 10**9
"""A SYN-ACK later than the first retransmission timeout of 1 s (RFC 6298 section 2) is worth knowing."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """Data segments were sent again, and the conversation made progress all the same; or its handshake was slow."""
    for connection in session.connections:
        if not connection.accepted:
            continue
        tallies = [t for t in (connection.tally(">"), connection.tally("<")) if t is not None]
        again = sum(t.retransmitted for t in tallies)
        segments = sum(t.segments for t in tallies)
        much = again >= RETRANSMITTED_MIN and again >= SHARE * segments
        if much and not any(t.unacknowledged_len for t in tallies):
            events: tuple[Event, ...] = tuple(connection.of(Retransmission)) or tuple(tallies)
            because = f"{again} of {segments} data segments were sent again, and arrived in the end"
        elif (slow := _handshake(connection)) is not None:
            events, delay_ns = slow
            because = f"the SYN was answered after {delay_ns / 10**9:.1f} s and {len(connection.syns)} tries"
        else:
            continue
        return Match(
            events=events,
            because=f"{end_text(connection.client)} > {end_text(connection.server)}: {because}",
            connection=connection.id,
        )
    return None


def _handshake(connection: Connection) -> tuple[tuple[Event, ...], int] | None:
    """The handshake's marks and its duration, where it took too long."""
    answer = next((m for m in connection.of(TcpMark, "<") if m.mark == "syn-ack"), None)
    if answer is None or not connection.syns:
        return None
    delay_ns = answer.at_ns - connection.syns[0].at_ns
    return ((answer, *connection.syns), delay_ns) if delay_ns >= HANDSHAKE_NS else None


RULE = Rule(
    title="Packets are lost on the way",
    stage=Stage.CONNECT,
    severity=Severity.NOTE,
    owner=Owner.NETWORK,
    needs=frozenset({Stage.CONNECT}),
    rivals=("network-mtu-black-hole", "evidence-duplicates"),
    explanation=(
        "Segments had to be sent again, or the handshake wanted several tries, but everything came through in the "
        "end.\n"
        "Federation has timers (30 s for dialback in several servers), so a path like this fails now and then."
    ),
    remedy=(
        "Look for the lossy link: duplex mismatch, an overloaded line, a policer.\n"
        "Nothing in the XMPP servers is at fault."
    ),
    sources=(rfc(6298, "2"), rfc(5681)),
    predicate=predicate,
)
