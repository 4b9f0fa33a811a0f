"""Rule: the server wants a certificate of the initiating server and gets none."""

from analyzer.citations import cisco, rfc, xep
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import TlsClientCertificate, Topic

WANTING = ("certificate_required", "no_certificate", "handshake_failure", "bad_certificate")
"""Alerts with which servers refuse an empty list of certificates: RFC 8446 section 6.2; RFC 5246 section 7.4.6 has
`handshake_failure`; SSL 3.0 `no_certificate`; some say `bad_certificate`."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """An alert of the server after the client sent no certificate, or one that says so by itself."""
    found = session.alert(*WANTING)
    if found is None:
        return None
    connection, alert = found
    if connection.way(alert) == ">":
        return None
    absent = next((w for w in connection.of(TlsClientCertificate, ">") if w.word == "absent"), None)
    outright = alert.description in ("certificate_required", "no_certificate")
    if not outright and (absent is None or absent.at_ns > alert.at_ns):
        return None
    return Match(
        events=(alert,) if absent is None else (alert, absent),
        because=(
            f"{session.receiver} wants a certificate of {session.initiator}, got none, and ended the handshake: "
            f"{alert.description}"
        ),
        connection=connection.id,
        domain=session.initiator,
        owner=owner_of(session.initiator, case),
        severity=Severity.DEGRADED if session.survived(connection) else None,
    )


RULE = Rule(
    title="The client certificate is missing",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TLS}),
    masks=("tls-handshake-alert", "tls-cipher-mismatch", "stream-closed-without-error"),
    rivals=("tls-client-eku", "tls-handshake-alert"),
    said=(SaidSign(topic=Topic.TLS_FAILED, conditions=("certificate-missing",)),),
    explanation=(
        "The receiving server demands that the initiating server shows a certificate too, and it showed none.\n"
        "To ask for one is usual; to end the handshake without one is a setting."
    ),
    remedy=(
        "Give the initiating server a certificate for its outbound streams.\n"
        "Or do not demand one (Cisco: untick Require client-side security certificates, as for WebEx)."
    ),
    sources=(rfc(5246, "7.4.6"), rfc(8446, "6.2"), xep(178), cisco("Interdomain Federation Guide 12.5(1)SU3")),
    predicate=predicate,
)
