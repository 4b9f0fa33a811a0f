"""The guide's steps, asked of small scenes: what passes, what fails, and what nobody could have seen."""

from __future__ import annotations

import pytest

from analyzer.checklist import STEPS, Item, checklist
from analyzer.judge import judge
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from tests import scene

OUT = """
0.00  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com
0.02  back  answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.gmail.com + x.gmail.com 198.51.100.10
0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
0.11  back                                 syn-ack
0.12  10.0.0.5:40000 > 198.51.100.10:5269  ack
0.13  same                                 StreamHeader from=cupdomain.com to=gmail.com
0.14  back                                 StreamHeader from=gmail.com to=cupdomain.com id=AAAA1111
0.15  10.0.0.5:40000 > 198.51.100.10:5269  Dialback from=cupdomain.com to=gmail.com key=secret
"""
"""Our server reaches gmail.com and sends its key."""

CALLED_BACK = """
0.20  198.51.100.10:50000 > 10.0.0.5:5269  syn
0.21  back                                 syn-ack
0.22  198.51.100.10:50000 > 10.0.0.5:5269  ack
0.23  same                                 StreamHeader from=gmail.com to=cupdomain.com
0.24  back                                 StreamHeader from=cupdomain.com to=gmail.com id=BBBB2222
0.25  198.51.100.10:50000 > 10.0.0.5:5269  Dialback word=verify from=gmail.com to=cupdomain.com id=AAAA1111 key=secret
0.26  back  Dialback word=verify verdict=valid from=cupdomain.com to=gmail.com id=AAAA1111
0.30  198.51.100.10:5269 > 10.0.0.5:40000  Dialback verdict=valid from=gmail.com to=cupdomain.com
"""
"""… and gmail.com calls back, is told that the key is ours, and accepts us."""

OUTSIDE = """
0.105 203.0.113.5:40000 > 198.51.100.10:5269  syn
0.107 back                                    syn-ack
0.131 203.0.113.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
0.138 back                                    StreamHeader from=gmail.com to=cupdomain.com id=AAAA1111
0.16  192.0.2.53:53 > 198.51.100.53:53        answer SRV _xmpp-server._tcp.cupdomain.com = 0 0 5269 cup.cupdomain.com
0.17  192.0.2.53:53 > 198.51.100.53:53        answer A cup.cupdomain.com = {address}
"""
"""The same attempt outside the firewall, and what public DNS says of us."""


def asked(case: CaseView) -> dict[str, Item]:
    """The checklist of a case, by step."""
    return {item.step: item for item in checklist(case, judge(case, {}))}


def told(*taps: tuple[str, str], local: tuple[str, ...] = ("cupdomain.com",)) -> dict[str, Item]:
    """The checklist of what these taps saw."""
    return asked(scene.case(*(scene.tap(name, text) for name, text in taps), local=local))


def test_every_step_of_the_guide_is_answered_in_its_order() -> None:
    """Ten steps, each with a question and one of the four states of the report contract."""
    items = told(("cups", OUT))
    assert list(items) == [*(f"config-{n}" for n in range(1, 6)), "verify-1", "verify-2", "verify-3", *TROUBLE]
    for item in items.values():
        assert item.question.endswith("?")
        assert item.state in ("pass", "fail", "not-observed", "not-applicable")
        assert item.because


TROUBLE = ("trouble-1", "trouble-2")


def test_a_case_without_a_local_domain_asks_for_it() -> None:
    """Where nobody knows which domain is ours, every step says how to tell."""
    third_parties = """
    0.00  198.51.100.1:4000 > 198.51.100.2:5269  syn
    0.01  back                                   syn-ack
    """
    items = told(("link", third_parties), local=())
    assert {i.state for i in items.values()} == {"not-observed"}
    assert all("--local-domain" in i.because for i in items.values())


