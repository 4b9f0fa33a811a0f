"""Rule: both directions are authenticated, and one of them carries nothing."""

from analyzer.citations import cisco, rfc
from analyzer.connection import Connection
from analyzer.once import once
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Stanza

ANSWER_NS = 30 * 10**9
"""A server answers a question at once or hands it to a client that does; 30 s is more than both need."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A question that must be answered went out, the way back was open and authenticated, and nothing came by it."""
    if not session.authenticated:
        return None
    found = next(
        ((c, s) for c in session.connections for s in c.of(Stanza, ">") if s.name == "iq" and s.type in ("get", "set")),
        None,
    )
    if found is None or any(c.first(Stanza, "<") for c in session.connections):
        return None
    connection, asked = found
    until = asked.at_ns + ANSWER_NS
    tally = connection.tally(">")
    if tally is not None and tally.unacknowledged_len:
        return None
    if _came_back(case, session.receiver, session.initiator):
        return None
    reverse = case.between(session.receiver, session.initiator)
    back = next((c for s in reverse for c in s.connections if _open(c, asked.at_ns, until, case)), None)
    if back is None or not _open(connection, asked.at_ns, until, case):
        return None
    success = back.step_into("AUTHED")
    return Match(
        events=(asked, *((success.event,) if success is not None else ())),
        because=(
            f"{session.initiator} asked {session.receiver} by an iq, which must be answered; the stream of "
            f"{session.receiver} back was authenticated and carried nothing for {ANSWER_NS // 10**9} s"
        ),
        connection=back.id,
        confidence=Confidence.POSSIBLE,
        domain=session.receiver,
        undecided=(("stanza-one-directional", f"the log of {session.receiver}'s server: what became of the iq"),),
    )


@once
def _came_back(case: CaseView, initiator: str, receiver: str) -> bool:
    """Whether an attempt of the pair carried a stanza, or could have, unseen."""
    reverse = case.between(initiator, receiver)
    return any(s.ciphertext or any(c.first(Stanza, ">") for c in s.connections) for s in reverse)


def _open(connection: Connection, since_ns: int, until_ns: int, case: CaseView) -> bool:
    """Whether a stream was authenticated by then and stayed open as long, under our eyes."""
    if not connection.authenticated or connection.began_ns > until_ns:
        return False
    end = connection.ending
    return (end is None or end.at_ns > until_ns) and case.watched(connection, until_ns)


RULE = Rule(
    title="Policy may let stanzas pass one way only",
    stage=Stage.TRAFFIC,
    severity=Severity.DEGRADED,
    owner=Owner.PEER,
    needs=frozenset({Stage.TRAFFIC}),
    masks=("stanza-subscription-not-delivered",),
    rivals=("stanza-one-directional", "stanza-subscription-not-delivered"),
    explanation=(
        "Both servers have accepted each other, so neither DNS nor network nor dialback is in the way.\n"
        "Still a question that RFC 6120 wants answered was not, and the stream for the answer carried nothing at all.\n"
        "Policies exist that take stanzas of a domain in and send none, or the reverse; a server that drops what it\n"
        "cannot deliver looks the same."
    ),
    remedy="Look for an exception of that domain in the policy of both servers: only incoming, or only outgoing.",
    sources=(cisco("Interdomain Federation Guide 12.5(1)SU3"), rfc(6120, "8.2.3")),
    predicate=predicate,
)
