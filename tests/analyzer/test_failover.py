"""A target that failed and the one that stood in for it, as three rules tell of them."""

from __future__ import annotations

import pytest

from analyzer.judge import judge
from analyzer.rule import Finding, Owner, Severity
from tests import scene

RECORDS = """
    0.00  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com
    0.01  back  answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 one.gmail.com, 20 0 5269 two.gmail.com
    0.02  10.0.0.5:4000 > 10.0.0.53:53  query A one.gmail.com
    0.03  back  answer A one.gmail.com = 198.51.100.10
    0.04  10.0.0.5:4000 > 10.0.0.53:53  query A two.gmail.com
    0.05  back  answer A two.gmail.com = 198.51.100.11
"""
SECOND_WORKS = """
    4.00  10.0.0.5:40001 > 198.51.100.11:5269  syn
    4.01  back  syn-ack
    4.02  10.0.0.5:40001 > 198.51.100.11:5269  StreamHeader from=cupdomain.com to=gmail.com
"""
FAILURES = {
    "network-syn-unanswered": ("same  syn again", "does not answer"),
    "network-connection-refused": ("back  rst", "refuses connections"),
    "network-icmp-unreachable": ("same  Unreachable code=host reporter_ip=192.0.2.1", "cannot be reached"),
}
"""What becomes of the SYN to the first target, by the rule that tells of it, and how its remedy says so."""


def found(rule: str, after: str) -> Finding:
    """What a rule says of a first SYN to one.gmail.com that went wrong in its way, and of what came after."""
    first = f"    0.50  10.0.0.5:40000 > 198.51.100.10:5269  syn\n    1.50  {FAILURES[rule][0]}\n"
    case = scene.case(scene.tap("cups", RECORDS + first + after), local=["cupdomain.com"])
    return next(f for f in judge(case).findings if f.rule == rule)


@pytest.mark.parametrize("rule", FAILURES)
def test_the_failed_target_and_the_one_that_worked_are_named(rule: str) -> None:
    """By name and priority, with the time that it took; the record's owner is told which of his targets it is."""
    finding = found(rule, SECOND_WORKS)
    told = finding.match.because
    assert "one.gmail.com (priority 5)" in told
    assert "cupdomain.com went on to two.gmail.com (priority 20), 3.5 s after the first SYN" in told
    assert (finding.severity, finding.owner) == (Severity.DEGRADED, Owner.PEER)
    assert finding.remedy == f"tell gmail.com that its SRV target one.gmail.com {FAILURES[rule][1]}"


@pytest.mark.parametrize("rule", FAILURES)
def test_where_nothing_worked_nobody_is_told_of_a_single_target(rule: str) -> None:
    """The fault may be on our own side then."""
    finding = found(rule, "")
    assert "went on" not in finding.match.because
    assert "tell gmail.com" not in finding.remedy
    assert finding.severity is Severity.FAILURE


def test_the_remedy_is_for_the_code_that_was_seen() -> None:
    """A host that cannot be reached is no matter of routes and filters."""
    remedy = found("network-icmp-unreachable", "").remedy
    assert remedy == "see whether 198.51.100.10 is up, and on the network behind 192.0.2.1"
