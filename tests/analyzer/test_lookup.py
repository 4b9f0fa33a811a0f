"""One DNS question and what came of it."""

from __future__ import annotations

import pytest

from analyzer.conversations import lookups
from analyzer.lookup import Lookup
from tests import scene


def lookup(answer: str | None, question: str = "SRV _xmpp-server._tcp.gmail.com") -> Lookup:
    """The question, answered so after 20 ms."""
    told = f"0.00  10.0.0.5:4000 > 10.0.0.53:53  query {question}\n"
    told += f"0.02  back  answer {question} {answer}\n" if answer else ""
    (found,) = lookups(scene.tap("cups", told).events, "cups")
    return found


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (None, "unanswered"),
        ("= 5 0 5269 x.l.google.com", "answered"),
        ("empty", "empty"),
        ("NXDOMAIN", "nxdomain"),
        ("SERVFAIL", "servfail"),
        ("REFUSED", "refused"),
        ("NOTIMP", "refused"),
        ("truncated", "answered"),
    ],
)
def test_what_came_of_it(answer: str | None, outcome: str) -> None:
    """In the words of the report contract."""
    assert lookup(answer).outcome == outcome


def test_when_it_was_asked_and_answered() -> None:
    """The last answer counts; silence has no instant."""
    assert lookup("NXDOMAIN").asked_ns == scene.BEGIN_NS
    assert lookup("NXDOMAIN").answered_ns == scene.BEGIN_NS + 20_000_000
    assert lookup(None).answered_ns is None
    assert lookup(None).records == ()


def test_targets_come_in_the_order_in_which_they_are_tried() -> None:
    """Lowest priority first, highest weight first (RFC 2782)."""
    found = lookup("= 20 0 5269 c.example, 5 10 5269 a.example, 5 90 5269 b.example + a.example 192.0.2.1")

    assert [r.data for r in found.srv] == ["b.example", "a.example", "c.example"]
    assert found.addresses == ()


def test_addresses_and_aliases() -> None:
    """Those of the answer section, whichever name they stand at."""
    found = lookup("= CNAME real.example, real.example 192.0.2.1, real.example 192.0.2.2", "A alias.example")

    assert found.addresses == ("192.0.2.1", "192.0.2.2")
    assert (found.service, found.domain) == (None, "alias.example")


def test_the_service_and_the_domain_of_an_srv_question() -> None:
    """`_service._tcp.` stands before the domain."""
    assert (lookup(None).service, lookup(None).domain) == ("_xmpp-server", "gmail.com")
    assert lookup(None, "A _xmpp-server._tcp.gmail.com").service is None
