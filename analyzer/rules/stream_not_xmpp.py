"""Rule: what answers on the port speaks another protocol."""

from analyzer.citations import cisco, rfc
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import NotXmpp


def predicate(session: Session, case: CaseView) -> Match | None:
    """The server's first bytes are no XML stream and no TLS."""
    for connection in session.connections:
        said = connection.not_xmpp
        if said is None or said.protocol == "tls" or session.authenticated:
            continue
        places = [s.tap for s in connection.sightings if next(s.of(NotXmpp, "<"), None) is not None]
        words = f' ("{said.text}")' if said.text else ""
        return Match(
            events=(said,),
            because=f"{end_text(connection.server)} answers for {session.receiver} with {said.protocol}{words}",
            connection=connection.id,
            domain=session.receiver,
            confidence=Confidence.PROVEN if len(places) > 1 else Confidence.LIKELY,
            undecided=(
                ("dns-srv-wrong-port", f"which port the XMPP server of {session.receiver} listens on"),
                ("network-nat-wrong-target", f"the translation of {end_text(connection.server)} at its site"),
            ),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


RULE = Rule(
    title="Something else than XMPP answers",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=("stream-closed-without-error", "stream-bad-xml", "stream-open-but-silent"),
    rivals=("dns-srv-fallback-a", "dns-srv-wrong-port", "network-nat-wrong-target"),
    explanation=(
        "The connection was accepted, but the first bytes that came back are of another protocol.\n"
        "The SRV record names the wrong host or port, or there is none and the address of the domain is a web\n"
        "server's, or a translation leads the port to another machine."
    ),
    remedy=(
        "Let the SRV record name the host and port of the XMPP server, and the translation lead there.\n"
        "Where there is no SRV record, publish one."
    ),
    sources=(rfc(6120, "4.2"), rfc(6120, "3.2.2"), cisco("116339")),
    predicate=predicate,
)
