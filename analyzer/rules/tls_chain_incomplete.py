"""Rule: a certificate comes without the intermediate that signed it."""

from analyzer.citations import rfc
from analyzer.rule import Confidence, Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import TlsCertificate, Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """A lone certificate, signed by another, and `unknown_ca` for it."""
    found = session.alert("unknown_ca")
    if found is None:
        return None
    connection, alert = found
    shown = connection.first(TlsCertificate, ">" if connection.way(alert) == "<" else "<")
    if shown is None or shown.chain_len != 1 or shown.subject == shown.issuer or shown.at_ns > alert.at_ns:
        return None
    owner = connection.sender(shown)
    return Match(
        events=(alert, shown),
        because=(
            f"{owner} sends a single certificate signed by {shown.issuer}, without that authority's own, and "
            f"{connection.sender(alert)} answered {alert.description}"
        ),
        connection=connection.id,
        domain=owner,
        owner=owner_of(owner, case),
        confidence=Confidence.POSSIBLE,
        undecided=(("tls-cert-untrusted", f"whether {shown.issuer} is a root or an intermediate authority"),),
        severity=Severity.DEGRADED if session.survived(connection) else None,
    )


RULE = Rule(
    title="The certificate chain is incomplete",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TLS}),
    masks=("tls-handshake-alert", "stream-closed-without-error"),
    rivals=("tls-cert-untrusted",),
    said=(SaidSign(topic=Topic.TLS_FAILED, conditions=("certificate-chain",)),),
    explanation=(
        "The server sent its own certificate only. If it was signed by an intermediate authority, the other side\n"
        "cannot get from it to a root that it trusts: servers, unlike browsers, do not fetch what is missing."
    ),
    remedy="Install the certificate together with the intermediate certificates that its authority names.",
    sources=(rfc(5246, "7.4.2"),),
    predicate=predicate,
)
