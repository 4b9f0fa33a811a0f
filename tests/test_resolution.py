"""The DNS questions of one attempt, taken together."""

from analyzer.resolution import Resolution
from tests import scene

ASKED = "0.00  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com\n0.02  back  answer SRV "


def resolution(answer: str, more: str = "") -> Resolution:
    """The one resolution of a case in which our server asked for gmail.com."""
    told = f"{ASKED}_xmpp-server._tcp.gmail.com {answer}\n{more}"
    return scene.case(scene.tap("cups", told), local=["cupdomain.com"]).sessions[0].resolutions[0]


def test_one_good_answer_makes_up_for_a_failure() -> None:
    """The first resolver failed, the second knew."""
    again = (
        "1.00  10.0.0.5:4002 > 10.0.0.54:53  query SRV _xmpp-server._tcp.gmail.com '#2'\n"
        "1.02  back  answer SRV _xmpp-server._tcp.gmail.com '#2' = 5 0 5269 x.l.google.com\n"
    )
    found = resolution("SERVFAIL", again)
    assert found.srv_outcome == "answered"
    assert len(found.srv_with("servfail")) == 1


def test_targets_stand_in_the_order_in_which_they_are_tried() -> None:
    """Lowest priority value first (RFC 2782)."""
    found = resolution("= 20 0 5269 b.example, 5 0 5269 a.example + a.example 198.51.100.10")
    assert [r.data for r in found.targets] == ["a.example", "b.example"]
    assert found.addresses == ("198.51.100.10",)


def test_a_name_without_ipv6_is_not_denied() -> None:
    """Only the question for A, or a name that does not exist, denies the address."""
    v6 = "0.03  10.0.0.5:4001 > 10.0.0.53:53  query AAAA a.example\n0.04  back  answer AAAA a.example empty\n"
    assert resolution("= 5 0 5269 a.example", v6).denied("a.example") == ()
    gone = v6.replace("empty", "NXDOMAIN")
    assert len(resolution("= 5 0 5269 a.example", gone).denied("a.example")) == 1


def test_without_a_connection_it_failed() -> None:
    """Nothing came of it."""
    assert resolution("NXDOMAIN").failed
