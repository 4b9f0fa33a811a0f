"""Rule: a router or host on the way says outright that the SYN cannot be delivered."""

from analyzer.citations import rfc
from analyzer.failover import failover
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import Topic

WORDS = {
    "net": "there is no route to that network",
    "host": "the host cannot be reached",
    "port": "the port is not open",
    "admin": "a filter forbids it",
    "ttl-exceeded": "the packet went round in a loop",
    "other": "it cannot be delivered",
}
"""What the codes of RFC 792, RFC 1812 section 5.2.7.1 and RFC 4443 section 3 say. `fragmentation-needed` is no answer
to a SYN."""
REMEDIES = {
    "net": "look at the routes of {reporter} to the network of {server}",
    "host": "see whether {server} is up, and on the network behind {reporter}",
    "port": "see on {server} whether the service runs and listens on port {port}",
    "admin": "look at the filters of {reporter} for TCP from {client} to {server} port {port}",
    "ttl-exceeded": "look for routers before {reporter} that send what is for {server} to each other",
    "other": "ask who runs {reporter} why it does not deliver to {server}",
}
"""What to do, by code."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """An ICMP error answered the SYN, and no SYN-ACK did."""
    for connection in session.connections:
        error = connection.unreachable
        if error is None or error.code not in WORDS:
            continue
        worked = case.went_on(session) is not None
        by_server = error.reporter_ip == connection.server[0]
        other = failover(session, [connection])
        if error.code == "admin":
            owner: Owner | None = Owner.FIREWALL
        elif other is not None:
            owner = owner_of(session.receiver, case)
        else:
            owner = Owner.PEER if by_server else None
        if other is not None and error.code != "admin":
            remedy = f"tell {session.receiver} that its SRV target {other.failed[0]} cannot be reached"
        else:
            remedy = REMEDIES[error.code].format(
                reporter=error.reporter_ip,
                client=connection.client[0],
                server=connection.server[0],
                port=connection.server[1],
            )
        return Match(
            events=(error, *connection.syns),
            because=(
                f"{error.reporter_ip} answered the SYN {end_text(connection.client)} > {end_text(connection.server)} "
                f"by ICMP: {WORDS[error.code]}" + (other.tells if other is not None else "")
            ),
            connection=connection.id,
            domain=session.receiver,
            owner=owner,
            severity=Severity.DEGRADED if worked else None,
            remedy=remedy,
        )
    return None


RULE = Rule(
    title="The network says that the server cannot be reached",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.NETWORK,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-syn-unanswered",),
    rivals=("network-no-route", "network-far-side-block"),
    said=(SaidSign(topic=Topic.CONNECT_FAILED, conditions=("unreachable",)),),
    explanation=(
        "A router or host on the way answered the SYN with an ICMP error that quotes it.\n"
        "Its code says why: no route, no such host, no such port, or a filter that forbids it (code 13, and 9 and "
        "10)."
    ),
    remedy=(
        "Go to the address that sent the error: look at its routes for `net` and `host`, at its filters for "
        "`admin`, and for `port` see whether the service runs there."
    ),
    sources=(rfc(792), rfc(1812, "5.2.7.1"), rfc(4443, "3.1")),
    predicate=predicate,
)
