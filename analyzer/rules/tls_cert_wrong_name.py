"""Rule: a server's certificate does not carry its XMPP domain."""

from analyzer.certificates import is_good_for, names_text
from analyzer.citations import note, rfc, xep
from analyzer.rule import Blind, Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import TlsCertificate, Topic


def predicate(session: Session, case: CaseView) -> Match | Blind | None:
    """An end entity's certificate without the domain, nor one that the domain is a subdomain of."""
    shown = False
    for connection in session.connections:
        for certificate in connection.of(TlsCertificate):
            shown = True
            way = connection.way(certificate)
            domain = connection.initiator if way == ">" else connection.receiver
            if certificate.position or domain is None or is_good_for(certificate.names, domain):
                continue
            parent = domain.partition(".")[2]
            if "." in parent and is_good_for(certificate.names, parent):
                continue  # an alias of a domain that is named: tls-alias-not-in-san
            refusal = connection.refusal_of_certificate(way)
            return Match(
                events=(certificate,) if refusal is None else (certificate, refusal),
                because=f"the certificate that {domain} shows is for {names_text(certificate.names)}, not {domain}",
                connection=connection.id,
                domain=domain,
                owner=owner_of(domain, case),
                severity=None if refusal is not None and not session.survived(connection) else Severity.DEGRADED,
                remedy=f"a certificate for {domain} with dNSName {domain} among its subject alternative names",
            )
    return Blind(because=session.veil) if session.veil and not shown else None


RULE = Rule(
    title="The certificate is for another name",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TLS}),
    masks=("tls-handshake-alert", "stream-closed-without-error", "stream-not-authorized", "sasl-external-refused"),
    rivals=("tls-cert-untrusted", "tls-alias-not-in-san", "dns-srv-address-not-ours"),
    said=(SaidSign(topic=Topic.TLS_FAILED, conditions=("certificate-name",)),),
    explanation=(
        "The certificate names other domains than the XMPP domain of the server that shows it.\n"
        "It must carry the domain behind the @ of its users. The name of the host that the SRV record points to is\n"
        "not enough, unless DNSSEC secures the record."
    ),
    remedy=(
        "Get a certificate whose subject alternative names hold the XMPP domain (dNSName or SRVName).\n"
        "Where dialback is allowed, federation works meanwhile."
    ),
    sources=(
        rfc(6120, "13.7.1.2"),
        rfc(6125, "6.4"),
        rfc(7673),
        xep(178),
        note("ejabberd issue 3801, Certificate host name mismatch"),
    ),
    predicate=predicate,
)
