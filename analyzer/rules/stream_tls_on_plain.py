"""Rule: one side begins with TLS where the other begins with XML."""

from analyzer.citations import rfc, xep
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import BadXml, Event, NotXmpp, StreamError, StreamHeader, TlsAlert, TlsHello


def predicate(session: Session, case: CaseView) -> Match | None:
    """TLS from the first byte answered by anything but TLS, or a stream header answered by TLS."""
    if session.authenticated:
        return None
    for connection in session.connections:
        if connection.server_hello is not None or connection.starttls:
            continue
        first = next((e for e in connection.events if isinstance(e, (TlsHello, StreamHeader))), None)
        if first is None or connection.way(first) == "<":
            continue
        answer: Event | None
        if isinstance(first, TlsHello):
            answer = next(
                (e for e in connection.events if isinstance(e, (StreamHeader, StreamError, BadXml, NotXmpp))), None
            )
            because = "expects a stream header there, and was met with TLS from the first byte"
        else:
            answer = next(
                (
                    e
                    for e in connection.events
                    if connection.way(e) == "<"
                    and (isinstance(e, TlsAlert) or (isinstance(e, NotXmpp) and e.protocol == "tls"))
                ),
                None,
            )
            because = "expects TLS from the first byte there, and was met with a stream header"
        if answer is None:
            continue
        return Match(
            events=(answer, first),
            because=f"{session.receiver} at {end_text(connection.server)} {because}",
            connection=connection.id,
            domain=session.receiver,
            confidence=Confidence.LIKELY,
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


RULE = Rule(
    title="TLS from the first byte meets a port for STARTTLS, or the reverse",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.STREAM}),
    masks=("stream-closed-without-error", "stream-not-xmpp", "stream-bad-xml", "tls-handshake-alert"),
    rivals=("dns-srv-wrong-port", "dns-xmpps-only"),
    explanation=(
        "There are two ways to come to TLS: STARTTLS on a stream that begins in the clear (`_xmpp-server`), and TLS\n"
        "from the first byte (`_xmpps-server`, XEP-0368). The two sides took different ways on this port,\n"
        "because an SRV record of the one kind names a port of the other kind."
    ),
    remedy=(
        "Let `_xmpp-server` name the port for STARTTLS (5269 as a rule) and `_xmpps-server` the one for direct TLS,\n"
        "or remove the record of the kind that the server does not serve."
    ),
    sources=(xep(368), rfc(6120, "5")),
    predicate=predicate,
)
