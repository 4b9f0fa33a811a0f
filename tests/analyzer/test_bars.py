"""Bars: spans of time on a line, and what a certificate's dates mean at the moment it was shown."""

from __future__ import annotations

import pytest

from analyzer.report.bars import LENGTH, SEEN_MIN, Axis, axis, certificates, covered
from tests import scene
from tests.analyzer.reports import analysed

SECOND = 10**9


def test_a_bar_keeps_to_its_line_and_is_always_seen() -> None:
    """Also what lasted a moment, at the very end, and what lies outside."""
    line = Axis(0, 100 * SECOND)

    assert line.bar(25 * SECOND, 75 * SECOND) == (250, 500)
    assert line.bar(100 * SECOND, 100 * SECOND) == (LENGTH - SEEN_MIN, SEEN_MIN)
    assert line.bar(-SECOND, 200 * SECOND) == (0, LENGTH)
    assert Axis(5, 5).bar(5, 5) == (0, SEEN_MIN)


def test_the_line_holds_all_that_tells_a_time() -> None:
    """From the first instant of any input to the last; without any there is no line."""
    one = scene.tap("a.pcap", "covers 0.00 50.00\n1.00 10.0.0.5:40000 > 198.51.100.10:5269 syn")
    other = scene.tap("b.pcap", "covers 20.00 90.00\n21.00 10.0.0.6:40000 > 198.51.100.10:5269 syn")
    told = analysed(one, other)

    assert axis(covered(told.case, told.view)) == (scene.BEGIN_NS, scene.BEGIN_NS + 90 * SECOND)
    assert axis(()) is None


@pytest.mark.parametrize(
    ("dates", "state", "says"),
    [
        ("not_before_ns=2013-01-01 not_after_ns=2014-01-01", "valid", "valid when it was shown, for 116 days more"),
        ("not_before_ns=2012-01-01 not_after_ns=2013-01-01", "expired", "expired 248 days before it was shown"),
        ("not_before_ns=2013-10-01 not_after_ns=2014-01-01", "not yet valid", "valid only from 24 days after"),
        ("not_before_ns=0 not_after_ns=9223372036854775807", "not told", "its dates are not told"),
    ],
)
def test_the_dates_of_a_certificate_are_told_in_words(dates: str, state: str, says: str) -> None:
    """By the moment at which it was shown, not by today; who showed it stands beside it."""
    tap = scene.tap(
        "cups.pcap",
        f"""
        0.00  10.0.0.5:40000 > 198.51.100.10:5269  syn
        0.02  back   syn-ack
        0.03  back   StreamHeader from=cupdomain.com to=gmail.com
        0.10  same   TlsHello side=client
        0.12  back   TlsHello side=server
        0.13  same   TlsCertificate names=gmail.com {dates}
        0.14  same   TlsCertificate names=gmail.com {dates}
        """,
    )
    found = list(certificates(analysed(tap).view))

    assert [(c.state, c.domains) for c in found] == [(state, ("gmail.com",))]
    assert says in found[0].says
    assert (found[0].bar is None) == (state == "not told")
