"""What a rule tells people to do names the hosts and records of the incident."""

from __future__ import annotations

from analyzer.judge import judge
from analyzer.rule import Finding
from tests import scene


def found(rule: str, text: str) -> Finding:
    """The finding of one rule over what one capture saw, as cupdomain.com sees it."""
    case = scene.case(scene.tap("capture", text), local=["cupdomain.com"])
    return next(f for f in judge(case).findings if f.rule == rule)


def test_the_private_address_is_mended_at_the_record_that_holds_it() -> None:
    """The address stands beside the SRV answer: its own name is to be published, not that of the SRV record."""
    finding = found(
        "dns-srv-private-address",
        """
        0.10  198.51.100.10:4000 > 192.0.2.53:53  query SRV _xmpp-server._tcp.cupdomain.com
        0.11  back  answer SRV _xmpp-server._tcp.cupdomain.com = 0 0 5269 cup1.test + cup1.test 10.0.0.5
        0.20  198.51.100.10:50000 > 10.0.0.5:5269  syn
        1.20  same  syn again
        5.00  203.0.113.5:41000 > 198.51.100.10:5269  syn
        5.01  back  syn-ack
        5.02  back  StreamHeader from=cupdomain.com to=gmail.com
        5.03  back  StreamHeader from=gmail.com to=cupdomain.com id=s9
        """,
    )
    assert "cup1.test. IN A" in finding.remedy
    assert "_tcp" not in finding.remedy


def test_the_question_that_decides_asks_for_an_address_by_its_own_name() -> None:
    """A foreign server's private address: `dig` asks for the host, for an SRV name has no address."""
    finding = found(
        "dns-srv-private-address",
        """
        0.10  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com
        0.11  back  answer SRV _xmpp-server._tcp.gmail.com = 0 0 5269 x.gmail.com + x.gmail.com 10.9.9.9
        0.20  10.0.0.5:50000 > 10.9.9.9:5269  syn
        1.20  same  syn again
        """,
    )
    assert ("dns-split-horizon", "the same question from outside: dig x.gmail.com A") in finding.match.undecided
