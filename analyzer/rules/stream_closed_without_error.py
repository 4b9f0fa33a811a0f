"""Rule: a stream ends in the middle and nobody says why. General."""

from analyzer.citations import rfc, xep
from analyzer.connection import Connection
from analyzer.rule import Blind, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import BadXml, Stanza, StreamEnd, TcpMark

ANSWERS_NS = 10**9
"""A reset within 1 s after a stanza answers it: round trips are shorter, idle timers far longer."""


def predicate(session: Session, case: CaseView) -> Match | Blind | None:
    """FIN or reset in the middle of the negotiation, or a reset that tears a stream in use."""
    hidden = None
    for connection in session.connections:
        end = connection.ending
        if end is None or connection.error is not None or connection.role in ("verify", "probe"):
            continue
        if connection.fatal_alert or connection.not_xmpp or connection.first(BadXml):
            continue
        if connection.ciphertext is not None:
            hidden = session.veil
            continue
        first = min([end, *connection.of(StreamEnd)], key=lambda e: e.at_ns)
        who = connection.sender(first)
        if connection.authenticated:
            torn = _torn(connection, end)
            if torn is None:
                continue
            because = (
                f"{who}'s side reset the stream {session.initiator} > {session.receiver} while stanzas were under way"
            )
            return Match(
                events=(end, torn),
                because=because,
                connection=connection.id,
                undecided=(("network-outbound-reset", "a capture at the other end: did it send the reset?"),),
            )
        if session.survived(connection) or connection.passed("AUTH_REFUSED", "TLS_REFUSED"):
            continue
        if not any(m.mark == "syn" for s in connection.sightings for m in s.of(TcpMark)) and not (
            connection.client_header or connection.server_header
        ):
            hidden = f"{first.where.source} shows the stream from its middle on: whether it was authenticated before"
            continue
        if connection.client_header is None and connection.server_header is None and connection.way(end) == ">":
            continue  # nobody spoke and the client left: a try-out, no attempt
        how = "reset the connection" if end is first and end.mark == "rst" else "closed the stream"
        return Match(
            events=(first,) if first is end else (first, end),
            because=f"{who}'s side {how} without an error, at the stage {connection.reached.word}",
            connection=connection.id,
            undecided=(("network-inspection-interference", "a capture at the other end: did it close by itself?"),),
        )
    return None if hidden is None else Blind(because=hidden)


def _torn(connection: Connection, end: TcpMark) -> Stanza | None:
    """The stanza that was under way when a reset came without any farewell."""
    if end.mark != "rst" or connection.first(StreamEnd) is not None:
        return None
    way = "<" if connection.way(end) == ">" else ">"
    last = max(connection.of(Stanza, way), key=lambda s: s.at_ns, default=None)
    if last is None:
        return None
    tally = connection.tally(way)
    lost = tally is not None and tally.unacknowledged_len > 0
    return last if lost or end.at_ns - last.at_ns <= ANSWERS_NS else None


RULE = Rule(
    title="The stream was closed without a reason",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.NETWORK,
    needs=frozenset({Stage.STREAM}),
    rivals=("network-inspection-interference", "network-outbound-reset", "tls-proceed-then-close"),
    explanation=(
        "The stream ended by FIN or reset before it was finished, or a reset tore it while in use, and no stream\n"
        "error said why. The server that closed did not like what it saw last (some close so for a bad\n"
        "certificate), or crashed, or a device in the path cut the connection."
    ),
    remedy=(
        "Look at the last step before the end, and at that moment in the log of the side that closed.\n"
        "Capture at both ends: a reset that nobody sent comes from between."
    ),
    sources=(rfc(6120, "4.4"), rfc(6120, "4.9.1.1"), xep(178)),
    predicate=predicate,
)
