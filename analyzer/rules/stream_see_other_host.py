"""Rule: the server redirects to another host."""

from collections.abc import Mapping

from analyzer.citations import rfc
from analyzer.once import once
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import End, Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The stream error `see-other-host`, and whether anybody followed it."""
    found = session.error("see-other-host")
    if found is None:
        return None
    connection, error = found
    old = {s.server for s in connection.sightings}
    accepted = _accepted(case, session.initiator, session.receiver)
    followed = any(last_ns >= error.at_ns and server not in old for server, last_ns in accepted.items())
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


@once
def _accepted(case: CaseView, initiator: str, receiver: str) -> Mapping[End, int]:
    """The servers that accepted a connection of the pair, and when the last of these began."""
    found: dict[End, int] = {}
    for session in case.between(initiator, receiver):
        for connection in session.connections:
            if connection.accepted:
                found[connection.server] = max(found.get(connection.server, 0), connection.began_ns)
    return found


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
