"""One conversation seen at several places: when it is joined, when not, and what the clocks between them come to."""

from __future__ import annotations

import pytest

from analyzer.stage import end_text
from analyzer.vantage import SIGHTINGS_MAX
from analyzer.view import CaseView
from tests import scene

INSIDE = """
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.20  back   syn-ack
    0.21  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
    0.30  back   StreamHeader from=gmail.com to=cupdomain.com id=id-of-gmail-1
"""


def seen(case: CaseView) -> list[str]:
    """Each connection: where it was seen, and its ends there."""
    return [
        ", ".join(
            f"{s.tap} {end_text(s.client)} > {end_text(s.server)}" for s in sorted(c.sightings, key=lambda s: s.tap)
        )
        for c in case.connections
    ]


def clocks(case: CaseView) -> dict[str, int]:
    """The offsets applied, ms."""
    return {tap: coverage.offset_ns // 10**6 for tap, coverage in case.coverage.items()}


def test_translation_does_not_hide_a_conversation() -> None:
    """The same stream id inside and outside is one conversation, though address and port were translated."""
    outside = INSIDE.replace("10.0.0.5:40000", "203.0.113.7:61000")
    case = scene.case(scene.tap("inside", INSIDE), scene.tap("outside", outside), local=["cupdomain.com"])

    assert seen(case) == [
        "inside 10.0.0.5:40000 > 198.51.100.10:5269, outside 203.0.113.7:61000 > 198.51.100.10:5269",
    ]
    assert case.same_host("10.0.0.5", "203.0.113.7")
    assert case.local_addresses == {"10.0.0.5", "203.0.113.7"}
    assert len(case.sessions) == 1


def test_a_clock_that_is_wrong_is_found_told_and_corrected() -> None:
    """The outside clock is 37.5 s ahead; its events come back to the inside's time, and the offset is told."""
    outside = """
        37.60  203.0.113.7:40000 > 198.51.100.10:5269  syn
        37.70  back   syn-ack
        37.71  203.0.113.7:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
        37.80  back   StreamHeader from=gmail.com to=cupdomain.com id=id-of-gmail-1
    """
    case = scene.case(scene.tap("inside", INSIDE), scene.tap("outside", outside), local=["cupdomain.com"])
    (connection,) = case.connections

    assert clocks(case) == {"inside": 0, "outside": 37_500}
    assert case.coverage["outside"].residual_ns == 0
    assert {s.events[0].at_ns for s in connection.sightings} == {scene.BEGIN_NS + scene.SECOND // 10}


def test_path_delay_is_no_clock_error() -> None:
    """8 ms between two places is told, not corrected."""
    near = scene.tap("inside", INSIDE)
    far = scene.tap("outside", INSIDE.replace("0.10", "0.108").replace("0.20", "0.208"))
    case = scene.case(near, far, local=["cupdomain.com"])

    assert clocks(case) == {"inside": 0, "outside": 0}


def test_clocks_are_compared_along_a_chain() -> None:
    """A and C share nothing, but each shares a conversation with B: C's clock is known by way of B."""
    first = "0.0 10.0.0.5:40000 > 198.51.100.10:5269 syn\n0.1 back syn-ack\n"
    second = "5.0 10.0.0.6:40001 > 198.51.100.11:5269 syn\n5.1 back syn-ack\n"
    later = second.replace("5.0 ", "12.0 ").replace("5.1 ", "12.1 ")
    case = scene.case(
        scene.tap("a", first), scene.tap("b", first + second), scene.tap("c", later), local=["cupdomain.com"]
    )

    assert clocks(case) == {"a": 0, "b": 0, "c": 7_000}
    assert case.coverage["a"].peers == {"b"}


def test_clocks_are_compared_by_questions_too() -> None:
    """No conversation is shared, but one DNS question: 2 s apart, and one lookup."""
    asks = """
        0.0  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com #77
        0.1  back  answer SRV _xmpp-server._tcp.gmail.com NXDOMAIN #77
    """
    later = asks.replace("0.0 ", "2.0 ").replace("0.1 ", "2.1 ")
    case = scene.case(scene.tap("cups", asks), scene.tap("resolver", later), local=["cupdomain.com"])

    assert clocks(case) == {"cups": 0, "resolver": 2_000}
    (lookup,) = case.lookups
    assert lookup.taps == ("cups", "resolver")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(
            "163.0  10.0.0.5:4444 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com #1\n", id="other-port"
        ),
        pytest.param("7200.0  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com #1\n", id="later"),
    ],
)
def test_the_same_question_in_another_incident_compares_no_clocks(other: str) -> None:
    """ejabberd's first question has the id 1 after each start: two captures of the same host may be hours apart."""
    first = "0.0  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com #1\n"
    case = scene.case(scene.tap("may", first), scene.tap("june", other), local=["cupdomain.com"])

    assert clocks(case) == {"may": 0, "june": 0}
    assert {c.residual_ns for c in case.coverage.values()} == {None}
    assert [lookup.taps for lookup in case.lookups] == [("may",), ("june",)]


