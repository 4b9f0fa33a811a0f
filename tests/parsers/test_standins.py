"""Stand-ins: the same original, the same stand-in; what matters of a name or an address stays, and nothing else."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.addresses import is_private
from analyzer.clouds import GOOGLE, WEBEX
from parsers.standins import KEPT_ADDRESSES, KEPT_ZONES, StandIns, own_words

WORDS = own_words("parsers", "analyzer")


def standins() -> StandIns:
    """With the words that the program has."""
    return StandIns(WORDS)


def test_names_keep_their_depth_and_what_they_share() -> None:
    """A host stays in its domain, a service above it; other names get other stand-ins."""
    own = standins()
    assert own.name("cupdomain.com") == "domain-1.test"
    assert own.name("cup1.cupdomain.com") == "host-1.domain-1.test"
    assert own.name("_xmpp-server._tcp.cupdomain.com") == "_xmpp-server._tcp.domain-1.test"
    assert own.name("*.cupdomain.com") == "*.domain-1.test"
    assert own.name("cupdomain.net") == "domain-1.test-2"
    assert own.name("cup1.cupdomain.com.cupdomain.com") == "host-1.domain-1.test.domain-1.test"


def test_clouds_that_rules_know_by_name_stay_and_their_customers_go() -> None:
    """The list is that of the rules."""
    assert {".".join(zone) for zone in KEPT_ZONES} == {*GOOGLE.zones, *WEBEX.zones}
    own = standins()
    assert own.name("_xmpp-server._tcp.gmail.com") == "_xmpp-server._tcp.gmail.com"
    assert own.name("acme.webex.com") == "host-1.webex.com"
    assert own.name("gmail.com.acme.com") == "gmail.com.host-1.test"
    assert own.name("notgmail.com") == "domain-1.test"


@given(st.lists(st.ip_addresses(), min_size=2, max_size=20, unique=True))
def test_addresses_keep_family_class_and_neighbours(found: list) -> None:  # type: ignore[type-arg]
    """Private stays private; two of one subnet share a subnet; no two become one, and none stays."""
    own = standins()
    told = [own.address(str(address)) for address in found]
    assert len(set(told)) == len(told)
    for before, after in zip(found, told, strict=True):
        assert ip_address(after).version == before.version
        assert is_private(after) == is_private(str(before))
        if before.version == 4 and str(before) not in KEPT_ADDRESSES:
            near = str(ip_network(f"{before}/24", strict=False)[7])
            assert near == after or ip_address(own.address(near)) in ip_network(f"{after}/24", strict=False)


def test_an_address_is_one_in_every_spelling_and_is_found_again() -> None:
    """Logs write IPv6 in capitals; whoever reads the inputs again asks what a stand-in stands for."""
    own = standins()
    told = own.address("2620:0:1::a")
    assert own.address("2620:0:1:0:0:0:0:A") == told
    assert own.address_behind(told) == "2620:0:1::a"
    mapped = own.address("::ffff:192.0.2.7")
    assert mapped == f"::ffff:{own.address('192.0.2.7')}"
    assert own.address_behind(mapped) == "::ffff:192.0.2.7"
    assert own.address_behind("::1") == "::1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Deny tcp src outside:192.0.2.7/50000 dst inside:", "Deny tcp src outside:240.0.0.1/50000 dst inside:"),
        ("[2620:0:1::5]:5269 refused", "[2001:db8::1]:5269 refused"),
        ("stream from juliet@capulet.lit/balcony closed", "stream from user-1@domain-1.test/resource-1 closed"),
        ("user juliet at host verona", "user … at host …"),
        ("http://secret.example/a?key=Zm9vYmFy closed", "http://domain-1.test/a?key=… closed"),
        ("at 09:14:03 on 2013-09-06: version 1.0", "at 09:14:03 on 2013-09-06: version 1.0"),
        ("ip-10-1-2-3 timeout", "… timeout"),
        ("<db:result>37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe</db:result>", "<db:result>…</db:result>"),
        ("acme.com is a Google Apps Domain with Talk", "domain-1.test is a Google Apps Domain with Talk"),
    ],
)
def test_a_text_keeps_only_words_of_ours(text: str, told: str) -> None:
    """Whatever else stands in a log, a secret too, goes."""
    assert standins().text(text) == told


def test_a_certificate_keeps_the_shape_of_its_names() -> None:
    """Whoever signed itself still does."""
    own = standins()
    subject = own.subject("CN=cup1.acme.com,O=Acme\\, Inc.,C=US")
    assert subject == "CN=host-1.domain-1.test,O=attribute-1,C=attribute-2"
    assert own.subject("CN=cup1.acme.com,O=Acme\\, Inc.,C=US") == subject


def test_what_dns_refuses_of_a_name_it_refuses_of_the_stand_in() -> None:
    """Too long, an empty label, no A-labels: the fault is the finding."""
    own = standins()
    assert max(map(len, own.name("a" * 64 + ".example").split("."))) == 64
    assert len(own.name("abcdefgh." * 30 + "example")) > 253
    assert ".." in own.name("a..example")
    assert not own.name("b\xfccher.example").isascii()


def test_reverse_names_hide_the_address_in_them() -> None:
    """A PTR question says the address backwards."""
    own = standins()
    address = own.address("198.51.100.10")
    assert own.name("10.100.51.198.in-addr.arpa") == ".".join(address.split(".")[::-1]) + ".in-addr.arpa"


def test_no_name_of_a_person_or_a_company_is_a_word_of_ours() -> None:
    """Samples and docstrings are full of them, and do not count."""
    assert {"timeout", "denied", "google", "apps", "talk", "whitelist", "xmpp"} <= WORDS
    assert not WORDS & {"juliet", "romeo", "alice", "cupdomain", "capulet", "jdoe", "cupuser1", "acme"}
