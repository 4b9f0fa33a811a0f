"""Rule: one side speaks another content namespace than `jabber:server`."""

from analyzer.citations import note, rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import StreamHeader, Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """A header with another content namespace, or the stream error `invalid-namespace`."""
    if session.authenticated:
        return None
    for connection in session.connections:
        header = next(
            (h for h in connection.of(StreamHeader) if h.namespace not in (None, "", "jabber:server")),
            None,
        )
        error = next((e for c, e in session.errors if c is connection and e.condition == "invalid-namespace"), None)
        if header is None and error is None:
            continue
        if header is not None:
            who = connection.sender(header)
            because = f"{who} opened its stream at {end_text(connection.server)} with the namespace {header.namespace}"
        else:
            assert error is not None
            theirs = connection.way(error) == "<"
            who = (connection.initiator if theirs else connection.receiver) or end_text(connection.client)
            because = f"{connection.sender(error)} refused the namespaces of {who}'s stream: {words_of(error)}"
        return Match(
            events=tuple(e for e in (header, error) if e is not None),
            because=because,
            connection=connection.id,
            domain=who,
            owner=owner_of(who, case),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


RULE = Rule(
    title="The stream has the wrong namespace",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=("stream-closed-without-error", "stream-bad-xml"),
    rivals=("network-nat-wrong-target", "dns-srv-wrong-port"),
    said=(SaidSign(topic=Topic.REFUSED, conditions=("invalid-namespace",)),),
    explanation=(
        "Servers talk to each other in the namespace `jabber:server`; clients to their server in `jabber:client`.\n"
        "One side opened the stream with another one.\n"
        "Most often the port leads to the listener for clients (5222): by the SRV record or by a translation of ports."
    ),
    remedy=(
        "Let the SRV record and every port translation lead to the server-to-server listener, 5269 as a rule.\n"
        "If they do, the program that opens the stream is at fault: update it."
    ),
    sources=(rfc(6120, "4.8.3"), rfc(6120, "4.9.3.10"), note("Openfire ServerDialback, invalid-namespace")),
    predicate=predicate,
)
