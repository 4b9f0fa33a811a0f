"""Rule: a SYN was sent and nothing came back; where it was lost cannot be told from here."""

from analyzer.citations import cisco, rfc
from analyzer.connection import Connection
from analyzer.failover import failover
from analyzer.rule import Blind, Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import Topic

ANSWER_NS = 3 * 10**9
"""No answer within 3 s is silence: RFC 6298 section 2 has the sender give up waiting after 1 s, formerly 3 s."""
RETRY_NS = 900 * 10**6
"""A SYN sent again after about 1 s (RFC 6298 section 2) shows that its sender heard nothing; sooner it is a copy."""


def predicate(session: Session, case: CaseView) -> Match | Blind | None:
    """A connection of the attempt has SYNs only, and there was time for an answer."""
    silent = [c for c in session.connections if c.unanswered]
    if not silent:
        return None
    if all(c.vantages <= case.one_way_taps for c in silent):
        taps = ", ".join(sorted(set().union(*(c.vantages for c in silent))))
        return Blind(because=f"{taps} shows one way of every conversation: an answer would not have been seen")
    silent = [c for c in silent if _waited(c, case) and not c.vantages <= case.one_way_taps]
    if not silent:
        return None
    first = silent[0]
    tried = ", ".join(dict.fromkeys(end_text(c.server) for c in silent))
    count = sum(len(c.syns) for c in silent)
    arrived = next((t for c in silent for t in c.vantages if case.at_home(t, c.server[0])), None)
    because = f"{count} SYN{'s' * (count > 1)} from {first.client[0]} to {tried}, and nothing came back"
    if arrived is not None:
        because += f", although {arrived} was recorded on the very host that they reached"
    worked = case.went_on(session) is not None
    other = failover(session, silent)
    if other is not None:
        because += other.tells
    return Match(
        events=tuple(s for c in silent for s in c.syns),
        because=because,
        connection=first.id,
        domain=session.receiver,
        owner=owner_of(session.receiver, case) if arrived is not None or other is not None else None,
        severity=Severity.DEGRADED if worked else None,
        undecided=(
            ("network-outbound-blocked-silent", "a capture of the same time outside the firewall of who sends the SYN"),
            ("network-far-side-block", f"a capture of the same time before {first.server[0]}"),
        ),
        remedy=(
            f"tell {session.receiver} that its SRV target {', '.join(other.failed)} does not answer"
            if other is not None
            else ""
        ),
    )


def _waited(connection: Connection, case: CaseView) -> bool:
    """Whether an answer would have come by now."""
    again = connection.syns[-1].at_ns - connection.began_ns >= RETRY_NS
    return again or case.watched(connection, connection.began_ns + ANSWER_NS)


RULE = Rule(
    title="Nobody answers the connection attempt",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.NETWORK,
    needs=frozenset({Stage.CONNECT}),
    rivals=(
        "network-outbound-blocked-silent",
        "network-far-side-block",
        "network-inbound-blocked-acl",
        "network-asymmetric-route",
    ),
    said=(SaidSign(topic=Topic.CONNECT_FAILED, conditions=("timeout",)),),
    explanation=(
        "A server sent its SYN and neither a SYN-ACK nor a reset nor an ICMP error came back.\n"
        "Something drops it without a word, or drops the answer: a firewall at home, one on the far side, or a "
        "host that is down.\n"
        "One capture at one place cannot tell which; a second one, nearer to the other end, can."
    ),
    remedy=(
        "Capture at the same time on the outside of your firewall: if the SYN is not there, permit it outbound.\n"
        "If it leaves: ask the other side whether TCP 5269 reaches its server."
    ),
    sources=(rfc(9293, "3.8.3"), rfc(6298, "2"), cisco("116339", "troubleshooting step 2")),
    predicate=predicate,
)
