"""A DNS message with the place of its packet."""

from __future__ import annotations

from parsers.capture.conversation import File
from parsers.capture.dns_events import dns_event
from parsers.events import DnsAnswer, DnsQuery, Flow
from parsers.source import Reading
from parsers.wire import dns
from tests.parsers.packets import question

NAME = "_xmpp-server._tcp.gmail.com"
FLOW = Flow(src_ip="10.0.0.5", src_port=40000, dst_ip="10.0.0.53", dst_port=53, proto="udp")
PLACE = (7, 3, File("cups.pcap", Reading()))


def test_a_question_and_its_answer() -> None:
    """Each is of its own frame, and the answer holds what it says of the name."""
    asked = dns_event(dns.message(question(NAME)), PLACE, FLOW)
    denied = dns.message(question(NAME))._replace(response=True, rcode=3)
    answered = dns_event(denied, (9, 4, PLACE[2]), FLOW.reverse)

    assert isinstance(asked, DnsQuery) and isinstance(answered, DnsAnswer)
    assert (asked.name, asked.rrtype, asked.at_ns, asked.where.source, asked.where.frame) == (
        NAME,
        "SRV",
        7,
        "cups.pcap",
        3,
    )
    assert (answered.rcode, answered.txid, answered.where.frame, answered.flow) == (3, asked.txid, 4, FLOW.reverse)
