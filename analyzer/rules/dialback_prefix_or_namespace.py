"""Rule: dialback is spoken without declaring its namespace."""

from analyzer.citations import note, xep
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import BadXml, Event

CONDITIONS = ("invalid-namespace", "bad-namespace-prefix", "not-well-formed", "xml-not-well-formed", "invalid-xml")
"""Stream errors that an unbound prefix draws (RFC 6120 section 4.9.3)."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A header without `xmlns:db`, and XML trouble after it."""
    if session.authenticated:
        return None
    for connection in session.connections:
        header = connection.client_header
        if header is None or header.dialback_declared:
            continue
        trouble: Event | None = next(
            (e for c, e in session.errors if c is connection and e.condition in CONDITIONS and c.way(e) == "<"), None
        )
        trouble = trouble or connection.first(BadXml, ">")
        if trouble is None:
            continue
        return Match(
            events=(trouble, header),
            because=(
                f"the stream header of {session.initiator} does not declare jabber:server:dialback, "
                f"and {session.receiver} could not take what followed"
            ),
            connection=connection.id,
            domain=session.initiator,
            owner=owner_of(session.initiator, case),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


RULE = Rule(
    title="The dialback namespace is not declared",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM, Stage.AUTH}),
    masks=("stream-bad-xml", "stream-wrong-namespace", "stream-closed-without-error"),
    rivals=("stream-bad-xml", "stream-wrong-namespace"),
    explanation=(
        "Dialback elements live in the namespace `jabber:server:dialback`, which the stream header declares, by\n"
        "custom with the prefix `db`. This header does not, so `<db:result>` is not even well-formed to the other side."
    ),
    remedy="Switch on dialback at the initiating server, or update it.",
    sources=(xep(220, "2"), note("jabberd2 issue 126"), note("Openfire, Invalid namespace")),
    predicate=predicate,
)
