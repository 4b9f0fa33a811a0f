"""Instants, durations and events as a person reads them; and nothing from the wire that steers a terminal."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.report.words import clock, count, day, duration, ends, escape, foremost, instant, lasted, place, says
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
from tests.command import fedtrace
from tests.scene import BEGIN_NS


def test_an_instant_keeps_its_nanoseconds() -> None:
    """UTC, as the report contract has it."""
    assert instant(BEGIN_NS + 3_412_000_007) == "2013-09-06T09:14:03.412000007Z"
    assert clock(BEGIN_NS + 3_412_000_007) == "09:14:03.412"
    assert day(BEGIN_NS) == "2013-09-06"


@given(st.integers(1 - (1 << 63), (1 << 63) - 1))
def test_any_instant_can_be_told(at_ns: int) -> None:
    """The whole range of 64 bits, before 1970 too, in words that sort as the instants do."""
    told = instant(at_ns)
    assert len(told) == 30
    assert told.endswith(f"{at_ns % 10**9:09d}Z")
    assert instant(at_ns) <= instant(at_ns + 1)


@pytest.mark.parametrize(
    ("ns", "told"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_500, "1.5 µs"),
        (412_345, "412 µs"),
        (12_000_000, "12 ms"),
        (37_500_000_000, "37.5 s"),
        (119_000_000_000, "119 s"),
        (200_000_000_000, "3 min 20 s"),
        (90_061_000_000_000, "25 h 1 min"),
        (-5_000_000_000, "-5 s"),
    ],
)
def test_a_duration_has_the_figures_that_matter(ns: int, told: str) -> None:
    """From nanoseconds to hours."""
    assert duration(ns) == told


def test_what_lasted_no_time_was_a_moment() -> None:
    """As a log of one line."""
    assert (lasted(5, 5), lasted(5, 5 + 37_500_000_000)) == ("a moment", "37.5 s")


def test_small_words() -> None:
    """Counts, places and ends."""
    assert (count(1, "frame"), count(41_207, "frame")) == ("1 frame", "41,207 frames")
    assert place(Where(source="outside.pcap", frame=1187)) == "outside.pcap#1187"
    assert place(Where(source="asa.log", line=4411)) == "asa.log:4411"
    assert place(Where(source="asa.log")) == "asa.log"
    assert ends(None) == ""
    six = Flow(src_ip="2001:db8::5", src_port=40000, dst_ip="192.0.2.1", dst_port=5269)
    assert ends(six) == "[2001:db8::5]:40000 > 192.0.2.1:5269"


@pytest.mark.parametrize(
    ("wire", "shown"),
    [
        ("plain gmail.com", "plain gmail.com"),
        ("bücher.example", "bücher.example"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\r\nlines", "two\\x0d\\x0alines"),
        ("\u202egnp.exe", "\\u202egnp.exe"),  # right-to-left override
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\udc80", "\\udc80"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_does_not_show_is_written_out(wire: str, shown: str) -> None:
    """Controls, bidi marks, invisible characters, halves of surrogate pairs."""
    assert escape(wire) == shown


def test_long_text_is_cut() -> None:
    """With an ellipsis, at the limit."""
    assert escape("x" * 1000, limit=10) == "xxxxxxxxx…"


@settings(deadline=None)  # the first draw of a class works out its fields
@given(st.sampled_from(EVENT_TYPES).flatmap(anything))
def test_any_event_is_told_in_one_harmless_line(event: Event) -> None:
    """Whatever its fields hold."""
    told = says(event)
    assert "\n" not in told
    assert all(character.isprintable() or character.isspace() for character in told)
    assert "\x1b" not in told


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
            "Idle duration_ns=3720000000000",
            "the first segment after 62 min 0 s of silence, 10.0.0.5:1 > 10.0.0.6:2",
        ),
        ("query SRV x.example CD", "SRV x.example? (checking disabled)"),
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
    common = {"at_ns": BEGIN_NS, "width_ns": 1, "where": Where(source="a.pcap", frame=1)}

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
        at_ns=BEGIN_NS,
        width_ns=1,
        where=Where(source="a.pcap", frame=1),
        txid=1,
        name="x.example",
        rrtype="A",
        rcode=rcode,
        authoritative=False,
        truncated=truncated,
        answers=answers,
    )

    assert says(answer) == f"A x.example: {told}"


UNDATED_FIRST = """\
Failed inbound s2s dialback authentication jabber.sk -> suchat.org (::FFFF:80.94.54.36): remote-server-not-found
2017-03-02 10:36:44.167 [info] <0.45.3>@ejabberd_s2s_out:init:286 Outbound s2s connection started: suchat.org -> xmpp.org
2017-03-02 10:36:44.359 [info] <0.45.3>@ejabberd_s2s_out:process_closed:153 Failed to establish outbound s2s connection suchat.org -> xmpp.org: Connection failed: connection refused; bouncing for 8 seconds
"""  # noqa: E501
"""A log whose first line lost its time, as logs do that are pasted into a ticket."""


def test_what_each_capture_shows_is_not_hidden_behind_more_of_the_same() -> None:
    """The deciding event first, then one of each kind from each input; where all are shown they keep their order."""
    lines = [f"{n + 1}.0  10.0.0.5:40000 > 198.51.100.10:5269  Retransmission bytes_len=9 attempt=2" for n in range(8)]
    ours = scene.tap("cups.pcap", "\n".join(lines)).events
    (theirs,) = scene.tap("peer.pcap", "9.0  10.0.0.5:40000 > 198.51.100.10:5269  CaptureGap missing_bytes=1448").events

    shown = [place(event.where) for event in foremost((*ours, theirs), 6)]
    assert shown == ["cups.pcap#1", "peer.pcap#1", "cups.pcap#2", "cups.pcap#3", "cups.pcap#4", "cups.pcap#5"]
    assert list(foremost((*ours, theirs), 9)) == [*ours, theirs]


def test_an_instant_that_no_line_tells_is_printed_nowhere(tmp_path: Path) -> None:
    """The time at which the file was written is no time of an attempt; the other attempt's is told, and printed."""
    log = tmp_path / "ejabberd.log"
    log.write_text(UNDATED_FIRST)
    os.utime(log, (1_600_000_000, 1_600_000_000))  # 2020-09-13T12:26:40Z
    text = fedtrace("analyze", log).output
    id = re.search(r"([0-9a-f]{12})  undated  failed", text)

    assert "some of its lines tell no time; taken as written on one day (from the time at which the file" in text
    assert re.search(r"evidence   ejabberd.log:1 +undated ", text)
    assert re.search(r"[0-9a-f]{12}  10:36:44.167  failed", text)
    assert id is not None
    shown = [text, fedtrace("session", id[1], log).output, fedtrace("events", log).output]
    assert "when         undated\n" in shown[1]
    assert re.search(r"^undated +ejabberd.log:1 ", shown[2], re.M)
    shown += [fedtrace("analyze", "--format", form, log).output for form in ("markdown", "html")]
    assert not [told for told in shown if "12:26:40" in told or "2020-09-13" in told]
