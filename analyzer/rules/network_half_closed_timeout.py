"""Rule: a half closed connection was forgotten on the way."""

from analyzer.citations import note, rfc
from analyzer.idleness import broken
from analyzer.rule import FirewallSign, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

IDLE_NS = 600 * 10**9
"""ASA `timeout half-closed` is 0:10:00 unless it is set."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """One side closed; after ten minutes of silence the next word of the other is reset, or never acknowledged."""
    return broken(session, case, half_closed=True, least_ns=IDLE_NS)


RULE = Rule(
    title="A half closed connection was forgotten on the way",
    stage=Stage.TRAFFIC,
    severity=Severity.NOTE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-loss-or-latency", "network-mtu-black-hole", "stream-closed-without-error"),
    rivals=("network-idle-timeout", "stream-closed-without-error"),
    firewall=(FirewallSign(action="teardown", reason=r"^FIN Timeout"),),
    explanation=(
        "One side closed its half of the connection, the other left its own open and spoke again after ten minutes or "
        "more.\n"
        "Firewalls forget a half closed connection sooner than an open one (Cisco ASA after ten minutes).\n"
        "The fault is rather that the stream was not closed: after the peer's end a server closes too "
        "(RFC 6120 section 4.4)."
    ),
    remedy="Update the server that leaves its half open; raising the firewall's timeout only hides it.",
    sources=(note("public ASA configurations: timeout half-closed 0:10:00"), rfc(6120, "4.4"), rfc(9293, "3.6")),
    predicate=predicate,
)
