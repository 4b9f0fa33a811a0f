"""What to type at an ASA: with the addresses of the incident, and the list that its own log named."""

from __future__ import annotations

from analyzer.asa import let_in, let_out
from tests import scene

OUT = """
    0.00  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
    0.02  back   answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.l.google.com + x.l.google.com 198.51.100.10
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
"""


def test_a_way_out_names_our_server_and_any_peer() -> None:
    """Without a log, the list is a placeholder and the interface the customary one."""
    view = scene.case(scene.tap("cups.pcap", OUT), local=["cupdomain.com"])

    assert let_out(view.connections[0]).splitlines()[-2:] == [
        "access-list INSIDE-LIST extended permit tcp host 10.0.0.5 any eq 5269",
        "packet-tracer input inside tcp 10.0.0.5 40000 198.51.100.10 5269",
    ]


def test_a_way_in_permits_the_real_address_and_tries_the_public_one() -> None:
    """As an ASA wants it from 8.3 on; list and interface are those of the line that refused."""
    inside = scene.tap("inside.pcap", OUT + "    0.11  back  syn-ack\n")
    outside = scene.tap(
        "outside.pcap",
        """
        0.10  203.0.113.5:40000 > 198.51.100.10:5269  syn
        0.11  back  syn-ack
        5.00  198.51.100.10:50000 > 203.0.113.5:5269  syn
        """,
    )
    log = scene.log(
        "asa.log",
        "asa",
        "Sep 06 2013 09:14:05: %ASA-4-106023: Deny tcp src dmz:198.51.100.10/50000 dst inside:203.0.113.5/5269 "
        'by access-group "OUT_IN" [0x0, 0x0]\n',
    )
    view = scene.case(inside, outside, log, local=["cupdomain.com"])
    refused = next(c for c in view.connections if c.client[0] == "198.51.100.10")

    assert let_in(refused, view).splitlines()[-2:] == [
        "access-list OUT_IN extended permit tcp any host 10.0.0.5 eq 5269",
        "packet-tracer input dmz tcp 198.51.100.10 50000 203.0.113.5 5269",
    ]
