"""What a regular expression takes for a well-formed stanza, expat takes for one too; what is told stays the same."""

from __future__ import annotations

from xml.parsers import expat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.wire import xml_document
from parsers.wire.xml_plain import Kind, text_of
from parsers.wire.xmpp import XmppStream

ROOT = b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='d'>"
MESSAGE = (
    "<message from='romeo@montague.example/orchard' to=\"juliet@capulet.example\" type='chat' id='1' xml:lang='en'>"
    "<body>It's the east, &amp; Juliet > the sun ☀</body><x xmlns='urn:x' y='1'><z>]</z></x></message>"
)
KIND: Kind = ("message", "chat", "montague.example", "capulet.example")
PARTS = (
    *("<message", "<presence", "<iq", "</message>", "</iq>", "</message >", "/>", ">", "=", "'", '"', "<xmlns", "<1a"),
    *("<a", "<b", "<c.d-e", "</a>", "</b>", "</c.d-e>", "<db:x", " db:a='1'", " a='1'", " a='2'", ' b="it\'s"'),
    *(" from='a@b.c/r'", ' from="x.y"', " to='u@h@i'", " to=''", " to='é'", " type='get'", " type='error'"),
    *(" id='1'", ' id="&amp;"', " id='&#39;'", " xml:lang='en'", " c='<'", " d='>'", " e = '1'"),
    *(" xmlns='urn:x'", " xmlns=''", " xmlns='a}b'", " xmlns='http://www.w3.org/XML/1998/namespace'"),
    *(" xmlns='http://www.w3.org/2000/xmlns/'", "text", "&lt;", "&#39;", "&foo;", "&", "]]>", "]]"),
    *("\n", " ", "\x0b", "é", "\ufffe", "\udc80", "<![CDATA[x]]>", "<!-- c -->", "<?p?>"),
)
PLAIN = (
    "<message",
    " from='a@b.c/r'",
    " type='chat'",
    ">",
    "<a",
    " xmlns='u'",
    ">",
    "text",
    "<b",
    " b='2'",
    "/>",
    "</a>",
)


class Every(frozenset[Kind]):
    """All kinds are known."""

    def __contains__(self, kind: object) -> bool:
        return True


def heads(data: bytes) -> list[tuple[str, dict[str, str]]] | None:
    """The elements below the root by expat; None if they are not whole, or no XML of a stream."""
    found: list[tuple[str, dict[str, str]]] = []
    depth = 0

    def start(name: str, attrs: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth == 2:
            found.append((name, attrs))

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate("UTF-8", "}")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(ROOT + data)
    except expat.ExpatError:
        return None
    whole = depth == 1 and parser.CurrentByteIndex == len(ROOT) + len(data)
    return found if whole and b"<!" not in data and b"<?" not in data else None


def passed(text: str) -> int:
    """Characters of the plain stanzas at the beginning of a text."""
    found = text_of(text.encode("utf-8", "surrogateescape"))
    return 0 if found is None else found.plain(0, Every())[1]


@given(
    st.lists(st.sampled_from(PARTS), max_size=12),
    st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.sampled_from(PARTS)), max_size=4),
)
def test_what_is_plain_is_well_formed(parts: list[str], changes: list[tuple[int, bool, str]]) -> None:
    """Whatever the parts, and whatever is changed in a stanza."""
    changed = [*PLAIN, "</message>"]
    for place, insert, part in changes:
        changed[place : place + (not insert)] = [part]
    for each in (parts, changed):
        data = "".join(each).encode("utf-8", "surrogateescape")
        text = text_of(data)
        if text is not None:
            count, end = text.plain(0, Every())
            assert len(heads(data[:end]) or ()) == count


