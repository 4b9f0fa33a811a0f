"""Public captures beside the checkout: what they show equals what is known of them, and none of them breaks anything.

Their truth was read with tshark 4.0.17 and, for XMPP, with a scanner of its own.
Frame counts and link layers are held elsewhere; here it is what the frames say.
"""

from __future__ import annotations

import csv
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pytest

from analyzer.correlator import correlate
from analyzer.judge import judge
from parsers.case import Case, read_case
from parsers.errors import FedtraceError
from parsers.events import (
    CaptureGap,
    DnsAnswer,
    DnsQuery,
    DnsRecord,
    Event,
    NotXmpp,
    Sasl,
    StartTls,
    StreamEnd,
    StreamError,
    StreamFeatures,
    StreamHeader,
    Tally,
    TcpMark,
    TlsAlert,
    TlsCertificate,
    TlsData,
    TlsHello,
)
from parsers.source import FEDERATION_PORTS, How
from tests.conftest import SHARED

CAPTURES = SHARED / "captures"
SECONDS_MAX = 20
"""CPU time for one capture; the largest takes one, and a loop without end takes them all."""

NO_CAPTURE = {
    "formats/PcapPlusPlus__solaris.snoop": "Solaris snoop",
    "formats/libtrace__5_packets.erf.gz": "ERF, of Endace cards",
    "formats/libtrace__legacypos.gz": "ERF of old, without a magic number; tshark refuses it too",
    "damaged/lnav__access_log.gz": "the log of a web server",
    "damaged/suricata__gztest-03-fcomment.gz": "text in gzip",
    "damaged/suricata__gztest-12-invalid-crc32.gz": "text in gzip with a wrong checksum",
}
"""What no format of ours recognises, and what it is."""

MISREAD_STREAMS = {
    # No white space between two attributes of its header: no XML, though tshark's scanner accepts it.
    # It is told as bad XML.
    "nDPI__ossfuzz_seed_fake_traces_2.pcapng": {("stream-open", "im.truphone.com")},
}
"""Stream elements of the truth that are none, by capture."""

MISREAD_DNS = {
    "happy-shark__dns-1-dns.pcapng": "link layer USER 2 of macOS: counted as unknown, and so said",
    "nDPI__malformed_dns.pcap": "compression pointers that point forward, which RFC 1035 section 4.1.4 forbids",
    "tcpdump__dns-badlabel.pcap": "a name longer than 255 bytes",
    "zeek__dns-invalid-names.pcap": "names that loop or have no end",
}
"""Captures with DNS messages that tshark shows in part and that are damage to us, and why."""

TYPE_NAMES = {"29": "LOC", "37": "CERT"}
"""Types that tshark 4.0 writes as numbers."""


def files(group: str) -> list[str]:
    """The captures of one group."""
    return sorted(path.name for path in (CAPTURES / group).glob("*"))


@cache
def truth_of(capture: str) -> dict[str, Any]:
    """What is known of a capture."""
    return dict(json.loads((CAPTURES / f"truth/{capture}.json").read_text()))


def read(path: str, how: How) -> list[Event]:
    """The events of one capture."""
    return read_case([str(CAPTURES / path)], how).river()


def streams_of(capture: str) -> list[dict[str, Any]]:
    """The TCP conversations of the truth that are XMPP's by port or content."""
    truth = truth_of(capture)
    numbers = {*truth["xmpp_streams"], *truth["xmpp_port_streams"]}
    return [stream for stream in truth["tcp_streams"] if stream["stream"] in numbers]


@cache
def xmpp_events(capture: str) -> tuple[Event, ...]:
    """The events of a capture of client streams, read with the ports that its truth names."""
    ports = {stream["responder"]["port"] for stream in streams_of(capture)}
    return tuple(read(f"xmpp/{capture}", How(engine="own", ports=tuple(sorted(ports)))))


def ends(event: Event) -> tuple[str, str]:
    """Sender and receiver as the truth writes them."""
    flow = event.flow
    assert flow is not None
    return f"{flow.src_ip} {flow.src_port}", f"{flow.dst_ip} {flow.dst_port}"


def known_elements(capture: str) -> Iterator[tuple[object, ...]]:
    """The truth's stream elements: frame, sender, what it is, what it says."""
    for entry in truth_of(capture)["xmpp_events"]:
        kind, attrs = entry["kind"], entry.get("attrs", {})
        if (kind, attrs.get("to")) in MISREAD_STREAMS.get(capture, ()):
            continue
        said: tuple[object, ...]
        match kind:
            case "stream-open":
                said = (
                    attrs.get("from"),
                    attrs.get("to"),
                    attrs.get("id"),
                    attrs.get("version"),
                    entry["xmlns"]["xmlns"],
                )
            case "features":
                starttls = "required" if entry["starttls_required"] else "offered" if entry["starttls"] else "absent"
                said = (starttls, tuple(entry["mechanisms"]), entry["dialback"])
            case "starttls" | "proceed" | "stream-close" | "sasl-success":
                said = ()
            case "sasl-auth":
                said = (entry["mechanism"],)
            case "failure":
                kind, said = "sasl-failure", (entry["condition"][0],)
            case "stream-error":
                said = (entry["condition"], entry["text"])
            case "gap":
                said = (entry["missing_bytes"],)
            case "tls-record-at-start-of-direction":
                kind, said = "tls-data", ()
            case "tls-first-application-data":
                continue  # the truth passes over the encrypted end of the handshake, which is ciphertext too
            case "non-xmpp-payload-on-xmpp-port":
                kind, said = "not-xmpp", ()
            case _:
                continue  # stanzas are told once for each kind; the rest of TLS is held below
        yield entry["frame"], entry["src"], kind, said


