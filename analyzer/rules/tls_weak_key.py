"""Rule: the client finds the server's key or signature too weak."""

from analyzer.citations import rfc
from analyzer.rule import Confidence, Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """An alert about parameters from the client, after it saw the ServerHello."""
    found = session.alert("insufficient_security", "handshake_failure", "illegal_parameter")
    if found is None:
        return None
    connection, alert = found
    if connection.way(alert) == "<" or connection.server_hello is None:
        return None
    outright = alert.description == "insufficient_security"
    return Match(
        events=(alert, connection.server_hello),
        because=(
            f"{session.initiator} broke off after the ServerHello of {session.receiver} "
            f"({connection.server_hello.cipher or connection.server_hello.version}): {alert.description}"
        ),
        connection=connection.id,
        domain=session.receiver,
        owner=owner_of(session.receiver, case),
        confidence=Confidence.LIKELY if outright else Confidence.POSSIBLE,
        undecided=(("tls-cipher-mismatch", f"the log of {session.initiator} at that moment"),),
        severity=Severity.DEGRADED if session.survived(connection) else None,
    )


RULE = Rule(
    title="The key is too weak",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TLS}),
    masks=("tls-handshake-alert", "stream-closed-without-error"),
    rivals=("tls-cipher-mismatch", "tls-cert-untrusted"),
    explanation=(
        "The suites were agreed, then the client broke off: what the server showed is too weak for it.\n"
        "Old servers come with Diffie-Hellman groups or RSA keys of 1024 bits, or signatures with SHA-1."
    ),
    remedy="Give the server a key of 2048 bits or an elliptic curve, a DH group of 2048 bits or ECDHE, and SHA-256.",
    sources=(rfc(5246, "7.2.2"), rfc(9325, "4.5")),
    predicate=predicate,
)
