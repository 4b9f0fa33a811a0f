"""The recorded cases, event by event: what their truth lists in the clear stands at the same frame.

How the truth's words are told:

- An element has the frame in which it begins, or the later one that filled the hole before it.
- `starttls-offered` is part of the features; `syn-retransmission` is a SYN that repeats.
- `icmp-unreachable` names the flow that the ICMP message quotes, which is the client's.
- A stanza is told once for each kind in each direction; of a later one, its kind was told before.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from parsers.case import read_case
from parsers.events import (
    Dialback,
    DnsAnswer,
    DnsQuery,
    Event,
    Flow,
    Sasl,
    Stanza,
    StartTls,
    StreamEnd,
    StreamError,
    StreamFeatures,
    StreamHeader,
    Tally,
    TcpMark,
    TlsAlert,
    TlsHello,
    Unreachable,
)
from parsers.source import How
from tests.conftest import SHARED

LAB = SHARED / "lab"
CASES = sorted(path.parent.name for path in LAB.glob("*/truth.json"))
RCODES = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5}
VERSIONS = {"0x0304": "TLS 1.3", "0x0303": "TLS 1.2"}
ALERTS = {"desc 50": "decode_error", "desc 70": "protocol_version"}
Says = Callable[[Event], bool]

FITS: Mapping[str, Says] = {
    "syn": lambda e: isinstance(e, TcpMark) and e.mark == "syn" and not e.repeat,
    "syn-retransmission": lambda e: isinstance(e, TcpMark) and e.mark == "syn" and e.repeat,
    "syn-ack": lambda e: isinstance(e, TcpMark) and e.mark == "syn-ack",
    "fin": lambda e: isinstance(e, TcpMark) and e.mark == "fin",
    "rst": lambda e: isinstance(e, TcpMark) and e.mark == "rst",
    "icmp-unreachable": lambda e: isinstance(e, Unreachable),
    "stream-header": lambda e: isinstance(e, StreamHeader),
    "stream-close": lambda e: isinstance(e, StreamEnd),
    "stream-error": lambda e: isinstance(e, StreamError),
    "features": lambda e: isinstance(e, StreamFeatures),
    "starttls-offered": lambda e: isinstance(e, StreamFeatures) and e.starttls != "absent",
    "starttls-request": lambda e: isinstance(e, StartTls) and e.word == "starttls",
    "starttls-proceed": lambda e: isinstance(e, StartTls) and e.word == "proceed",
    "starttls-failure": lambda e: isinstance(e, StartTls) and e.word == "failure",
    "sasl-auth": lambda e: isinstance(e, Sasl) and e.word == "auth",
    "sasl-success": lambda e: isinstance(e, Sasl) and e.word == "success",
    "sasl-failure": lambda e: isinstance(e, Sasl) and e.word == "failure",
    "db-result-request": lambda e: isinstance(e, Dialback) and e.word == "result" and e.verdict is None,
    "db-result-answer": lambda e: isinstance(e, Dialback) and e.word == "result" and e.verdict is not None,
    "db-verify-request": lambda e: isinstance(e, Dialback) and e.word == "verify" and e.verdict is None,
    "db-verify-answer": lambda e: isinstance(e, Dialback) and e.word == "verify" and e.verdict is not None,
    "tls-client-hello": lambda e: isinstance(e, TlsHello) and e.side == "client",
    "tls-server-hello": lambda e: isinstance(e, TlsHello) and e.side == "server",
    "tls-alert": lambda e: isinstance(e, TlsAlert) and e.level != "encrypted",
    "stanza": lambda e: isinstance(e, Stanza),
}
"""How each word of the truth's timelines is told."""


@cache
def truth_of(case: str) -> dict[str, Any]:
    """What is known to be true of a case."""
    return dict(json.loads((LAB / case / "truth.json").read_text()))


@cache
def events_of(case: str, capture: str) -> tuple[Event, ...]:
    """The events of one capture of a case, read alone."""
    read = read_case([str(LAB / case / capture)], How())
    return tuple(read.events[capture])


def ends(text: str) -> tuple[str, int]:
    """`10.0.0.5:5269` → ("10.0.0.5", 5269)."""
    address, port = text.rsplit(":", 1)
    return address.strip("[]"), int(port)


