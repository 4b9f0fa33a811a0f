"""The four machines: what each row of their tables means, told as a conversation, and that nothing upsets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.machines import dialback, dns, flow, stream
from analyzer.machines.dialback import DialbackMachine
from analyzer.machines.dns import DnsMachine
from analyzer.machines.flow import FlowMachine
from analyzer.machines.stream import StreamMachine
from analyzer.machines.table import Machine, Step
from parsers.events import (
    EVENT_TYPES,
    Dialback,
    DnsAnswer,
    DnsQuery,
    DnsRecord,
    Event,
    Sasl,
    StartTls,
    StreamEnd,
    TcpMark,
    TlsAlert,
    Unreachable,
)
from tests.any_event import CLIENT, FLOW, anything
from tests.scene import tap

MACHINES: tuple[type[Machine], ...] = (DnsMachine, FlowMachine, StreamMachine, DialbackMachine)
SOMETHING = tap("capture", "0.00  192.0.2.1:40000 > 192.0.2.2:5269  syn").events[0]
"""An event; a table looks at signals only."""


def run(kind: type[Machine], signals: str) -> list[Step]:
    """The steps of a machine that hears these signals."""
    machine = kind("key")
    return [machine.receive(signal, SOMETHING) for signal in signals.split()]


CONVERSATIONS: list[tuple[type[Machine], str, str]] = [
    # A question is asked until it is answered; silence is the state ASKED.
    (DnsMachine, "query> query>", "ASKED ASKED"),
    (DnsMachine, "query> ok<", "ASKED ANSWERED"),
    (DnsMachine, "query> empty<", "ASKED EMPTY"),
    (DnsMachine, "query> nxdomain<", "ASKED NO_SUCH_NAME"),
    (DnsMachine, "query> servfail< query> ok<", "ASKED FAILED ASKED ANSWERED"),
    (DnsMachine, "query> refused<", "ASKED FAILED"),
    (DnsMachine, "query> truncated< query> ok<", "ASKED TRUNCATED ASKED ANSWERED"),
    (DnsMachine, "ok<", "ANSWERED"),  # the capture began between question and answer
    # A handshake, data, and an end from both sides.
    (FlowMachine, "syn> syn>", "SYN_SENT SYN_SENT"),
    (FlowMachine, "syn> syn-ack< ack> data gap", "SYN_SENT SYN_ACKED OPEN OPEN OPEN"),
    (FlowMachine, "syn> syn-ack< data fin> fin< ack>", "SYN_SENT SYN_ACKED OPEN CLOSING CLOSED CLOSED"),
    (FlowMachine, "syn> rst<", "SYN_SENT REFUSED"),
    (FlowMachine, "syn> rst< syn> rst<", "SYN_SENT REFUSED REFUSED REFUSED"),
    (FlowMachine, "syn> unreachable< syn-ack<", "SYN_SENT UNREACHABLE SYN_ACKED"),
    (FlowMachine, "syn> syn-ack< ack> rst<", "SYN_SENT SYN_ACKED OPEN RESET"),
    (FlowMachine, "syn> syn-ack< ack> fin< rst>", "SYN_SENT SYN_ACKED OPEN CLOSING RESET"),
    (FlowMachine, "data fin< data", "MIDSTREAM CLOSING CLOSING"),  # the capture began in mid stream
    (FlowMachine, "syn> repeat syn-ack< repeat counted", "SYN_SENT SYN_SENT SYN_ACKED SYN_ACKED SYN_ACKED"),
    # RFC 6120: header, features, STARTTLS; then a capture sees ciphertext only.
    (
        StreamMachine,
        "header> header< features< starttls> proceed< hello> hello< certificate< ciphertext> ciphertext<",
        "OPENED GREETED READY TLS_ASKED TLS_AGREED TLS_HELLO TLS_ANSWERED TLS_ANSWERED CIPHERTEXT CIPHERTEXT",
    ),
    (StreamMachine, "header> header< features< starttls> tls-failure<", "OPENED GREETED READY TLS_ASKED TLS_REFUSED"),
    (StreamMachine, "hello> alert<", "TLS_HELLO TLS_BROKEN"),  # direct TLS, XEP-0368
    (StreamMachine, "hello> hello< ciphertext< header>", "TLS_HELLO TLS_ANSWERED CIPHERTEXT OPENED"),  # decrypted
    # SASL, and the restart after it.
    (
        StreamMachine,
        "header> header< features< auth> success< header> header< features< ",
        "OPENED GREETED READY SASL_ASKED AUTHED REOPENED REOPENED AUTHED",
    ),
    # SASL EXTERNAL refused, dialback tried in its place (XEP-0178).
    (
        StreamMachine,
        "header> header< features< auth> sasl-failure< dialback> dialback:valid< stanza>",
        "OPENED GREETED READY SASL_ASKED AUTH_REFUSED DIALBACK_ASKED AUTHED TRAFFIC",
    ),
    (StreamMachine, "header> header< dialback> dialback:invalid<", "OPENED GREETED DIALBACK_ASKED AUTH_REFUSED"),
    (StreamMachine, "header> header< dialback> dialback:error<", "OPENED GREETED DIALBACK_ASKED AUTH_REFUSED"),
    (StreamMachine, "header> header< verify> verify<", "OPENED GREETED GREETED GREETED"),  # a callback
    (StreamMachine, "header> error< end<", "OPENED ERRORED ENDED"),
    (StreamMachine, "header> not-xmpp<", "OPENED NOT_XMPP"),
    (StreamMachine, "header> header< bad-xml>", "OPENED GREETED BAD_XML"),
    # XEP-0220 section 1.4: the key, the question about it, and what the receiving server makes of the answer.
    (DialbackMachine, "result> verify> verify:valid< result:valid<", "KEY_SENT VERIFY_ASKED VOUCHED ACCEPTED"),
    (DialbackMachine, "result> verify> verify:invalid< result:invalid<", "KEY_SENT VERIFY_ASKED DISOWNED REJECTED"),
    (DialbackMachine, "result> verify> verify:error< result:error<", "KEY_SENT VERIFY_ASKED VERIFY_ERROR ERRORED"),
    (DialbackMachine, "result> result:error<", "KEY_SENT ERRORED"),  # the callback could not be made
    (DialbackMachine, "result> result:valid<", "KEY_SENT ACCEPTED"),  # … or was made out of sight
    (DialbackMachine, "verify> verify:invalid<", "UNPROMPTED DISOWNED"),  # nobody was seen sending the key
]


@pytest.mark.parametrize(("kind", "signals", "states"), CONVERSATIONS)
def test_a_conversation_goes_through_these_states(kind: type[Machine], signals: str, states: str) -> None:
    """Each signal leads where the protocol says, and none is a surprise."""
    steps = run(kind, signals)
    assert [s.after for s in steps] == states.split()
    assert all(s.expected for s in steps)


SURPRISES = [
    (DnsMachine, "query> ok<", "ok<"),  # answered twice
    (FlowMachine, "syn> syn-ack< ack> fin> fin<", "data"),
    (StreamMachine, "header> header<", "stanza>"),  # before authentication: XEP-0220 section 2.1.1 forbids it
    (StreamMachine, "header> header< features< starttls>", "dialback>"),
    (StreamMachine, "header> header< features<", "dialback:valid<"),  # an answer that nobody asked for
    (DialbackMachine, "result>", "verify:valid<"),
]


@pytest.mark.parametrize(("kind", "signals", "surprise"), SURPRISES)
def test_what_the_protocol_does_not_have_is_recorded_and_changes_nothing(
    kind: type[Machine], signals: str, surprise: str
) -> None:
    """A surprise keeps the state, so that the rest of the conversation is still understood."""
    *_, before, step = run(kind, f"{signals} {surprise}")
    assert not step.expected
    assert step.after == step.before == before.after


@pytest.mark.parametrize("kind", MACHINES)
@given(data=st.data())
def test_any_signals_make_a_chain_of_known_states(kind: type[Machine], data: st.DataObject) -> None:
    """Whatever is said: each step begins where the last one ended, and a surprise moves nothing."""
    known = sorted({s for row in kind.TABLE.values() for s in row} | set(kind.ANYWHERE))
    heard = data.draw(st.lists(st.sampled_from(known) | st.text(max_size=8), max_size=30))
    machine = kind("key")
    state = kind.START
    for signal in heard:
        step = machine.receive(signal, SOMETHING)
        assert (step.before, step.signal, step.machine, step.key) == (state, signal, kind.NAME, "key")
        assert step.after in kind.states()
        assert step.expected or step.after == step.before
        state = step.after
    assert machine.state == state
    assert [s.signal for s in machine.steps] == heard


@settings(deadline=None)  # the first draw of a class works out its fields
@given(st.lists(st.sampled_from(EVENT_TYPES).flatmap(anything), max_size=8))
def test_no_event_upsets_a_machine(events: Sequence[Event]) -> None:
    """Any events in any order, with or without ends: a step for each that is the machine's own, and no exception."""
    assert len(fed(FlowMachine, events, lambda e: flow.signal(e, CLIENT))) == len(events)
    fed(StreamMachine, events, lambda e: stream.signal(e, CLIENT))
    questions = [e for e in events if isinstance(e, DnsQuery | DnsAnswer)]
    assert len(fed(DnsMachine, questions, dns.signal)) == len(questions)
    keys = [e for e in events if isinstance(e, Dialback)]
    assert len(fed(DialbackMachine, keys, dialback.signal)) == len(keys)


