"""Rule: the response header has no stream id, so no dialback key can be made for it."""

from analyzer.citations import note, rfc, xep
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A server's header without id, where no error made it moot."""
    for connection in session.connections:
        header = connection.server_header
        if header is None or header.id or connection.error is not None:
            continue
        if header.namespace not in (None, "jabber:server"):
            continue
        stuck = connection.reached is Stage.STREAM and connection.ending is not None
        return Match(
            events=(header,),
            because=f"the stream header of {session.receiver} at {connection.server[0]} has no id",
            connection=connection.id,
            domain=session.receiver,
            owner=owner_of(session.receiver, case),
            severity=None if stuck and not session.survived(connection) else Severity.NOTE,
        )
    return None


RULE = Rule(
    title="The stream header has no id",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=("stream-closed-without-error",),
    rivals=("stream-pre-1-0-peer",),
    explanation=(
        "The response header must carry an `id`; a dialback key is made for that id, so without it there is no\n"
        "dialback. The server is faulty, or what answers only resembles one."
    ),
    remedy="Update the server that leaves the id out.",
    sources=(rfc(6120, "4.7.3"), xep(220, "2.1.1"), note("Prosody mod_s2s")),
    predicate=predicate,
)
