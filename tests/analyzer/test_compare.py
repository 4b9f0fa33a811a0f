"""Two attempts held beside each other: where they part, and what is no parting."""

from __future__ import annotations

import pytest

from analyzer.compare import STEPS_MAX, Comparison, compare
from parsers.errors import FedtraceError
from tests import scene

LOOKUP = """
0.00  10.0.0.5:4000 > 10.0.0.53:53         query SRV _xmpp-server._tcp.gmail.com
0.01  back                                 answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.gmail.com
0.02  10.0.0.5:4001 > 10.0.0.53:53         query A x.gmail.com
0.03  back                                 answer A x.gmail.com = 198.51.100.10
"""
OPENED = """
0.05  10.0.0.5:40000 > 198.51.100.10:5269  syn
0.06  back                                 syn-ack
0.07  back                                 StreamHeader from=cupdomain.com to=gmail.com
0.09  back                                 StreamHeader from=gmail.com to=cupdomain.com id=abc
0.10  same                                 StreamFeatures
"""
KEY = """
0.11  10.0.0.5:40000 > 198.51.100.10:5269  Dialback from=cupdomain.com to=gmail.com key=secret
0.20  back                                 Dialback verdict=valid from=gmail.com to=cupdomain.com
"""


def held(good: str, bad: str, later: int = 600) -> Comparison:
    """The first attempt of one scene beside the first of another, ten minutes later from another port."""
    moved = "\n".join(_later(line, later) for line in bad.splitlines() if line.strip())
    view = scene.case(scene.tap("cups.pcap", good + moved), local=("cupdomain.com",))
    sessions = [s for s in view.sessions if s.initiator == "cupdomain.com"]
    (first, *_, last) = sessions
    return compare(first, last)


def _later(line: str, seconds: int) -> str:
    at, _, rest = line.strip().partition(" ")
    whole, _, part = at.partition(".")
    return f"{int(whole) + seconds}.{part} {rest.replace(':40000', ':41000').replace(':400', ':410')}"


def parting(told: Comparison) -> tuple[str, str] | None:
    """Who has the step at which they part, and its signal."""
    if told.parting is None:
        return None
    row = told.rows[told.parting]
    return ("good" if row.good else "bad", row.word.signal)


def differences(told: Comparison) -> list[tuple[str, str, str, str]]:
    """The step's signal, what about it, and both values."""
    return [(d.word.signal, d.what, d.good, d.bad) for d in told.differences]


def test_two_that_do_the_same_do_not_part() -> None:
    """Other ports, another time: nothing differs."""
    told = held(LOOKUP + OPENED + KEY, LOOKUP + OPENED + KEY)

    assert told.parting is None
    assert told.differences == () and told.waits == ()
    assert all(row.good and row.bad for row in told.rows)
    assert told.rows[0].good and told.rows[0].good.after_ns == 0


def test_a_syn_that_is_not_answered() -> None:
    """The good one's SYN-ACK is the first that is lacking; how often the other tried is told."""
    syns = """
    0.05  10.0.0.5:40000 > 198.51.100.10:5269  syn
    1.05  same                                 syn again
    3.05  same                                 syn again
    """
    told = held(LOOKUP + OPENED + KEY, LOOKUP + syns)

    assert parting(told) == ("good", "syn-ack<")
    assert differences(told) == [("syn>", "times", "1", "3")]


def test_what_only_a_cache_explains_is_no_parting() -> None:
    """The good one knew the address; the other asked, in vain for AAAA as well, and was refused."""
    asked = """
    0.02  10.0.0.5:4002 > 10.0.0.53:53         query AAAA x.gmail.com
    0.03  back                                 answer AAAA x.gmail.com empty
    """
    refused = """
    0.05  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.06  back                                 rst
    """
    told = held(OPENED + KEY, LOOKUP + asked + refused)

    assert parting(told) == ("good", "syn-ack<")
    assert ("query>", "asked", "no", "yes") in differences(told)


