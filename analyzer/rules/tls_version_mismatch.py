"""Rule: the two servers have no TLS version in common."""

from analyzer.citations import rfc
from analyzer.once import once
from analyzer.rule import Confidence, Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import TlsHello, Topic

VERSIONS = ("SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3")
"""Versions from old to new."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """The alert `protocol_version`; or a server that hangs up on a hello and itself offers only older versions."""
    found = session.alert("protocol_version")
    if found is not None:
        connection, alert = found
        speaker = connection.sender(alert)
        hello = connection.client_hello
        told = f" ({connection.initiator} offers {hello.version} at most)" if hello is not None else ""
        older = connection.initiator if connection.way(alert) == "<" else connection.receiver
        return Match(
            events=(alert,) if hello is None else (alert, hello),
            because=f"{speaker} refused the TLS version: protocol_version{told}",
            connection=connection.id,
            domain=older,
            owner=owner_of(older, case),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    for connection in session.connections:
        hello, end = connection.client_hello, connection.ending
        if hello is None or end is None or connection.way(end) == ">" or connection.server_hello is not None:
            continue
        addresses = frozenset(s.server[0] for s in connection.sightings)
        other = _hello_of(case, session.receiver, session.initiator, addresses)
        if other is None or _age(other) >= _age(hello):
            continue
        both = _refused(case, session.receiver, session.initiator)
        return Match(
            events=(end, hello, other),
            because=(
                f"{session.receiver} hung up on a ClientHello with {hello.version} and offers {other.version} at most "
                f"when it calls {session.initiator} itself" + (", which refuses that version" if both else "")
            ),
            connection=connection.id,
            domain=session.receiver,
            owner=owner_of(session.receiver, case),
            confidence=Confidence.LIKELY if both else Confidence.POSSIBLE,
            undecided=(("tls-proceed-then-close", f"the log of {session.receiver} at that moment"),),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


@once
def _refused(case: CaseView, initiator: str, receiver: str) -> bool:
    """Whether an attempt of the pair ended with the alert."""
    return any(s.alert("protocol_version") is not None for s in case.between(initiator, receiver))


@once
def _hello_of(case: CaseView, initiator: str, receiver: str, addresses: frozenset[str]) -> TlsHello | None:
    """The ClientHello that a server's own host sent when it opened a stream to the other side."""
    for reverse in case.between(initiator, receiver):
        for other in reverse.connections:
            if any(case.same_host(s.client[0], a) for s in other.sightings for a in addresses):
                hello = other.client_hello
                if hello is not None:
                    return hello
    return None


def _age(hello: TlsHello) -> int:
    """Place of the version in `VERSIONS`; newer than all where it is unknown."""
    return VERSIONS.index(hello.version) if hello.version in VERSIONS else len(VERSIONS)


RULE = Rule(
    title="No TLS version in common",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TLS}),
    masks=("tls-handshake-alert", "tls-proceed-then-close", "tls-cipher-mismatch", "stream-closed-without-error"),
    rivals=("tls-cipher-mismatch", "tls-proceed-then-close"),
    said=(SaidSign(topic=Topic.TLS_FAILED, conditions=("version",)),),
    explanation=(
        "One server speaks only old versions of TLS (1.0, 1.1), the other only newer ones, so no handshake is\n"
        "possible. A polite server says `protocol_version`; some just hang up after the ClientHello."
    ),
    remedy=(
        "Update the server with the old TLS.\n"
        "Until then its peer would have to allow TLS 1.0 for it, which RFC 8996 forbids."
    ),
    sources=(rfc(8446, "4.2.1"), rfc(8996), rfc(7590, "3")),
    predicate=predicate,
)
