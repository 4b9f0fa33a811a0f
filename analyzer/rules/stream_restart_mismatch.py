"""Rule: one side changes its addresses between two headers of one stream."""

from analyzer.citations import note, rfc
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import StreamHeader


def predicate(session: Session, case: CaseView) -> Match | None:
    """`from` or `to` of a later header differs from the first of the same side."""
    for connection in session.connections:
        for way in (">", "<"):
            headers = list(connection.of(StreamHeader, way))
            for later in headers[1:]:
                before = headers[0]
                for word, old, new in (
                    ("from", before.from_domain, later.from_domain),
                    ("to", before.to_domain, later.to_domain),
                ):
                    if not old or not new or old == new:
                        continue
                    who = connection.sender(later)
                    return Match(
                        events=(later, before),
                        because=f"{who} restarted the stream with {word} {new}; it had begun it with {word} {old}",
                        connection=connection.id,
                        domain=who,
                        owner=owner_of(who, case),
                        severity=Severity.NOTE if session.survived(connection) and not connection.error else None,
                    )
    return None


RULE = Rule(
    title="The restarted stream has other addresses",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM, Stage.AUTH}),
    masks=("stream-improper-addressing", "stream-closed-without-error"),
    rivals=("stream-improper-addressing",),
    explanation=(
        "After TLS or SASL a stream begins anew, with the same `from` and `to`.\n"
        "Here they changed, so what was proven before does not hold for the new stream, and servers reject it.\n"
        "A server that hosts several domains picked another one after the restart."
    ),
    remedy="Update the server that changes its addresses; look at how its domains and aliases are configured.",
    sources=(rfc(6120, "5.4.3.3"), rfc(6120, "4.9.3.7"), note("Prosody mod_s2s")),
    predicate=predicate,
)
