"""Rule: a server rejects a valid certificate as expired: its clock is wrong."""

from analyzer.citations import rfc
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import TlsCertificate


def predicate(session: Session, case: CaseView) -> Match | None:
    """`certificate_expired` about certificates whose dates all hold at the time of the capture."""
    found = session.alert("certificate_expired")
    if found is None:
        return None
    connection, alert = found
    shown = list(connection.of(TlsCertificate, ">" if connection.way(alert) == "<" else "<"))
    if not shown or any(not c.not_before_ns <= c.at_ns <= c.not_after_ns for c in shown):
        return None
    speaker = connection.sender(alert)
    return Match(
        events=(alert, *shown),
        because=f"{speaker} calls a certificate of {connection.sender(shown[0])} expired that is valid at that time",
        connection=connection.id,
        domain=speaker,
        owner=owner_of(speaker, case),
        undecided=(("tls-cert-expired", f"the clocks of {speaker} and of the capturing host"),),
        severity=Severity.DEGRADED if session.survived(connection) else None,
    )


RULE = Rule(
    title="A server's clock is wrong",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TLS}),
    masks=("tls-handshake-alert", "stream-closed-without-error"),
    rivals=("tls-cert-expired",),
    explanation=(
        "One side rejected the certificate as expired, though its dates hold at the time of the capture.\n"
        "The clock of that side is wrong, or it knows another chain with an expired authority in it."
    ),
    remedy="Set the clock of that server and keep it set by NTP. Else look for an expired root in its trust store.",
    sources=(rfc(5280, "4.1.2.5"), rfc(8446, "6.2")),
    predicate=predicate,
)
