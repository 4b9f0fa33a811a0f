"""Instants, durations and events in words; and nothing of the wire that could steer a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.report.words import TEXT_MAX, clock, count, day, duration, ends, escape, instant, place, says
from parsers.events import (
    EVENT_TYPES,
    DnsAnswer,
    DnsRecord,
    Event,
    FirewallLog,
    Flow,
    Probe,
    Said,
    Setting,
    StreamFeatures,
    Topic,
    Where,
)
from tests import scene
from tests.any_event import FLOW, anything

AT = 1_378_458_843_412_000_001
WHERE = Where(source="a.pcap", frame=1)


@pytest.mark.parametrize(
    ("ns", "told"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_500, "1.5 µs"),
        (412_000, "412 µs"),
        (37_500_000_000, "37.5 s"),
        (-2_000_000, "-2 ms"),
        (119_900_000_000, "119 s"),
        (200 * 10**9, "3 min 20 s"),
        (3 * 3600 * 10**9, "3 h 0 min"),
    ],
)
def test_a_duration_with_the_figures_that_matter(ns: int, told: str) -> None:
    """Never a float, never more than three figures or so."""
    assert duration(ns) == told


def test_an_instant_in_full_and_in_part() -> None:
    """Nanoseconds survive; beyond the calendar the number stands for itself."""
    assert instant(AT) == "2013-09-06T09:14:03.412000001Z"
    assert (day(AT), clock(AT)) == ("2013-09-06", "09:14:03.412")
    assert instant(0) == "1970-01-01T00:00:00.000000000Z"
    assert instant(10**21) == f"{10**21} ns"
    assert instant(-(10**21)) == f"{-(10**21)} ns"


def test_counts_places_and_ends() -> None:
    """As reports print them."""
    assert (count(1, "frame"), count(41207, "frame")) == ("1 frame", "41,207 frames")
    assert place(WHERE) == "a.pcap#1"
    assert place(Where(source="asa.log", line=4411)) == "asa.log:4411"
    assert place(Where(source="asa.log")) == "asa.log"
    assert (
        ends(Flow(src_ip="2001:db8::1", src_port=1, dst_ip="192.0.2.1", dst_port=2)) == "[2001:db8::1]:1 > 192.0.2.1:2"
    )
    assert ends(None) == ""


@given(st.text(alphabet=st.characters()))
def test_what_is_escaped_can_be_shown(text: str) -> None:
    """Whatever comes in: one line, bounded, and every character of it printable."""
    shown = escape(text)

    assert shown.isprintable() or all(c.isprintable() or c.isspace() for c in shown)
    assert "\n" not in shown and "\x1b" not in shown
    assert len(shown) <= 10 * TEXT_MAX
    if text.isprintable() and len(text) <= TEXT_MAX:
        assert shown == text


def test_each_code_says_which_character_it_was() -> None:
    """Two, four or eight figures."""
    assert escape("a\x1b\u202e\U000e0001z") == "a\\x1b\\u202e\\U000e0001z"
    assert escape("x" * 400) == "x" * 299 + "…"


@pytest.mark.parametrize("kind", EVENT_TYPES)
@given(drawn=st.data())
def test_every_event_is_one_harmless_line(kind: type[Event], drawn: st.DataObject) -> None:
    """Any event of any class, hostile text included, in words."""
    told = says(drawn.draw(anything(kind)))

    assert told or kind is Said
    assert "\n" not in told and "\x1b" not in told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("StreamHeader to=gmail.com version=-", "<stream:stream> ? → gmail.com, before version 1.0"),
        ("StreamFeatures dialback=no", "<stream:features> with neither TLS nor SASL nor dialback"),
        (
            "StreamFeatures starttls=required sasl=EXTERNAL,PLAIN dialback=yes",
            "<stream:features> starttls required, SASL EXTERNAL PLAIN, dialback",
        ),
        ("StartTls word=proceed", "<proceed/> (STARTTLS)"),
        ("Sasl word=auth mechanism=EXTERNAL", "SASL auth EXTERNAL"),
        ("Sasl word=success", "SASL success"),
        (
            "Dialback word=verify verdict=error condition=item-not-found id=s1 from=a.example",
            "<db:verify> error (item-not-found), a.example → ? for stream s1",
        ),
        ("StreamError condition=host-unknown text=no", "<stream:error> host-unknown: no"),
        ("StreamEnd", "</stream:stream>"),
        ("Stanza name=iq type=get", "<iq> get"),
        ("NotXmpp protocol=http text=GET", "no XMPP but http: GET"),
        ("BadXml reason=too-big", "bad XML: too-big"),
        ("TlsAlert description=unknown_ca", "TLS alert fatal: unknown_ca"),
        ("TlsData", "ciphertext from here on"),
        ("TlsHello side=client sni=x.example", "ClientHello TLS 1.2 for x.example"),
        ("TlsCertificate chain_len=2", "certificate 1 of 2: no name, until 2013-09-07"),
        ("TlsClientCertificate word=requested", "client certificate requested"),
        ("TlsClientCertificate word=absent", "the client shows no certificate"),
        ("CaptureGap missing_bytes=1", "1 byte missing in the capture, 10.0.0.5:1 > 10.0.0.6:2"),
        (
            "Retransmission bytes_len=900 attempt=2",
            "900 bytes sent again, attempt 2, 10.0.0.5:1 > 10.0.0.6:2",
        ),
        (
            "Tally bytes_len=2000 unacknowledged_len=1400",
            "2,000 bytes in all, 1,400 never acknowledged, 10.0.0.5:1 > 10.0.0.6:2",
        ),
        ("Unreachable code=host", "ICMP from 192.0.2.1: host unreachable, about 10.0.0.5:1 > 10.0.0.6:2"),
        ("syn again", "SYN again 10.0.0.5:1 > 10.0.0.6:2"),
        ("Damage what=cut lost=1 unit=frames", "cut (1 frame)"),
        ("Probe target=x.example", "telnet x.example 5269: open"),
    ],
)
def test_events_in_an_engineers_words(line: str, told: str) -> None:
    """The event as it is said aloud."""
    (event,) = scene.tap("a.pcap", f"0.0 10.0.0.5:1 > 10.0.0.6:2 {line}").events

    assert says(event) == told


def test_events_of_logs_in_words() -> None:
    """Lines of a firewall, of a server, and what a `show` command printed."""
    common = {"at_ns": AT, "width_ns": 1, "where": WHERE}

    assert says(Setting(name="dns", value="10.0.0.53", **common)) == "dns = 10.0.0.53"
    assert says(Said(topic=Topic.OTHER, text="hello", level="info", **common)) == "hello"
    assert says(Probe(tool="telnet", target="x", port=1, outcome="refused", **common)) == "telnet x 1: refused"
    assert (
        says(FirewallLog(action="deny", message_id="106023", real=FLOW, reason="ACL", **common))
        == "106023 deny 192.0.2.1:40000 > 192.0.2.2:5269 ACL"
    )
    assert says(StreamFeatures(starttls="offered", sasl=(), dialback=False, **common)) == (
        "<stream:features> starttls offered"
    )


@pytest.mark.parametrize(
    ("rcode", "truncated", "records", "told"),
    [
        (0, False, 6, "192.0.2.0, 192.0.2.1, 192.0.2.2, 192.0.2.3 and 2 more"),
        (0, False, 0, "no such record"),
        (0, True, 0, "truncated"),
        (3, False, 0, "NXDOMAIN"),
        (23, False, 0, "rcode 23"),
    ],
)
def test_a_dns_answer_in_words(rcode: int, truncated: bool, records: int, told: str) -> None:
    """Records, four at most, or why there are none."""
    answers = tuple(DnsRecord(name="x.example", rrtype="A", ttl_s=1, data=f"192.0.2.{n}") for n in range(records))
    answer = DnsAnswer(
        at_ns=AT,
        width_ns=1,
        where=WHERE,
        txid=1,
        name="x.example",
        rrtype="A",
        rcode=rcode,
        authoritative=False,
        truncated=truncated,
        answers=answers,
    )

    assert says(answer) == f"A x.example: {told}"