def told_elements(events: Iterable[Event]) -> Iterator[tuple[object, ...]]:
    """The same of events."""
    for event in events:
        match event:
            case StreamHeader():
                said = (event.from_domain, event.to_domain, event.id, event.version, event.namespace)
                yield event.where.frame, ends(event)[0], "stream-open", said
            case StreamFeatures():
                yield event.where.frame, ends(event)[0], "features", (event.starttls, event.sasl, event.dialback)
            case StartTls():
                yield event.where.frame, ends(event)[0], event.word, ()
            case StreamEnd():
                yield event.where.frame, ends(event)[0], "stream-close", ()
            case Sasl():
                said = tuple(value for value in (event.mechanism, event.condition) if value)
                yield event.where.frame, ends(event)[0], f"sasl-{event.word}", said
            case StreamError():
                yield event.where.frame, ends(event)[0], "stream-error", (event.condition, event.text)
            case CaptureGap():
                yield event.where.frame, ends(event)[0], "gap", (event.missing_bytes,)
            case NotXmpp():
                yield event.where.frame, ends(event)[0], "not-xmpp", ()


@pytest.mark.needs_shared
@pytest.mark.parametrize("capture", files("xmpp"))
def test_every_conversation_is_found_with_its_ends(capture: str) -> None:
    """Whoever speaks on the ports that the truth names, and nobody else; who opened it, where that was seen."""
    known = {
        frozenset(f"{side['ip']} {side['port']}" for side in (stream["initiator"], stream["responder"]))
        for stream in streams_of(capture)
    }
    opened = {syn["src"] for stream in streams_of(capture) for syn in stream["syn"]}
    events = [event for event in xmpp_events(capture) if event.flow and event.flow.proto == "tcp"]

    assert {frozenset(ends(event)) for event in events} == known
    assert {ends(e)[0] for e in events if isinstance(e, TcpMark) and e.mark == "syn"} == opened


@pytest.mark.needs_shared
@pytest.mark.parametrize("capture", files("xmpp"))
def test_stream_elements_equal_the_truth(capture: str) -> None:
    """Openings, features, STARTTLS, SASL, stream errors, endings, gaps and what is no XMPP: at the frame, as said."""
    known = Counter(k for k in known_elements(capture) if k[2] != "tls-data")

    assert Counter(told_elements(xmpp_events(capture))) == known


@pytest.mark.needs_shared
@pytest.mark.parametrize("capture", files("xmpp"))
def test_streams_that_begin_as_ciphertext_are_told_as_such(capture: str) -> None:
    """A capture that begins in the middle of TLS: tshark shows plain TCP, the bytes are records."""
    known = {k[:2] for k in known_elements(capture) if k[2] == "tls-data"}
    told = {(e.where.frame, ends(e)[0]) for e in xmpp_events(capture) if isinstance(e, TlsData)}

    assert known <= told


@pytest.mark.needs_shared
@pytest.mark.parametrize("capture", files("xmpp"))
def test_every_stanza_is_counted(capture: str) -> None:
    """In each direction of each conversation, as many as the truth lists."""
    known = Counter(entry["src"] for entry in truth_of(capture)["xmpp_events"] if entry["kind"] == "stanza")
    told = Counter[str]()
    for event in xmpp_events(capture):
        if isinstance(event, Tally):
            told[ends(event)[0]] += event.stanzas

    assert +told == known


@pytest.mark.needs_shared
def test_a_handshake_after_starttls_is_read() -> None:
    """The one with STARTTLS: hellos, the certificate's names, ciphertext and the alert that nobody can read."""
    events = xmpp_events("zeek__xmpp-starttls.pcap")
    hello, answer = (event for event in events if isinstance(event, TlsHello))
    certificates = [event for event in events if isinstance(event, TlsCertificate)]

    assert (hello.where.frame, hello.side, hello.sni) == (13, "client", None)
    assert (answer.where.frame, answer.version, answer.cipher) == (
        14,
        "TLS 1.2",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    )
    assert set(certificates[0].names) >= {"jabber.ccc.de", "conference.jabber.ccc.de", "vjud.jabber.ccc.de"}
    assert [(e.where.frame, e.description) for e in events if isinstance(e, TlsAlert)] == [(31, "encrypted")]


