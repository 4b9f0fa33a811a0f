"""DNS messages made of events: our own reader finds in them what was written."""

from __future__ import annotations

from dataclasses import replace

import dns.message
import pytest

from parsers.events import DnsAnswer, DnsQuery, DnsRecord, Where
from parsers.wire.dns import message as read
from parsers.wire.dns_writer import message

NAME = "_xmpp-server._tcp.domain-1.test"
QUERY = DnsQuery(at_ns=0, width_ns=1, where=Where(source="a"), txid=7, name=NAME, rrtype="SRV")
ANSWER = DnsAnswer(
    at_ns=0,
    width_ns=1,
    where=Where(source="a"),
    txid=7,
    name=NAME,
    rrtype="SRV",
    rcode=0,
    authoritative=True,
    truncated=False,
    answers=(
        DnsRecord(name=NAME, rrtype="CNAME", ttl_s=9, data="host-1.domain-1.test"),
        DnsRecord(
            name="host-1.domain-1.test", rrtype="SRV", ttl_s=300, data="host-2.test", priority=5, weight=0, port=5269
        ),
        DnsRecord(name="host-1.domain-1.test", rrtype="SRV", ttl_s=300, data=".", priority=6, weight=1, port=5270),
        DnsRecord(name="host-2.test", rrtype="A", ttl_s=60, data="240.0.0.1", section="additional"),
        DnsRecord(name="host-2.test", rrtype="AAAA", ttl_s=60, data="2001:db8::1", section="additional"),
    ),
)
ASKED, ANSWERED, REFUSED = b"xx\x01\x20", b"xx\x85\x80", b"xx\x81\x85"


def test_a_question_is_asked_as_it_was() -> None:
    """The id and the flags that the wire had."""
    wire = message(QUERY, ASKED)
    assert wire is not None
    assert wire[:4] == b"\0\7\1\x20"
    told = read(wire)
    assert (told.txid, told.name, told.rrtype, told.response) == (7, NAME, "SRV", False)


def test_an_answer_holds_the_records_of_the_event_in_their_order() -> None:
    """Every time the same bytes."""
    wire = message(ANSWER, ANSWERED)
    assert wire is not None
    told = read(wire)
    assert told.records == ANSWER.answers
    assert (told.authoritative, told.rcode, told.response) == (True, 0, True)
    assert wire == message(ANSWER, ANSWERED)


def test_a_refusal_is_in_the_flags() -> None:
    """An answer without records."""
    wire = message(replace(ANSWER, answers=(), rcode=5), REFUSED)
    assert wire is not None
    assert (read(wire).rcode, read(wire).records) == (5, ())


def test_what_an_event_does_not_hold_whole_is_left_out() -> None:
    """Texts; names and addresses that are none."""
    odd = (
        DnsRecord(name=NAME, rrtype="TXT", ttl_s=1, data='"…"'),
        DnsRecord(name=NAME, rrtype="TYPE65", ttl_s=1, data="\\# 1 00"),
        DnsRecord(name=NAME, rrtype="A", ttl_s=1, data="…"),
        DnsRecord(name="a..b", rrtype="A", ttl_s=1, data="240.0.0.1"),
        DnsRecord(name=NAME, rrtype="A", ttl_s=None, data="240.0.0.1"),
    )
    wire = message(replace(ANSWER, answers=odd), ANSWERED)
    assert wire is not None
    assert [(r.rrtype, r.data, r.ttl_s) for r in read(wire).records] == [("A", "240.0.0.1", 0)]


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".test", ".".join(["x" * 60] * 5)])
def test_a_name_that_no_message_can_hold_makes_none(name: str) -> None:
    """A fault of the original that its stand-in has too."""
    assert message(replace(QUERY, name=name), ASKED) is None


def test_a_message_without_question_stays_one() -> None:
    """And one about the root is about the root."""
    none, root = message(replace(QUERY, name="", rrtype=""), ASKED), message(replace(QUERY, name="."), ASKED)
    assert none is not None and root is not None
    assert read(none).name == ""
    assert dns.message.from_wire(root).question[0].name.to_text() == "."