def test_a_healthy_exchange_at_our_server_passes_what_it_can_show() -> None:
    """Callback, stream and translation are seen; of public DNS one capture inside shows nothing."""
    items = told(("cups", OUT + CALLED_BACK))
    states = {step: item.state for step, item in items.items()}
    assert states == {
        "config-1": "not-observed",
        "config-2": "pass",
        "config-3": "pass",
        "config-4": "pass",
        "config-5": "pass",
        "verify-1": "pass",
        "verify-2": "pass",
        "verify-3": "pass",
        "trouble-1": "not-observed",
        "trouble-2": "pass",
    }
    assert "nslookup" in items["config-1"].because
    assert all(i.events for i in items.values() if i.state == "pass"), "a pass shows its evidence"


def test_silence_is_never_a_pass() -> None:
    """An outbound attempt alone says nothing of the way in, and each step names what would."""
    items = told(("cups", OUT))
    for step in ("config-1", "config-2", "config-3", "config-4", "verify-1", "verify-2", "verify-3", "trouble-1"):
        assert items[step].state == "not-observed", step
        assert items[step].because and not items[step].events
    assert items["config-5"].state == "pass", "our server opens streams, so its service runs"
    assert items["trouble-2"].state == "pass"


def test_public_dns_leads_to_our_translated_address() -> None:
    """config-1 and trouble-1: the address in public DNS is the one to which our server is translated."""
    items = told(("inside", OUT), ("outside", OUTSIDE.format(address="203.0.113.5")))
    for step in ("config-1", "trouble-1"):
        assert items[step].state == "pass"
        assert "203.0.113.5" in items[step].because


def test_public_dns_leads_to_an_inside_address() -> None:
    """config-1: an address of RFC 1918 in public DNS cannot be reached, and the item says which."""
    items = told(("inside", OUT), ("outside", OUTSIDE.format(address="10.0.0.5")))
    assert items["config-1"].state == "fail"
    assert "10.0.0.5" in items["config-1"].because


def test_public_dns_leads_elsewhere_than_connections_arrive() -> None:
    """trouble-1: connections reach us at one public address, DNS names another; the item names both."""
    inbound = """
    1.00  198.51.100.77:50000 > 203.0.113.5:5269  syn
    1.01  back                                    syn-ack
    1.03  198.51.100.77:50000 > 203.0.113.5:5269  StreamHeader from=example.net to=cupdomain.com
    1.04  back                                    StreamHeader from=cupdomain.com to=example.net id=CCCC3333
    """
    items = told(("outside", OUTSIDE.format(address="203.0.113.99") + inbound))
    assert items["trouble-1"].state == "fail"
    assert "203.0.113.99" in items["trouble-1"].because
    assert "203.0.113.5" in items["trouble-1"].because


def test_an_address_that_nobody_was_seen_at_is_not_taken_for_ours() -> None:
    """config-1: DNS alone does not show that the address is that of our server."""
    items = told(("inside", OUT), ("resolver", OUTSIDE[OUTSIDE.index("0.16") :].format(address="203.0.113.5")))
    assert items["config-1"].state == "not-observed"


@pytest.mark.parametrize(
    ("answer", "state", "says"),
    [
        ("NXDOMAIN", "fail", "nxdomain"),
        ("empty", "fail", "empty"),
        ("SERVFAIL", "fail", "servfail"),
        ("truncated", "not-observed", "nslookup"),
        ("= 0 0 0 .", "fail", "no federation service"),
        ("= 0 0 5269 cup.cupdomain.com", "not-observed", "cup.cupdomain.com"),
    ],
)
def test_what_public_dns_may_say_of_our_srv_record(answer: str, state: str, says: str) -> None:
    """config-1: each kind of answer, in words."""
    public = f"0.50  192.0.2.53:53 > 198.51.100.53:53  answer SRV _xmpp-server._tcp.cupdomain.com {answer}\n"
    items = told(("inside", OUT), ("outside", public))
    assert items["config-1"].state == state
    assert says in items["config-1"].because


