"""Conversations that were idle for long, and whose next word was refused or met silence.

Firewalls forget a connection that carries nothing; what comes after that is thrown away or reset. A peer that went away
without a word looks the same, so where the path cannot be told from the peer, nothing more than *possible* is said.
Knows no rule.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice

from analyzer.connection import Connection
from analyzer.once import once
from analyzer.rule import Confidence, Match
from analyzer.session import Session
from analyzer.stage import end_text
from analyzer.view import CaseView
from parsers.events import Event, Idle, Retransmission, Tally, TcpMark, Unreachable

AT_ONCE_NS = 10 * 10**9
"""A reset within 10 s answers the word; a later one may have a reason of its own."""
SILENT_NS = 20 * 10**9
"""A word that was sent again, and not acknowledged for 20 s, was not received: the third repetition comes after some
7 s (RFC 6298)."""
ALIVE_NS = 300 * 10**9
"""A server that accepts another connection within 5 minutes was there all the while."""


def broken(session: Session, case: CaseView, *, half_closed: bool, least_ns: int) -> Match | None:
    """The first conversation of a session that broke after a silence of at least `least_ns`."""
    for connection in session.connections:
        for idle in connection.of(Idle):
            fin = connection.fin
            closing = fin is not None and fin.at_ns < idle.at_ns
            if idle.duration_ns < least_ns or closing != half_closed or not connection.accepted:
                continue
            answer = _answer(connection, idle, case)
            if answer is None:
                continue
            return _match(connection, idle, answer, fin if half_closed else None, case)
    return None


def _answer(connection: Connection, idle: Idle, case: CaseView) -> TcpMark | Retransmission | None:
    """The reset that came back for the word after the silence, or its last repetition if nothing ever came."""
    way = connection.way(idle)
    after = [e for e in connection.events if e.at_ns >= idle.at_ns and not isinstance(e, Tally | Unreachable | Idle)]
    if any(isinstance(e, TcpMark) and e.mark in ("fin", "rst") and e.at_ns == idle.at_ns for e in after):
        return None  # the word was a goodbye
    heard = next((e for e in after if connection.way(e) != way), None)
    if isinstance(heard, TcpMark) and heard.mark == "rst":
        return heard if heard.at_ns - idle.at_ns <= AT_ONCE_NS else None
    tally = connection.tally(way)
    again = [e for e in after if isinstance(e, Retransmission)]
    if heard is not None or not again or tally is None or not tally.unacknowledged_len:
        return None
    if connection.vantages <= case.one_way_taps or not case.watched(connection, idle.at_ns + SILENT_NS):
        return None
    return again[-1]


def _match(
    connection: Connection, idle: Idle, answer: TcpMark | Retransmission, fin: TcpMark | None, case: CaseView
) -> Match:
    way = connection.way(idle)
    speaker, other = (connection.client, connection.server)[:: 1 if way == ">" else -1]
    minutes = idle.duration_ns // (60 * 10**9)
    reset = isinstance(answer, TcpMark)
    nearer = case.nearer_by(connection.primary.tap, answer) if isinstance(answer, TcpMark) else None
    alive = _alive(connection, other[0], idle, case)
    why = f", which was sent {nearer} hops nearer than all else from {other[0]}" if nearer else ""
    if alive is not None and not nearer:
        why = f"; {other[0]} itself was there: it took part in another connection soon after"
    evidence: list[Event] = [answer, idle, *((fin,) if fin is not None else ()), *((alive,) if alive else ())]
    return Match(
        events=tuple(evidence),
        because=(
            f"{end_text(connection.client)} > {end_text(connection.server)} carried nothing for {minutes} minutes"
            + (" after one side had closed" if fin is not None else "")
            + f"; the next word of {speaker[0]} was "
            + ("answered by a reset" if reset else "sent again and again and never acknowledged")
            + why
        ),
        connection=connection.id,
        confidence=Confidence.LIKELY if nearer or alive is not None else Confidence.POSSIBLE,
        undecided=(
            (
                "stream-closed-without-error",
                f"a capture at {other[0]}: does the word arrive, does the reset come from it?",
            ),
        ),
    )


def _alive(connection: Connection, address: str, idle: Idle, case: CaseView) -> TcpMark | None:
    """The handshake by which the other host took part in a connection soon after the silence."""
    accepted = _accepted(case)
    for other in islice(accepted, bisect_left(accepted, idle.at_ns, key=lambda c: c.began_ns), None):
        if other.began_ns - idle.at_ns > ALIVE_NS:
            break
        if other is connection:
            continue
        if any(case.same_host(address, end[0]) for end in (other.client, other.server)):
            way = ">" if case.same_host(address, other.client[0]) else "<"
            return next((m for m in other.of(TcpMark, way) if m.mark in ("syn", "syn-ack")), None)
    return None


@once
def _accepted(case: CaseView) -> list[Connection]:
    """Connections that were accepted, in order of time."""
    return sorted((c for c in case.connections if c.accepted), key=lambda c: c.began_ns)
