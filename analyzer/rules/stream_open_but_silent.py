"""Rule: the connection opens, and no stream header comes back."""

from analyzer.citations import cisco, note, rfc
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView

SILENT_NS = 20 * 10**9
"""Silence of 20 s counts: more than a busy server or its lookups need, and less than the shortest negotiation timer
known (30 s, ejabberd's and Cisco XCP's), after which the initiating server hangs up."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """Our header was acknowledged, the server said nothing for long, and the capture went on all the while."""
    if session.authenticated:
        return None
    for connection in session.connections:
        header = connection.client_header
        if header is None or not connection.accepted or connection.answered:
            continue
        if connection.vantages <= case.one_way_taps:
            continue  # no source shows that way of anything: an answer would not have been seen
        tally = connection.tally(">")
        if tally is not None and tally.unacknowledged_len:
            continue  # the header itself may not have arrived: that is the network's affair
        end = connection.ending
        until = header.at_ns + SILENT_NS if end is None else end.at_ns
        if until - header.at_ns < SILENT_NS or not case.watched(connection, until):
            continue
        waited = (until - header.at_ns) // 10**9
        return Match(
            events=(header,) if end is None else (header, end),
            because=(
                f"{end_text(connection.server)} accepted the connection and acknowledged the stream header for "
                f"{session.receiver}, then said nothing for {waited} s"
            ),
            connection=connection.id,
            domain=session.receiver,
            owner=owner_of(session.receiver, case),
            undecided=(("stream-not-xmpp", f"what listens on port {connection.server[1]} of {connection.server[0]}"),),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


RULE = Rule(
    title="The server accepts the connection and never answers",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=("stream-closed-without-error", "stream-connection-timeout"),
    rivals=("stream-not-xmpp", "network-inspection-interference"),
    explanation=(
        "TCP opened and the stream header was delivered, but no stream header came back.\n"
        "The port is open, so a telnet test passes: an empty screen proves TCP and nothing more.\n"
        "The program behind the port hangs, waits for something else (TLS from the first byte), or a device in the\n"
        "path accepts connections on its behalf."
    ),
    remedy=(
        "Look whether the XMPP service of the receiving server is healthy, and restart it.\n"
        "See whether the port expects TLS from the first byte, and whether a proxy or load balancer stands before it."
    ),
    sources=(
        rfc(6120, "4.2"),
        note("ejabberd xmpp_stream_out, NEGOTIATION_TIMEOUT 30 s"),
        cisco("116339", "verification step 1"),
    ),
    predicate=predicate,
)
