"""What a connection came to, in the words of the report contract."""

from __future__ import annotations

import pytest

from analyzer.connection import Connection
from analyzer.hops import hops
from analyzer.stage import Stage
from parsers.events import TcpMark
from tests import scene

OPEN = """
    0.00  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.10  back  syn-ack
"""
HEADERS = (
    OPEN
    + """
    0.20  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
    0.30  back  StreamHeader from=gmail.com to=cupdomain.com id=gmail-1
"""
)
ASKED = HEADERS + "0.40  10.0.0.5:40000 > 198.51.100.10:5269  Sasl word=auth mechanism=EXTERNAL\n"
AUTHED = (
    HEADERS
    + """
    0.35  same  StreamFeatures sasl=EXTERNAL
    0.40  10.0.0.5:40000 > 198.51.100.10:5269  Sasl word=auth mechanism=EXTERNAL
    0.50  back  Sasl word=success
"""
)
TLS = (
    HEADERS
    + """
    0.35  same  StreamFeatures starttls=required
    0.40  10.0.0.5:40000 > 198.51.100.10:5269  StartTls word=starttls
    0.50  back  StartTls word=proceed
    0.60  10.0.0.5:40000 > 198.51.100.10:5269  TlsHello side=client sni=gmail.com
"""
)


def connection(*told: str) -> Connection:
    """The one connection of a scene."""
    (found,) = scene.case(scene.tap("cups", "\n".join(told)), local=["cupdomain.com"]).connections
    return found


@pytest.mark.parametrize(
    ("told", "outcome", "reached"),
    [
        ("0.0 10.0.0.5:40000 > 198.51.100.10:5269 syn\n1.0 same syn again", "no-answer", Stage.CONNECT),
        ("0.0 10.0.0.5:40000 > 198.51.100.10:5269 syn\n0.1 back rst", "refused", Stage.CONNECT),
        ("0.0 10.0.0.5:40000 > 198.51.100.10:5269 syn\n0.1 same Unreachable", "unreachable", Stage.CONNECT),
        (OPEN, "closed", Stage.CONNECT),
        (OPEN + "0.2 10.0.0.5:40000 > 198.51.100.10:5269 StreamHeader to=gmail.com", "silent", Stage.STREAM),
        (OPEN + "0.2 same NotXmpp protocol=http", "not-xmpp", Stage.STREAM),
        (HEADERS, "open", Stage.STREAM),
        (HEADERS + "0.4 same fin\n0.5 same rst", "closed", Stage.STREAM),
        (HEADERS + "0.4 same rst", "reset", Stage.STREAM),
        (HEADERS + "0.4 same StreamError condition=host-unknown", "stream-error", Stage.STREAM),
        (AUTHED, "authenticated", Stage.AUTH),
        (AUTHED + "0.6 same rst", "reset", Stage.AUTH),
        (
            AUTHED.replace("word=success", "word=failure condition=not-authorized"),
            "rejected",
            Stage.AUTH,
        ),
        (AUTHED + "0.6 10.0.0.5:40000 > 198.51.100.10:5269 Stanza", "authenticated", Stage.TRAFFIC),
        (TLS, "open", Stage.TLS),
        (TLS + "0.7 back TlsAlert description=unknown_ca", "tls-failed", Stage.TLS),
        (TLS.replace("word=proceed", "word=failure"), "tls-failed", Stage.TLS),
    ],
)
def test_what_became_of_it(told: str, outcome: str, reached: Stage) -> None:
    """Each outcome, and how far it came."""
    found = connection(told)

    assert (found.outcome, found.reached) == (outcome, reached)


def test_its_history_is_a_letter_for_each_thing_seen() -> None:
    """Upper case from the client (the idea is Zeek's)."""
    assert connection(AUTHED, "0.6 same fin").history == "ShOoeAaf"
    assert connection(TLS).history == "ShOoeTtL"


def test_who_sent_what() -> None:
    """The domain where it is known, else the address."""
    known = connection(HEADERS)
    unknown = connection("0.0 10.0.0.5:40000 > 198.51.100.10:5269 syn\n0.1 back rst")

    assert [known.sender(e) for e in known.events][-2:] == ["cupdomain.com", "gmail.com"]
    assert unknown.sender(unknown.events[1]) == "198.51.100.10"


def test_how_it_authenticated() -> None:
    """By SASL or by dialback, or not."""
    dialback = (
        HEADERS
        + """
        0.35  same  StreamFeatures
        0.40  10.0.0.5:40000 > 198.51.100.10:5269  Dialback from=cupdomain.com to=gmail.com key=k
        0.50  back  Dialback verdict=valid from=gmail.com to=cupdomain.com
    """
    )

    assert [connection(t).auth for t in (AUTHED, dialback, HEADERS)] == ["external", "dialback", None]


def test_how_far_away_a_sender_is() -> None:
    """What a packet lacks of the TTL that it set out with; unknown without one."""
    near, far, silent = connection(
        """
        0.0  10.0.0.5:40000 > 198.51.100.10:5269  syn ttl=64
        0.1  back  syn-ack ttl=116
        0.2  back  ack
        """
    ).events
    assert isinstance(near, TcpMark) and isinstance(far, TcpMark) and isinstance(silent, TcpMark)

    assert [hops(m) for m in (near, far, silent)] == [0, 12, None]


def test_a_whole_connection_lacks_nothing() -> None:
    """From its SYN on, and no byte missing: only then is what it lacks evidence."""
    assert connection(HEADERS).whole
    assert not connection(HEADERS, "0.5 same CaptureGap missing_bytes=9").whole
    assert not connection("0.5 10.0.0.5:40000 > 198.51.100.10:5269 StreamEnd").whole


def test_an_alert_that_answers_the_end_is_no_refusal() -> None:
    """The server closes, and the client's alert crosses it."""
    certificate = TLS + "0.7 back TlsHello side=server\n0.8 same TlsCertificate names=gmail.com\n"
    alert = "1.0 10.0.0.5:40000 > 198.51.100.10:5269 TlsAlert description=bad_certificate\n"
    refused, crossed = connection(certificate, alert), connection(certificate, "0.9 same fin", alert)
    refusal = refused.refusal_of_certificate("<")

    assert refused.fatal_alert is not None
    assert refusal is refused.fatal_alert
    assert crossed.fatal_alert is None
    assert connection(HEADERS).refusal_of_certificate("<") is None
    assert connection(certificate).refusal_of_certificate("<") is None
