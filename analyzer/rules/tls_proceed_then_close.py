"""Rule: the server agrees to TLS and hangs up at once."""

from analyzer.citations import rfc
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """`<proceed/>`, then FIN or reset from the server without a TLS word of its own."""
    for connection in session.connections:
        proceed = next((w for w in connection.starttls if w.word == "proceed"), None)
        end = connection.ending
        if proceed is None or end is None or connection.way(end) == ">" or connection.server_hello is not None:
            continue
        if connection.fatal_alert is not None or connection.ciphertext is not None or connection.error is not None:
            continue
        hello = connection.client_hello
        return Match(
            events=(end, proceed) if hello is None else (end, hello, proceed),
            because=(
                f"{session.receiver} answered <proceed/> and then closed the connection "
                + ("before the handshake" if hello is None else "on the ClientHello")
            ),
            connection=connection.id,
            domain=session.receiver,
            owner=owner_of(session.receiver, case),
            undecided=(("tls-version-mismatch", f"the log of {session.receiver} at that moment"),),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


RULE = Rule(
    title="The server hangs up instead of the TLS handshake",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TLS}),
    masks=("stream-closed-without-error",),
    rivals=("tls-version-mismatch", "tls-cipher-mismatch", "network-inspection-interference"),
    explanation=(
        "STARTTLS was agreed, then the server closed the connection without a word of TLS.\n"
        "Mostly it cannot use its certificate or key (missing file, wrong rights, no certificate for this domain),\n"
        "or its TLS library refused the ClientHello and said nothing. A device that forbids TLS does so too."
    ),
    remedy=(
        "Look at the certificate and key files of that server, and at its log.\n"
        "Capture at both ends to see whether the close came from the server."
    ),
    sources=(rfc(6120, "5.4.3.1"), rfc(6120, "5.4.3.2")),
    predicate=predicate,
)
