"""Rule: the server says that it does not serve the domain."""

from analyzer.citations import cisco, rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The stream error `host-unknown`."""
    found = session.error("host-unknown")
    if found is None:
        return None
    connection, error = found
    speaker = connection.sender(error)
    refused = connection.client_header if connection.way(error) == "<" else connection.server_header
    return Match(
        events=(error,) if refused is None else (error, refused),
        because=f"{end_text(connection.server)}, where {connection.receiver} should live, said {words_of(error)}"
        if connection.way(error) == "<"
        else f"{speaker} does not know the domain that {end_text(connection.server)} answers for: {words_of(error)}",
        connection=connection.id,
        domain=connection.receiver,
        owner=owner_of(connection.receiver, case),
        undecided=(
            ("dns-srv-address-not-ours", f"whether {connection.server[0]} is a server of {connection.receiver} at all"),
        ),
        severity=Severity.DEGRADED if session.survived(connection) else None,
    )


RULE = Rule(
    title="The server does not serve this domain",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=("stream-closed-without-error", "stream-not-authorized"),
    rivals=("hosting-target-not-provisioned", "dns-srv-address-not-ours", "stream-host-gone"),
    said=(
        SaidSign(
            topic=Topic.REFUSED,
            conditions=(
                "host-unknown",
                "item-not-found",
            ),
        ),
    ),
    explanation=(
        "The server was reached and answered `host-unknown`: the domain in the stream's `to` is none of its own.\n"
        "Either the domain is not set up there (or no longer, or under another spelling),\n"
        "or the SRV record leads to a server that has nothing to do with the domain."
    ),
    remedy=(
        "Set up the domain on that server, and restart what must be restarted for it to take effect.\n"
        "If it is the wrong server: correct the SRV record of the domain."
    ),
    sources=(rfc(6120, "4.9.3.6"), cisco("Interdomain Federation Guide 12.5(1)SU3")),
    predicate=predicate,
)