def listed(case: str) -> Iterator[tuple[str, Flow, dict[str, Any]]]:
    """Every entry in the clear of every timeline: its capture, the initiator's flow, and the entry."""
    for session in truth_of(case)["sessions"]:
        capture = session["timeline_from"]
        place = session["endpoints_per_vantage"][capture]
        client, server = ends(place["client"]), ends(place["server"])
        flow = Flow(src_ip=client[0], src_port=client[1], dst_ip=server[0], dst_port=server[1])
        for entry in session["timeline"]:
            if not entry["inside_tls"]:
                yield capture, flow, entry


def attributes(tag: str) -> dict[str, str]:
    """The attributes of the first tag, as written."""
    return dict(re.findall(r"([\w:]+)=['\"]([^'\"]*)['\"]", tag[: tag.find(">") + 1 or None]))


def domain(jid: str | None) -> str | None:
    """`cupuser1@cupdomain.com/lab` → `cupdomain.com`."""
    return jid.split("/")[0].split("@")[-1] if jid else None


def same(event: Event, detail: str) -> bool:
    """Whether an event says what the truth's detail shows."""
    attrs = attributes(detail)
    match event:
        case StreamHeader():
            return (event.from_domain, event.to_domain, event.id, event.version) == (
                attrs.get("from"),
                attrs.get("to"),
                attrs.get("id"),
                attrs.get("version"),
            )
        case Dialback():
            said = (event.from_domain, event.to_domain, event.verdict)
            return said == (attrs["from"], attrs["to"], attrs.get("type"))
        case StreamError():
            return f"<{event.condition} " in detail
        case Stanza():
            return detail.startswith(f"<{event.name} ") and (event.type, event.from_domain, event.to_domain) == (
                attrs.get("type"),
                domain(attrs.get("from")),
                domain(attrs.get("to")),
            )
        case TlsHello(side="server"):
            return bool(attrs) or event.version == VERSIONS[detail.split()[-1]]
        case TlsAlert():
            return event.description == ALERTS[detail]
        case _:
            return True


@pytest.mark.needs_shared
@pytest.mark.parametrize("case", CASES)
def test_every_entry_in_the_clear_has_its_event(case: str) -> None:
    """Marks, stream elements, dialback, TLS hellos and alerts: each at its frame, by its side, saying the same."""
    missing = []
    for capture, flow, entry in listed(case):
        word, detail, frame = entry["event"], entry["detail"], entry["frame"]
        by = flow.reverse if entry["by"] == "server" else flow
        told = [e for e in events_of(case, capture) if FITS[word](e) and e.flow == by and same(e, detail)]
        frames = [e.where.frame for e in told]
        if not (frame in frames or (word == "stanza" and frames and min(frames) < frame)):
            missing.append((capture, frame, entry["by"], word, detail[:80], frames))

    assert missing == []


@pytest.mark.needs_shared
@pytest.mark.parametrize("case", CASES)
def test_tallies_count_every_stanza(case: str) -> None:
    """However often a kind of stanza comes, the count of its direction is the truth's."""
    listed_count: Counter[tuple[str, Flow]] = Counter()
    for capture, flow, entry in listed(case):
        by = flow.reverse if entry["by"] == "server" else flow
        listed_count[capture, by] += entry["event"] == "stanza"
    told = {
        (capture, by): sum(e.stanzas for e in events_of(case, capture) if isinstance(e, Tally) and e.flow == by)
        for capture, by in listed_count
    }

    assert told == dict(listed_count)


@pytest.mark.needs_shared
@pytest.mark.parametrize("case", CASES)
def test_every_dns_question_is_told_with_its_answers(case: str) -> None:
    """Each question that the truth lists is asked at its frame; each has the answer codes that the truth knows.

    The truth pairs by message id: of a question repeated from another port, only the first counts as answered.
    """
    for place, questions in truth_of(case)["dns"].items():
        asked, answered = set(), set()
        for event in events_of(case, f"{place}.pcap"):
            if isinstance(event, DnsQuery):
                asked.add((event.where.frame, event.txid, event.name, event.rrtype))
            elif isinstance(event, DnsAnswer):
                answered.add((event.txid, event.name, event.rrtype, event.rcode))
        keys = [(int(q["id"], 16), q["name"], q["type"]) for q in questions]

        assert {(q["frame"], *key) for q, key in zip(questions, keys, strict=True)} <= asked
        wanted = {(*key, RCODES[q["rcode"]]) for q, key in zip(questions, keys, strict=True) if q["answered"]}
        assert wanted == {answer for answer in answered if answer[:3] in keys}
