"""Rule: the right server answers, and it was never told to serve the domain."""

from itertools import islice

from analyzer.citations import rfc, xep
from analyzer.connection import Connection
from analyzer.rule import Match, Owner, Rule, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import Dialback, StreamError

UNKNOWN = frozenset({"host-unknown"})
"""Stream errors that say so (RFC 6120 section 4.9.3.6)."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """The server to which the domain's own SRV record leads says that it does not host the domain."""
    said = _said(session)
    if said is None:
        return None
    connection, event, domain = said
    published = case.published(domain)
    if not any(s.server[0] in published for s in connection.sightings):
        return None
    words = words_of(event) if isinstance(event, StreamError) else f"{event.condition} to <db:{event.word}>"
    answers = tuple(islice((k.answer for k in case.lookups_of(domain) if k.srv and k.answer), 1))
    return Match(
        events=(event, *answers),
        because=f"DNS leads to {end_text(connection.server)} for {domain}, and the server there said {words}",
        connection=connection.id,
        domain=domain,
        owner=owner_of(domain, case),
        severity=Severity.DEGRADED if session.authenticated else None,
        ruled_out=(("dns-srv-fallback-a", f"the SRV record of {domain} names that server"),),
        undecided=(
            ("dns-srv-address-not-ours", f"the operator of {domain}: whether {connection.server[0]} is its server"),
        ),
        remedy=f"provision {domain} on the server at {connection.server[0]}, or correct its SRV record",
    )


def _said(session: Session) -> tuple[Connection, StreamError | Dialback, str] | None:
    """Who said that it does not host which domain, on the stream or when called back."""
    for connection, error in session.errors:
        if error.condition in UNKNOWN and connection.way(error) == "<":
            return connection, error, session.receiver
    for connection in session.callbacks:
        found = next((e for e in connection.of(StreamError, "<") if e.condition in UNKNOWN), None)
        if found is not None:
            return connection, found, session.initiator
    for key in session.dialbacks:
        for event, domain, where in (
            # A callback that failed so comes first: the receiver may pass its condition on.
            (key.verify_answer, session.initiator, key.verified_on),
            (key.answer, session.receiver, key.asked_on),
        ):
            if event is None or event.condition != "item-not-found":
                continue
            carrier = next((c for c in (*session.connections, *session.callbacks) if c.id == where), None)
            if carrier is not None:
                return carrier, event, domain
    return None


RULE = Rule(
    title="The domain is not set up on its server",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=("stream-host-unknown", "dialback-result-error", "stream-closed-without-error", "stream-not-authorized"),
    rivals=("stream-host-unknown", "dns-srv-address-not-ours"),
    explanation=(
        "The SRV record leads to a server, and that server says that it does not host the domain (`host-unknown`, or\n"
        "`item-not-found` in dialback). The domain was never set up there, was removed, or is spelled otherwise "
        "there;\n"
        "or the record names a stranger's server."
    ),
    remedy=(
        "Provision the domain on the server that DNS names for it.\nIf another server hosts it, correct the SRV record."
    ),
    sources=(rfc(6120, "4.9.3.6"), xep(220, "2.5")),
    predicate=predicate,
)
