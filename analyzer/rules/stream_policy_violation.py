"""Rule: a server closes the stream for its own policy."""

from analyzer.citations import note, rfc
from analyzer.rule import Match, Owner, Rule, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """The stream error `policy-violation`."""
    found = session.error("policy-violation")
    if found is None:
        return None
    connection, error = found
    speaker = connection.sender(error)
    return Match(
        events=(error,),
        because=f"{speaker} closed the stream {connection.initiator} > {connection.receiver}: {words_of(error)}",
        connection=connection.id,
        domain=speaker,
        owner=owner_of(speaker, case),
        undecided=(("hosting-policy-denied", f"the federation policy of {speaker}"),),
        severity=Severity.DEGRADED if session.survived(connection) else None,
    )


RULE = Rule(
    title="Local policy forbids the stream",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM, Stage.AUTH}),
    masks=("stream-closed-without-error",),
    rivals=("hosting-policy-denied", "tls-required-not-offered", "tls-required-by-peer-ignored", "stanza-too-big"),
    explanation=(
        "A server closed the stream with `policy-violation`: it does not want this stream as it is.\n"
        "Mostly it insists on encryption that was missing; else the domain is not allowed, or a stanza was too\n"
        "large. The text of the error, where there is one, says which."
    ),
    remedy=(
        "Read the text of the error.\n"
        "Encryption: let both sides offer STARTTLS. Allowed domains: add the domain. Size: raise the limit."
    ),
    sources=(rfc(6120, "4.9.3.14"), rfc(7590, "3.1"), note("Prosody mod_s2s")),
    predicate=predicate,
)
