"""Rule: the name or the protocol asked for in the ClientHello is not served."""

from analyzer.citations import rfc, xep
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """The alerts `unrecognized_name` and `no_application_protocol`."""
    found = session.alert("unrecognized_name", "no_application_protocol", "missing_extension")
    if found is None:
        return None
    connection, alert = found
    if connection.way(alert) == ">":
        return None
    hello = connection.client_hello
    asked = "nothing"
    if hello is not None:
        asked = f"the name {hello.sni or '(none)'} and the protocol {', '.join(hello.alpn) or '(none)'}"
    at_fault = session.receiver if hello is not None and hello.sni == session.receiver else session.initiator
    return Match(
        events=(alert,) if hello is None else (alert, hello),
        because=f"{session.receiver} answered {alert.description} to a ClientHello that asks for {asked}",
        connection=connection.id,
        domain=at_fault,
        owner=owner_of(at_fault, case),
        severity=Severity.DEGRADED if session.survived(connection) else None,
    )


RULE = Rule(
    title="The server name or protocol in TLS is not served",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TLS}),
    masks=("tls-handshake-alert", "stream-closed-without-error"),
    rivals=("tls-cert-wrong-name", "hosting-target-not-provisioned"),
    explanation=(
        "With TLS from the first byte (XEP-0368) the ClientHello must name the XMPP domain (SNI) and should name\n"
        "the protocol `xmpp-server` (ALPN). The server does not serve what was asked for, or nothing was."
    ),
    remedy=(
        "Let the initiating server send the XMPP domain as SNI and `xmpp-server` as ALPN.\n"
        "If it does: let the receiving server, or the proxy before it, know this domain and protocol."
    ),
    sources=(xep(368), rfc(6066, "3"), rfc(7301, "3.2")),
    predicate=predicate,
)
