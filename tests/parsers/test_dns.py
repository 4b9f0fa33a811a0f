"""DNS messages: the question, the records, and what hostile bytes make of them."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import dns.tsigkeyring
import dns.update
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.events import DnsRecord
from parsers.wire.dns import RECORDS_MAX, Message, TcpMessages, message

SRV = "_xmpp-server._tcp.gmail.com"


def answer(*answers: str, additional: tuple[str, ...] = (), txid: int = 0x5ECD) -> dns.message.Message:
    """A response to the SRV question with records in presentation form."""
    query = dns.message.make_query(SRV, "SRV", id=txid)
    response = dns.message.make_response(query)
    response.answer = [dns.rrset.from_text(*text.split(None, 4)) for text in answers]
    response.additional = [dns.rrset.from_text(*text.split(None, 4)) for text in additional]
    return response


def test_a_question() -> None:
    """Names are told in one spelling."""
    wire = dns.message.make_query("_XMPP-Server._tcp.Gmail.com", "SRV", id=7).to_wire()
    assert message(wire) == Message(7, False, SRV, "SRV", 0, False, False, ())


def test_a_question_that_wants_no_validation() -> None:
    """The CD bit, which `dig +cd` sets."""
    query = dns.message.make_query(SRV, "SRV", id=7)
    assert not message(query.to_wire()).checking_disabled
    query.flags |= dns.flags.CD
    assert message(query.to_wire()).checking_disabled


def test_an_answer_with_its_addresses() -> None:
    """SRV records in order, then the addresses of the additional section, and nothing else of that."""
    wire = answer(
        f"{SRV}. 900 IN SRV 5 0 5269 XMPP-server.l.google.com.",
        f"{SRV}. 300 IN SRV 20 10 5269 alt1.xmpp-server.l.google.com.",
        additional=(
            "xmpp-server.l.google.com. 60 IN A 198.51.100.10",
            "x. 60 IN TXT spam",
            "x. 60 IN AAAA 2001:db8::1",
        ),
    ).to_wire()
    read = message(wire)
    assert (read.txid, read.response, read.name, read.rrtype, read.rcode) == (0x5ECD, True, SRV, "SRV", 0)
    srv = {"name": SRV, "rrtype": "SRV", "weight": 0, "port": 5269}
    assert read.records == (
        DnsRecord(**srv | {"ttl_s": 900, "data": "xmpp-server.l.google.com", "priority": 5}),
        DnsRecord(**srv | {"ttl_s": 300, "data": "alt1.xmpp-server.l.google.com", "priority": 20, "weight": 10}),
        DnsRecord(name="xmpp-server.l.google.com", rrtype="A", ttl_s=60, data="198.51.100.10", section="additional"),
        DnsRecord(name="x", rrtype="AAAA", ttl_s=60, data="2001:db8::1", section="additional"),
    )


@pytest.mark.parametrize(
    ("record", "rrtype", "text"),
    [
        ("a. 1 IN CNAME B.Example.", "CNAME", "b.example"),
        ("a. 1 IN SRV 0 0 0 .", "SRV", "."),
        ("a. 1 IN TXT hello", "TXT", '"hello"'),
        ("a. 1 IN TYPE65280 \\# 1 00", "TYPE65280", "\\# 1 00"),
    ],
)
def test_records_of_other_kinds(record: str, rrtype: str, text: str) -> None:
    """A name, the root (no such service), text, a type without a name."""
    [read] = message(answer(record).to_wire()).records
    assert (read.rrtype, read.data) == (rrtype, text)


def test_codes_and_bits() -> None:
    """NXDOMAIN from the server that must know, and a response that wants TCP."""
    response = answer()
    response.set_rcode(dns.rcode.NXDOMAIN)
    response.flags |= dns.flags.AA | dns.flags.TC
    read = message(response.to_wire())
    assert (read.rcode, read.authoritative, read.truncated, read.records) == (3, True, True, ())


def test_a_name_with_odd_octets_is_shown_escaped() -> None:
    """A dot or a control character inside a label cannot pass for another name."""
    wire = b"\0\1\1\0\0\1\0\0\0\0\0\0" + b"\3a.b\2c\n\0" + b"\0\1\0\1"
    assert message(wire).name == "a\\.b.c\\010"


def asked(*labels: bytes) -> bytes:
    """A question about the name of these labels."""
    return b"\0\1\1\0\0\1\0\0\0\0\0\0" + b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + b"\0\1\0\1"


def test_a_name_of_the_greatest_length() -> None:
    """63 octets of a label and 255 of a name, the lengths and the end counted (RFC 1035 section 2.3.4)."""
    labels = [*3 * [63 * b"x"], 61 * b"y"]
    assert message(asked(*labels)).name == b".".join(labels).decode()


@pytest.mark.parametrize("labels", [[64 * b"x"], [*3 * [63 * b"x"], 62 * b"y"], 5 * [63 * b"x"]])
def test_a_longer_name_is_none(labels: list[bytes]) -> None:
    """Neither one label too long nor all together."""
    with pytest.raises(ValueError, match="cannot be read"):
        message(asked(*labels))


def test_the_same_message_with_another_id() -> None:
    """What is remembered is all but the id."""
    first, second = (message(answer("a. 1 IN A 192.0.2.1", txid=txid).to_wire()) for txid in (1, 2))
    assert (first.txid, second.txid) == (1, 2)
    assert first.records == second.records


def test_a_message_without_a_question() -> None:
    """Some servers answer so to what they do not understand."""
    assert message(b"\0\1\x81\4\0\0\0\0\0\0\0\0") == Message(1, True, "", "", 4, False, False, ())


def test_a_cut_message_gives_what_stands_before_the_cut() -> None:
    """The snap length took the last address; the first one is still there."""
    wire = answer("a. 1 IN A 192.0.2.1", "b. 1 IN A 192.0.2.2").to_wire()
    read = message(wire[:-3])
    assert read.name == SRV
    assert [record.data for record in read.records] == ["192.0.2.1"]


def test_a_large_message_is_read_too() -> None:
    """More records than are told, and more bytes than are remembered."""
    wire = answer(*(f"n{number}. 1 IN A 192.0.2.1" for number in range(RECORDS_MAX + 5))).to_wire()
    assert len(message(wire).records) == RECORDS_MAX


HEADER = b"\0\1\x81\x80\0\1\0\1\0\0\0\0"
QUESTION = b"\1a\0\0\1\0\1"


@pytest.mark.parametrize(
    ("wire", "word"),
    [
        (b"", "0 bytes"),
        (b"GET / HTTP", "10 bytes"),
        (HEADER + b"\xc0\x0c\0\1\0\1", "pointer"),
        (HEADER + b"\1a\xc0\x0c\0\1\0\1", "cannot be read"),
        (HEADER + QUESTION + b"\xc0\x13\0\1\0\1\0\0\0\1\0\4\1\2\3\4", "pointer"),
        (HEADER + QUESTION + b"\0\0\5\0\1\0\0\0\1\0\2\xc0\xff", "pointer"),
        (HEADER + QUESTION[:3], "cannot be read"),
        (dns.update.UpdateMessage("example", id=1).to_wire()[:-2], "cannot be read"),
    ],
)
def test_what_is_no_dns_message(wire: bytes, word: str) -> None:
    """Nothing, text, pointers in a loop in question and answer, a question that is cut: one sentence each."""
    with pytest.raises(ValueError, match=word):
        message(wire)


def test_what_cannot_be_read_is_passed_over_by_its_length() -> None:
    """An address of three octets and the authority of a zone, of which nothing is told, spoil no other record."""
    response = answer("a. 1 IN A 192.0.2.1", additional=("b. 1 IN A 192.0.2.2",))
    response.authority = [dns.rrset.from_text("c.", 1, "IN", "NS", "d.")]
    wire = response.to_wire()
    broken = wire.replace(b"\0\4\xc0\0\2\1", b"\0\3\xc0\0\2")
    assert [record.data for record in message(wire).records] == ["192.0.2.1", "192.0.2.2"]
    assert [record.data for record in message(broken).records] == ["192.0.2.2"]


def test_the_extension_of_the_response_code() -> None:
    """BADVERS is 16: the upper bits stand in the OPT record (RFC 6891 section 6.1.3)."""
    response = answer()
    response.set_rcode(dns.rcode.BADVERS)
    assert message(response.to_wire()).rcode == 16


def test_an_update_is_told_by_its_zone() -> None:
    """A condition (RFC 2136 section 2.4) is no record."""
    update = dns.update.UpdateMessage("example", id=1)
    update.absent("a")
    update.present("b", "A", "192.0.2.1")
    update.flags |= dns.flags.QR
    read = message(update.to_wire())
    assert (read.name, read.rrtype, [record.name for record in read.records]) == ("example", "SOA", ["b.example"])


def test_a_time_to_live_with_its_first_bit_set_is_none() -> None:
    """RFC 2181 section 8."""
    wire = answer("a. 2147483647 IN A 192.0.2.1").to_wire()
    assert message(wire).records[0].ttl_s == 0x7FFF_FFFF
    assert message(wire.replace(b"\x7f\xff\xff\xff", b"\x80\0\0\0")).records[0].ttl_s == 0


def test_messages_over_tcp() -> None:
    """Each stands behind its length; they come in any chunks."""
    wire = answer("a. 1 IN A 192.0.2.1").to_wire()
    framed = len(wire).to_bytes(2, "big") + wire
    stream = TcpMessages()
    read = [one for octet in framed + framed + b"\0" for one in stream.feed(bytes([octet]))]
    assert read == [wire, wire]
    assert TcpMessages().feed(framed + b"\0\0" + framed) == [wire, b"", wire]


@given(data=st.binary(max_size=120))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    """Random bytes, alone and as the body of a message, are read or refused with a sentence."""
    for wire in (data, HEADER + data, HEADER + QUESTION + data):
        try:
            read = message(wire)
        except ValueError as error:
            assert str(error)
        else:
            assert read.txid == int.from_bytes(wire[:2], "big")


def test_a_signed_message_is_read_without_its_key() -> None:
    """TSIG (RFC 8945) of a zone transfer or an update: the signature is passed over."""
    signed = answer(f"{SRV}. 900 IN SRV 5 0 5269 xmpp.example.com.")
    signed.use_tsig(dns.tsigkeyring.from_text({"key.example.": "c2VjcmV0"}))
    assert [record.data for record in message(signed.to_wire()).records] == ["xmpp.example.com"]


def test_a_message_over_tcp_that_is_let_go_costs_no_other() -> None:
    """Its length tells where the next one begins; what was there of it is counted, and what still comes."""
    messages = TcpMessages()
    assert messages.let_go() == 0
    assert messages.feed(b"\0\x02ab\2\0" + b"x" * 500) == [b"ab"]
    assert messages.held_len == 502
    assert messages.let_go() == 502 and messages.held_len == 0
    assert messages.feed(b"x" * 5) == []
    assert messages.feed(b"x" * 7 + b"\0\x02cd") == [b"cd"]
    assert messages.passed == 12
