"""One spelling for a domain, whoever wrote it down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.names import domain, jid_domain


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Example.NET.", "example.net"),
        (" example.net\n", "example.net"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("_xmpp-server._tcp.Example.net", "_xmpp-server._tcp.example.net"),
        (".", "."),  # the root, which an SRV record names for "no such service"
        ("", ""),
    ],
)
def test_a_domain_is_spelled_one_way(written: str, kept: str) -> None:
    """Lower case, A-labels, no trailing dot."""
    assert domain(written) == kept


def test_a_name_that_idna_refuses_is_still_shown() -> None:
    """A broken name is evidence."""
    assert domain("Ü" * 70 + ".example") == "ü" * 70 + ".example"


@pytest.mark.parametrize(
    ("jid", "kept"),
    [
        ("CupUser1@CupDomain.com/desk", "cupdomain.com"),
        ("cupdomain.com", "cupdomain.com"),
        ("cupdomain.com/a@b.example", "cupdomain.com"),  # RFC 7622 section 3.1: the resource may hold an @
        ("user@/desk", None),
        ("", None),
    ],
)
def test_the_domain_of_a_jid(jid: str, kept: str | None) -> None:
    """Between the localpart and the resource."""
    assert jid_domain(jid) == kept


@given(st.text())
def test_any_text_has_a_bounded_spelling(text: str) -> None:
    """Wire text of any kind raises nothing and stays short; A-labels stay what they are."""
    kept = domain(text)
    assert len(kept) <= 8 * 1023
    if kept.isascii() and not kept.endswith("."):
        assert domain(kept) == kept.strip()


def test_a_name_longer_than_names_can_be_is_cut() -> None:
    """However long the text is that it stands in."""
    assert domain(" " + "A" * 100_000) == "a" * 1023
    assert jid_domain("user@" + "b" * 100_000 + "/resource") == "b" * 1023
    assert jid_domain("u" * 100_000 + "@b.example/" + "r" * 100_000) == "b.example"