def test_a_host_without_an_address_fails_the_srv_step() -> None:
    """config-1: the SRV record names a host that public DNS does not know."""
    public = """
    0.50  192.0.2.53:53 > 198.51.100.53:53  answer SRV _xmpp-server._tcp.cupdomain.com = 0 0 5269 cup.cupdomain.com
    0.51  192.0.2.53:53 > 198.51.100.53:53  answer A cup.cupdomain.com NXDOMAIN
    """
    items = told(("inside", OUT), ("outside", public))
    assert items["config-1"].state == "fail"
    assert "no address" in items["config-1"].because


def test_the_inside_view_of_a_zone_says_nothing_of_public_dns() -> None:
    """config-1: an answer between two inside addresses may come from an inside zone."""
    inside = """
    0.01  10.0.0.20:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.cupdomain.com
    0.02  back                           answer SRV _xmpp-server._tcp.cupdomain.com NXDOMAIN
    """
    assert told(("cups", OUT + inside))["config-1"].state == "not-observed"


DROPPED = """
covers 0 60
5.0   198.51.100.10:50000 > 203.0.113.5:5269  syn
6.0   same                                    syn again
"""


def test_a_syn_that_never_comes_in_fails_the_way_in_and_not_the_service() -> None:
    """verify-1 names the captures that saw the SYN and those that did not; config-2 does not guess why."""
    items = told(("inside", "covers 0 60\n" + OUT), ("outside", DROPPED + OUTSIDE.format(address="203.0.113.5")))
    assert items["verify-1"].state == "fail"
    assert "outside" in items["verify-1"].because
    assert "never in inside" in items["verify-1"].because
    assert items["config-2"].state == "not-observed"
    assert items["verify-2"].state == "not-observed"
    assert items["config-5"].state == "pass"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("5.01  back  rst", "refused"),
        ("5.01  back  Unreachable code=admin reporter_ip=10.0.0.1", "unreachable"),
        ("6.00  same  syn again", "no answer"),
    ],
)
def test_a_service_that_does_not_accept_fails_inside_and_outside(answer: str, says: str) -> None:
    """verify-1 and verify-2: the SYN came in, and our server did not accept it."""
    tries = f"5.0   198.51.100.10:50000 > 10.0.0.5:5269  syn\n{answer.replace('back  Unr', 'same  Unr')}\n"
    items = told(("cups", OUT + tries))
    assert items["verify-1"].state == items["verify-2"].state == "fail"
    assert says in items["verify-2"].because
    assert "had come in" in items["verify-1"].because
    assert items["config-5"].state == ("fail" if says == "refused" else "pass")


def test_a_blank_telnet_screen_proves_tcp_only() -> None:
    """verify-1: a probe that was accepted passes, and the item says how little that proves."""
    telnet = """
    5.0   198.51.100.77:50000 > 10.0.0.5:5269  syn
    5.01  back                                 syn-ack
    5.02  198.51.100.77:50000 > 10.0.0.5:5269  ack
    6.0   same                                 fin
    """
    items = told(("cups", OUT + telnet))
    assert items["verify-1"].state == "pass"
    assert "TCP only, not XMPP" in items["verify-1"].because
    assert items["config-3"].state == "not-observed", "nobody called us back yet"


def test_the_last_attempt_of_a_peer_counts() -> None:
    """verify-1: what was refused first and accepted later works now."""
    tries = """
    5.0   198.51.100.10:50000 > 10.0.0.5:5269  syn
    5.01  back                                 rst
    65.0  198.51.100.10:50001 > 10.0.0.5:5269  syn
    65.01 back                                 syn-ack
    65.02 198.51.100.10:50001 > 10.0.0.5:5269  StreamHeader from=gmail.com to=cupdomain.com
    65.03 back                                 StreamHeader from=cupdomain.com to=gmail.com id=DDDD4444
    """
    items = told(("cups", OUT + tries))
    assert items["verify-1"].state == items["verify-2"].state == items["config-5"].state == "pass"


