"""Rule: SASL failed and nothing else was tried."""

from analyzer.citations import note, rfc, xep
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import StreamFeatures


def predicate(session: Session, case: CaseView) -> Match | None:
    """A SASL failure, no dialback key after it, and the end of the stream."""
    if session.authenticated:
        return None
    for connection in session.connections:
        failure = next((w for w in reversed(connection.sasl) if w.word == "failure"), None)
        end = connection.error or connection.ending
        if failure is None or end is None or connection.passed("DIALBACK_ASKED"):
            continue
        if any(k.request is not None for k in session.dialbacks):
            continue
        offered = any(f.dialback for f in connection.of(StreamFeatures, "<"))
        lacking = session.initiator if offered else session.receiver
        return Match(
            events=(end, failure),
            because=(
                f"after SASL failed the stream {session.initiator} > {session.receiver} ended: "
                + (f"{session.initiator} did not try dialback" if offered else f"{lacking} offers no dialback")
            ),
            connection=connection.id,
            domain=lacking,
            owner=owner_of(lacking, case),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


RULE = Rule(
    title="No dialback after SASL failed",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    masks=("stream-closed-without-error",),
    rivals=("stream-no-common-auth", "dialback-off"),
    explanation=(
        "SASL EXTERNAL failed, and the servers did not fall back to dialback: one of them does not do it.\n"
        "The certificate is then the only proof, and it was not good enough."
    ),
    remedy="Mend the certificate, or allow dialback on both sides.",
    sources=(rfc(6120, "6.4.5"), xep(178), note("Prosody mod_s2s, No fallback from SASL EXTERNAL failure")),
    predicate=predicate,
)