def test_a_lookup_that_is_answered_otherwise() -> None:
    """Both asked: then the answer is where they part."""
    none = """
    0.00  10.0.0.5:4000 > 10.0.0.53:53         query SRV _xmpp-server._tcp.gmail.com
    0.01  back                                 answer SRV _xmpp-server._tcp.gmail.com NXDOMAIN
    """
    told = held(LOOKUP + OPENED + KEY, none)

    assert parting(told) == ("good", "ok<")
    assert any(row.word.signal == "nxdomain<" and row.good is None for row in told.rows)


def test_what_differed_before_they_parted() -> None:
    """Records, addresses, the version, features; afterwards nothing is compared."""
    other = (
        LOOKUP.replace("198.51.100.10", "198.51.100.99")
        + """
    0.05  10.0.0.5:40000 > 198.51.100.99:5269  syn
    0.06  back                                 syn-ack
    0.07  back                                 StreamHeader from=cupdomain.com to=gmail.com
    2.09  back                                 StreamHeader from=gmail.com to=cupdomain.com id=abc version=-
    2.10  same                                 StreamFeatures starttls=required sasl=EXTERNAL
    2.11  same                                 StreamError condition=policy-violation
    """
    )
    told = held(LOOKUP + OPENED + KEY, other)

    assert parting(told) == ("good", "result>")
    assert differences(told) == [
        ("ok<", "answer", "198.51.100.10", "198.51.100.99"),
        ("syn>", "to", "198.51.100.10:5269", "198.51.100.99:5269"),
        ("header<", "version", "1.0", "before 1.0"),
        ("features<", "STARTTLS", "absent", "required"),
        ("features<", "SASL", "none", "EXTERNAL"),
    ]
    (wait,) = told.waits
    assert (wait.word.signal, wait.good_ns, wait.bad_ns) == ("header<", 20_000_000, 2_020_000_000)


def test_other_domains_in_the_same_role_do_not_differ() -> None:
    """gmail.com in the one, example.net in the other: what is asked for and answered is each time the receiver."""
    told = held(LOOKUP + OPENED + KEY, (LOOKUP + OPENED + KEY).replace("gmail.com", "example.net"))

    assert told.parting is None
    assert told.differences == ()


def test_a_callback_that_does_not_come() -> None:
    """The receiver's own connection is a lane of its own."""
    back = """
    0.12  198.51.100.10:50000 > 10.0.0.5:5269  syn
    0.13  back                                 syn-ack
    0.14  back                                 StreamHeader from=gmail.com to=cupdomain.com
    0.15  back                                 StreamHeader from=cupdomain.com to=gmail.com id=def
    0.16  back                                 Dialback word=verify from=gmail.com to=cupdomain.com id=abc key=secret
    0.17  back                                 Dialback word=verify verdict=valid from=cupdomain.com to=gmail.com id=abc
    """
    failed = KEY.replace("verdict=valid", "verdict=error condition=remote-connection-failed")
    told = held(LOOKUP + OPENED + back + KEY, LOOKUP + OPENED + failed)

    assert told.parting is not None
    assert told.rows[told.parting].word[:3] == ("callback", "flow", "syn>")


def test_packets_are_not_compared_with_a_log() -> None:
    """One sentence: what a log leaves out is no step that was not taken."""
    log = "Sep 06 09:34:00 s2sout1 debug Beginning new connection attempt to gmail.com ([198.51.100.10]:5269)\n"
    log += "Sep 06 09:34:00 s2sout1 info Outgoing s2s connection cupdomain.com->gmail.com complete\n"
    view = scene.case(scene.tap("cups.pcap", LOOKUP + OPENED + KEY), scene.log("prosody.log", "prosody", log))
    first, second = view.sessions

    with pytest.raises(FedtraceError, match=f"of {second.id} only logs tell, and of the other packets"):
        compare(first, second)
    assert compare(second, second).parting is None


def test_a_session_without_end_is_compared_at_its_beginning() -> None:
    """Thousands of steps would take minutes."""
    more = "".join(
        f"0.2{n:04d}  10.0.0.5:{n + 1} > 10.0.0.53:53  query {'A' if n % 2 else 'AAAA'} x.gmail.com\n"
        for n in range(2_000)
    )
    told = held(LOOKUP + more + OPENED + KEY, LOOKUP + OPENED + KEY)

    assert len(told.rows) <= 2 * STEPS_MAX