def test_a_capture_that_ends_too_soon_shows_no_silence() -> None:
    """verify-1: one SYN at the very end of a capture was not refused by anybody."""
    items = told(("cups", "covers 0 6\n" + OUT + "5.9  198.51.100.10:50000 > 10.0.0.5:5269  syn\n"))
    assert items["verify-1"].state == "not-observed"


def test_another_service_on_our_port_is_not_the_federation_service() -> None:
    """config-5: what answers speaks HTTP."""
    wrong = """
    5.0   198.51.100.10:50000 > 10.0.0.5:5269  syn
    5.01  back                                 syn-ack
    5.02  198.51.100.10:50000 > 10.0.0.5:5269  StreamHeader from=gmail.com to=cupdomain.com
    5.03  back                                 NotXmpp protocol=http text=HTTP/1.1
    """
    items = told(("cups", OUT + wrong))
    assert items["config-5"].state == "fail"
    assert "http" in items["config-5"].because


def test_a_server_with_a_public_address_of_its_own_needs_no_translation() -> None:
    """config-2: the capture was made on the host, and the host has the public address."""
    public = (OUT + CALLED_BACK).replace("10.0.0.5:", "203.0.113.5:")
    assert told(("host", public))["config-2"].state == "not-applicable"


def test_a_translation_seen_on_both_sides_is_told_with_both_ends() -> None:
    """config-2: 203.0.113.5 outside is 10.0.0.5 inside."""
    outside = CALLED_BACK.split("0.30")[0].replace("10.0.0.5:", "203.0.113.5:")
    items = told(("inside", OUT + CALLED_BACK), ("outside", outside))
    assert items["config-2"].state == "pass"
    assert "203.0.113.5:5269 is translated to 10.0.0.5:5269" in items["config-2"].because


def test_a_callback_about_a_key_that_nobody_saw_us_send_does_not_pass() -> None:
    """verify-3: without a rule's word it is not observed who sent the key, and the item says what would show it."""
    unprompted = CALLED_BACK.split("0.30")[0].replace("AAAA1111", "EEEE5555")
    items = told(("cups", OUT + unprompted))
    assert items["verify-3"].state == "not-observed"
    assert "not seen sending" in items["verify-3"].because
    assert items["config-3"].state == "not-observed"


def test_the_rules_word_on_a_claimed_domain_fails_the_step() -> None:
    """config-3 and verify-3 fail by a likely finding; by one that is only possible they neither pass nor fail."""
    case = scene.case(scene.tap("cups", OUT + CALLED_BACK), local=("cupdomain.com",))
    for confidence, state in ((Confidence.LIKELY, "fail"), (Confidence.POSSIBLE, "not-observed")):
        rules = {"hosting-unexpected-callback": rule("somebody else claims cupdomain.com", confidence)}
        items = {i.step: i for i in checklist(case, judge(case, rules))}
        assert items["config-3"].state == items["verify-3"].state == state
        assert "somebody else claims cupdomain.com" in items["config-3"].because


def test_settings_that_do_not_fit_fail_their_step() -> None:
    """config-4: the cause of a failing pair is one of the settings."""
    case = scene.case(scene.tap("cups", OUT), local=("cupdomain.com",))
    rules = {"tls-required-not-offered": rule("gmail.com offers no TLS, which we require", Confidence.LIKELY)}
    items = {i.step: i for i in checklist(case, judge(case, rules))}
    assert items["config-4"].state == "fail"
    assert "gmail.com offers no TLS" in items["config-4"].because


def rule(because: str, confidence: Confidence) -> Rule:
    """A rule that matches every outbound session with these words."""

    def predicate(session: Session, case: CaseView) -> Match | None:
        if session.direction != "outbound":
            return None
        return Match(events=session.connections[0].events[:1], because=because, confidence=confidence)

    return Rule(
        title="A sign",
        stage=Stage.AUTH,
        severity=Severity.FAILURE,
        owner=Owner.USER,
        explanation="",
        remedy="",
        sources=(),
        predicate=predicate,
    )


