"""Rule: a certificate leads to no authority that the other side trusts."""

from analyzer.citations import cisco, note, rfc
from analyzer.rule import Blind, Confidence, Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import TlsCertificate, Topic


def predicate(session: Session, case: CaseView) -> Match | Blind | None:
    """The alert `unknown_ca`, or a self-signed certificate."""
    found = session.alert("unknown_ca")
    if found is not None:
        connection, alert = found
        theirs = connection.way(alert) == "<"
        owner = (connection.initiator if theirs else connection.receiver) or "the other side"
        shown = connection.first(TlsCertificate, ">" if theirs else "<")
        signed = f", signed by {shown.issuer}" if shown is not None else ""
        return Match(
            events=(alert,) if shown is None else (alert, shown),
            because=f"{connection.sender(alert)} knows no authority for the certificate of {owner}{signed}: unknown_ca",
            connection=connection.id,
            domain=owner,
            owner=owner_of(owner, case),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    shown_any = False
    for connection in session.connections:
        for certificate in connection.of(TlsCertificate):
            shown_any = True
            if certificate.position or certificate.subject != certificate.issuer:
                continue
            refusal = connection.refusal_of_certificate(connection.way(certificate))
            owner = connection.sender(certificate)
            severity = Severity.NOTE if session.authenticated else Severity.DEGRADED
            if refusal is not None and not session.survived(connection):
                severity = Severity.FAILURE
            return Match(
                events=(certificate,) if refusal is None else (certificate, refusal),
                because=f"the certificate that {owner} shows ({certificate.subject}) is self-signed",
                connection=connection.id,
                domain=owner,
                owner=owner_of(owner, case),
                confidence=Confidence.LIKELY if refusal is not None else Confidence.POSSIBLE,
                severity=severity,
            )
    return Blind(because=session.veil) if session.veil and not shown_any else None


RULE = Rule(
    title="The certificate is not trusted",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TLS}),
    masks=("tls-handshake-alert", "stream-closed-without-error", "stream-not-authorized", "sasl-external-refused"),
    rivals=("tls-chain-incomplete", "tls-cert-expired", "tls-cert-wrong-name"),
    said=(
        SaidSign(
            topic=Topic.TLS_FAILED,
            conditions=(
                "certificate-self-signed",
                "certificate-untrusted",
                "certificate-invalid",
                "certificate-revoked",
            ),
        ),
    ),
    explanation=(
        "The certificate is self-signed, or signed by an authority that the other side does not know.\n"
        "A server that insists on trust refuses it; one that does not goes on to dialback, for which any will do."
    ),
    remedy=(
        "Have the certificate signed by an authority that both sides trust,\n"
        "or import it, or its authority, into the other side's trust store (Cisco: cup-xmpp-trust)."
    ),
    sources=(
        rfc(6120, "13.7.2"),
        note("Prosody mod_s2s_auth_certs, is self-signed, is not trusted"),
        cisco("Interdomain Federation Guide 12.5(1)SU3"),
    ),
    predicate=predicate,
)
