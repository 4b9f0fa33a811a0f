"""Rule: the two servers' settings of TLS exclude each other, as both directions show."""

from analyzer.citations import cisco, rfc
from analyzer.connection import Connection
from analyzer.once import once
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import StreamFeatures


def predicate(session: Session, case: CaseView) -> Match | None:
    """One server's features require STARTTLS, the other's do not offer it, and the attempt failed."""
    if session.outcome != "failed" or session.ciphertext:
        return None
    theirs = _offer(session)
    if theirs is None:
        return None
    connection, offered = theirs
    for mine in _offers(case, session.receiver, session.initiator):
        if {offered.starttls, mine.starttls} != {"absent", "required"}:
            continue
        requires = session.receiver if offered.starttls == "required" else session.initiator
        lacks = session.initiator if requires == session.receiver else session.receiver
        return Match(
            events=(offered, mine),
            because=f"{requires} requires STARTTLS of who calls it, and {lacks} does not offer it to who calls it",
            connection=connection.id,
            domain=lacks,
            owner=owner_of(lacks, case),
            undecided=(("tls-starttls-stripped", "a capture at the other end: are the features the same there?"),),
            remedy=f"let {lacks} offer TLS on its server-to-server port, or let {requires} not require it of {lacks}",
        )
    return None


@once
def _offers(case: CaseView, initiator: str, receiver: str) -> tuple[StreamFeatures, ...]:
    """What attempts of the pair were offered of STARTTLS, each time that it differs the first."""
    told: dict[str, StreamFeatures] = {}
    for session in case.between(initiator, receiver):
        offer = _offer(session)
        if offer is not None:
            told.setdefault(offer[1].starttls, offer[1])
    return tuple(told.values())


def _offer(session: Session) -> tuple[Connection, StreamFeatures] | None:
    """What the receiver says of STARTTLS, on a connection that did not go on under TLS."""
    for connection in session.connections:
        features = connection.features
        if features is not None and connection.client_hello is None:
            return connection, features
    return None


RULE = Rule(
    title="The two servers' settings of TLS exclude each other",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=(
        "tls-required-not-offered",
        "tls-required-by-peer-ignored",
        "tls-starttls-failure",
        "stream-policy-violation",
        "stream-no-common-auth",
        "stream-closed-without-error",
    ),
    rivals=("tls-starttls-stripped", "tls-required-not-offered"),
    explanation=(
        "Each server shows its setting when the other calls it: one requires STARTTLS, the other does not offer it.\n"
        "Whoever calls, the attempt ends here. It is no fault of a certificate or of the network."
    ),
    remedy=(
        "Switch TLS on at the server that lacks it.\n"
        "If that is impossible, let the other one take this peer without TLS (Cisco: TLS Optional or No TLS)."
    ),
    sources=(rfc(6120, "5.3.1"), rfc(7590, "3.1"), cisco("Interdomain Federation Guide 12.5(1)SU3")),
    predicate=predicate,
)
