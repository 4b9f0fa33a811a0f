"""Rule: the server is older than XMPP 1.0: no version, no features."""

from analyzer.citations import note, rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The server's header has no `version` of 1.0 or above."""
    for connection in session.connections:
        header = connection.server_header
        if header is None or (header.version is not None and not header.version.startswith("0.")):
            continue
        error = next((e for c, e in session.errors if c is connection and e.condition == "unsupported-version"), None)
        asked = connection.passed("DIALBACK_ASKED")
        if error is None and header.version is None and not session.authenticated and connection.error is not None:
            return None  # a header that only introduces an error need not carry a version
        hurts = not session.survived(connection) and (error is not None or not asked) and connection.ending is not None
        then = ""
        if error is not None:
            then = f"; {connection.sender(error)} gave up: {error.condition}"
        elif hurts:
            then = ", and no dialback key was sent before the end"
        return Match(
            events=(header,) if error is None else (error, header),
            because=f"the stream header of {session.receiver} has no version 1.0{then}",
            connection=connection.id,
            domain=session.receiver,
            owner=owner_of(session.receiver, case),
            severity=None if hurts else Severity.NOTE,
        )
    return None


RULE = Rule(
    title="The peer is older than XMPP 1.0",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=("stream-closed-without-error",),
    rivals=("hosting-google-no-tls",),
    said=(SaidSign(topic=Topic.REFUSED, conditions=("unsupported-version",)),),
    explanation=(
        "The response header carries no `version='1.0'`: such a server offers no stream features,\n"
        "hence neither STARTTLS nor SASL, and can be federated with by plain dialback only.\n"
        "A server that insists on TLS, or has dialback switched off, gives up here."
    ),
    remedy=(
        "Allow dialback without TLS for this peer, if policy permits (Cisco: No TLS).\n"
        "Else the peer needs a server of this century."
    ),
    sources=(rfc(6120, "4.7.5"), note("ejabberd issues 1618 and 1942, unsupported-version")),
    predicate=predicate,
)
