"""Rule: the server redirects to another host."""

from analyzer.citations import rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The stream error `see-other-host`, and whether anybody followed it."""
    found = session.error("see-other-host")
    if found is None:
        return None
    connection, error = found
    old = {s.server for s in connection.sightings}
    later = [
        c
        for s in case.between(session.initiator, session.receiver)
        for c in s.connections
        if c.began_ns >= error.at_ns and c.server not in old
    ]
    followed = any(c.accepted for c in later)
    return Match(
        events=(error,),
        because=(
            f"{connection.receiver} redirects to another host, {words_of(error)}, and "
            + (f"{connection.initiator} followed" if followed else f"{connection.initiator} was not seen to follow")
        ),
        connection=connection.id,
        domain=connection.receiver if followed else connection.initiator,
        owner=owner_of(connection.receiver if followed else connection.initiator, case),
        severity=Severity.NOTE if followed or session.survived(connection) else None,
    )


RULE = Rule(
    title="The server redirects, and nobody follows",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=("stream-closed-without-error",),
    rivals=("network-syn-unanswered",),
    said=(SaidSign(topic=Topic.CLOSED, conditions=("see-other-host",)),),
    explanation=(
        "The server answered `see-other-host`: the stream is to be opened at another host, which the error names.\n"
        "Servers seldom redirect each other, and not every server follows."
    ),
    remedy=("Let the SRV record name the right host.\nOpen the way to the host that the redirection names."),
    sources=(rfc(6120, "4.9.3.19"),),
    predicate=predicate,
)
