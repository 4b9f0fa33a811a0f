"""Rule: the answer to our SYN comes back to one place and is not seen at the next."""

from analyzer.citations import cisco, rfc
from analyzer.connection import Connection
from analyzer.rule import Confidence, FirewallSign, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.sighting import Sighting
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import TcpMark


def predicate(session: Session, case: CaseView) -> Match | None:
    """A SYN-ACK was seen at one tap and is missing at another that saw the SYN and recorded on."""
    for connection in session.connections:
        if len(connection.sightings) < 2:
            continue
        found = _lost_answer(connection, case)
        if found is None:
            continue
        answer, there, here = found
        return Match(
            events=(answer, *connection.syns),
            because=(
                f"the SYN {end_text(connection.client)} > {end_text(connection.server)} was answered: {there.tap} "
                f"shows the SYN-ACK, and {here.tap}, which saw the SYN pass, does not"
            ),
            connection=connection.id,
            confidence=Confidence.LIKELY,
            severity=Severity.DEGRADED if any(c.accepted for c in session.connections) else None,
            ruled_out=(("network-far-side-block", f"{there.tap} saw the answer"),),
            undecided=(("network-nat-rpf", "the log of the firewall between the two captures"),),
        )
    return None


def _lost_answer(connection: Connection, case: CaseView) -> tuple[TcpMark, Sighting, Sighting] | None:
    """The SYN-ACK, the sighting that has it and one that lacks it."""
    here = next((s for s in connection.sightings if s.flow_state == "SYN_SENT"), None)
    coverage = case.coverage.get(here.tap) if here is not None else None
    if here is None or coverage is None or coverage.damaged or here.tap in case.one_way_taps:
        return None
    for there in connection.sightings:
        answer = next((m for m in there.of(TcpMark, "<") if m.mark == "syn-ack"), None)
        if answer is not None and coverage.covers(answer.at_ns, answer.at_ns):
            return answer, there, here
    return None


RULE = Rule(
    title="The answer is lost on its way back",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.NETWORK,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-syn-unanswered",),
    rivals=("network-nat-rpf", "network-far-side-block"),
    firewall=(FirewallSign(action="deny", ids=("106015",), reason=r"no connection"),),
    explanation=(
        "The SYN got through and was answered, but the SYN-ACK took another way home, or a firewall that had not "
        "seen the SYN threw it away: a stateful firewall lets an answer pass only where its question went out."
    ),
    remedy=(
        "Let both ways lead over the same firewall: look at the routes back to the server's public address.\n"
        "On an ASA: message 106015 with flags SYN ACK names the packets; TCP state bypass is the last resort."
    ),
    sources=(cisco("ASA syslog guide", "106015"), rfc(9293, "3.5")),
    predicate=predicate,
)
