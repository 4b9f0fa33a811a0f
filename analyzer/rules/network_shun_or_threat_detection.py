"""Rule: the firewall shuns the other side's address."""

from analyzer.citations import cisco
from analyzer.firewall import between
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import FirewallLog

NEAR_NS = 3600 * 10**9
"""How long before the attempt a shun may have been logged: it lasts until somebody clears it, or for an hour."""
LINES_MAX = 4
"""Lines that are cited."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A line says that packets from or to an end of the session, or the host itself, are shunned."""
    if any(c.accepted for c in session.connections):
        return None
    ends = {end[0] for c in (*session.connections, *session.callbacks) for end in (c.client, c.server)}
    if not ends:
        return None
    lines = [
        line for line in between(case.firewall, session.began_ns - NEAR_NS, session.ended_ns) if _shuns(line, ends)
    ]
    if not lines:
        return None
    return Match(
        events=tuple(lines[:LINES_MAX]), because=f"the firewall says: {lines[0].text}", confidence=Confidence.LIKELY
    )


def _shuns(line: FirewallLog, ends: set[str]) -> bool:
    if line.message_id == "401004":
        return line.real is not None and bool({line.real.src_ip, line.real.dst_ip} & ends)
    return line.message_id in ("733102", "401002") and bool(ends & set(line.text.split()))


RULE = Rule(
    title="The firewall shuns the other side",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-syn-unanswered", "network-outbound-blocked-silent", "network-inbound-blocked-acl"),
    rivals=("network-far-side-block",),
    explanation=(
        "Threat detection, an intrusion sensor or an administrator put the address on the firewall's list of shunned "
        "hosts: every packet from it is dropped, whatever the access lists permit.\n"
        "A peer that retries often, or a scanner behind the same address, is enough."
    ),
    remedy="`show shun` lists it; `no shun ADDRESS` lets it in. Exempt known peers from scanning threat detection.",
    sources=(cisco("ASA syslog guide", "401004, 733102"),),
    predicate=predicate,
)