PEER = """
{n}.00  10.0.0.5:4{n:03} > 10.0.0.53:53  query SRV _xmpp-server._tcp.{domain}
{n}.02  back                             answer SRV _xmpp-server._tcp.{domain} {answer}
"""


def test_the_way_out_names_the_peers_that_fail_and_those_that_do_not() -> None:
    """trouble-2: one peer has no SRV record, one does not answer, one accepts."""
    lost = PEER.format(n=3, domain="lost.example", answer="= 0 0 5269 x.lost.example + x.lost.example 198.51.100.30")
    lost += "3.10  10.0.0.5:41000 > 198.51.100.30:5269  syn\n4.10  same  syn again\n"
    text = OUT + PEER.format(n=2, domain="gone.example", answer="NXDOMAIN") + lost
    item = told(("cups", text))["trouble-2"]
    assert item.state == "fail"
    assert "gone.example: the SRV question came to nxdomain" in item.because
    assert "lost.example" in item.because
    assert "it holds for gmail.com" in item.because


@pytest.mark.parametrize(
    ("answer", "state"),
    [("= 0 0 0 .", "fail"), ("truncated", "not-observed"), ("= 0 0 5269 x.example", "not-observed")],
)
def test_a_lookup_that_no_connection_followed(answer: str, state: str) -> None:
    """trouble-2: a refusal in DNS fails; an answer without a connection leaves the way out open."""
    text = PEER.format(n=2, domain="peer.example", answer=answer)
    assert told(("cups", text))["trouble-2"].state == state


def test_a_peer_whose_host_has_no_address_fails_the_way_out() -> None:
    """trouble-2: the SRV record is there, the host that it names is not."""
    text = PEER.format(n=2, domain="peer.example", answer="= 0 0 5269 x.peer.example")
    text += "2.03  10.0.0.5:4002 > 10.0.0.53:53  query A x.peer.example\n"
    text += "2.04  back                          answer A x.peer.example NXDOMAIN\n"
    item = told(("cups", OUT + text))["trouble-2"]
    assert item.state == "fail"
    assert "x.peer.example" in item.because
    assert "gmail.com" in item.because, "the peer that works is named as well"


def test_a_lookup_beside_an_open_stream_takes_nothing_back() -> None:
    """trouble-2: later our server asks again, but has a stream and needs no new one."""
    again = """
    70.0  10.0.0.5:4070 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com
    70.1  back                          answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.gmail.com
    """
    assert told(("cups", OUT + again))["trouble-2"].state == "pass"


def test_a_stream_whose_key_we_disown_does_not_show_our_service() -> None:
    """config-5: somebody opened a stream in our name; that our service runs is shown by our own answers only."""
    claimed = """
    0.10  198.51.100.66:40000 > 198.51.100.10:5269  syn
    0.11  back                                      syn-ack
    0.13  198.51.100.66:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
    0.14  back                                      StreamHeader from=gmail.com to=cupdomain.com id=AAAA1111
    0.15  198.51.100.66:40000 > 198.51.100.10:5269  Dialback from=cupdomain.com to=gmail.com key=other
    """
    asked_back = CALLED_BACK.split("0.30")[0].replace("verdict=valid", "verdict=invalid")
    item = told(("peer", claimed), ("cups", asked_back))["config-5"]
    assert item.state == "pass"
    assert "198.51.100.66" not in item.because


def test_a_telnet_by_hand_shows_the_way_out() -> None:
    """trouble-2: a PC inside tried the peer's port, which DNS names; the item says that it was TCP only."""
    text = PEER.format(n=2, domain="gmail.com", answer="= 0 0 5269 x.gmail.com + x.gmail.com 198.51.100.10")
    text += """
    9.00  10.0.0.20:50000 > 198.51.100.10:5269  syn
    9.01  back                                  syn-ack
    9.02  10.0.0.20:50000 > 198.51.100.10:5269  ack
    """
    item = told(("inside", text))["trouble-2"]
    assert item.state == "pass"
    assert "TCP only" in item.because


