"""Rule: the SRV record names a port on which no server-to-server XMPP is spoken."""

from collections.abc import Mapping

from analyzer.citations import cisco, note, rfc
from analyzer.connection import Connection
from analyzer.once import once
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView

FEDERATION = 5269
"""The registered port (RFC 6120 section 14.7)."""
SLIPS = {
    5222: "the port for clients",
    5223: "the old port for clients over TLS",
    5369: "a misprint for 5269 that stands in published instructions",
    5280: "the port for XMPP over HTTP",
    5347: "the port for components",
    7400: "an inner port of the server",
}
"""Ports that get into SRV records by mistake, and what they are. Any other may be meant: Cisco's guide uses 25269 and
35269 for several nodes behind one address."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """Every target names another port than 5269, the attempt failed there, and something says that it is a mistake."""
    for found in session.resolutions:
        named = [r for r in found.targets if r.port not in (None, FEDERATION)]
        if not named or len(named) < len(found.targets) or session.authenticated:
            continue
        for record in named:
            port = record.port or 0
            tried = [c for c in found.tried(record.data, port) if _failed(c)]
            if not tried:
                continue
            elsewhere = _open_elsewhere(tried[0], case)
            if elsewhere is None and port not in SLIPS:
                continue
            if tried[0].unanswered and case.missing_at(tried[0]):
                continue  # it is stopped on the way, whatever listens there
            slip = f", {SLIPS[port]}" if port in SLIPS else ""
            proof = f", while {end_text(elsewhere.server)} accepts" if elsewhere is not None else ""
            return Match(
                events=(
                    *(k.answer for k in found.srv_with("answered") if k.answer),
                    *tried[0].events[:2],
                    *(elsewhere.events[:2] if elsewhere is not None else ()),
                ),
                because=(
                    f"the SRV record of {found.domain} names port {port}{slip}; {end_text(tried[0].server)} "
                    f"came to {tried[0].outcome}{proof}"
                ),
                connection=tried[0].id,
                domain=found.domain,
                confidence=Confidence.LIKELY if elsewhere is not None else Confidence.POSSIBLE,
                undecided=(
                    ("network-service-not-listening", f"a capture on {record.data}: on which port its server listens"),
                ),
                remedy=f"publish: _xmpp-server._tcp.{found.domain}. IN SRV 0 0 {FEDERATION} {record.data}.",
            )
    return None


def _failed(connection: Connection) -> bool:
    """Whether no server-to-server stream came of it."""
    if connection.error is not None:
        return connection.error.condition == "invalid-namespace"
    return not connection.accepted or connection.not_xmpp is not None


def _open_elsewhere(failed: Connection, case: CaseView) -> Connection | None:
    """A conversation in which the same host accepts federation on the registered port."""
    return _open(case).get(failed.server[0])


@once
def _open(case: CaseView) -> Mapping[str, Connection]:
    """By host, the first conversation that it accepted on the registered port."""
    found: dict[str, Connection] = {}
    for connection in case.connections:
        if connection.accepted and connection.not_xmpp is None:
            for sighting in connection.sightings:
                if sighting.server[1] == FEDERATION:
                    found.setdefault(sighting.server[0], connection)
    return found


RULE = Rule(
    title="The SRV record names the wrong port",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS, Stage.CONNECT}),
    masks=(
        "network-syn-unanswered",
        "network-connection-refused",
        "network-service-not-listening",
        "stream-wrong-namespace",
        "dialback-callback-absent",
    ),
    rivals=("network-service-not-listening", "network-syn-unanswered"),
    explanation=(
        "The SRV record names a port other than 5269, and no federation came of it there.\n"
        "Servers speak to each other on 5269 unless the administrator decided otherwise; 5222 is for clients,\n"
        "5369 is a misprint that has been copied from instructions. Other ports are legal if something listens there."
    ),
    remedy="Set the port in the SRV record to 5269, or translate the named port to the server's 5269 on the firewall.",
    sources=(
        rfc(6120, "14.7"),
        rfc(2782),
        cisco("Interdomain Federation Guide 12.5(1)SU3"),
        note("Prosody prosodyctl check dns: contains unknown server port"),
    ),
    predicate=predicate,
)