def test_an_answer_that_one_place_lacks_is_remembered() -> None:
    """The resolver's side saw the answer, the asker's did not: the lookup is answered, and unanswered at the asker."""
    asked = "0.0  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com #77\n"
    answered = asked + "0.1  back  answer SRV _xmpp-server._tcp.gmail.com NXDOMAIN #77\n"
    case = scene.case(scene.tap("cups", asked), scene.tap("resolver", answered), local=["cupdomain.com"])
    (lookup,) = case.lookups

    assert (lookup.outcome, lookup.unanswered_at) == ("nxdomain", ("cups",))


def test_the_same_question_again_a_minute_later_is_another_lookup() -> None:
    """Seen at two places, asked twice: two lookups, each seen at both."""
    asks = "".join(
        f"{at}  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com #77\n" for at in ("0.0", "60.0")
    )
    case = scene.case(scene.tap("cups", asks), scene.tap("resolver", asks), local=["cupdomain.com"])

    assert [k.taps for k in case.lookups] == [("cups", "resolver"), ("cups", "resolver")]


def test_one_outside_address_for_several_hosts_joins_none_of_them() -> None:
    """PAT: two inside hosts go out as 203.0.113.7; they stay two hosts, with two conversations."""
    two = INSIDE + INSIDE.replace("10.0.0.5:40000", "10.0.0.6:40000").replace("gmail-1", "gmail-2")
    outside = INSIDE.replace("10.0.0.5:40000", "203.0.113.7:61000") + INSIDE.replace(
        "10.0.0.5:40000", "203.0.113.7:61001"
    ).replace("gmail-1", "gmail-2")
    case = scene.case(scene.tap("inside", two), scene.tap("outside", outside), local=["cupdomain.com"])

    assert seen(case) == [
        "inside 10.0.0.5:40000 > 198.51.100.10:5269, outside 203.0.113.7:61000 > 198.51.100.10:5269",
        "inside 10.0.0.6:40000 > 198.51.100.10:5269, outside 203.0.113.7:61001 > 198.51.100.10:5269",
    ]
    assert not case.same_host("10.0.0.5", "10.0.0.6")
    assert not case.same_host("10.0.0.5", "203.0.113.7")


def test_out_by_one_public_address_and_in_by_another_is_one_host() -> None:
    """Source NAT to .7, a static entry for .5: both are the host 10.0.0.5."""
    called = """
        5.0  198.51.100.10:50000 > 10.0.0.5:5269  syn
        5.1  back   syn-ack
        5.2  198.51.100.10:50000 > 10.0.0.5:5269  StreamHeader from=gmail.com to=cupdomain.com
        5.3  back   StreamHeader from=cupdomain.com to=gmail.com id=id-of-cups-1
    """
    outside = INSIDE.replace("10.0.0.5:", "203.0.113.7:") + called.replace("10.0.0.5:", "203.0.113.5:")
    case = scene.case(scene.tap("inside", INSIDE + called), scene.tap("outside", outside), local=["cupdomain.com"])

    assert case.nat["10.0.0.5"] == {"203.0.113.5", "203.0.113.7"}
    assert case.local_addresses == {"10.0.0.5", "203.0.113.5", "203.0.113.7"}


def test_a_server_that_gives_every_stream_the_same_id_joins_nothing() -> None:
    """Three streams of one capture with one id are three conversations, also beside an outside capture."""
    told = "".join(
        INSIDE.replace(":40000", f":4000{n}").replace("0.", f"{10 * n}.").replace(f"1{10 * n}.", "10.")
        for n in range(1, 4)
    )
    case = scene.case(scene.tap("inside", told), scene.tap("outside", told), local=["cupdomain.com"])

    assert [c.client[1] for c in case.connections] == [40001, 40002, 40003]
    assert all(len(c.sightings) == 2 for c in case.connections)


def one_of_many(number: int, stream_id: str, key: str) -> scene.Tap:
    """A capture of one of many conversations, each from a port of its own."""
    text = INSIDE.replace("10.0.0.5:40000", f"10.0.0.5:{40_000 + number}").replace("id-of-gmail-1", stream_id)
    key = f"0.31  10.0.0.5:{40_000 + number} > 198.51.100.10:5269  Dialback word=result key_digest={key}"
    return scene.tap(f"t{number:02}", f"{text}    {key}\n")


def test_what_very_many_captures_share_is_no_mark_of_one_conversation() -> None:
    """A ticket with a capture of each run of a test, which always uses the same key: each would be compared with each.

    Nor is a chain, in which each shares its id with one and its key with another.
    """
    several = [one_of_many(n, f"stream-{n}", "key") for n in range(SIGHTINGS_MAX)]
    many = [one_of_many(n, f"stream-{n}", "key") for n in range(SIGHTINGS_MAX + 1)]
    chain = [one_of_many(n, f"stream-{(n + 1) // 2}", f"key-{n // 2}") for n in range(SIGHTINGS_MAX + 1)]

    assert len(scene.case(*several).connections) == 1
    assert len(scene.case(*many).connections) == len(many)
    assert sorted(len(c.sightings) for c in scene.case(*chain).connections) == [1, SIGHTINGS_MAX]


