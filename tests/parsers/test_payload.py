"""One direction of a conversation: XMPP, then perhaps TLS, or either from the first byte, or neither."""

from __future__ import annotations

import ssl
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.wire.payload import Payload
from tests.packets import header

OPEN = header("cupdomain.com", "gmail.com").partition(b"?>")[2]
STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
CIPHERTEXT = b"\x17\x03\x03\x00\x05hello"
PRESENCE = b"<presence from='a@cupdomain.com' to='b@gmail.com'/>"


def hello(sni: str = "gmail.com") -> bytes:
    """A ClientHello that a real client sends."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["xmpp-server"])
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=sni)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


HELLO = hello()


def said(payload: Payload, *parts: bytes) -> list[tuple[int, str]]:
    """What a decoder sees of these bytes: where, and which event."""
    return [(seen.at, seen.kind.__name__) for part in parts for seen in payload.feed(part)]


def test_a_stream_turns_into_tls() -> None:
    """STARTTLS in the clear, then records; each is told where it begins."""
    at = len(OPEN) + len(STARTTLS)

    assert said(Payload(), OPEN, STARTTLS, HELLO, CIPHERTEXT) == [
        (0, "StreamHeader"),
        (len(OPEN), "StartTls"),
        (at, "TlsHello"),
        (at + len(HELLO), "TlsData"),
    ]


def test_stanzas_without_a_header() -> None:
    """XEP-0361: the first word is a stanza, and it is no other protocol; an element of another name is."""
    assert said(Payload(), PRESENCE, PRESENCE) == [(0, "Stanza")]
    assert said(Payload(), b"<db:result from='a.example' to='b.example'>k</db:result>") == [(0, "Dialback")]
    assert said(Payload(), b"<html><body/></html>") == [(0, "NotXmpp")]


@given(st.lists(st.integers(min_value=1, max_value=80), max_size=40))
def test_the_same_is_told_however_the_bytes_are_cut(lengths: Iterable[int]) -> None:
    """A hello that comes with the last word in the clear, or byte by byte."""
    whole = OPEN + STARTTLS + HELLO + CIPHERTEXT
    parts, start = [], 0
    for length in lengths:
        parts.append(whole[start : start + length])
        start += length
    parts.append(whole[start:])

    assert said(Payload(), *parts) == said(Payload(), whole)


def test_direct_tls_from_the_first_byte() -> None:
    """XEP-0368: no stream before the records; the hello says whom it wants, and that it means servers."""
    payload = Payload()
    (seen,) = payload.feed(HELLO)

    assert (seen.at, seen.fields["sni"], seen.fields["alpn"]) == (0, "gmail.com", ("xmpp-server",))
    assert payload.idle


def test_a_single_byte_of_a_record_waits_for_the_next() -> None:
    """0x16 alone may be anything; with 0x03 it is a handshake."""
    payload = Payload()

    assert payload.feed(b"") == payload.feed(b"\x16") == []
    assert payload.unread == [("a direction ends before it can be told what it carries", 1)]
    assert [seen.at for seen in payload.feed(HELLO[1:])] == [0]
    assert payload.unread == []


def test_ciphertext_in_mid_stream_is_known_by_its_records() -> None:
    """A capture that begins after the handshake; at the beginning of a conversation the same bytes are no TLS."""
    assert said(Payload(midstream=True, at=1000), CIPHERTEXT) == [(1000, "TlsData")]
    assert said(Payload(), CIPHERTEXT) == [(0, "NotXmpp")]


def test_a_stream_in_mid_stream_is_searched_for_its_next_element() -> None:
    """Half a stanza, then a whole one."""
    payload = Payload(midstream=True, at=77)

    assert said(payload, b"to='b@gmail.com'/>" + PRESENCE) == [(95, "Stanza")]
    assert payload.stanzas == 1


def test_an_opening_in_mid_stream_is_an_opening() -> None:
    """The capture missed the SYN and nothing else."""
    assert said(Payload(midstream=True), b"  " + OPEN) == [(2, "StreamHeader")]


def test_a_gap_before_anything_was_told() -> None:
    """The byte that waited belongs to what is missing; reading goes on in mid stream behind both."""
    payload = Payload()
    payload.feed(b"\x16")
    payload.gap(99)

    assert said(payload, b"</body></message>" + PRESENCE) == [(117, "Stanza")]


def test_a_gap_in_a_stream_costs_one_element() -> None:
    """What follows the element with the hole is read."""
    payload = Payload()

    assert said(payload, OPEN + b"<message from='a@cupdomain.com' to='b@gmail.com'><bo") == [(0, "StreamHeader")]
    payload.gap(10)
    assert [kind for _, kind in said(payload, b"y></message>" + PRESENCE)] == ["Stanza"]


def test_a_gap_under_tls_costs_one_record() -> None:
    """The hole ends where the record does: the next one is read."""
    payload = Payload(midstream=True)
    alert = b"\x15\x03\x03\x00\x1a" + bytes(26)

    assert said(payload, b"\x17\x03\x03\x00\x64" + bytes(60)) == [(0, "TlsData")]
    payload.gap(40)
    assert said(payload, alert) == [(105, "TlsAlert")]


def test_a_certificate_that_was_asked_for_and_is_not_there() -> None:
    """TLS 1.2: the server requests one, the client answers with an empty list."""

    def record(message: bytes) -> bytes:
        return b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message

    request = b"\x0d\x00\x00\x08\x01\x01\x00\x02\x04\x01\x00\x00"
    words = [
        seen.fields for payload in (record(request), record(b"\x0b\0\0\3\0\0\0")) for seen in Payload().feed(payload)
    ]

    assert words == [{"word": "requested"}, {"word": "absent"}]


def test_what_follows_starttls_and_is_no_tls_is_told_once() -> None:
    """The server said `proceed`, and another program answered."""
    payload = Payload()
    at = len(OPEN) + len(STARTTLS)

    assert said(payload, OPEN, STARTTLS, b"HTTP/1.1 400 Bad Request\r\n", b"more") == [
        (0, "StreamHeader"),
        (len(OPEN), "StartTls"),
        (at, "NotXmpp"),
    ]
    (what, lost) = payload.unread[0]
    assert what.startswith("TLS records could not be followed") and lost > 0


def test_a_hole_that_swallowed_starttls() -> None:
    """The words are missing, the records are not; what could not be read between them is counted."""
    payload = Payload()
    said(payload, OPEN)
    payload.gap(len(STARTTLS))

    assert said(payload, b"' no element begins here ", HELLO)[-1][1] == "TlsHello"
    assert payload.unread == [("part of a stream was torn by what is missing in it", 25)]


def test_a_handshake_message_of_no_known_type_is_passed_over() -> None:
    """One record that says nothing, and the next one that does."""
    odd = b"\x16\x03\x03\x00\x04\xfe\x00\x00\x00"

    assert said(Payload(), odd, HELLO) == [(len(odd), "TlsHello")]


def test_stanzas_before_tls_are_counted() -> None:
    """A server that speaks before it secures: they count for the whole direction."""
    payload = Payload()
    said(payload, OPEN, PRESENCE, PRESENCE, STARTTLS, HELLO)

    assert payload.stanzas == 2


def test_bytes_that_cannot_be_read_as_xml_are_counted() -> None:
    """What follows a broken element, up to the end."""
    payload = Payload()

    assert said(payload, OPEN, b"<presence></message>" + PRESENCE)[-1][1] == "BadXml"
    assert [what for what, lost in payload.unread if lost > 0] == ["part of a stream is no XML that can be read"]
    payload.close()


def test_a_compressed_stream_is_said_to_be_one() -> None:
    """XEP-0138: nothing after the word is read, and how much that is."""
    payload = Payload()
    said(
        payload,
        OPEN,
        b"<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>",
        b"x\x9c" * 9,
    )

    assert payload.unread == [("part of a stream is compressed (XEP-0138)", 18)]
    assert payload.idle


def test_closing_before_anything_came() -> None:
    """A conversation that carried nothing."""
    payload = Payload()
    payload.close()

    assert (payload.stanzas, payload.idle, payload.unread) == (0, False, [])


def test_nothing_is_let_go_before_anything_came() -> None:
    """Nor is anything held."""
    payload = Payload()
    assert payload.held_len == payload.let_go() == 0
