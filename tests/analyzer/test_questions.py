"""One question that several places saw is one lookup; two questions stay two."""

from __future__ import annotations

from tests import scene

NAME = "_xmpp-server._tcp.gmail.com"
INSIDE = f"""
0.00    10.0.0.5:4000 > 10.0.0.53:53  query SRV {NAME} #7
0.02    back                          answer SRV {NAME} NXDOMAIN #7
400.00  10.0.0.5:4000 > 10.0.0.53:53  query SRV {NAME} #7
400.02  back                          answer SRV {NAME} NXDOMAIN #7
"""
DNSMASQ = f"""
Sep  6 09:14:00 resolver dnsmasq[77]: query[SRV] {NAME} from 10.0.0.5
Sep  6 09:14:00 resolver dnsmasq[77]: config {NAME} is NXDOMAIN
Sep  6 09:20:40 resolver dnsmasq[77]: query[SRV] {NAME} from 10.0.0.5
Sep  6 09:20:40 resolver dnsmasq[77]: config {NAME} is NXDOMAIN
"""


def taps_of(*taps: scene.Tap) -> list[tuple[str, ...]]:
    """Who saw each lookup of the name, in order of time."""
    return [k.taps for k in scene.case(*taps).lookups if k.name == NAME]


def test_the_number_joins_what_two_captures_saw_at_one_moment() -> None:
    """A question that passes two taps."""
    assert taps_of(scene.tap("cups", INSIDE), scene.tap("asa", INSIDE)) == [("asa", "cups"), ("asa", "cups")]


def test_a_number_that_comes_again_later_is_another_question() -> None:
    """Clients take numbers again."""
    assert taps_of(scene.tap("cups", INSIDE)) == [("cups",), ("cups",)]


def test_a_log_without_numbers_is_joined_by_who_asked_for_what_and_when() -> None:
    """Each line of the log to the packet of its moment."""
    log = scene.log("dns.log", "dnsmasq", DNSMASQ, zone="UTC", year=2013)
    assert taps_of(scene.tap("cups", INSIDE), log) == [("cups", "dns.log"), ("cups", "dns.log")]


def test_a_log_alone_asked_each_time_anew() -> None:
    """Nothing else saw them."""
    log = scene.log("dns.log", "dnsmasq", DNSMASQ, zone="UTC", year=2013)
    assert taps_of(log) == [("dns.log",), ("dns.log",)]


def test_a_transcript_that_tells_neither_who_asked_nor_when_is_a_question_of_its_own() -> None:
    """Nothing says that it is one of those that were captured that day."""
    transcript = (
        "> set type=srv\n"
        f"> {NAME}\n"
        "Server:  ns.cupdomain.com\nAddress:  10.0.0.53\n\n"
        f"*** ns.cupdomain.com can't find {NAME}: Non-existent domain\n"
    )
    by_hand = scene.log("nslookup.txt", "nslookup", transcript, date="2013-09-06", vantage="10.0.0.5")
    assert sorted(taps_of(scene.tap("cups", INSIDE), by_hand)) == [("cups",), ("cups",), ("nslookup.txt",)]
