"""Rule: the capture holds packets twice."""

from analyzer.citations import rfc
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import TcpMark

COPY_NS = 10 * 10**6
"""A SYN is sent again after 1 s (RFC 6298 section 2), never within 10 ms: so soon it is a copy of the frame."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A SYN or SYN-ACK appears again within moments in one source."""
    for connection in session.connections:
        for sighting in connection.sightings:
            last: dict[tuple[str, str], TcpMark] = {}
            for mark in sighting.of(TcpMark):
                if mark.mark not in ("syn", "syn-ack"):
                    continue
                before = last.get((mark.mark, sighting.way(mark)))
                if mark.repeat and before is not None and mark.at_ns - before.at_ns <= COPY_NS:
                    apart_us = (mark.at_ns - before.at_ns) // 1000
                    return Match(
                        events=(mark, before),
                        because=f"{sighting.tap} holds one {mark.mark.upper()} twice, {apart_us} µs apart",
                        connection=connection.id,
                    )
                last[(mark.mark, sighting.way(mark))] = mark
    return None


RULE = Rule(
    title="The capture holds packets twice",
    stage=Stage.CONNECT,
    severity=Severity.NOTE,
    owner=Owner.EVIDENCE,
    rivals=("network-loss-or-latency",),
    explanation=(
        "The same packet stands in the capture twice within moments.\n"
        "A mirror port that copies a packet where it comes in and where it goes out does this, as does a capture "
        "on all interfaces of a router.\n"
        "Counts of retransmissions in such a capture are too high."
    ),
    remedy="Mirror one place only, or remove the copies with `editcap -d`.",
    sources=(rfc(6298, "2"),),
    predicate=predicate,
)
