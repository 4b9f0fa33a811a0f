"""Rule: the certificate carries the domain but not its alias, such as a chat node."""

from analyzer.certificates import is_good_for, names_text
from analyzer.citations import cisco, rfc
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import TlsCertificate


def predicate(session: Session, case: CaseView) -> Match | None:
    """The domain of the stream is missing, and the one above it is there."""
    for connection in session.connections:
        for certificate in connection.of(TlsCertificate):
            way = connection.way(certificate)
            domain = connection.initiator if way == ">" else connection.receiver
            if certificate.position or domain is None or is_good_for(certificate.names, domain):
                continue
            parent = domain.partition(".")[2]
            if "." not in parent or not is_good_for(certificate.names, parent):
                continue
            refusal = connection.refusal_of_certificate(way)
            return Match(
                events=(certificate,) if refusal is None else (certificate, refusal),
                because=f"the certificate is for {names_text(certificate.names)}, which leaves out {domain}",
                connection=connection.id,
                domain=domain,
                owner=owner_of(domain, case),
                severity=None if refusal is not None and not session.survived(connection) else Severity.DEGRADED,
                remedy=f"a certificate that carries both {parent} and {domain}",
            )
    return None


RULE = Rule(
    title="The certificate leaves out an alias",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TLS}),
    masks=("tls-handshake-alert", "stream-closed-without-error", "stream-not-authorized", "sasl-external-refused"),
    rivals=("tls-cert-wrong-name", "dns-alias-srv-missing"),
    explanation=(
        "The certificate is good for the domain but not for the subdomain that this stream is for:\n"
        "a chat node (`conference.`) or a file transfer alias, which are XMPP domains of their own.\n"
        "A wildcard stands for one label only. Users can chat, but not join the other side's rooms."
    ),
    remedy="Request a certificate with all aliases among its names (Cisco: a multi-SAN certificate).",
    sources=(rfc(6125, "6.4.3"), rfc(6120, "13.7.1.2"), cisco("Interdomain Federation Guide 12.5(1)SU3")),
    predicate=predicate,
)
