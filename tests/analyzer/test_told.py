"""Tests of what logs add to rules: each sign that a rule declares is enough, alone, to bring its finding."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.judge import all_rules, judge
from analyzer.rule import Confidence, Finding, FirewallSign, SaidSign
from parsers.events import Flow, Said, Topic, Where
from parsers.source import Reading
from tests import scene

BEGIN_NS = 1378458840 * 10**9
SYN = "0.00  10.0.0.5:40000 > 198.51.100.10:5269  syn"
REAL = Flow(src_ip="10.0.0.5", src_port=40000, dst_ip="198.51.100.10", dst_port=5269)

SAID = [(name, sign, why) for name, rule in all_rules().items() for sign in rule.said for why in sign.conditions]
"""Every condition that a rule reads in a server's log."""
REASONS = {"hosting-domain-registered-at-google": "cupdomain.com is a Google Apps Domain with Talk service enabled."}
"""The peer's own words, for rules that read these."""
FIREWALL = [(name, sign) for name, rule in all_rules().items() for sign in rule.firewall]
"""Every sign that a rule reads in a firewall's log."""


def said(number: int, topic: Topic, **more: object) -> Said:
    """A line of the log of cupdomain.com's server, about a stream that it opened to example.net."""
    where = Where(source="cups.log", line=number)
    line = Said(
        at_ns=BEGIN_NS + number * 10**9,
        width_ns=10**9,
        where=where,
        tag="s2sout1",
        topic=topic,
        text=f"line {number}",
        level="info",
        from_domain="cupdomain.com",
        to_domain="example.net",
        outgoing=True,
    )
    return replace(line, **more)  # type: ignore[arg-type]


def findings(*taps: scene.Tap) -> dict[str, Finding]:
    """What is found in what the taps hold, by the name of the rule."""
    found = judge(scene.case(*taps, local=["cupdomain.com"])).findings
    return {f.rule: f for f in found}


def logged(*lines: Said) -> scene.Tap:
    """A server's log of these lines."""
    reading = Reading(lines=len(lines), first_ns=BEGIN_NS, last_ns=BEGIN_NS + 10**11)
    return scene.Tap("cups.log", list(lines), reading, "prosody")


@pytest.mark.parametrize(("name", "sign", "condition"), SAID, ids=[f"{n}-{c}" for n, _, c in SAID])
def test_a_servers_log_is_enough_for_a_finding(name: str, sign: SaidSign, condition: str) -> None:
    """The line that says it is cited, and words alone prove nothing."""
    begin = said(1, Topic.CONNECTING, peer_ip="198.51.100.10", peer_port=5269)
    line = said(2, sign.topic, condition=condition, sent=False, reason=REASONS.get(name) if sign.text else None)
    if condition == "dialback-imposter":  # whoever is asked about a key that it never made is told of, not the asker
        line = replace(line, from_domain="example.net", to_domain="cupdomain.com", outgoing=False)
    found = findings(logged(begin, line))
    assert name in found, f"only {sorted(found)}"
    assert [(p.where.source, p.where.line) for p in found[name].match.events] == [("cups.log", 2)]
    assert found[name].match.confidence is not Confidence.PROVEN


@pytest.mark.parametrize(("name", "sign"), FIREWALL, ids=[f"{n}-{s.action}{s.way}" for n, s in FIREWALL])
def test_a_firewalls_log_is_enough_for_a_finding(name: str, sign: FirewallSign) -> None:
    """Its line is cited."""


def test_what_a_log_does_not_say_is_no_evidence() -> None:
    """Of a stream that began, and of which no more is written, nothing is said to have failed."""
    found = findings(logged(said(1, Topic.CONNECTING)))
    assert [f for f in found.values() if f.severity.value == "failure"] == []
