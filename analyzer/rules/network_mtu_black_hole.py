"""Rule: big segments vanish on the way while small ones pass."""

from analyzer.citations import cisco, rfc
from analyzer.connection import Connection
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.sighting import Sighting
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import CaptureGap, Event, Retransmission, Unreachable

BIG_LEN = 537
"""Payload bytes from which on a segment may be too big for a path: 536 always pass (RFC 9293 section 3.7.1)."""
ATTEMPTS = 4
"""Sent three times more and still lost: with one packet in ten lost by chance, once in ten thousand."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A big segment was sent again and again and never acknowledged; what was sent before it, smaller, had arrived."""
    callbacks = () if session.authenticated else session.callbacks
    for connection in (*session.connections, *callbacks):
        if not connection.accepted:
            continue
        for way in "><":
            stuck = [r for r in connection.of(Retransmission, way) if r.bytes_len >= BIG_LEN and r.attempt >= ATTEMPTS]
            tally = connection.tally(way)
            if not stuck or tally is None or tally.unacknowledged_len < stuck[-1].bytes_len:
                continue
            passed = tally.bytes_len - tally.unacknowledged_len
            if passed <= 0 or any(e.code == "fragmentation-needed" for e in connection.of(Unreachable)):
                continue
            hole = _hole(connection, way)
            alive = _alive(connection, stuck[0], case)
            return _match(connection, way, stuck, passed, hole, alive)
    return None


def _match(
    connection: Connection,
    way: str,
    stuck: list[Retransmission],
    passed: int,
    hole: tuple[Sighting, CaptureGap] | None,
    alive: Event | None,
) -> Match:
    """The finding, with what shows that the path itself was not dead."""
    sender = connection.client if way == ">" else connection.server
    because = (
        f"{end_text(sender)} sent a segment of {stuck[-1].bytes_len} bytes {stuck[-1].attempt} times and it was never "
        f"acknowledged, after {passed} bytes in smaller ones had been"
    )
    if hole is not None:
        because += f"; {hole[0].tap} lacks {hole[1].missing_bytes} bytes there and shows smaller ones after them"
    elif alive is not None:
        because += "; other traffic between the two hosts went on meanwhile"
    sure = Confidence.PROVEN if hole is not None else Confidence.LIKELY if alive is not None else Confidence.POSSIBLE
    return Match(
        events=tuple(e for e in (stuck[-1], *stuck[:-1], hole[1] if hole else alive) if e is not None),
        because=because,
        connection=connection.id,
        confidence=sure,
        ruled_out=(("network-loss-or-latency", "smaller segments arrived"),) if hole or alive else (),
        undecided=() if hole else (("network-tcp-normaliser", "a capture at the other end"),),
    )


def _hole(connection: Connection, way: str) -> tuple[Sighting, CaptureGap] | None:
    """Another tap where the big segments are missing although what came after them is there."""
    for sighting in connection.sightings[1:]:
        if any(r.bytes_len >= BIG_LEN for r in sighting.of(Retransmission, way)):
            continue
        for gap in sighting.of(CaptureGap, way):
            if gap.missing_bytes >= BIG_LEN:
                return sighting, gap
    return None


def _alive(connection: Connection, since: Retransmission, case: CaseView) -> Event | None:
    """Something that passed between the two hosts while the segment did not."""
    ends = {connection.client[0], connection.server[0]}
    for other in case.connections:
        if {other.client[0], other.server[0]} != ends or other.ended_ns <= since.at_ns:
            continue
        for event in other.events:
            heard = event.flow is not None and event.flow.src_ip == (since.flow.dst_ip if since.flow else None)
            if heard and event.at_ns > since.at_ns and not isinstance(event, Retransmission):
                return event
    return None


RULE = Rule(
    title="Big packets are lost on the way",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.NETWORK,
    needs=frozenset({Stage.CONNECT}),
    masks=(
        "network-loss-or-latency",
        "tls-handshake-stall",
        "stream-open-but-silent",
        "stream-closed-without-error",
        "stream-connection-timeout",
        "dialback-result-timeout",
    ),
    rivals=("network-loss-or-latency", "tls-handshake-stall", "network-tcp-normaliser"),
    explanation=(
        "The handshake and short elements pass, but a full-sized segment is sent again and again and never "
        "acknowledged: some link on the way takes smaller packets only, and the ICMP error that would tell the "
        "sender so (type 3, code 4) is filtered.\n"
        "Certificates and long stanzas are what grows so big; a stream dies with the first of them."
    ),
    remedy=(
        "Let ICMP type 3 code 4 (IPv6: type 2) through to the servers.\n"
        "Or clamp the MSS on the firewall (`sysopt connection tcpmss 1380` on an ASA), or lower the MTU of the "
        "tunnel's ends."
    ),
    sources=(rfc(2923, "2.1"), rfc(1191), rfc(4821), cisco("ASA command sysopt connection tcpmss")),
    predicate=predicate,
)