def fed(kind: type[Machine], events: Sequence[Event], signal: Callable[..., str | None]) -> list[Step]:
    """The steps of a machine that is given these events."""
    machine = kind("key")
    for event in events:
        word = signal(event)
        if word is not None:
            machine.receive(word, event)
    assert all(a.after == b.before for a, b in zip(machine.steps, machine.steps[1:], strict=False))
    return machine.steps


COMMON = {"at_ns": 1, "width_ns": 1, "where": SOMETHING.where}


def answer(rcode: int, *records: DnsRecord, truncated: bool = False) -> DnsAnswer:
    """A DNS answer about the address of a.example."""
    return DnsAnswer(
        txid=1,
        name="a.example",
        rrtype="A",
        rcode=rcode,
        authoritative=False,
        truncated=truncated,
        answers=records,
        **COMMON,
    )


ALIAS = DnsRecord(name="a.example", rrtype="CNAME", ttl_s=1, data="b.example")
ADDRESS = DnsRecord(name="b.example", rrtype="A", ttl_s=1, data="192.0.2.9")
EXTRA = DnsRecord(name="b.example", rrtype="A", ttl_s=1, data="192.0.2.9", section="additional")


@pytest.mark.parametrize(
    ("event", "signal"),
    [
        (DnsQuery(txid=1, name="a.example", rrtype="A", **COMMON), "query>"),
        (answer(0, ALIAS, ADDRESS), "ok<"),
        (answer(0, ALIAS), "empty<"),  # an alias that leads to no address
        (answer(0, EXTRA), "empty<"),  # the additional section answers nothing
        (answer(0, truncated=True), "truncated<"),
        (answer(0, ADDRESS, truncated=True), "ok<"),  # what came is enough
        (answer(2), "servfail<"),
        (answer(3), "nxdomain<"),
        (answer(5), "refused<"),
        (answer(4), "refused<"),  # NOTIMP
    ],
)
def test_dns_messages_in_the_tables_words(event: DnsQuery | DnsAnswer, signal: str) -> None:
    """A response code, a cut answer, and an answer without what was asked for."""
    assert dns.signal(event) == signal