def test_both_sides_of_the_firewall_in_one_file_are_one_conversation() -> None:
    """A capture on `any`: each packet before and after translation, 1 ms apart."""
    both = """
        0.100  10.0.0.5:40000 > 198.51.100.10:5269  syn
        0.101  203.0.113.7:61000 > 198.51.100.10:5269  syn
        0.200  back   syn-ack
        0.201  198.51.100.10:5269 > 10.0.0.5:40000   syn-ack
        0.210  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
        0.211  203.0.113.7:61000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
        0.300  back   StreamHeader from=gmail.com to=cupdomain.com id=id-of-gmail-1
        0.301  198.51.100.10:5269 > 10.0.0.5:40000   StreamHeader from=gmail.com to=cupdomain.com id=id-of-gmail-1
    """
    case = scene.case(scene.tap("asa-any", both), local=["cupdomain.com"])

    assert len(case.connections) == 1
    assert len(case.connections[0].sightings) == 2
    assert len(case.sessions) == 1


def test_a_tls_hello_joins_what_shows_nothing_else() -> None:
    """Direct TLS: the random of the ClientHello is the same on both sides of a translation."""
    inside = """
        0.1  10.0.0.5:40000 > 198.51.100.10:5270  syn
        0.2  back   syn-ack
        0.3  10.0.0.5:40000 > 198.51.100.10:5270  TlsHello side=client random_digest=abcdef012345
    """
    outside = inside.replace("10.0.0.5:40000", "203.0.113.7:61000")
    case = scene.case(scene.tap("inside", inside), scene.tap("outside", outside), local=["cupdomain.com"])

    assert len(case.connections) == 1


def test_a_syn_is_followed_through_a_known_translation() -> None:
    """What was learnt from one conversation joins the SYN that nobody answered; one to elsewhere stays apart."""
    tried = """
        20.0  10.0.0.5:40009 > 198.51.100.11:5269  syn
        21.0  same  syn again
    """
    elsewhere = tried.replace("10.0.0.5", "10.0.0.99").replace(".11:", ".12:")
    outside = (INSIDE + tried).replace("10.0.0.5:", "203.0.113.7:") + elsewhere.replace("10.0.0.99", "203.0.113.99")
    case = scene.case(
        scene.tap("inside", INSIDE + tried),
        scene.tap("outside", outside),
        local=["cupdomain.com"],
    )

    assert seen(case)[1:] == [
        "inside 10.0.0.5:40009 > 198.51.100.11:5269, outside 203.0.113.7:40009 > 198.51.100.11:5269",
        "outside 203.0.113.99:40009 > 198.51.100.12:5269",
    ]


def test_two_hosts_with_one_port_at_one_moment_are_told_apart_by_their_streams() -> None:
    """Two nodes use the same port by chance; what they say differs."""
    other = INSIDE.replace("10.0.0.5", "10.0.0.6").replace("gmail-1", "gmail-2")
    case = scene.case(scene.tap("one", INSIDE), scene.tap("two", other), local=["cupdomain.com"])

    assert len(case.connections) == 2


def test_a_syn_of_another_moment_is_another_syn() -> None:
    """The same ends a minute apart: the first was lost before the firewall, the second was not tried inside."""
    outside = INSIDE + "80.0  10.0.0.5:40009 > 198.51.100.11:5269  syn\n"
    inside = INSIDE + "20.0  10.0.0.5:40008 > 198.51.100.11:5269  syn\n"
    case = scene.case(scene.tap("inside", inside), scene.tap("outside", outside), local=["cupdomain.com"])

    assert [len(c.sightings) for c in case.connections] == [2, 1, 1]


def test_the_same_ends_a_day_later_are_another_conversation() -> None:
    """Ephemeral ports recur."""
    told = "0.1  10.0.0.5:40000 > 198.51.100.10:5269  syn\n"
    later = "86400.1  10.0.0.5:40000 > 198.51.100.10:5269  syn\n"
    case = scene.case(scene.tap("a", told), scene.tap("b", later), local=["cupdomain.com"])

    assert len(case.connections) == 2


def test_captures_that_share_nothing_have_no_common_clock() -> None:
    """No proof, no offset: it is unknown, not zero."""
    other = INSIDE.replace("10.0.0.5", "192.0.2.9").replace("198.51.100.10", "192.0.2.10").replace("gmail-1", "x-77777")
    case = scene.case(scene.tap("a", INSIDE), scene.tap("b", other), local=["cupdomain.com"])

    assert {c.residual_ns for c in case.coverage.values()} == {None}


def test_in_mid_stream_the_headers_give_the_time() -> None:
    """Neither place saw the SYN-ACK: the headers each way tell that the clocks are 40 s apart."""
    headers = "\n".join(INSIDE.splitlines()[3:]) + "\n"
    headers = headers.replace("back ", "198.51.100.10:5269 > 10.0.0.5:40000 ")
    later = headers.replace("0.21", "40.21").replace("0.30", "40.30")
    case = scene.case(scene.tap("a", headers), scene.tap("b", later), local=["cupdomain.com"])

    assert clocks(case) == {"a": 0, "b": 40_000}