def test_most_stanzas_are_plain() -> None:
    """Attributes in any quotes, references, Unicode, elements inside; white space before it."""
    text = text_of((" \n" + MESSAGE + "<presence/><iq").encode())
    assert text is not None
    assert text.plain(0, {KIND, ("presence", None, None, None)}) == (2, len(text.text) - len("<iq"))
    assert text.plain(0, {KIND}) == (1, len(text.text) - len("<presence/><iq"))
    assert text.plain(0, {("message", "chat", "capulet.example", "montague.example")}) == (0, 0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("id='1'", "id='1' id='2'"),
        ("id='1'", "from='x'"),
        ("id='1'", "xmlns='jabber:client'"),
        ("romeo@", "romeo@home@"),
        ("montague", "montagüe"),
        ("y='1'", "y='1' y='2'"),
        ("y='1'", "y='<'"),
        ("urn:x", "http://www.w3.org/XML/1998/namespace"),
        ("urn:x", "http://www.w3.org/2000/xmlns/"),
        ("urn:x", "a}b"),
        ("&amp;", "&#38;"),
        ("&amp;", "&"),
        ("]", "]]>"),
        ("☀", "\uffff"),
        ("☀", "\udc80"),
        ("☀", "\x01"),
        ("<z>", "<db:z>"),
        ("</z>", "</y>"),
        ("<z>]</z>", "<![CDATA[]]>"),
        ("<z>]</z>", "<a><b><c><d><e/></d></c></b></a>"),
    ],
)
def test_what_is_not_plain(old: str, new: str) -> None:
    """Some of it is well-formed: that is for expat to say."""
    assert passed(MESSAGE) == len(MESSAGE.encode())
    assert passed(MESSAGE.replace(old, new)) == 0


def test_a_namespace_of_the_w3c_is_looked_at_twice() -> None:
    """XHTML's is like any other; only the reserved ones are not plain (Namespaces in XML 1.0 section 3)."""
    formatted = MESSAGE.replace("urn:x", "http://www.w3.org/1999/xhtml")
    assert passed(formatted + MESSAGE) == len((formatted + MESSAGE).encode())
    reserved = MESSAGE.replace("urn:x", "http://www.w3.org/2000/xmlns/")
    assert passed(formatted + reserved) == len(formatted.encode())


STREAM = (
    *(MESSAGE, MESSAGE, MESSAGE.replace("chat", "error"), "<message><db:x/></message>", "<message><body>"),
    *("</body></message>", "<presence from='a@b.c'/>", "<presence from='c@d.e'/>", " ", "text", "<![CDATA[</message>"),
    *("]]>", "<x xmlns='u'><message/></x>", "<db:result/>", "</x>", "&x;", "<!--", "\x01", "</stream:stream>"),
)


@given(st.lists(st.sampled_from(STREAM), max_size=30), st.lists(st.integers(1, 200), max_size=20))
def test_a_stream_is_read_as_if_by_expat_alone(parts: list[str], sizes: list[int]) -> None:
    """In any pieces: what is told, where, how many stanzas there are, and how much is not read."""
    data = ROOT + "".join(parts).encode()
    whole, alone = XmppStream(), XmppStream()
    alone._stanzas.known = None
    told = whole.feed(data)
    assert told == alone.feed(data)
    cut = XmppStream()
    said, at = [], 0
    for size in [*sizes, len(data)]:
        said += cut.feed(data[at : at + size])
        at += size
    assert said == told
    for other in (alone, cut):
        assert (other.stanzas, other.at, other.done) == (whole.stanzas, whole.at, whole.done)
    assert (alone.pending, alone.skipped) == (whole.pending, whole.skipped)


def test_stanzas_that_are_all_odd() -> None:
    """Nobody looks for plain ones among them for ever, and all are counted."""
    odd = b"<message><db:x/></message>"
    stream = XmppStream()
    stream.feed(ROOT + 3 * xml_document.ODD_MAX * odd + MESSAGE.encode())
    stream.feed(b"<message>" + MESSAGE.encode())
    assert stream.stanzas == 3 * xml_document.ODD_MAX + 1


def test_what_looks_like_stanzas_in_a_cdata_section_is_text() -> None:
    """Also where one seems to end right behind its beginning, in the same bytes as the stanzas before."""
    stream = XmppStream()
    stream.feed(ROOT + MESSAGE.encode())
    stream.feed((MESSAGE + "<![CDATA[</message>" + 2 * MESSAGE + "]]>" + MESSAGE).encode())
    assert stream.stanzas == 3
