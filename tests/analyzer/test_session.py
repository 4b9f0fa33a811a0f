"""What a session tells of itself: outcome, stages that could be seen, errors, and what hides the rest."""

from __future__ import annotations

import pytest

from analyzer.session import Session
from analyzer.stage import Stage
from tests import scene
from tests.analyzer.test_connection import AUTHED, HEADERS, OPEN, TLS

LOOKUP = """
    0.00  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
    0.01  back   answer SRV _xmpp-server._tcp.gmail.com {answer}
"""
FOUND = LOOKUP.format(answer="= 5 0 5269 x.example + x.example 198.51.100.10")
HIDDEN = TLS + "0.7 back TlsHello side=server\n0.8 same TlsData\n"


def session(*told: str) -> Session:
    """The one session of a scene."""
    (found,) = scene.case(scene.tap("cups", "\n".join(told)), local=["cupdomain.com"]).sessions
    return found


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (FOUND, "unknown"),
        (LOOKUP.format(answer="NXDOMAIN"), "failed"),
        (FOUND + "0.1 10.0.0.5:40000 > 198.51.100.10:5269 syn", "failed"),
        (FOUND + OPEN.replace(" 0.", " 1.") + "1.5 10.0.0.5:40000 > 198.51.100.10:5269 StreamHeader", "failed"),
        (HEADERS, "unfinished"),
        (HEADERS + "0.4 same StreamError condition=host-unknown", "failed"),
        (AUTHED, "established"),
        (HIDDEN, "unknown"),
        (HIDDEN + "0.9 same rst", "unknown"),
    ],
)
def test_what_came_of_the_attempt(told: str, outcome: str) -> None:
    """In the words of the report contract; what TLS hides stays unknown."""
    assert session(told).outcome == outcome


@pytest.mark.parametrize(
    ("why", "reached"),
    [
        ("Connection failed: connection refused", Stage.CONNECT),
        ("DNS lookup failed: non-existing domain", Stage.DNS),
    ],
)
def test_a_try_that_a_log_tells_came_as_far_as_its_failure(why: str, reached: Stage) -> None:
    """Who was refused had found whom to ask."""
    line = (
        "2013-09-06 09:14:03.604 [info] <0.480.0>@ejabberd_s2s_out:process_closed:153 "
        f"Failed to establish outbound s2s connection cupdomain.com -> gmail.com: {why}; bouncing for 8 seconds\n"
    )
    (found,) = scene.case(scene.log("cups.log", "ejabberd", line), local=["cupdomain.com"]).sessions

    assert found.outcome == "failed"
    assert found.reached is reached


def test_the_stages_that_could_be_seen() -> None:
    """DNS with a lookup, authentication only in the clear."""
    assert session(FOUND).visible == {Stage.DNS}
    assert Stage.AUTH in session(AUTHED).visible
    assert Stage.AUTH not in session(HIDDEN).visible


def test_what_hides_the_rest() -> None:
    """The source and the frame after which a capture is blind."""
    assert session(HIDDEN).veil == "cups is ciphertext after frame 13"
    assert session(AUTHED).veil is None


def test_the_first_error_with_a_condition() -> None:
    """Of the stream, with the connection that carried it; and of a stanza."""
    found = session(
        AUTHED,
        "0.6 same Stanza name=message type=error condition=item-not-found from=gmail.com to=cupdomain.com",
        "0.7 same StreamError condition=system-shutdown",
    )
    told = found.error("host-unknown", "system-shutdown")

    assert told is not None and told[1].condition == "system-shutdown"
    assert told[0] is found.stream
    assert found.error("host-unknown") is None
    stanza = found.stanza_error("item-not-found")
    assert stanza is not None and stanza.from_domain == "gmail.com"


def test_a_connection_is_survived_when_a_later_one_got_through() -> None:
    """A first attempt that failed under TLS is made good by the next."""
    again = "\n".join(line.replace("    0.", "    1.").replace("40000", "40001") for line in HIDDEN.splitlines())
    again = again.replace("0.7 back", "1.7 back").replace("0.8 same", "1.8 same")
    first = "0.00 10.0.0.5:40000 > 198.51.100.10:5269 syn\n"
    found = session(FOUND, first, again)

    assert found.survived(found.connections[0])
    assert not session(FOUND, first).survived(session(FOUND, first).connections[0])
    assert session(AUTHED).survived(session(AUTHED).connections[0])


def test_the_alert_that_ended_a_handshake() -> None:
    """With its connection, if it is one of those asked for."""
    found = session(TLS, "0.7 back TlsAlert description=unknown_ca")
    told = found.alert("unknown_ca")

    assert told is not None and told[1].description == "unknown_ca"
    assert found.alert("bad_certificate") is None


def test_surprises_and_history() -> None:
    """What the protocol does not have, and the letters of its connections."""
    found = session(HEADERS, "0.4 same Sasl word=success")

    assert [s.signal for s in found.surprises] == ["success<"]
    assert found.history == "ShOoa"
