"""XMPP: what one side said, as events without a time. Texts are from recordings of Prosody, ejabberd and jabberd2."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers import events
from parsers.wire import xmpp
from parsers.wire.xmpp import Seen, XmppStream

PROSODY = (
    b"<?xml version='1.0'?><stream:stream xml:lang='en' xmlns:db='jabber:server:dialback' version='1.0' "
    b"xmlns='jabber:server' from='cupdomain.com' xmlns:stream='http://etherx.jabber.org/streams' id='' to='gmail.com'>"
)
EJABBERD = (
    b"<?xml version='1.0'?><stream:stream id='107894351388531206' version='1.0' xml:lang='en' "
    b"xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams' to='cupdomain.com' "
    b"from='gmail.com' xmlns='jabber:server'>"
)
KEY = b"686f8eb4027641c709a96ff84f3181a63623807282b01e43b467d4afd2b1e344"
STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
PROCEED = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
SUCCESS = b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
HELLO = b"\x16\x03\x01\x00\xfa\x01\x00\x00\xf6\x03\x03"


def said(text: bytes) -> list[tuple[str, dict[str, object]]]:
    """What is said after Prosody's header: the event's name and its fields."""
    return [(seen.kind.__name__, seen.fields) for seen in XmppStream().feed(PROSODY + text)][1:]


def kinds(seen: list[Seen]) -> list[str]:
    """The names of the events."""
    return [each.kind.__name__ for each in seen]


def test_the_header_of_the_initiating_server() -> None:
    """An empty id stays as it was sent."""
    [header] = XmppStream().feed(PROSODY)
    assert header == (
        PROSODY.index(b"<stream:stream"),
        events.StreamHeader,
        {
            "from_domain": "cupdomain.com",
            "to_domain": "gmail.com",
            "id": "",
            "version": "1.0",
            "namespace": "jabber:server",
            "dialback_declared": True,
        },
    )


def test_a_header_that_says_nothing() -> None:
    """No addresses, no version, no dialback: a server before XMPP 1.0."""
    [header] = XmppStream().feed(b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>")
    assert set(header.fields.values()) == {None, False}


def test_every_event_can_be_made_from_its_fields() -> None:
    """The fields are those of the vocabulary's classes."""
    seen = XmppStream().feed(
        EJABBERD
        + b"<stream:features/>"
        + STARTTLS.replace(b"starttls", b"failure")
        + b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>"
        + b"<db:result/><stream:error/><iq/></stream:stream>"
    )
    seen += XmppStream().feed(b"HTTP/1.1 400 Bad Request\r\n") + XmppStream().feed(b"<?xml?>")
    where = events.Where(source="a.pcap", frame=1)
    made = [each.kind(at_ns=0, width_ns=1, where=where, **each.fields) for each in seen]
    assert {type(event).__name__ for event in made} == {
        "StreamHeader",
        "StreamFeatures",
        "StartTls",
        "Sasl",
        "Dialback",
        "StreamError",
        "Stanza",
        "StreamEnd",
        "NotXmpp",
        "BadXml",
    }


def test_features_of_ejabberd() -> None:
    """No STARTTLS, dialback with errors, mechanisms in their order."""
    text = (
        b"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism>"
        b"<mechanism> PLAIN </mechanism><hostname/></mechanisms><dialback xmlns='urn:xmpp:features:dialback'><errors/>"
        b"</dialback><starttls xmlns='urn:other'/></stream:features>"
    )
    fields = {"starttls": "absent", "sasl": ("EXTERNAL", "PLAIN"), "dialback": True, "dialback_errors": True}
    assert said(text) == [("StreamFeatures", fields)]


@pytest.mark.parametrize(("inside", "starttls"), [(b"", "offered"), (b"<required/>", "required")])
def test_starttls_may_be_required(inside: bytes, starttls: str) -> None:
    """RFC 6120 section 5.3.1."""
    text = b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>%b</starttls></stream:features>"
    [(_, fields)] = said(text % inside)
    assert fields["starttls"] == starttls and not fields["dialback"]