def test_many_peers_are_counted_and_not_all_told() -> None:
    """An item stays readable with fifty failing peers."""
    text = "".join(PEER.format(n=n, domain=f"peer{n}.example", answer="NXDOMAIN") for n in range(10, 60))
    item = told(("cups", text))["trouble-2"]
    assert "and 45 more" in item.because
    assert len(item.events) <= 10


def test_a_neighbour_inside_proves_no_translation() -> None:
    """config-2: another domain's server on an inside address came straight to ours."""
    neighbour = """
    5.0   10.0.0.77:50000 > 10.0.0.5:5269  syn
    5.01  back                             syn-ack
    5.02  10.0.0.77:50000 > 10.0.0.5:5269  StreamHeader from=lab.example to=cupdomain.com
    """
    item = told(("cups", OUT + neighbour))["config-2"]
    assert item.state == "not-observed"
    assert "nothing is translated" in item.because


def test_a_stranger_at_our_published_address_is_not_our_server() -> None:
    """verify-1: DNS leads to an address that accepts, but our server was seen at another."""
    stranger = """
    5.0   198.51.100.10:50000 > 203.0.113.99:5269  syn
    5.01  back                                     syn-ack
    5.02  198.51.100.10:50000 > 203.0.113.99:5269  StreamHeader from=gmail.com to=cupdomain.com
    """
    item = told(("outside", OUTSIDE.format(address="203.0.113.99") + stranger))["verify-1"]
    assert item.state == "not-observed"
    assert "perhaps not by our server" in item.because


def test_calling_a_peer_back_is_a_way_out_as_well() -> None:
    """trouble-2: we cannot verify a peer's key, because its name does not exist."""
    text = """
    0.20  198.51.100.40:50000 > 10.0.0.5:5269  syn
    0.21  back                                 syn-ack
    0.23  198.51.100.40:50000 > 10.0.0.5:5269  StreamHeader from=gone.example to=cupdomain.com
    0.24  back                                 StreamHeader from=cupdomain.com to=gone.example id=BBBB2222
    0.25  198.51.100.40:50000 > 10.0.0.5:5269  Dialback from=gone.example to=cupdomain.com key=secret
    0.30  10.0.0.5:4000 > 10.0.0.53:53         query SRV _xmpp-server._tcp.gone.example
    0.31  back                                 answer SRV _xmpp-server._tcp.gone.example NXDOMAIN
    """
    item = told(("cups", text))["trouble-2"]
    assert item.state == "fail"
    assert "gone.example" in item.because


def test_steps_are_named_once() -> None:
    """No step stands twice in the list."""
    assert len({step.name for step in STEPS}) == len(STEPS)


def test_a_second_attempt_rests_on_the_answer_that_its_host_got_for_the_first() -> None:
    """The record was asked for once; the connection a minute later needs no new question."""
    again = """
    90.00  10.0.0.5:40001 > 198.51.100.10:5269  syn
    90.01  back                                 syn-ack
    90.02  10.0.0.5:40001 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
    """
    item = told(("cups", OUT + again))["trouble-2"]
    assert item.state == "pass"
    assert "its SRV record was answered" in item.because
    assert any(getattr(e, "answers", ()) for e in item.events)
    assert "without a lookup" in told(("cups", again))["trouble-2"].because


REFUSED = """
Sep  6 09:14:02 s2sin55c0d\tinfo\tIncoming s2s connection gmail.com->cupdomain.com complete
Sep  6 09:14:02 s2sout55c0d\tdebug\tSEND: <db:result from='cupdomain.com' to='gmail.com'>0123456789abcdef</db:result>
Sep  6 09:14:02 s2sout55c0d\tdebug\tRECV: <db:result from='gmail.com' to='cupdomain.com' type='invalid'/>
Sep  6 09:14:02 s2sout55c0d\tinfo\tOutgoing s2s stream cupdomain.com->gmail.com closed: dialback authentication failed
"""


