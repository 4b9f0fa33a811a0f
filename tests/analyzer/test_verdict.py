"""From what was found about attempts to the verdict of a pair: whose last word counts, and for how long."""

from __future__ import annotations

import pytest

from analyzer.judge import judge
from analyzer.verdict import Verdict
from tests import scene

DISOWNED = "example.net:dialback\twarn\tauthoritative server for cupdomain.com denied the key"
BELIEVED = "s2sin55c0d1e2f3\tinfo\tIncoming s2s connection cupdomain.com->example.net complete"
REFUSED = """
    {0}.10  10.0.0.5:4000{0} > 198.51.100.10:5269  syn
    {0}.20  back   rst
"""
KEY = """
    {0}.10  203.0.113.5:4000{0} > 198.51.100.10:5269  syn
    {0}.11  back   syn-ack
    {0}.12  back   StreamHeader from=cupdomain.com to=example.net
    {0}.13  back   StreamHeader from=example.net to=cupdomain.com id=stream-{0}
    {0}.14  back   Dialback from=cupdomain.com to=example.net key=k{0}
    {0}.15  back   Dialback from=example.net to=cupdomain.com verdict={1}
"""


def verdict(*taps: scene.Tap, local: str = "example.net") -> Verdict:
    """What comes of cupdomain.com's attempts to reach example.net."""
    (found,) = (v for v in judge(scene.case(*taps, local=[local])).verdicts if (v.initiator, v.receiver) == PAIR)
    return found


PAIR = ("cupdomain.com", "example.net")


def partner(*lines: str) -> scene.Tap:
    """The log of example.net; each line begins with its time of day."""
    text = "".join(f"Sep  6 {line[:8]} {line[8:]}\n" for line in lines)
    return scene.log("partner.log", "prosody", text, zone="UTC", year=2013)


def test_one_server_that_is_believed_mends_nothing_for_the_other() -> None:
    """Where the log names no host, it means nothing which of the two it tells last; the sound one keeps it working."""
    for lines in ((DISOWNED, BELIEVED), (BELIEVED, DISOWNED)):
        found = verdict(partner(*(f"09:14:0{at}{line}" for at, line in enumerate(lines, start=2))))
        assert (found.state, found.cause and found.cause.rule) == ("degraded", "dialback-result-invalid")


@pytest.mark.parametrize(("later", "state"), [("09:23:00", "degraded"), ("09:25:00", "healthy")])
def test_a_server_that_is_believed_after_ten_minutes_was_mended(later: str, state: str) -> None:
    """Until then it may be another behind the same address."""
    assert verdict(partner(f"09:14:02{DISOWNED}", f"{later}{BELIEVED}")).state == state


def test_of_one_address_the_last_word_counts_where_it_is_a_refusal() -> None:
    """A key was believed and the next is not: it fails now; the other way round it may be two servers."""
    assert verdict(scene.tap("peer", KEY.format(1, "valid") + KEY.format(3, "invalid"))).state == "failing"
    assert verdict(scene.tap("peer", KEY.format(1, "invalid") + KEY.format(3, "valid"))).state == "degraded"


def test_a_question_at_the_moment_of_a_stream_may_be_its_own() -> None:
    """The log of a server tells that a stream got through and not what it had asked; the resolver's tells no stream."""
    asked = """
        covers 0 60
        0.20  203.0.113.1:4000 > 192.0.2.53:53  query SRV _xmpp-server._tcp.example.net
        0.21  back  answer SRV _xmpp-server._tcp.example.net NXDOMAIN
        0.22  203.0.113.1:4001 > 192.0.2.53:53  query A example.net
        0.23  back  answer A example.net NXDOMAIN
    """
    through = "Sep  6 09:14:{}  s2sout55c0d1e2f3\tinfo\tOutgoing s2s connection cupdomain.com->example.net complete\n"
    resolver = scene.tap("resolver", asked)
    for second, state in (("00", "healthy"), ("45", "failing")):
        log = scene.log("cups.log", "prosody", through.format(second), zone="UTC", year=2013)
        assert verdict(resolver, log, local="cupdomain.com").state == state
    assert verdict(resolver, local="cupdomain.com").state == "failing"


def test_a_pair_is_not_healthy_once_the_log_gives_stanzas_back() -> None:
    """A stream got through, and a later try came to nothing: why, this log does not say."""
    through = "s2sout55c0d1e2f3\tinfo\tOutgoing s2s connection cupdomain.com->example.net complete"
    back = (
        "s2sout55c0d1e2f4\tinfo\tSending error replies for 1 queued stanzas "
        "because of failed outgoing connection to example.net"
    )
    for lines, state in (
        ((f"09:14:02{through}", f"09:14:20{back}"), "undetermined"),
        ((f"09:14:02{back}", f"09:14:20{through}"), "healthy"),
    ):
        found = verdict(partner(*lines), local="cupdomain.com")
        assert found.state == state
        assert ("an attempt failed, and not why" in found.summary) == (state == "undetermined")


def test_what_is_still_missing_is_never_a_log_that_was_read() -> None:
    """The log says that the stream was closed, and by nobody's words why."""
    found = verdict(
        partner(
            "09:14:02s2sout8874378\tinfo\tBeginning new connection attempt to example.net ([192.0.2.77]:5269)",
            "09:14:03cupdomain.com:saslauth\tinfo\tSASL EXTERNAL with example.net failed",
            "09:14:03s2sout8874378\tinfo\tsent dialback key on outgoing s2s stream",
            "09:14:04s2sout8874378\tinfo\toutgoing s2s stream cupdomain.com->example.net closed: stream closed",
        ),
        local="cupdomain.com",
    )
    assert found.state == "undetermined"
    assert found.summary == (
        "partner.log tells of an attempt that failed, and not why: the log of example.net, or a capture of such an "
        "attempt, would decide"
    )


def test_a_healthy_verdict_of_logs_says_that_delivery_was_not_seen() -> None:
    """Behind a black hole for big packets logs look the same; a log of whoever was reached may tell of some stanzas."""
    stream = "09:14:02" + BELIEVED
    came = (
        "09:14:03s2sin55c0d1e2f3\tdebug\tRECV: <presence from='a@cupdomain.com' to='b@example.net' type='subscribe'/>"
    )
    seen = "a stream was authenticated by dialback"
    captured = scene.tap("peer", KEY.format(1, "valid"))
    assert [verdict(t).summary for t in (partner(stream), partner(stream, came), captured)] == [
        f"{seen}, as logs tell; whether stanzas are delivered was not seen: a capture would show",
        f"{seen}, as logs tell; some stanzas came, and whether all do was not seen: a capture would show",
        seen,
    ]
