"""Rule: SASL EXTERNAL failed and dialback worked."""

from analyzer.citations import note, xep
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A SASL failure in an attempt that was authenticated."""
    if not session.authenticated:
        return None
    for connection in session.connections:
        failure = next((w for w in connection.sasl if w.word == "failure"), None)
        if failure is None or any(w.word == "success" for w in connection.sasl):
            continue
        accepted = next((s.event for d in session.dialbacks if (s := d.step_into("ACCEPTED"))), None)
        if accepted is None:
            continue
        return Match(
            events=(failure, accepted),
            because=(
                f"{session.receiver} refused SASL EXTERNAL of {session.initiator} "
                f"({failure.condition or 'failure'}) and took its dialback key"
            ),
            connection=connection.id,
            domain=session.initiator,
            owner=owner_of(session.initiator, case),
        )
    return None


RULE = Rule(
    title="SASL EXTERNAL failed, dialback worked",
    stage=Stage.AUTH,
    severity=Severity.DEGRADED,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    masks=("sasl-external-refused", "sasl-authzid", "sasl-temporary"),
    rivals=("sasl-external-refused",),
    explanation=(
        "The certificate did not satisfy, so the servers fell back to dialback, which needs a connection back.\n"
        "Federation works, with less proof and one more way to fail."
    ),
    remedy="Give the initiating server a certificate that the other side trusts and that carries its domain.",
    sources=(xep(178), note("Prosody mod_s2s, falling back to dialback"), note("ejabberd mod_s2s_dialback")),
    predicate=predicate,
)