@pytest.mark.needs_shared
@pytest.mark.parametrize("capture", ["TFM__demoA_mldsa.pcapng", "TFM__demo2b_hybrid_xmpp_cert.pcapng"])
def test_tls_on_a_port_that_wants_a_stream_is_seen_for_what_it_is(capture: str) -> None:
    """A ClientHello is answered with `not-well-formed`."""
    events = xmpp_events(capture)
    hellos = [event.flow for event in events if isinstance(event, TlsHello)]
    errors = [event for event in events if isinstance(event, StreamError)]

    assert len(hellos) == 2
    assert [(error.flow and error.flow.reverse, error.condition) for error in errors] == [
        (flow, "not-well-formed") for flow in hellos
    ]


def spelled(name: str) -> str:
    """A name of the truth in our spelling."""
    return "." if name == "<Root>" else name.lower()


def known_messages(capture: str) -> Iterator[tuple[object, ...]]:
    """The truth's DNS messages on port 53: frame, response, id, question, code, and the SRV records of the answer."""
    for entry in truth_of(capture)["dns"]:
        if entry["transport"] is None or "53" not in (entry["src"].split()[1], entry["dst"].split()[1]):
            continue
        question = entry["queries"][0] if entry["queries"] else {"name": "", "type": ""}
        records = [
            (spelled(r["name"]), r["priority"], r["weight"], r["port"], spelled(r["target"]))
            for r in entry["answers"]
            if r["type"] == "SRV"
        ]
        yield (
            entry["frame"],
            entry["response"],
            int(entry["id"], 16),
            # Of an update (RFC 2136) the truth does not list the zone, which stands in the place of the question.
            (spelled(question["name"]), TYPE_NAMES.get(question["type"], question["type"]))
            if entry["opcode"] != 5
            else None,
            entry.get("rcode") if entry["response"] else None,
            tuple(sorted(records)),
        )


def told_messages(events: Iterable[Event], updates: set[tuple[int, int]]) -> Iterator[tuple[object, ...]]:
    """The same of events; `updates` has frames and ids of updates."""

    def service(record: DnsRecord) -> tuple[object, ...]:
        return record.name, record.priority, record.weight, record.port, record.data

    for event in events:
        if isinstance(event, DnsQuery | DnsAnswer):
            answer = event if isinstance(event, DnsAnswer) else None
            records = [service(r) for r in answer.answers if r.rrtype == "SRV"] if answer else []
            update = (event.where.frame, event.txid) in updates
            yield (
                event.where.frame,
                answer is not None,
                event.txid,
                None if update else (event.name, event.rrtype),
                answer.rcode if answer else None,
                tuple(sorted(records, key=str)),
            )


@pytest.mark.needs_shared
@pytest.mark.parametrize("capture", files("dns"))
def test_dns_questions_and_answers_equal_the_truth(capture: str) -> None:
    """Asked for with `--dns-names '*'`: every message on port 53, over UDP and TCP, SRV records in full."""
    events = read(f"dns/{capture}", How(engine="own", dns_names=("*",)))
    updates = {(e["frame"], int(e["id"], 16)) for e in truth_of(capture)["dns"] if e["opcode"] == 5}
    known = Counter((*k[:5], tuple(sorted(k[5], key=str))) for k in known_messages(capture))
    told = Counter(told_messages(events, updates))

    if capture in MISREAD_DNS:
        assert told < known
    else:
        assert told == known


def analysed(path: str, how: How) -> float:
    """Read, correlate and judge one capture; CPU seconds. Raises FedtraceError."""
    began = time.process_time()
    case: Case = read_case([path], how)
    judgement = judge(correlate(case.events, case.sources, case.readings, (), how.ports))
    assert judgement.broken == ()
    return time.process_time() - began


@pytest.mark.needs_shared
@pytest.mark.parametrize("group", sorted(p.name for p in CAPTURES.glob("*/") if p.name != "truth"))
@pytest.mark.parametrize(
    "how",
    [
        How(engine="own"),
        How(engine="own", ports=(*FEDERATION_PORTS, 25, 53, 80, 443, 1299, 5222, 5223, 7400), dns_names=("*",)),
    ],
    ids=["as given", "all that can be asked for"],
)
def test_every_capture_is_analysed_or_refused_with_a_reason(group: str, how: How) -> None:
    """All 344 end to end: none raises, none hangs, and what is refused is no capture."""
    refused = {}
    for name in files(group):
        try:
            assert analysed(str(CAPTURES / group / name), how) < SECONDS_MAX
        except FedtraceError as error:
            refused[f"{group}/{name}"] = str(error)

    assert set(refused) == {name for name in NO_CAPTURE if name.startswith(f"{group}/")}


@pytest.mark.needs_shared
def test_the_list_of_public_captures_is_whole() -> None:
    """Every file of the manifest is walked above."""
    with (CAPTURES / "MANIFEST.tsv").open() as manifest:
        listed = {row["file"].removeprefix("files/") for row in csv.DictReader(manifest, delimiter="\t")}
    walked = {f"{p.name}/{name}" for p in CAPTURES.glob("*/") if p.name != "truth" for name in files(p.name)}

    assert walked == listed
    assert len(walked) == 344