def test_a_dialback_request_shows_its_key_as_a_digest() -> None:
    """Keys compare equal and cannot be read."""
    [(kind, fields)] = said(b"<db:result from='cupdomain.com' to='gmail.com'>" + KEY + b"</db:result>")
    assert kind == "Dialback"
    assert fields == {
        "word": "result",
        "verdict": None,
        "from_domain": "cupdomain.com",
        "to_domain": "gmail.com",
        "id": None,
        "key_digest": hashlib.sha256(KEY).hexdigest()[:12],
        "key_form": "64 hex",
        "condition": None,
    }


def test_an_answer_to_verify_may_repeat_the_key() -> None:
    """Prosody does; the verdict is the attribute's."""
    text = b"<db:verify from='cupdomain.com' type='valid' id='1078' to='gmail.com'>" + KEY + b"</db:verify>"
    [(_, fields)] = said(text)
    assert (fields["word"], fields["verdict"], fields["id"]) == ("verify", "valid", "1078")


@pytest.mark.parametrize(
    ("key", "form"), [(b"a" * 40, "40 hex"), (b"g" * 40, "other"), (b"a" * 41, "other"), (b" \n", None)]
)
def test_the_shape_of_a_key(key: bytes, form: str | None) -> None:
    """A fingerprint of the server's software; no key has no shape."""
    [(_, fields)] = said(b"<db:result>" + key + b"</db:result>")
    assert fields["key_form"] == form
    assert (fields["key_digest"] is None) == (form is None)


def test_a_dialback_error_has_a_condition() -> None:
    """XEP-0220 section 2.5; a type that it does not know is no verdict."""
    text = (
        b"<db:result type='error' from='b' to='a'><error type='cancel'><text>no</text><item-not-found "
        b"xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result><db:result type='maybe'/>"
    )
    [(_, error), (_, unknown)] = said(text)
    assert (error["verdict"], error["condition"]) == ("error", "item-not-found")
    assert (unknown["verdict"], unknown["condition"]) == (None, None)


def test_a_stream_error_and_the_end() -> None:
    """As ejabberd refuses a host."""
    text = (
        b"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
        b"<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>No such host</text></stream:error></stream:stream>"
    )
    error = ("StreamError", {"condition": "host-unknown", "text": "No such host"})
    assert said(text) == [error, ("StreamEnd", {})]


def test_an_old_stream_error_is_plain_text() -> None:
    """Before RFC 3920 there were no conditions; long text is cut."""
    [(_, fields)] = said(b"<stream:error>Invalid header " + b"x" * 5000 + b"</stream:error>")
    assert fields["condition"] == ""
    assert str(fields["text"]).startswith("Invalid header") and len(str(fields["text"])) == xmpp.TEXT_MAX


def test_sasl_words() -> None:
    """The mechanism, and why it failed; never a payload."""
    sasl = b" xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
    text = b"<auth mechanism='EXTERNAL'%b>Y3VwZG9tYWlu</auth><failure%b><not-authorized/></failure>" % (sasl, sasl)
    assert said(text) == [
        ("Sasl", {"word": "auth", "mechanism": "EXTERNAL", "condition": None}),
        ("Sasl", {"word": "failure", "mechanism": None, "condition": "not-authorized"}),
    ]


def test_what_nobody_asks_for_is_passed_over() -> None:
    """Stream management, and stanzas of a foreign namespace."""
    assert said(b"<r xmlns='urn:xmpp:sm:3'/><message xmlns='urn:x'/>") == []


