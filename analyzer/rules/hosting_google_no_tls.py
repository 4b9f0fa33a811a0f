"""Rule: Google's servers speak XMPP without version, features and TLS, and the other side will not."""

from analyzer.citations import cisco, note, rfc
from analyzer.claims import belongs_to, names_at
from analyzer.clouds import GOOGLE
from analyzer.connection import Connection
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A host of Google answers with a header without version, offers no features, and no TLS follows."""
    if case.succeeded(session.initiator, session.receiver):
        return None  # they get on without
    for connection in session.connections:
        header = connection.server_header
        if header is None or header.version is not None or connection.features is not None:
            continue
        if connection.client_hello is not None or not _is_google(connection, session, case):
            continue
        ended = connection.error or connection.fin or connection.reset
        return Match(
            events=(header, *(e for e in (ended,) if e is not None)),
            because=(
                f"{end_text(connection.server)} ({session.receiver}) answered without version and features, as Google "
                f"does: it offers no TLS, and the stream came to {connection.outcome}"
            ),
            connection=connection.id,
            domain=session.receiver,
            severity=Severity.NOTE if ended is None else None,
            undecided=(("stream-pre-1-0-peer", f"the log of {session.initiator}: why it gave the stream up"),),
            remedy=f"set 'No TLS' (TCP) and dialback for {session.receiver}, or do without it",
        )
    return None


def _is_google(connection: Connection, session: Session, case: CaseView) -> bool:
    """Whether DNS or the domain itself says that the other end is Google's."""
    if belongs_to(session.receiver, GOOGLE.zones):
        return True
    return any(belongs_to(n, GOOGLE.zones) for s in connection.sightings for n in names_at(s.server[0], case))


RULE = Rule(
    title="Google offers no TLS",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.LOCAL,
    needs=frozenset({Stage.STREAM}),
    masks=("stream-pre-1-0-peer", "stream-closed-without-error", "tls-required-not-offered", "stream-no-common-auth"),
    rivals=("stream-pre-1-0-peer", "tls-required-not-offered"),
    explanation=(
        "Google's federation servers answered with a stream header without a version, sent no features and never "
        "offered\n"
        "STARTTLS; they know dialback only. A server that insists on TLS, or on XMPP 1.0, ends the stream there."
    ),
    remedy=(
        "Set the security of federation with Google to 'No TLS' (TCP) and permit dialback.\n"
        "Where policy asks for TLS everywhere, federation with Google is not possible."
    ),
    sources=(
        cisco("116339", "configuration step 4"),
        note("ejabberd issues 1618 and 1942"),
        note("XMPP operators list, 2013-11-21"),
        rfc(6120, "4.7.5"),
    ),
    predicate=predicate,
)