@pytest.mark.parametrize(
    ("event", "signal"),
    [
        (TcpMark(mark="syn", flow=FLOW, **COMMON), "syn>"),
        (TcpMark(mark="syn-ack", flow=FLOW.reverse, **COMMON), "syn-ack<"),
        (TcpMark(mark="syn", repeat=True, flow=FLOW, **COMMON), "repeat"),
        (Unreachable(code="admin", reporter_ip="192.0.2.254", flow=FLOW, **COMMON), "unreachable<"),
        (Unreachable(code="admin", reporter_ip="192.0.2.254", flow=FLOW.reverse, **COMMON), "unreachable>"),
        (StreamEnd(flow=FLOW, **COMMON), "data"),
    ],
)
def test_segments_in_the_tables_words(event: Event, signal: str) -> None:
    """An ICMP error about the client's packet comes from the server's side."""
    assert flow.signal(event, CLIENT) == signal


@pytest.mark.parametrize(
    ("event", "signal"),
    [
        (StartTls(word="failure", flow=FLOW.reverse, **COMMON), "tls-failure<"),
        (Sasl(word="failure", flow=FLOW.reverse, **COMMON), "sasl-failure<"),
        (Sasl(word="auth", flow=FLOW, **COMMON), "auth>"),
        (TlsAlert(level="fatal", description="unknown_ca", flow=FLOW.reverse, **COMMON), "alert<"),
        (TlsAlert(level="warning", description="close_notify", flow=FLOW, **COMMON), None),
        (TlsAlert(level="encrypted", description="encrypted", flow=FLOW, **COMMON), None),
        (TcpMark(mark="syn", flow=FLOW, **COMMON), None),
    ],
)
def test_elements_in_the_tables_words(event: Event, signal: str | None) -> None:
    """An ordinary end of TLS is no alert, and TCP is no business of a stream."""
    assert stream.signal(event, CLIENT) == signal


@pytest.mark.parametrize(("word", "verdict"), [("result", None), ("verify", "valid"), ("verify", "invalid")])
def test_a_key_and_the_answer_about_it_go_from_sender_to_target(word: str, verdict: str | None) -> None:
    """XEP-0220 section 1.3: a result asks in the sender's name; a verify is answered in the sender's name."""
    event = Dialback(word=word, verdict=verdict, from_domain="sender.example", to_domain="target.example", **COMMON)
    assert dialback.domains(event) == ("sender.example", "target.example")


@pytest.mark.parametrize(("word", "verdict"), [("verify", None), ("result", "valid"), ("result", "error")])
def test_the_question_about_a_key_and_its_result_go_back(word: str, verdict: str | None) -> None:
    """The same two domains, the other way round."""
    event = Dialback(word=word, verdict=verdict, from_domain="target.example", to_domain="sender.example", **COMMON)
    assert dialback.domains(event) == ("sender.example", "target.example")
