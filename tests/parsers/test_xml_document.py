"""What is kept of an XML document, and what is refused."""

from __future__ import annotations

import pytest

from parsers.wire import xml_document
from parsers.wire.xml_document import Bad, Document, Element, Head, Open
from parsers.wire.xml_stream import XmlStream

HEADER = (
    b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
    b"xmlns:db='jabber:server:dialback' to='gmail.com'>"
)


def read(text: bytes) -> list[object]:
    """The items after the header."""
    return [item for _, item in XmlStream().feed(HEADER + text)][1:]


def test_a_header_keeps_its_attributes_and_namespaces() -> None:
    """Prefixes are what dialback is recognised by."""
    document = Document(0)
    document.parse(HEADER)
    assert document.seen == [
        (
            0,
            Open(
                "stream",
                "http://etherx.jabber.org/streams",
                {"to": "gmail.com"},
                {
                    "": "jabber:server",
                    "stream": "http://etherx.jabber.org/streams",
                    "db": "jabber:server:dialback",
                },
            ),
        )
    ]


def test_a_header_may_take_a_namespace_back() -> None:
    """`xmlns=''` declares that there is no default."""
    document = Document(0)
    document.parse(b"<stream xmlns=''>")
    assert document.seen[0][1].namespaces == {"": ""}


def test_of_a_stanza_only_the_head_is_kept() -> None:
    """No body, however it is nested; a stanza may hold another one."""
    text = b"<message to='a@b'><body>secret</body><x xmlns='urn:x'><message xmlns='jabber:server'/></x></message>"
    assert read(text) == [Head("message", {"to": "a@b"})]


def test_of_a_stanza_error_the_condition_is_kept_and_no_text() -> None:
    """Of what the error was about, nothing."""
    text = (
        b"<message type='error'><body>secret</body><error type='cancel'><remote-server-not-found "
        b"xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text>also secret</text></error><x><y/></x></message>"
    )
    [head] = read(text)
    assert "secret" not in repr(head)
    assert [child.name for child in head.children] == ["error"]
    assert [child.name for child in head.children[0].children] == ["remote-server-not-found", "text"]


def test_features_are_kept_whole() -> None:
    """With the text of each mechanism."""
    text = (
        b"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism>"
        b"</mechanisms></stream:features>"
    )
    sasl = "urn:ietf:params:xml:ns:xmpp-sasl"
    mechanism = Element("mechanism", sasl, {}, (), "EXTERNAL")
    [features] = read(text)
    assert features.children == (Element("mechanisms", sasl, {}, (mechanism,)),)


def test_sasl_payloads_are_not_kept() -> None:
    """Neither the text of `auth` nor that of a failure."""
    sasl = b" xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
    auth, failure = read(
        b"<auth mechanism='PLAIN'" + sasl + b">c2VjcmV0</auth><failure" + sasl + b"><aborted/>c2VjcmV0</failure>"
    )
    assert "c2VjcmV0" not in repr((auth, failure))
    assert failure.children[0].name == "aborted"


def test_of_an_unknown_element_only_the_head_is_kept() -> None:
    """With no namespace too."""
    assert read(b"<x xmlns='' a='1'>text<y/></x>") == [Element("x", "", {"a": "1"})]


@pytest.mark.parametrize(
    "text",
    [
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
        b"<!DOCTYPE html>",
        b"<!-- a comment --><a>",
        b"<?target instruction?><a>",
        b"<a>&entity;</a>",
        b"<a b='&entity;'/>",
    ],
)
def test_restricted_xml_is_refused(text: bytes) -> None:
    """RFC 6120 section 11.1: no DTD, no entity, no comment, no processing instruction; nothing is ever expanded."""
    stream = XmlStream()
    items = stream.feed(text if text.startswith((b"<!", b"<?")) else HEADER + text)
    assert items[-1][1] == Bad("restricted-xml")
    assert stream.done


@pytest.mark.parametrize("text", [b"<db:x/>", b"<a></b>", b"<a b='1' b='2'/>", b"<a \x00/>", b"<a>\xff</a>"])
def test_what_is_not_well_formed(text: bytes) -> None:
    """An undeclared prefix, a wrong end tag, an attribute twice, a control character, bytes that are not UTF-8."""
    [(_, bad)] = XmlStream().feed(b"<stream>" + text)[1:]
    assert bad == Bad("not-well-formed")


def test_ten_megabytes_of_one_tag_are_stopped_early() -> None:
    """An unclosed tag is not collected."""
    stream = XmlStream()
    stream.feed(HEADER + b"<message to='")
    fed = 0
    while not stream.done:
        items = stream.feed(b"x" * 1460)
        fed += 1460
    assert items[-1] == (len(HEADER), Bad("too-big"))
    assert fed <= xml_document.TAG_MAX + 1460


def test_an_element_has_a_greatest_size() -> None:
    """A stanza may be ten megabytes, not more; reading stops, and says where the element began."""
    stream = XmlStream()
    stream.feed(HEADER + b"<message>")
    items = stream.feed(b"<a>text</a>" * (xml_document.ELEMENT_MAX // 11 + 10_000))
    assert items == [(len(HEADER), Bad("too-big"))]


def test_an_element_that_is_kept_must_be_small() -> None:
    """An error of a hundred kilobytes explains nothing."""
    stream = XmlStream()
    stream.feed(HEADER + b"<stream:error><text>")
    assert stream.feed(b"why " * 50_000) == [(len(HEADER), Bad("too-big"))]


def test_what_is_kept_has_a_greatest_number_of_parts() -> None:
    """Thousands of features are none."""
    assert read(b"<stream:features>" + b"<a/>" * (xml_document.NODES_MAX + 1)) == [Bad("too-big")]


def test_nesting_has_a_limit() -> None:
    """A hundred levels are read, two hundred are refused."""
    deep = b"<a>" * 100 + b"</a>" * 100
    assert read(b"<iq>" + deep + b"</iq>") == [Head("iq", {})]
    assert read(b"<iq>" + b"<a>" * 200) == [Bad("too-deep")]


def test_names_are_not_collected_for_ever() -> None:
    """Expat keeps every name of a document; tens of thousands are an attack."""
    stream = XmlStream()
    stream.feed(HEADER)
    items: list = []
    for block in range(8):
        items += stream.feed(b"".join(b"<n%d/>" % number for number in range(block * 10_000, (block + 1) * 10_000)))
    assert items[-1][1] == Bad("too-big")
    assert len(items) <= xml_document.NAMES_MAX + 10_000
