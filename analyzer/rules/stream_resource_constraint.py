"""Rule: the server has no room for the stream, or not on this connection."""

from analyzer.citations import rfc, xep
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The stream error `resource-constraint`, or the same condition in answer to a key."""
    found = session.error("resource-constraint")
    if found is not None:
        connection, error = found
        speaker = connection.sender(error)
        return Match(
            events=(error,),
            because=f"{speaker} is short of resources and closed the stream: {words_of(error)}",
            connection=connection.id,
            domain=speaker,
            owner=owner_of(speaker, case),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    for key in session.dialbacks:
        if key.answer is not None and key.answer.condition == "resource-constraint":
            return Match(
                events=(key.answer,),
                because=f"{key.target_domain} takes no further key of {key.sender_domain} on this connection",
                connection=key.asked_on,
                domain=key.target_domain,
                owner=owner_of(key.target_domain, case),
                severity=Severity.DEGRADED if session.authenticated else None,
            )
    return None


RULE = Rule(
    title="The server is out of resources",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM, Stage.AUTH}),
    masks=("stream-closed-without-error", "dialback-result-error"),
    rivals=("network-connection-limit", "dialback-multiplex-refused"),
    said=(SaidSign(topic=Topic.REFUSED, conditions=("resource-constraint",)),),
    explanation=(
        "The server answered `resource-constraint`. As a stream error it means that the server, or its limit for\n"
        "this peer, is exhausted. In answer to a dialback key it means that this connection takes no more domains:\n"
        "the initiating server is to try again on a new TCP connection."
    ),
    remedy="Raise the receiving server's limits, or wait; look why so many streams are open.",
    sources=(rfc(6120, "4.9.3.17"), xep(220, "2.5")),
    predicate=predicate,
)