def test_of_stanzas_the_first_of_each_kind_is_told_and_all_are_counted() -> None:
    """A kind is name, type, domains and condition; people and resources do not matter."""
    stream = XmppStream()
    chat = b"<message type='chat' from='%b@a.example/r' to='x@b.example'><body>hi</body></message>"
    error = (
        b"<message type='error' from='a.example' to='b.example'><error><remote-server-timeout "
        b"xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    )
    seen = stream.feed(PROSODY + chat % b"one" + chat % b"two" + b"<iq type='get'/>" + error + error)
    assert [each.fields for each in seen[1:]] == [
        {
            "name": name,
            "type": type_,
            "from_domain": sender,
            "to_domain": receiver,
            "condition": condition,
        }
        for name, type_, sender, receiver, condition in [
            ("message", "chat", "a.example", "b.example", None),
            ("iq", "get", None, None, None),
            ("message", "error", "a.example", "b.example", "remote-server-timeout"),
        ]
    ]
    assert stream.stanzas == 5


def test_kinds_and_addresses_are_bounded() -> None:
    """A stream that names thousands of domains is counted, not collected."""
    stream = XmppStream()
    count = xmpp.SPELLINGS_MAX + 10
    seen = stream.feed(PROSODY + b"".join(b"<iq from='d%d.example'/>" % number for number in range(count)))
    assert len(seen) == 1 + xmpp.KINDS_MAX
    assert stream.stanzas == count


def test_after_proceed_comes_tls() -> None:
    """The same segment may hold both; the rest begins at its own index."""
    stream = XmppStream()
    assert kinds(stream.feed(EJABBERD + PROCEED)) == ["StreamHeader", "StartTls"]
    assert stream.rest is None
    assert stream.feed(b"\r\n" + HELLO) == []
    assert stream.rest == HELLO
    assert stream.at == len(EJABBERD + PROCEED) + 2
    assert stream.done and stream.skipped == 0


def test_a_client_whose_starttls_is_refused_goes_on_in_xml() -> None:
    """The document is still the same."""
    stream = XmppStream()
    seen = stream.feed(PROSODY + STARTTLS) + stream.feed(b"</stream:stream>")
    assert kinds(seen) == ["StreamHeader", "StartTls", "StreamEnd"]
    assert stream.rest is None


def test_after_success_a_new_stream_begins() -> None:
    """Both sides: the one that says success, and the one that only hears it."""
    seen = XmppStream().feed(EJABBERD + SUCCESS + EJABBERD + b"<stream:features/>")
    assert kinds(seen) == ["StreamHeader", "Sasl", "StreamHeader", "StreamFeatures"]
    assert seen[2].at == len(EJABBERD + SUCCESS) + EJABBERD.index(b"<stream:stream")
    client = XmppStream().feed(PROSODY + PROSODY)
    assert kinds(client) == ["StreamHeader", "StreamHeader"]


def test_a_compressed_stream_is_read_no_further() -> None:
    """XEP-0138: the bytes are counted, not blamed."""
    compress = b"<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>"
    compressed = b"<compressed xmlns='http://jabber.org/protocol/compress'/>"
    for word in (compress, compressed):
        stream = XmppStream()
        assert kinds(stream.feed(EJABBERD + word + b"\x78\x9c\x01\x02")) == ["StreamHeader"]
        assert stream.compressed and stream.done and stream.skipped == 4
    refused = XmppStream()
    assert kinds(refused.feed(EJABBERD + compress + b"</stream:stream>")) == ["StreamHeader", "StreamEnd"]


def test_a_word_in_another_namespace_turns_nothing() -> None:
    """`<success/>` of whatever else is just an element."""
    assert said(b"<success xmlns='urn:x'/></stream:stream>") == [("StreamEnd", {})]


def test_another_protocol_answers() -> None:
    """A web server on 5269: its first line is told, the rest is counted."""
    stream = XmppStream()
    text = b"\r\nHTTP/1.1 400 Bad Request\r\nServer: nginx\r\n"
    [seen] = stream.feed(text)
    assert seen == (2, events.NotXmpp, {"protocol": "http", "text": "HTTP/1.1 400 Bad Request"})
    assert stream.feed(b"more") == []
    assert stream.done and stream.skipped == len(text) + 4


@pytest.mark.parametrize(
    ("first", "fields"),
    [
        (HELLO, {"protocol": "tls", "text": ""}),
        (b"\x00\x00\x00\x01", {"protocol": "binary", "text": ""}),
        (b"x" * 500, {"protocol": "text", "text": "x" * 64}),
        (b"<html><body>", {"protocol": "http", "text": "<html><body>"}),
        (b"<policy-file-request/>", {"protocol": "text", "text": "<policy-file-request/>"}),
    ],
)
def test_first_bytes_of_others(first: bytes, fields: dict[str, str]) -> None:
    """Binary is not shown; a long line is cut; a root that is no stream is no XMPP."""
    assert [each.fields for each in XmppStream().feed(first)] == [fields]


def test_bad_xml_has_a_reason() -> None:
    """RFC 6120 section 11."""
    assert said(b"<!-- hidden -->") == [("BadXml", {"reason": "restricted-xml"})]


def test_white_space_first_is_no_protocol() -> None:
    """Keep-alives before the header wait for it."""
    stream = XmppStream()
    assert stream.feed(b"\n") == []
    [header] = stream.feed(PROSODY)
    assert header.at == 1 + PROSODY.index(b"<stream:stream")


def test_mid_stream_and_after_a_gap() -> None:
    """Reading goes on with the next element; what is lost is counted."""
    stream = XmppStream(midstream=True, at=100)
    [seen] = stream.feed(b"dy></message><db:result type='valid'/>")
    assert seen.at == 113 and stream.skipped == 13
    stream.gap(50)
    [end] = stream.feed(b"</stream:stream>")
    assert end.kind is events.StreamEnd
    assert end.at == 100 + 38 + 50


def test_a_gap_before_the_first_byte() -> None:
    """The bytes after it need not be a header."""
    stream = XmppStream()
    stream.gap(200)
    assert kinds(stream.feed(b"garbage> <db:result type='valid'/>")) == ["Dialback"]


def test_tls_after_a_gap_that_swallowed_proceed() -> None:
    """A record where an element is looked for: the clear text is over."""
    stream = XmppStream()
    stream.feed(EJABBERD)
    stream.gap(50)
    stream.feed(HELLO)
    assert stream.rest == HELLO and stream.at == len(EJABBERD) + 50


def test_a_gap_after_proceed() -> None:
    """The first TLS record is lost; the next byte still decides."""
    stream = XmppStream()
    stream.feed(EJABBERD + PROCEED)
    stream.gap(250)
    stream.feed(b"\x14\x03\x03\x00\x01\x01")
    assert stream.rest == b"\x14\x03\x03\x00\x01\x01"
    assert stream.at == len(EJABBERD + PROCEED) + 250


def test_close_ends_the_reading() -> None:
    """A reset conversation holds no parser."""
    stream = XmppStream()
    stream.feed(PROSODY)
    stream.close()
    assert stream.done and stream.feed(b"<iq/>") == []


STREAM = EJABBERD + b"<stream:features/>" + SUCCESS + EJABBERD + b"<iq/><iq/>" + b"<db:result>abc</db:result>"


@given(cuts=st.sets(st.integers(1, len(STREAM) - 1), max_size=30), tls=st.booleans())
def test_chunks_make_no_difference(cuts: set[int], tls: bool) -> None:
    """The same events at the same places."""
    text = EJABBERD + PROCEED + HELLO if tls else STREAM
    edges = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    stream, seen, after = XmppStream(), [], b""
    for start, end in pairwise(edges):
        if stream.rest is None:
            seen += stream.feed(text[start:end])
        else:
            after += text[start:end]
    assert seen == XmppStream().feed(text)
    assert stream.rest is None or stream.rest + after == HELLO


@given(data=st.binary(max_size=200), midstream=st.booleans())
def test_no_bytes_raise(data: bytes, midstream: bool) -> None:
    """Every byte is read, skipped or left over."""
    for before in (b"", PROSODY, PROSODY + STARTTLS, EJABBERD + SUCCESS, b"<iq/>"):
        stream = XmppStream(midstream=midstream)
        fed = b""
        for part in (before, data, b"<"):  # the last one, since only what follows white space decides whose it is
            if stream.rest is None:
                stream.feed(part)
                fed += part
        assert stream.at + len(stream.rest or b"") == len(fed)
