"""Rule: a server closes the stream because the other side's identity is not proven to it. General."""

from analyzer.citations import note, rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The stream error `not-authorized`."""
    found = session.error("not-authorized")
    if found is None:
        return None
    connection, error = found
    speaker = connection.sender(error)
    other = connection.initiator if connection.way(error) == "<" else connection.receiver
    return Match(
        events=(error,),
        because=f"{speaker} does not take {other} for proven and closed the stream: {words_of(error)}",
        connection=connection.id,
        domain=other,
        owner=owner_of(other, case),
        undecided=(("tls-cert-untrusted", f"the log of {speaker}, which says what it did not like"),),
        severity=Severity.DEGRADED if session.survived(connection) else None,
    )


RULE = Rule(
    title="The other side's identity was not accepted",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM, Stage.AUTH}),
    masks=("stream-closed-without-error",),
    rivals=("tls-cert-untrusted", "sasl-external-refused", "dialback-result-invalid", "stream-stanza-before-auth"),
    said=(SaidSign(topic=Topic.AUTH_FAILED, conditions=("not-authorized",)),),
    explanation=(
        "A server closed the stream with `not-authorized`.\n"
        "Servers say so when a certificate does not satisfy them, when dialback or SASL failed before,\n"
        "and when a stanza came before either was finished. The text of the error often says which."
    ),
    remedy=(
        "Read the text of the error and what came before it.\n"
        "A certificate: renew it, give it the XMPP domain, have it signed by an authority that the other side trusts."
    ),
    sources=(rfc(6120, "4.9.3.12"), note("Prosody mod_s2s_auth_certs")),
    predicate=predicate,
)
