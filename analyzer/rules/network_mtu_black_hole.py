"""Rule: big segments vanish on the way while small ones pass."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import islice

from analyzer.citations import cisco, rfc
from analyzer.connection import Connection
from analyzer.once import once
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.sighting import Sighting
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import CaptureGap, Event, Retransmission, Tally, Unreachable

BIG_LEN = 537
"""Payload bytes from which on a segment may be too big for a path: 536 always pass (RFC 9293 section 3.7.1)."""
ATTEMPTS = 4
"""Sent three times more and still lost: with one packet in ten lost by chance, once in ten thousand."""

REPEATED_NS = 10 * 10**9
"""In 10 s a segment is sent again four times at least: after 1, 2 and 4 s, the first time sooner (RFC 6298)."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A big segment was sent again and again and never acknowledged; what was sent before it, smaller, had arrived.

    Or, where it should have arrived: a hole of that size that never filled, with something smaller behind it.
    """
    callbacks = () if session.authenticated else session.callbacks
    for connection in (*session.connections, *callbacks):
        if not connection.accepted or any(e.code == "fragmentation-needed" for e in connection.of(Unreachable)):
            continue
        for sighting in connection.sightings:
            for way in "><":
                if (match := _sent_in_vain(connection, sighting, way, case)) is not None:
                    return match
        for sighting in connection.sightings:
            for way in "><":
                if (match := _never_filled(connection, sighting, way, case)) is not None:
                    return match
    return None


def _sent_in_vain(connection: Connection, sighting: Sighting, way: str, case: CaseView) -> Match | None:
    """The finding, where a place on the sender's side saw it, with what shows that the path itself was not dead."""
    stuck = [r for r in sighting.of(Retransmission, way) if r.bytes_len >= BIG_LEN and r.attempt >= ATTEMPTS]
    tally = next(sighting.of(Tally, way), None)
    if not stuck or tally is None or tally.unacknowledged_len < stuck[-1].bytes_len:
        return None
    passed = tally.bytes_len - tally.unacknowledged_len
    if passed <= 0:
        return None
    hole = _hole(connection, sighting, way)
    alive = _alive(connection, stuck[0], case)
    sender = sighting.client if way == ">" else sighting.server
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


def _never_filled(connection: Connection, sighting: Sighting, way: str, case: CaseView) -> Match | None:
    """The finding, where a place saw what came behind the big segments and the receiver acknowledged neither.

    What a capture lacks because it was too slow, or cut, is acknowledged all the same.
    """
    coverage = case.coverage.get(sighting.tap)
    gap = next((g for g in sighting.of(CaptureGap, way) if g.missing_bytes >= BIG_LEN), None)
    tally = next(sighting.of(Tally, way), None)
    if gap is None or tally is None or coverage is None or len(sighting.seen_ways) != 2:
        return None
    # The tally counts what was seen: before the hole, and behind it.
    behind = tally.unacknowledged_len - gap.missing_bytes
    watched = not coverage.damaged and coverage.covers(gap.at_ns, gap.at_ns + REPEATED_NS)
    if behind <= 0 or behind >= BIG_LEN or tally.bytes_len <= behind or not watched:
        return None
    receiver = sighting.server if way == ">" else sighting.client
    alive = _alive(connection, gap, case)
    return Match(
        events=(gap, tally, *((alive,) if alive is not None else ())),
        because=(
            f"{gap.missing_bytes} bytes towards {end_text(receiver)} never came to {sighting.tap}, not in "
            f"{REPEATED_NS // 10**9} s and more, and were not acknowledged; {behind} bytes behind them came, "
            f"and {tally.bytes_len - behind} before"
        ),
        connection=connection.id,
        confidence=Confidence.LIKELY if alive is not None else Confidence.POSSIBLE,
        undecided=(
            ("network-loss-or-latency", "a capture at the sender: whether it sends these bytes again and again"),
        ),
    )


def _hole(connection: Connection, seen: Sighting, way: str) -> tuple[Sighting, CaptureGap] | None:
    """Another tap where the big segments are missing although what came after them is there."""
    for sighting in connection.sightings:
        if sighting is seen or any(r.bytes_len >= BIG_LEN for r in sighting.of(Retransmission, way)):
            continue
        for gap in sighting.of(CaptureGap, way):
            if gap.missing_bytes >= BIG_LEN:
                return sighting, gap
    return None


def _alive(connection: Connection, since: Retransmission | CaptureGap, case: CaseView) -> Event | None:
    """Something that passed between the two hosts while the segment did not."""
    ends = frozenset((connection.client[0], connection.server[0]))
    flow = since.flow
    # From where the segments were sent, what comes back tells; from where they should have come, what still comes.
    speaker = None if flow is None else flow.dst_ip if isinstance(since, Retransmission) else flow.src_ip
    others = _between(case).get(ends, ())
    for other in islice(others, bisect_right(others, since.at_ns, key=lambda c: c.ended_ns), None):
        for event in other.events:
            heard = event.flow is not None and event.flow.src_ip == speaker
            if heard and event.at_ns > since.at_ns and not isinstance(event, Retransmission | CaptureGap | Tally):
                return event
    return None


@once
def _between(case: CaseView) -> Mapping[frozenset[str], Sequence[Connection]]:
    """The conversations of two hosts, in the order in which they ended."""
    found: dict[frozenset[str], list[Connection]] = {}
    for connection in sorted(case.connections, key=lambda c: c.ended_ns):
        found.setdefault(frozenset((connection.client[0], connection.server[0])), []).append(connection)
    return found


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
