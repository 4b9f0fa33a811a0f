"""XML streams: where a document begins, stops, is torn and starts anew; the same whatever the chunks."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from parsers.wire import xml_stream
from parsers.wire.xml_document import Bad, Close, Element, Head, Open
from parsers.wire.xml_stream import XmlStream

HEADER = (
    b"<?xml version='1.0'?><stream:stream xml:lang='en' xmlns:db='jabber:server:dialback' version='1.0' "
    b"xmlns='jabber:server' from='cupdomain.com' xmlns:stream='http://etherx.jabber.org/streams' id='' to='gmail.com'>"
)
RESULT = b"<db:result from='cupdomain.com' to='gmail.com'>686f8eb4</db:result>"
PRESENCE = b"<presence type='subscribe' from='cupuser1@cupdomain.com' to='jdoe1@gmail.com'/>"
MESSAGE = b"<message from='a@b' to='c@d'><body>hello <i>there</i></body></message>"
STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
END = b"</stream:stream>"


def names(items: list) -> list[str]:
    """What was read, in words: the name of an element, the class of anything else."""
    return [item.name if isinstance(item, Element | Head) else type(item).__name__ for _, item in items]


def test_a_stream_is_a_header_its_elements_and_an_end() -> None:
    """Each is told with the index of its `<`."""
    stream = XmlStream()
    text = HEADER + RESULT + b"\n" + PRESENCE + END
    items = stream.feed(text)
    assert names(items) == ["Open", "result", "presence", "Close"]
    assert [text[at : at + 4] for at, _ in items] == [b"<str", b"<db:", b"<pre", b"</st"]
    assert stream.done and stream.skipped == 0 and stream.at == len(text)


def test_white_space_keeps_a_stream_alive() -> None:
    """Before the header, between elements and after the end it is nothing."""
    stream = XmlStream()
    items = stream.feed(b" \r\n") + stream.feed(HEADER) + stream.feed(b" ") + stream.feed(b"\n") + stream.feed(RESULT)
    assert names(items) == ["Open", "result"]
    assert items[0][0] == 3 + HEADER.index(b"<stream")


def test_reading_stops_after_the_words_it_is_told() -> None:
    """What follows `<starttls/>` in the same segment is not read, and can be read after all."""
    stream = XmlStream(stop_after=frozenset({"starttls"}))
    assert names(stream.feed(HEADER + STARTTLS + b"\x16\x03\x01")) == ["Open", "starttls"]
    assert stream.rest == b"\x16\x03\x01"
    assert stream.at == len(HEADER + STARTTLS)
    stream.rest = END
    assert names(stream.resume()) == ["Close"]


def test_nothing_stops_a_stream_after_its_first_stanza() -> None:
    """Negotiation is over then, and reading is faster."""
    stream = XmlStream(stop_after=frozenset({"starttls"}))
    assert names(stream.feed(HEADER + MESSAGE + STARTTLS + MESSAGE)) == ["Open", "message", "starttls", "message"]
    assert stream.rest is None


def test_a_new_header_begins_a_new_document() -> None:
    """After SASL the client says its header again on the same bytes, with an XML declaration or without."""
    bare = HEADER[HEADER.index(b"<stream") :]
    for again in (HEADER, bare, b"\n" + HEADER, b" " + bare):
        stream = XmlStream()
        assert names(stream.feed(HEADER + again + PRESENCE + END)) == ["Open", "Open", "presence", "Close"]
        assert stream.skipped == 0 and stream.at == len(HEADER + again + PRESENCE + END)


def test_a_declaration_in_a_settled_stream_is_bad() -> None:
    """After the first stanza no header is looked for."""
    stream = XmlStream()
    items = stream.feed(HEADER + MESSAGE + HEADER)
    assert names(items) == ["Open", "message", "Bad"]
    assert items[-1] == (len(HEADER + MESSAGE), Bad("not-well-formed"))
    assert stream.skipped == len(HEADER)


def test_a_header_in_a_settled_stream_is_an_element() -> None:
    """It opens what is never closed: nothing is told of it."""
    bare = HEADER[HEADER.index(b"<stream") :]
    assert names(XmlStream().feed(HEADER + MESSAGE + bare + MESSAGE)) == ["Open", "message"]


def test_bytes_after_the_end_are_counted() -> None:
    """In the same piece or in the next one."""
    stream = XmlStream()
    stream.feed(HEADER + END + b"<more/>")
    stream.feed(b"<and more/>")
    assert stream.skipped == len(b"<more/><and more/>")
    settled = XmlStream()
    assert names(settled.feed(HEADER + MESSAGE + END + b"<more/>")) == ["Open", "message", "Close"]
    assert settled.skipped == len(b"<more/>")


def test_bytes_after_bad_ones_are_counted() -> None:
    """Nothing is read after what no parser takes."""
    stream = XmlStream()
    items = stream.feed(HEADER + b"<a></b>")
    assert items[-1] == (len(HEADER) + 3, Bad("not-well-formed"))
    stream.feed(b"<c/>")
    assert stream.skipped == len(b"</b><c/>")


def test_a_capture_that_begins_in_mid_stream() -> None:
    """Reading begins with the first element that can be one; what stands before it is counted."""
    stream = XmlStream(midstream=True)
    torn = b"ody>rest of a message</body></message>"
    items = stream.feed(torn + RESULT + MESSAGE + END)
    assert names(items) == ["result", "message", "Close"]
    assert items[0][0] == len(torn) and stream.skipped == len(torn)


def test_a_header_in_mid_stream_is_a_header() -> None:
    """The capture missed the handshake, not the header."""
    assert names(XmlStream(midstream=True).feed(HEADER + RESULT)) == ["Open", "result"]


def test_a_beginning_may_lie_across_two_pieces() -> None:
    """Wherever the cut is."""
    text = b"xx>" + RESULT + PRESENCE
    for cut in range(len(text)):
        stream = XmlStream(midstream=True, at=1000)
        items = stream.feed(text[:cut]) + stream.feed(text[cut:])
        assert names(items) == ["result", "presence"]
        assert items[0][0] == 1003 and stream.skipped == 3


def test_a_wrong_beginning_is_left_again() -> None:
    """A forwarded message lies in another one; the end of the outer one shows the error."""
    stream = XmlStream(midstream=True)
    items = stream.feed(b"<message to='x'><body/></message></forwarded></message>" + PRESENCE)
    assert names(items) == ["message", "presence"]
    assert stream.skipped == len(b"</forwarded></message>")


def test_a_prefix_declared_in_the_unseen_header_costs_one_element() -> None:
    """The element is lost and counted, the next one is read; also when the tag came in two pieces."""
    lost = b"<iq from='a'><x:query/></iq>"
    for cut in range(1, len(lost)):
        stream = XmlStream(midstream=True)
        items = stream.feed(lost[:cut]) + stream.feed(lost[cut:] + PRESENCE)
        assert names(items) == ["presence"]
        assert stream.skipped == len(lost)


def test_the_search_for_a_beginning_has_an_end() -> None:
    """A thousand wrong beginnings are an attack."""
    stream = XmlStream(midstream=True)
    items = stream.feed(b"<iq></iq></x>" * (xml_stream.SEARCHES_MAX + 1))
    assert items[-1][1] == Bad("not-well-formed")
    assert len(items) == xml_stream.SEARCHES_MAX + 2


def test_a_gap_loses_the_element_that_it_tears() -> None:
    """Reading goes on with the next one, and indexes count the missing bytes."""
    stream = XmlStream()
    stream.feed(HEADER + MESSAGE[:40])
    stream.gap(1000)
    items = stream.feed(b"dy></message>" + PRESENCE)
    assert names(items) == ["presence"]
    assert items[0][0] == len(HEADER) + 40 + 1000 + len(b"dy></message>")
    assert stream.skipped == 40 + len(b"dy></message>")


def test_a_gap_between_elements_loses_none() -> None:
    """Also before anything was read, in a search, and after the end."""
    stream = XmlStream()
    stream.gap(5)
    stream.feed(b"<mess")
    stream.gap(5)
    assert names(stream.feed(RESULT)) == ["result"]
    stream.gap(7)
    assert names(stream.feed(END)) == ["Close"]
    stream.gap(7)
    assert stream.skipped == 5 and stream.at == 5 + 5 + 5 + len(RESULT) + 7 + len(END) + 7


def test_a_torn_tag_is_counted() -> None:
    """The gap falls inside a start tag."""
    stream = XmlStream()
    stream.feed(HEADER + b"<db:res")
    stream.gap(3)
    assert stream.skipped == 7


def test_close_lets_everything_go() -> None:
    """Nothing is read afterwards, and closing again is no harm."""
    stream = XmlStream()
    stream.feed(HEADER)
    stream.close()
    stream.close()
    assert stream.feed(RESULT) == [] and stream.skipped == len(RESULT)


STREAM = HEADER + STARTTLS + HEADER + RESULT + b" \n" + MESSAGE + PRESENCE + MESSAGE + END


@given(cuts=st.sets(st.integers(1, len(STREAM) - 1), max_size=30))
def test_chunks_make_no_difference(cuts: set[int]) -> None:
    """The same elements at the same places, however the bytes come."""
    edges = [0, *sorted(cuts), len(STREAM)]
    stream = XmlStream()
    items = []
    for start, end in pairwise(edges):
        items += stream.feed(STREAM[start:end])
    assert items == XmlStream().feed(STREAM)
    assert stream.skipped == 0


@given(data=st.binary(max_size=300), midstream=st.booleans())
def test_no_bytes_raise(data: bytes, midstream: bool) -> None:
    """Whatever comes, before a header and after one; every byte is dealt with."""
    for before in (b"", HEADER, HEADER + MESSAGE[:30], MESSAGE):
        stream = XmlStream(midstream=midstream)
        stream.feed(before + data)
        assert stream.at == len(before + data)
        assert stream.skipped <= len(before + data)


@given(parts=st.lists(st.sampled_from([HEADER, RESULT, MESSAGE, END, b"</x>", b"<iq>", b"<!--", b"<?xml?>", b"&x;"])))
def test_no_order_of_parts_raises(parts: list[bytes]) -> None:
    """Well-formed pieces in wrong places."""
    for midstream in (False, True):
        stream = XmlStream(midstream=midstream)
        for part in parts:
            stream.feed(part)
            stream.gap(0)
            stream.feed(part)
        assert stream.at == 2 * sum(map(len, parts))


def test_the_kinds_of_items_are_told_apart() -> None:
    """A stanza is a head, anything else an element."""
    items = [item for _, item in XmlStream().feed(HEADER + RESULT + PRESENCE + END)]
    assert [type(item) for item in items] == [Open, Element, Head, Close]


def test_an_element_that_is_let_go_is_lost_and_counted() -> None:
    """Reading goes on with the next one; what stood before is told, and between elements nothing is lost."""
    stream = XmlStream()
    assert names(stream.feed(HEADER + PRESENCE + b"<message a='" + b"x" * 5_000)) == ["Open", "presence"]
    held = stream.held_len

    assert stream.let_go() == len(b"<message a='") + 5_000
    assert held > 5_000 > 500 > stream.held_len
    assert names(stream.feed(b"'><body/></message>" + RESULT)) == ["result"]
    assert stream.let_go() == 0 and names(stream.feed(PRESENCE)) == ["presence"]
    assert stream.skipped == len(b"'><body/></message>")


def test_what_is_let_go_before_and_after_the_end_is_nothing() -> None:
    """There is nothing then."""
    stream = XmlStream()
    assert stream.let_go() == 0
    stream.feed(HEADER + END)
    assert stream.let_go() == 0 and stream.done


def test_white_space_after_a_word_that_stops_the_reading_can_be_let_go() -> None:
    """It waits for what comes next, however much it is."""
    stream = XmlStream(stop_after=frozenset({"starttls"}))
    stream.feed(HEADER + STARTTLS + b" " * 9_000)
    held, at = stream.held_len, stream.at
    assert stream.let_go() == 9_000 and stream.rest == b"" and stream.at == at + 9_000
    assert held - stream.held_len == 9_000
