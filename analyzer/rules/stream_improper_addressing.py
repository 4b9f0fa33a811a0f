"""Rule: a server rejects the `from` or `to` of the stream."""

from analyzer.citations import note, rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The stream errors `improper-addressing` and `invalid-from`."""
    found = session.error("improper-addressing", "invalid-from")
    if found is None:
        return None
    connection, error = found
    theirs = connection.way(error) == "<"
    header = connection.client_header if theirs else connection.server_header
    addressed = connection.initiator if theirs else connection.receiver
    said = "no header was seen"
    if header is not None:
        said = f"the header said from {header.from_domain or 'nobody'} to {header.to_domain or 'nobody'}"
    return Match(
        events=(error,) if header is None else (error, header),
        because=f"{connection.sender(error)} rejected how it was addressed, {words_of(error)}; {said}",
        connection=connection.id,
        domain=addressed,
        owner=owner_of(addressed, case),
        undecided=(
            ("stream-restart-mismatch", "the headers under TLS: a key log, or the log of the rejecting server"),
        ),
        severity=Severity.DEGRADED if session.survived(connection) else None,
    )


RULE = Rule(
    title="The stream's addresses are rejected",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM, Stage.AUTH}),
    masks=("stream-closed-without-error",),
    rivals=("stream-restart-mismatch", "hosting-domain-registered-at-google"),
    said=(
        SaidSign(
            topic=Topic.REFUSED,
            conditions=(
                "improper-addressing",
                "invalid-from",
                "own-domain",
            ),
        ),
    ),
    explanation=(
        "A server closed the stream because `from` or `to` was missing, changed during negotiation,\n"
        "or does not belong to what was authenticated.\n"
        "The usual reasons: a domain configured in two spellings, a stanza sent for a domain that the stream was\n"
        "not authenticated for, or a server that leaves the attributes out."
    ),
    remedy=(
        "Compare the domain that the sending server is configured with, what its users carry in their addresses,\n"
        "and what stands in the stream header: all three are to be the same.\n"
        "A server that leaves `from` or `to` out needs an update."
    ),
    sources=(rfc(6120, "4.9.3.7"), rfc(6120, "4.9.3.9"), note("Prosody mod_s2s")),
    predicate=predicate,
)
