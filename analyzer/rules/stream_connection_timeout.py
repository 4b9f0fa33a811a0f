"""Rule: a server's timer ran out on the stream."""

from analyzer.citations import note, rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The stream error `connection-timeout`; after authentication it is an idle stream's ordinary end."""
    found = session.error("connection-timeout")
    if found is None:
        return None
    connection, error = found
    speaker = connection.sender(error)
    lasted = (error.at_ns - connection.began_ns) // 10**9
    idle = session.authenticated
    return Match(
        events=(error,),
        because=(
            f"{speaker} closed the idle stream after {lasted} s: {words_of(error)}"
            if idle
            else f"{speaker} gave up after {lasted} s, at {connection.reached.word}: {words_of(error)}"
        ),
        connection=connection.id,
        domain=None if idle else session.receiver,
        owner=owner_of(speaker, case),
        severity=Severity.NOTE if idle else Severity.DEGRADED if session.survived(connection) else None,
    )


RULE = Rule(
    title="The stream timed out",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM, Stage.AUTH}),
    masks=("stream-closed-without-error",),
    rivals=("stream-open-but-silent", "dialback-result-timeout", "tls-required-by-peer-ignored"),
    said=(SaidSign(topic=Topic.CLOSED, conditions=("connection-timeout",)),),
    explanation=(
        "A server closed the stream with `connection-timeout`. Before authentication it waited in vain for the\n"
        "other side's next step: the last element before tells for which.\n"
        "After authentication it only means that nothing had been said for long: a new stream is opened when needed."
    ),
    remedy=(
        "Look at the last step before the timeout. After a dialback key: the callback did not come through.\n"
        "An idle stream that is closed needs nothing."
    ),
    sources=(rfc(6120, "4.9.3.4"), note("Prosody mod_s2s, s2s_timeout 90 s"), note("jabberd2 issue 144")),
    predicate=predicate,
)
