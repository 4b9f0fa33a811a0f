"""Rule: stanzas are sent without opening a stream."""

from analyzer.citations import xep
from analyzer.connection import Connection
from analyzer.conversations import is_payload
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import Stanza


def predicate(session: Session, case: CaseView) -> Match | None:
    """The first thing that the client says, on a connection captured whole, is a stanza."""
    for connection in session.connections:
        if connection.client_header is not None or not connection.whole:
            continue
        said = next((e for e in connection.events if connection.way(e) == ">" and is_payload(e)), None)
        if not isinstance(said, Stanza):
            continue
        refused = _refused(connection)
        error = connection.error
        return Match(
            events=(said, error) if refused and error is not None else (said,),
            because=(
                f"{session.initiator} sends a {said.name} to {session.receiver} at {end_text(connection.server)} as "
                "its first word, without a stream header"
                + (f", and {session.receiver} ends the connection" if refused else "")
            ),
            connection=connection.id,
            domain=session.initiator,
            owner=owner_of(session.initiator, case),
            severity=Severity.FAILURE if refused and not session.authenticated else None,
            undecided=(("stream-bad-xml", f"whether {session.receiver} is set up for XEP-0361"),) if refused else (),
        )
    return None


def _refused(connection: Connection) -> bool:
    """Whether the server ended it with an error, or before it said a stanza of its own."""
    error, end = connection.error, connection.ending
    if error is not None and connection.way(error) == "<":
        return True
    return end is not None and connection.way(end) == "<" and connection.first(Stanza, "<") is None


RULE = Rule(
    title="Stanzas are sent without opening a stream",
    stage=Stage.STREAM,
    severity=Severity.NOTE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=(
        "stream-stanza-before-auth",
        "stream-not-xmpp",
        "stream-bad-xml",
        "stream-not-authorized",
        "stream-closed-without-error",
    ),
    rivals=("stream-bad-xml", "stream-stanza-before-auth"),
    explanation=(
        "The initiating server begins with a stanza: no stream header, no TLS, no authentication.\n"
        "Servers may agree to that (XEP-0361), for links where each round trip is dear; both must be set up for it.\n"
        "A server that is not takes it for a broken stream and hangs up."
    ),
    remedy="Set both servers up for XEP-0361 for each other, or switch it off where it is on.",
    sources=(xep(361), xep(220, "2.1.1")),
    predicate=predicate,
)
