"""What expat takes for a document, as far as it can be known from its bytes."""

from __future__ import annotations

import pytest

from parsers.wire import xml_document
from parsers.wire.xml_document import Bad, Document, Refused
from parsers.wire.xml_weight import Weight

ROOT = b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>"


def held_len(said: bytes) -> int:
    """What a document holds that said this."""
    document = Document(0)
    document.parse(ROOT + said)
    return document.held_len


def test_text_weighs_nothing() -> None:
    """However long it is."""
    nothing = held_len(b"<message><body>")
    assert held_len(b"<message><body>" + b"text " * 5_000) < nothing + 1_000
    assert held_len(b"<message><body/></message>" * 400) < nothing + 1_000


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"<message a='" + b"x" * 5_000 + b"'/>", id="a long tag"),
        pytest.param(b"<message a='" + b"x" * 5_000, id="a tag without end"),
        pytest.param(b"<message a='" + b">" * 5_000 + b"'/>", id="a long tag that looks like many ends"),
        pytest.param(b"<message>" + b"".join(b"<n%d/>" % n for n in range(100)), id="many names"),
        pytest.param(b"<message " + b" ".join(b"xmlns:n%d='u'" % n for n in range(150)) + b">", id="many prefixes"),
        pytest.param(b"<stream:features><a>" + b"b&amp;" * 900, id="much that is kept"),
    ],
)
def test_what_expat_keeps_weighs_something(said: bytes) -> None:
    """Three times what was said, at least."""
    assert held_len(said) > held_len(b"") + 3 * len(said)


def test_a_long_namespace_in_many_names_is_refused_before_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name has it before it: of five bytes come thousands."""
    monkeypatch.setattr(xml_document, "NAMES_LEN_MAX", 200_000)
    document = Document(0)
    names = b"".join(b"<n%d/>" % n for n in range(1_000))
    with pytest.raises(Refused) as refused:
        document.parse(ROOT + b"<message xmlns='" + b"u" * 2_000 + b"'>" + names)
    assert refused.value.bad == Bad("too-big")
    assert document.held_len < 600_000


def test_names_are_counted_once() -> None:
    """Also while others come."""
    names = {"a": "a", "uri}b": "uri}b"}
    weight = Weight(names)
    assert weight.names_len == weight.names_len == 6
    names["ccc"] = "ccc"
    assert weight.names_len == 9
