"""Rule: the server offers neither SASL EXTERNAL nor dialback."""

from analyzer.citations import note, rfc, xep
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import StreamFeatures, Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The last features lead nowhere, nothing was tried, and the stream ended."""
    if session.authenticated:
        return None
    for connection in session.connections:
        header = connection.server_header
        offers = list(connection.of(StreamFeatures, "<"))
        if not offers or header is None or connection.ciphertext is not None or connection.ending is None:
            continue
        last = offers[-1]
        if last.starttls != "absent" or last.dialback or "EXTERNAL" in last.sasl or header.dialback_declared:
            continue
        if connection.passed("TLS_ASKED", "SASL_ASKED", "DIALBACK_ASKED") and not connection.passed("CIPHERTEXT"):
            continue
        if connection.passed("SASL_ASKED", "DIALBACK_ASKED"):
            continue
        offered = ", ".join(last.sasl) or "nothing"
        return Match(
            events=(last,),
            because=f"{session.receiver} offers neither SASL EXTERNAL nor dialback to {session.initiator} ({offered})",
            connection=connection.id,
            domain=session.receiver,
            owner=owner_of(session.receiver, case),
        )
    return None


RULE = Rule(
    title="No way to authenticate in common",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM, Stage.AUTH}),
    masks=("stream-closed-without-error",),
    rivals=("sasl-external-not-offered", "dialback-off", "tls-required-not-offered"),
    said=(SaidSign(topic=Topic.AUTH_FAILED, conditions=("no-mechanism",)),),
    explanation=(
        "The features offer no SASL EXTERNAL, and neither the features nor the stream header know of dialback.\n"
        "The initiating server has no way left to prove who it is and hangs up.\n"
        "EXTERNAL is often held back because the certificate of the initiating server did not satisfy."
    ),
    remedy="Switch on dialback at the receiving server, or give the initiating server a certificate that it accepts.",
    sources=(rfc(6120, "6.4.1"), xep(220, "2.4"), xep(178), note("Prosody mod_s2s")),
    predicate=predicate,
)
