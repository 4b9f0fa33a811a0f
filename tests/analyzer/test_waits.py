"""Where the thirty seconds went."""

from __future__ import annotations

from analyzer.waits import Waits, waits
from tests import scene

MS = 10**6


def waited(text: str) -> Waits:
    """The waits of the first attempt of a scene, seen from cupdomain.com."""
    return waits(scene.case(scene.tap("cups.pcap", text), local=["cupdomain.com"]).sessions[0])


def test_a_refused_connection_waited_for_dns_and_for_the_reset() -> None:
    """Nothing else was seen, so nothing else waited."""
    found = waited("""
        0.00  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
        0.02  back   answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.l.google.com + x.l.google.com 198.51.100.10
        0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
        0.20  back   rst
    """)

    assert found == Waits(dns_ns=20 * MS, connect_ns=100 * MS, tls_ns=None, auth_ns=None, callback_ns=None)


def test_syns_that_nobody_answers_waited_as_long_as_they_were_repeated() -> None:
    """Seven seconds of it."""
    found = waited("""
        0.00  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
        0.02  back   answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.l.google.com + x.l.google.com 198.51.100.10
        0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
        1.10  same   syn again
        3.10  same   syn again
        7.10  same   syn again
    """)

    assert found.connect_ns == 7000 * MS


def test_a_key_waited_for_its_callback() -> None:
    """The callback asked DNS, opened a stream and verified: the key's answer came after it."""
    found = waited("""
        0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
        0.11  back   syn-ack
        0.13  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
        0.14  back   StreamHeader from=gmail.com to=cupdomain.com id=s1
        0.16  10.0.0.5:40000 > 198.51.100.10:5269  Dialback word=result from=cupdomain.com to=gmail.com key=k1
        0.20  198.51.100.10:50000 > 10.0.0.5:5269  syn
        0.21  back   syn-ack
        0.22  198.51.100.10:50000 > 10.0.0.5:5269  StreamHeader from=gmail.com to=cupdomain.com
        0.23  back   StreamHeader from=cupdomain.com to=gmail.com id=c1
        0.25  198.51.100.10:50000 > 10.0.0.5:5269  Dialback word=verify from=gmail.com to=cupdomain.com id=s1 key=k1
        4.26  back   Dialback word=verify verdict=valid from=cupdomain.com to=gmail.com id=s1
        4.30  198.51.100.10:5269 > 10.0.0.5:40000  Dialback word=result verdict=valid from=gmail.com to=cupdomain.com
    """)

    assert found.connect_ns == 10 * MS
    assert found.auth_ns == 4140 * MS
    assert found.callback_ns == 4060 * MS


def test_questions_that_are_open_at_once_wait_together() -> None:
    """A and AAAA are asked in one breath; one asked later, while nothing else waits, counts by itself."""
    found = waited("""
        0.00  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
        0.02  back   answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.l.google.com
        0.03  10.0.0.5:4001 > 10.0.0.53:53   query A x.l.google.com
        0.03  10.0.0.5:4002 > 10.0.0.53:53   query AAAA x.l.google.com
        0.04  10.0.0.53:53 > 10.0.0.5:4001   answer A x.l.google.com = 198.51.100.10
        0.06  10.0.0.53:53 > 10.0.0.5:4002   answer AAAA x.l.google.com empty
        0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
        0.20  back   rst
    """)

    assert found.dns_ns == 50 * MS
