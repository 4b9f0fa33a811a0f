"""Rule: the host itself refuses: nothing listens on the federation port."""

from collections.abc import Mapping

from analyzer.citations import cisco, rfc
from analyzer.connection import Connection
from analyzer.hops import hops
from analyzer.once import once
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import TcpMark


def predicate(session: Session, case: CaseView) -> Match | None:
    """A reset that refused a SYN was sent by the host that was called.

    It holds for the attempt itself, and for an attempt whose callback the sender's own host refused.
    """
    for connection in (*session.connections, *session.callbacks):
        if not connection.refused:
            continue
        found = _own_reset(connection, case)
        if found is None:
            continue
        reset, how, certain = found
        own = connection in session.connections
        owner = session.receiver if own else session.initiator
        worked = any(c.accepted for c in session.connections) if own else session.authenticated
        return Match(
            events=(reset, *connection.syns),
            because=(
                f"{end_text(connection.server)} itself refused "
                + ("the connection" if own else "the callback")
                + f" from {connection.client[0]}: {how}"
            ),
            connection=connection.id,
            domain=owner,
            owner=Owner.LOCAL if case.is_local(owner) else Owner.PEER,
            confidence=Confidence.LIKELY,
            severity=Severity.DEGRADED if worked else None,
            ruled_out=(("network-outbound-reset", "the reset was sent by the host itself"),) if certain else (),
            undecided=(("hosting-federation-off", f"the list of services of {owner}"),),
        )
    return _never_tried(session, case)


def _never_tried(session: Session, case: CaseView) -> Match | None:
    """A client's stanza set nothing off, and the server that should have carried it refuses what comes in."""
    if session.trigger is None or session.connections or any(k.outcome != "answered" for k in session.lookups):
        return None
    own = case.hosts.get(session.initiator, frozenset())
    for address, (connection, found) in _refusing(case).items():
        if any(case.same_host(address, one) for one in own):
            return Match(
                events=(found[0], session.trigger, *connection.syns),
                because=(
                    f"{session.initiator} made no connection to {session.receiver}, and its own server "
                    f"{end_text(connection.server)} refuses what comes in: {found[1]}"
                ),
                connection=connection.id,
                domain=session.initiator,
                owner=Owner.LOCAL if case.is_local(session.initiator) else Owner.PEER,
                undecided=(("hosting-federation-off", f"the list of services of {session.initiator}"),),
            )
    return None


@once
def _refusing(case: CaseView) -> Mapping[str, tuple[Connection, tuple[TcpMark, str, bool]]]:
    """Hosts that were seen themselves to refuse, each with the first conversation that shows it, and the reset."""
    hosts: dict[str, tuple[Connection, tuple[TcpMark, str, bool]]] = {}
    for connection in case.connections:
        if connection.refused and connection.server[0] not in hosts:
            found = _own_reset(connection, case)
            if found is not None and found[2]:
                hosts[connection.server[0]] = (connection, found)
    return hosts


def _own_reset(connection: Connection, case: CaseView) -> tuple[TcpMark, str, bool] | None:
    """The reset, how it shows that the called host sent it, and whether that was seen on the host itself."""
    for sighting in connection.sightings:
        reset = next((m for m in sighting.of(TcpMark, "<") if m.mark == "rst"), None)
        if reset is None:
            continue
        if case.at_home(sighting.tap, sighting.server[0]) and hops(reset) in (0, None):
            return reset, f"{sighting.tap} was recorded on that host and shows the reset leave", True
    for sighting in connection.sightings:
        reset = next((m for m in sighting.of(TcpMark, "<") if m.mark == "rst"), None)
        if reset is not None and not case.missing_at(connection) and case.nearer_by(sighting.tap, reset) == 0:
            return reset, f"the reset came from as far (TTL {reset.ttl}) as all else that host sent", False
    return None


RULE = Rule(
    title="Nothing listens on the federation port",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.LOCAL,
    needs=frozenset({Stage.CONNECT}),
    masks=(
        "network-connection-refused",
        "dialback-callback-absent",
        "dialback-result-timeout",
        "dialback-result-error",
        "dialback-result-invalid",
        "dialback-authoritative-unreachable",
        "stream-remote-connection-failed",
        "stream-not-authorized",
        "stream-connection-timeout",
        "stream-closed-without-error",
    ),
    rivals=("hosting-federation-off", "network-outbound-reset", "network-listens-elsewhere"),
    explanation=(
        "The SYN reached the host and the host itself answered with a reset: no process listens on that address "
        "and port.\n"
        "On IM and Presence this is what a node looks like on which XMPP federation is off, or whose service "
        "Cisco XCP XMPP Federation Connection Manager is stopped.\n"
        "A packet filter on the host that rejects looks the same."
    ),
    remedy=(
        "Start the federation service on that node; on IM and Presence turn XMPP federation on for it first.\n"
        "See that it listens on the published port: `ss -tln`, or `show network status listen` on the node."
    ),
    sources=(cisco("116339", "configuration steps 4 and 5, verification step 2"), rfc(9293, "3.5.2")),
    predicate=predicate,
)
