"""Rule: the initiating server's certificate may not be used by a client."""

from analyzer.citations import cisco, rfc
from analyzer.rule import Confidence, Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import TlsCertificate, Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """`unsupported_certificate` from the server after it saw the client's certificate."""
    found = session.alert("unsupported_certificate")
    if found is None:
        return None
    connection, alert = found
    shown = connection.first(TlsCertificate, ">")
    if connection.way(alert) == ">" or shown is None:
        return None
    return Match(
        events=(alert, shown),
        because=(
            f"{session.receiver} does not take the certificate of {session.initiator} ({shown.subject}) "
            "from a client: unsupported_certificate"
        ),
        connection=connection.id,
        domain=session.initiator,
        owner=owner_of(session.initiator, case),
        confidence=Confidence.POSSIBLE,
        undecided=(("tls-weak-key", f"the extended key usage of the certificate of {session.initiator}"),),
        severity=Severity.DEGRADED if session.survived(connection) else None,
    )


RULE = Rule(
    title="The certificate is not for clients",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TLS}),
    masks=("tls-handshake-alert", "stream-closed-without-error"),
    rivals=("tls-weak-key", "tls-cert-untrusted"),
    said=(SaidSign(topic=Topic.TLS_FAILED, conditions=("certificate-purpose",)),),
    explanation=(
        "A server that opens a stream is the client of the TLS handshake. If its certificate has an extended key\n"
        "usage without clientAuth, the other side refuses it there, though it is good for inbound streams."
    ),
    remedy="Have the certificate issued with both serverAuth and clientAuth.",
    sources=(rfc(5280, "4.2.1.12"), cisco("cup-xmpp-s2s certificate")),
    predicate=predicate,
)
