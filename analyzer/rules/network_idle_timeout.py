"""Rule: an idle connection was forgotten on the way."""

from analyzer.citations import cisco, note, rfc
from analyzer.idleness import broken
from analyzer.rule import FirewallSign, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

IDLE_NS = 3600 * 10**9
"""ASA `timeout conn` is 1:00:00 unless it is set."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """After an hour of silence the next word is reset, or never acknowledged."""
    return broken(session, case, half_closed=False, least_ns=IDLE_NS)


RULE = Rule(
    title="An idle connection was forgotten on the way",
    stage=Stage.TRAFFIC,
    severity=Severity.DEGRADED,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=(
        "network-outbound-reset",
        "network-inspection-interference",
        "network-loss-or-latency",
        "network-mtu-black-hole",
        "stream-closed-without-error",
    ),
    rivals=("network-outbound-reset", "network-inspection-interference", "stream-closed-without-error"),
    firewall=(FirewallSign(action="teardown", reason=r"^Conn(?:ection)?[- ]timeout"),),
    explanation=(
        "A stream was open and carried nothing for an hour or more; the next stanza was answered by a reset or by "
        "nothing.\n"
        "Firewalls forget an idle connection (Cisco ASA after an hour) and tell neither side.\n"
        "Both servers believe that the stream is open; the first stanza after the pause is lost or late.\n"
        "A peer that was restarted without a goodbye looks the same."
    ),
    remedy=(
        "Switch on keep-alives of TCP, or white-space keep-alives of the stream, every few minutes on the server.\n"
        "Or raise the firewall's timeout for idle connections on TCP 5269."
    ),
    sources=(
        note("public ASA configurations: timeout conn 1:00:00"),
        cisco("ASA syslog guide", "302014, 106015"),
        rfc(6120, "4.6.1"),
        note("Prosody, idle timeout of s2s: 840 s"),
    ),
    predicate=predicate,
)
