"""Rule: the server is being shut down or resets its streams, and says so."""

from analyzer.citations import rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The stream errors `system-shutdown` and `reset`."""
    found = session.error("system-shutdown", "reset")
    if found is None:
        return None
    connection, error = found
    speaker = connection.sender(error)
    return Match(
        events=(error,),
        because=f"{speaker} ended the stream of its own accord: {words_of(error)}",
        connection=connection.id,
        domain=speaker,
        owner=owner_of(speaker, case),
        severity=Severity.NOTE if session.survived(connection) else None,
    )


RULE = Rule(
    title="The server is shutting down",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=("stream-closed-without-error",),
    rivals=("stream-connection-timeout",),
    said=(SaidSign(topic=Topic.CLOSED, conditions=("system-shutdown",)),),
    explanation=(
        "The server closed the stream with `system-shutdown` or `reset`: it is stopped, restarted, or wants the\n"
        "stream opened anew because something in its configuration changed. This is an ordinary, planned end."
    ),
    remedy="Try again when the server is back. If it restarts often, read its own log.",
    sources=(rfc(6120, "4.9.3.20"), rfc(6120, "4.9.3.16")),
    predicate=predicate,
)
