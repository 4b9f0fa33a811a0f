"""Who claims our domain: what a key that our server did not make looks like, and what only looks like one."""

from analyzer.claims import belongs_to, claim_on, names_at
from tests import scene

CALLBACK = """
covers 0 120
40.00  198.18.3.20:50100 > 10.0.0.5:5269  syn
40.01  back  syn-ack
40.02  back  StreamHeader from=example.net to=cupdomain.com
40.03  back  StreamHeader from=cupdomain.com to=example.net id=c2
40.04  back  Dialback word=verify from=example.net to=cupdomain.com id=strange key=kx
40.05  back  Dialback word=verify verdict={verdict} from=cupdomain.com to=example.net id=strange
"""


def test_a_key_that_our_server_disowns_is_a_claim() -> None:
    """Nothing of ours was sent, the capture ran for 40 s before, and our server says invalid."""
    case = scene.case(scene.tap("cups", CALLBACK.format(verdict="invalid")), local=["cupdomain.com"])
    claim = claim_on(case.dialbacks[0], case)
    assert claim is not None
    assert claim.watched
    assert claim.disowned is not None
    assert claim.address is None


def test_a_key_that_our_server_vouches_for_is_ours() -> None:
    """The capture has not seen it leave, our server has."""
    case = scene.case(scene.tap("cups", CALLBACK.format(verdict="valid")), local=["cupdomain.com"])
    assert claim_on(case.dialbacks[0], case) is None


def test_a_key_of_somebody_elses_domain_is_no_claim_on_ours() -> None:
    """The case is seen from another domain."""
    case = scene.case(scene.tap("cups", CALLBACK.format(verdict="invalid")), local=["example.net"])
    assert claim_on(case.dialbacks[0], case) is None


def test_an_address_has_the_names_that_dns_gave() -> None:
    """The host of an SRV record and its domain both lead there."""
    answer = "= 5 0 5269 x.l.google.com + x.l.google.com 198.51.100.10"
    asked = f"0.02  10.0.0.53:53 > 10.0.0.5:4000  answer SRV _xmpp-server._tcp.gmail.com {answer}\n"
    case = scene.case(scene.tap("cups", asked))
    assert names_at("198.51.100.10", case) == ("gmail.com", "x.l.google.com")


def test_a_zone_ends_at_a_label() -> None:
    """`notgoogle.com` is nobody's but its owner's."""
    assert belongs_to("x.google.com", ("google.com",))
    assert not belongs_to("notgoogle.com", ("google.com",))
