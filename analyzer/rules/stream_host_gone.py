"""Rule: the server says that it serves the domain no longer."""

from analyzer.citations import rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The stream error `host-gone`."""
    found = session.error("host-gone")
    if found is None:
        return None
    connection, error = found
    return Match(
        events=(error,),
        because=f"{end_text(connection.server)} serves {connection.receiver} no longer: {words_of(error)}",
        connection=connection.id,
        domain=connection.receiver,
        owner=owner_of(connection.receiver, case),
        severity=Severity.DEGRADED if session.survived(connection) else None,
        remedy=f"let _xmpp-server._tcp.{connection.receiver} name the server that serves the domain now",
    )


RULE = Rule(
    title="The domain has left this server",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=("stream-closed-without-error",),
    rivals=("stream-host-unknown", "dns-stale-or-negative-cache"),
    said=(SaidSign(topic=Topic.REFUSED, conditions=("host-gone",)),),
    explanation=(
        "The server answered `host-gone`: it served the domain once and does so no longer.\n"
        "The domain moved and its SRV record, or a cached copy of it, still names the old server."
    ),
    remedy=(
        "Let the SRV record name the server that serves the domain now.\n"
        "If it does: wait for the time to live, or flush the resolver's cache."
    ),
    sources=(rfc(6120, "4.9.3.5"),),
    predicate=predicate,
)
