"""Rule: the server finds nothing in the ClientHello that it can agree to."""

from analyzer.citations import cisco, rfc
from analyzer.rule import Confidence, Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """`handshake_failure` or `insufficient_security` from the server, in place of a ServerHello."""
    found = session.alert("handshake_failure", "insufficient_security")
    if found is None:
        return None
    connection, alert = found
    if connection.way(alert) == ">" or connection.server_hello is not None:
        return None
    outright = alert.description == "insufficient_security"
    hello = connection.client_hello
    return Match(
        events=(alert,) if hello is None else (alert, hello),
        because=f"{session.receiver} answered the ClientHello of {session.initiator} with {alert.description}",
        connection=connection.id,
        domain=session.receiver,
        owner=owner_of(session.receiver, case),
        confidence=Confidence.LIKELY if outright else Confidence.POSSIBLE,
        undecided=(
            ("tls-proceed-then-close", f"whether {session.receiver} has a certificate and key that it can use"),
        ),
        severity=Severity.DEGRADED if session.survived(connection) else None,
    )


RULE = Rule(
    title="No cipher suite in common",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TLS}),
    masks=("tls-handshake-alert", "stream-closed-without-error"),
    rivals=("tls-version-mismatch", "tls-weak-key", "tls-handshake-alert"),
    said=(SaidSign(topic=Topic.TLS_FAILED, conditions=("cipher",)),),
    explanation=(
        "The server answered the ClientHello with an alert instead of a ServerHello: of the cipher suites, groups\n"
        "and signature algorithms that were offered it takes none.\n"
        "An old server meets a new one, a list of suites was cut too short, or the server's certificate is of a\n"
        "kind (ECDSA, RSA) that the client does not offer."
    ),
    remedy="Compare the cipher suites, curves and certificate types that both servers allow; allow one in common.",
    sources=(rfc(5246, "7.4.1.3"), rfc(8446, "4.1.1"), cisco("list of cipher suites for port 5269")),
    predicate=predicate,
)
