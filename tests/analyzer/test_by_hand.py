"""Tests of answers that nobody captured: what was tried by hand, and what a firewall shows of itself."""

from __future__ import annotations

from analyzer.by_hand import by_hand
from analyzer.checklist import checklist
from analyzer.judge import judge
from tests import scene

PUBLISHED = """
$ host -t SRV _xmpp-server._tcp.cupdomain.com 192.0.2.53
Using domain server:
Name: 192.0.2.53
Address: 192.0.2.53#53
Aliases:

_xmpp-server._tcp.cupdomain.com has SRV record 0 0 5269 im.cupdomain.com.
$ host im.cupdomain.com 192.0.2.53
Using domain server:
Name: 192.0.2.53
Address: 192.0.2.53#53
Aliases:

im.cupdomain.com has address 203.0.113.5
"""


INSIDE = """
0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
0.12  back                                 syn-ack
0.13  back                                 StreamHeader from=cupdomain.com to=example.net
1.00  10.0.0.9:4000 > 10.0.0.5:5269  syn
1.01  back                           syn-ack
"""


def telnet(prompt: str, target: str, answer: str) -> str:
    """A paste of a telnet."""
    return f"{prompt}> telnet {target} 5269\nTrying {target}...\n{answer}\n"


def answers(*pastes: tuple[str, str]) -> dict[str, str]:
    """What is found by hand of each step, by the pastes' formats."""
    taps = [scene.log(f"{number}.txt", form, text) for number, (form, text) in enumerate(pastes)]
    case = scene.case(*taps, local=["cupdomain.com"])
    found = {step: by_hand(step, case) for step in ("config-2", "verify-1", "verify-2", "trouble-2", "config-4")}
    return {step: f"{sign.state}: {sign.says}" for step, sign in found.items() if sign is not None}


def test_telnet_from_inside_and_from_outside() -> None:
    """The private address is ours; the public one is, as DNS says so. Both prove TCP only."""
    inside = telnet("pc", "10.10.0.5", "Connected to 10.10.0.5.\nEscape character is '^]'.")
    outside = telnet("ext", "203.0.113.5", "telnet: Unable to connect to remote host: Connection timed out")
    assert answers(("telnet", inside), ("telnet", outside), ("host", PUBLISHED)) == {
        "verify-1": "fail: telnet 203.0.113.5 5269 at ext: no answer, if it was typed outside",
        "verify-2": "pass: telnet 10.10.0.5 5269 at pc: accepted, which proves TCP only",
    }


def test_an_address_of_nobody_answers_nothing() -> None:
    """A public address that nothing names may be ours as well as a peer's."""
    outside = telnet("ext", "203.0.113.77", "telnet: Unable to connect to remote host: Connection timed out")
    assert answers(("telnet", outside)) == {
        "verify-1": "not-observed: whether 203.0.113.77, tried by hand, is our public address no source tells: an "
        "nslookup of our server's name would"
    }


def test_what_the_firewall_would_do() -> None:
    """A packet-tracer that drops it is an answer; that it would let it pass proves nothing of the server."""
    text = (
        "asa# packet-tracer input outside tcp 198.51.100.10 40000 203.0.113.5 5269\n\nResult:\ninput-interface: "
        "outside\ninput-status: up\nAction: {}\n"
    )
    drop = text.format("drop\nDrop-reason: (acl-drop) Flow is denied by configured rule")
    said = answers(("asa_cli", drop), ("host", PUBLISHED))
    assert said["verify-1"].startswith("fail: packet-tracer 203.0.113.5 5269 at asa: the firewall says that it drops")
    assert "verify-1" not in answers(("asa_cli", text.format("allow")), ("host", PUBLISHED))


def test_a_translation_in_the_firewalls_log() -> None:
    """A connection that it built to our server's port shows the pair."""
    line = (
        "Sep  6 2013 09:14:01: %ASA-6-302013: Built inbound TCP connection 12 for outside:198.51.100.10/40000 "
        "(198.51.100.10/40000) to inside:10.10.0.5/5269 (203.0.113.5/5269)\n"
    )
    assert answers(("asa", line))["config-2"] == "pass: the firewall says that 203.0.113.5 is translated to 10.10.0.5"


def test_a_capture_goes_before_what_was_tried() -> None:
    """Where packets answer a step, a paste does not change it."""
    refused = telnet("pc", "10.0.0.5", "telnet: Unable to connect to remote host: Connection refused")
    captured = scene.tap("cups", INSIDE)
    case = scene.case(captured, scene.log("t.txt", "telnet", refused), local=["cupdomain.com"])
    item = next(i for i in checklist(case, judge(case)) if i.step == "verify-2")
    assert (item.state, {e.where.source for e in item.events}) == ("pass", {"cups"})


def test_a_telnet_that_is_refused_inside_tells_of_the_service() -> None:
    """When it fails, federation is not configured or its service does not run; a blank screen proves TCP only."""
    refused = telnet("pc", "10.10.0.5", "telnet: Unable to connect to remote host: Connection refused")
    blank = telnet("pc", "10.10.0.5", "Connected to 10.10.0.5.\nEscape character is '^]'.")
    for paste, state in ((refused, "fail"), (blank, "not-observed")):
        case = scene.case(scene.log("telnet.txt", "telnet", paste), local=["cupdomain.com"])
        item = {i.step: i for i in checklist(case, judge(case, {}))}["config-5"]
        assert item.state == state
    assert by_hand("config-5", case) is None


def test_the_firewall_tells_which_public_address_is_ours() -> None:
    """Its log translates the address that was tried inside to the one that was tried outside."""
    inside = telnet("pc", "10.10.0.5", "telnet: Unable to connect to remote host: Connection refused")
    outside = telnet("ext", "203.0.113.5", "telnet: Unable to connect to remote host: Connection refused")
    asa = (
        "Sep  6 2013 09:14:00: %ASA-6-302013: Built inbound TCP connection 7 for outside:198.51.100.10/44290 "
        "(198.51.100.10/44290) to inside:10.10.0.5/5269 (203.0.113.5/5269)\n"
    )
    assert answers(("telnet", inside), ("telnet", outside), ("asa", asa))["verify-1"] == (
        "fail: telnet 203.0.113.5 5269 at ext: refused, if it was typed outside"
    )