def test_a_refused_key_in_our_name_keeps_the_step_about_other_services_open() -> None:
    """Whoever speaks in our name writes a log like ours: no address tells that a server of ours sent it."""
    item = asked(scene.case(scene.log("cups.log", "prosody", REFUSED, zone="UTC", year=2013), local=["cupdomain.com"]))[
        "config-3"
    ]
    assert item.state == "not-observed"
    assert "would show from which address it came" in item.because


def test_a_question_whose_answer_no_source_tells_leaves_the_way_out_open() -> None:
    """The log says that the service record was found, not what it holds, and nothing was tried after it."""
    text = """
Sep  6 09:14:02 s2sout55c0d\tdebug\tFirst attempt to connect to gmail.com, starting with SRV lookup...
Sep  6 09:14:02 unbound.query55c0\tdebug\tResolve _xmpp-server._tcp.gmail.com IN SRV
Sep  6 09:14:02 unbound.query55c0\tdebug\tResults for _xmpp-server._tcp.gmail.com IN SRV: 2 items (Insecure, 0.1 sec)
"""
    item = asked(scene.case(scene.log("cups.log", "prosody", text, zone="UTC", year=2013), local=["cupdomain.com"]))[
        "trouble-2"
    ]
    assert item.state == "not-observed"
    assert item.because == "gmail.com: its SRV question was answered, but no source tells by what"


def logs(**texts: str) -> dict[str, Item]:
    """The checklist of what these logs tell, by their formats."""
    taps = [scene.log(f"{form}.log", form, text, zone="UTC", year=2013) for form, text in texts.items()]
    return asked(scene.case(*taps, local=["cupdomain.com"]))


def test_a_stream_that_a_log_tells_of_shows_that_the_service_runs() -> None:
    """What lets verify-1 pass lets config-5 pass: our server's log says that it took a stream."""
    items = logs(
        prosody="""\
Sep  6 09:14:11 conn12\tdebug\tNew connection FD 12 (198.51.100.10, 402, 10.0.0.5, 5269) on server FD 7 (0.0.0.0, 5269)
Sep  6 09:14:11 conn12\tdebug\tConnected (FD 12 (198.51.100.10, 402, 10.0.0.5, 5269))
Sep  6 09:14:11 s2sin55ea38327b40\tdebug\tIncoming s2s connection
Sep  6 09:14:11 s2sin55ea38327b40\tinfo\tIncoming s2s connection gmail.com->cupdomain.com complete
"""
    )
    for step in ("verify-1", "config-5"):
        assert items[step].state == "pass"
        assert items[step].because.endswith("a log tells of a stream to 10.0.0.5:5269")


def test_what_the_firewall_refused_fails_although_nobody_tells_what_dns_said() -> None:
    """The resolver's log says that it answered, and not with what; the firewall says that it let nothing out."""
    items = logs(
        dnsmasq="""\
Sep  6 09:14:02 dnsmasq[16]: 1 10.0.0.5/21076 query[SRV] _xmpp-server._tcp.gmail.com from 10.0.0.5
Sep  6 09:14:02 dnsmasq[16]: 1 10.0.0.5/21076 reply _xmpp-server._tcp.gmail.com is <SRV>
Sep  6 09:14:02 dnsmasq[16]: 2 10.0.0.5/21077 query[A] gmail.com from 10.0.0.5
Sep  6 09:14:02 dnsmasq[16]: 2 10.0.0.5/21077 reply gmail.com is 198.51.100.10
""",
        asa="Sep  6 2013 09:14:02: %ASA-4-106023: Deny tcp src inside:10.0.0.5/56652 dst outside:198.51.100.10/5269 by "
        'access-group "inside_access_in" [0x0, 0x0]\n',
    )
    assert (items["trouble-2"].state, items["trouble-2"].because) == (
        "fail",
        "gmail.com: cupdomain.com to 198.51.100.10:5269: the firewall refused it (106023)",
    )
