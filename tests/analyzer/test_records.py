"""What rows are made of: certificates, once for each domain that showed them."""

from __future__ import annotations

from analyzer.report.records import certificates
from analyzer.report.tables import TABLES
from tests import scene
from tests.analyzer.reports import analysed

SECOND = 10**9


def talk(at: int, port: int, dates: str) -> str:
    """A connection of cupdomain.com to gmail.com that shows a certificate with these dates."""
    return f"""
    {at}.00  10.0.0.5:{port} > 198.51.100.10:5269  syn
    {at}.02  back   syn-ack
    {at}.03  back   StreamHeader from=cupdomain.com to=gmail.com
    {at}.04  back   StreamHeader from=gmail.com to=cupdomain.com id=s{port}
    {at}.05  back   TlsHello side=client
    {at}.06  back   TlsHello side=server
    {at}.07  same   TlsCertificate names=gmail.com subject=CN=gmail.com {dates}
    """


def test_a_certificate_shown_twice_is_one_row_with_the_first_and_the_last_time() -> None:
    """The attempt is the last that saw it: that is where to look whether it is still in use."""
    dates = "not_before_ns=2013-01-01 not_after_ns=2013-10-01"
    told = analysed(scene.tap("cups.pcap", talk(1, 40000, dates) + talk(60, 40001, dates)), local=("cupdomain.com",))
    rows = certificates(told)

    assert [(r.domain, r.certificate.subject) for r in rows] == [("gmail.com", "CN=gmail.com")]
    assert rows[0].last_ns - rows[0].certificate.at_ns == 59 * SECOND
    assert rows[0].session == told.view.sessions[-1].id
    assert rows[0].not_before_ns is not None and rows[0].not_after_ns is not None


def test_dates_that_are_not_told_are_none() -> None:
    """No certificate began in 1970, and none ends with the integers."""
    dates = "not_before_ns=0 not_after_ns=9223372036854775807"
    told = analysed(scene.tap("cups.pcap", talk(1, 40000, dates)), local=("cupdomain.com",))
    table = TABLES["certificates"]
    row = {c.name: c.of(table.records(told)[0]) for c in table.columns}

    assert (row["not_before"], row["not_after"]) == (None, None)
    assert (row["certificate"], row["domain"], row["names"], row["position"]) == (0, "gmail.com", "gmail.com", 0)
