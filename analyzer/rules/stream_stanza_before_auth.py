"""Rule: stanzas are sent before the stream is authenticated."""

from analyzer.citations import rfc, xep
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

BEFORE_AUTH = ("GREETED", "READY", "SASL_ASKED", "DIALBACK_ASKED", "AUTH_REFUSED")
"""States of the stream machine in which the initiating server may not send a stanza yet."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A stanza of the initiating server on a stream that was captured whole and had no success yet."""
    for connection in session.connections:
        if connection.ciphertext is not None or not connection.whole:
            continue
        step = next((s for s in connection.primary.stream if s.signal == "stanza>" and s.before in BEFORE_AUTH), None)
        if step is None:
            continue
        error = connection.error
        punished = error is not None and connection.way(error) == "<" and error.at_ns >= step.event.at_ns
        return Match(
            events=(step.event, error) if punished and error is not None else (step.event,),
            because=f"{session.initiator} sent a stanza to {session.receiver} before it was authenticated"
            + (f", and was answered {error.condition}" if punished and error is not None else ""),
            connection=connection.id,
            domain=session.initiator,
            owner=owner_of(session.initiator, case),
            severity=None if punished and not session.authenticated else Severity.DEGRADED,
        )
    return None


RULE = Rule(
    title="Stanzas came before authentication",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    masks=("stream-not-authorized",),
    rivals=("dialback-result-timeout",),
    explanation=(
        "The initiating server sent stanzas before dialback or SASL had succeeded.\n"
        "It must not: the receiving server drops them silently or closes the stream with `not-authorized`,\n"
        "and the messages are lost."
    ),
    remedy="Update the server that sends too early.",
    sources=(xep(220, "2.1.1"), rfc(6120, "4.9.3.12")),
    predicate=predicate,
)
