"""The JSON Schema that ships with the package: what it takes and what it refuses."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

SCHEMA = json.loads((files("analyzer") / "report" / "report.schema.json").read_text(encoding="utf-8"))

AT = "2013-09-06T09:14:03.412000000Z"

EVIDENCE = {"source": "cups.pcap", "frame": 12, "line": None, "says": "SYN 10.0.0.5:40000 → 192.0.2.1:5269"}

REPORT: dict[str, Any] = {
    "fedtrace": "0.1.0",
    "schema": 1,
    "sources": [
        {
            "name": "cups.pcap",
            "path": "/tmp/cups.pcap",
            "format": "pcap",
            "sha256": "0" * 64,
            "size_bytes": 2048,
            "first": AT,
            "last": AT,
            "events": 9,
            "frames": 14,
            "lines": None,
            "damage": [{"what": "the last record is cut", "lost": 14, "unit": "bytes"}],
            "vantage": "cupdomain.com",
            "assumed": ["cupdomain.com is ours: it asks the lookups"],
            "clock_offset_ns": None,
            "clock_residual_ns": None,
        }
    ],
    "local_domains": ["cupdomain.com"],
    "verdicts": [
        {
            "initiator": "cupdomain.com",
            "receiver": "gmail.com",
            "state": "failing",
            "cause": "network-syn-unanswered",
            "confidence": "likely",
            "owner": "network",
            "also": [],
            "sessions": ["a1"],
            "first": AT,
            "last": AT,
            "summary": "no server of gmail.com answers",
        }
    ],
    "sessions": [
        {
            "id": "a1",
            "initiator": "cupdomain.com",
            "receiver": "gmail.com",
            "direction": "outbound",
            "outcome": "failed",
            "reached": "dns",
            "began": AT,
            "ended": AT,
            "lookups": ["l1"],
            "connections": ["c1"],
            "findings": ["f1"],
            "timeline": [
                {
                    "at": AT,
                    "width_ns": 1000,
                    "step": "flow:SYN_SENT",
                    "expected": True,
                    "says": "SYN",
                    "evidence": EVIDENCE,
                }
            ],
        }
    ],
    "connections": [
        {
            "id": "c1",
            "role": "unknown",
            "initiator": None,
            "receiver": None,
            "client": "10.0.0.5:40000",
            "server": "[2001:db8::1]:5269",
            "seen_in": [
                {"source": "cups.pcap", "client": "10.0.0.5:40000", "server": "[2001:db8::1]:5269", "first_frame": 12}
            ],
            "outcome": "no-answer",
            "tls": None,
            "stream_ids": [],
            "auth": None,
            "callback_of": None,
            "session": "a1",
            "began": AT,
            "ended": AT,
            "history": "S",
        }
    ],
    "lookups": [
        {
            "id": "l1",
            "client": "10.0.0.5",
            "resolver": "10.0.0.53",
            "name": "_xmpp-server._tcp.gmail.com",
            "type": "SRV",
            "transport": "udp",
            "outcome": "answered",
            "answers": [{"priority": 5, "weight": 0, "port": 5269, "target": "xmpp.gmail.com", "ttl_s": 300}],
            "asked": AT,
            "answered": AT,
            "evidence": [EVIDENCE],
        }
    ],
    "findings": [
        {
            "id": "f1",
            "rule": "network-syn-unanswered",
            "title": "Our SYN is not answered",
            "severity": "failure",
            "confidence": "likely",
            "is_cause": True,
            "owner": "network",
            "session": "a1",
            "connection": "c1",
            "domain": "gmail.com",
            "because": "3 SYN, no answer",
            "evidence": [EVIDENCE],
            "ruled_out": [{"rule": "dns-srv-nxdomain", "because": "the name has an answer"}],
            "undecided": [{"rule": "network-outbound-dropped", "would_decide": "a capture outside the firewall"}],
            "remedy": "Capture outside the firewall.",
        }
    ],
    "blind": [{"rule": "tls-cert-expired", "session": "a1", "because": "no handshake was seen"}],
    "checklist": [
        {
            "step": "trouble-2",
            "question": "Does outbound TCP 5269 pass?",
            "state": "fail",
            "because": "no SYN-ACK",
            "evidence": [EVIDENCE],
        }
    ],
}


def problems(report: dict[str, Any]) -> list[str]:
    """What the schema has against a report, as paths."""
    return [error.json_path for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(report)]


def test_the_schema_is_a_schema() -> None:
    """It says itself which draft it follows, and follows it."""
    jsonschema.validators.validator_for(SCHEMA).check_schema(SCHEMA)


def test_a_report_with_one_of_each_is_taken() -> None:
    """One verdict, session, connection, lookup, finding, blind rule and step of the checklist."""
    assert problems(REPORT) == []


def test_more_keys_may_be_added() -> None:
    """The report grows without a new schema number."""
    grown = json.loads(json.dumps(REPORT))
    grown["later"] = 1
    grown["verdicts"][0]["later"] = 1
    assert problems(grown) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("sources.0.first", "2013-09-06T09:14:03.412Z"),
        ("sources.0.first", "2013-09-06T09:14:03.412000000+00:00"),
        ("sources.0.clock_offset_ns", 0.5),
        ("sources.0.vantage", ""),
        ("local_domains.0", "CupDomain.com"),
        ("local_domains.0", "cupdomain.com."),
        ("verdicts.0.state", "broken"),
        ("verdicts.0.cause", None),
        ("verdicts.0.summary", ""),
        ("sessions.0.reached", "DNS"),
        ("sessions.0.timeline.0.step", "SYN_SENT"),
        ("sessions.0.timeline.0.evidence.frame", 0),
        ("connections.0.server", "2001:db8::1:5269"),
        ("connections.0.client", "10.0.0.5"),
        ("connections.0.role", ""),
        ("lookups.0.answers.0", {"priority": 5, "ttl_s": 300}),
        ("findings.0.rule", "Network SYN"),
        ("findings.0.confidence", None),
        ("checklist.0.step", "verify"),
    ],
)
def test_what_the_contract_forbids_is_refused(path: str, value: object) -> None:
    """A wrong spelling of an instant, an end, a domain, a rule or a word is found, and nothing else is blamed."""
    bad = json.loads(json.dumps(REPORT))
    *way, last = (int(step) if step.isdigit() else step for step in path.split("."))
    place: Any = bad
    for step in way:
        place = place[step]
    place[last] = value
    found = problems(bad)
    assert found, f"{path} = {value!r} was taken"
    assert all(way[0] in where for where in found)


@pytest.mark.parametrize("key", list(REPORT))
def test_no_key_may_be_missing(key: str) -> None:
    """Each part of the report is there even when it is empty."""
    assert problems({name: value for name, value in REPORT.items() if name != key}) == ["$"]


def test_an_unreadable_source_says_why() -> None:
    """A source without a format carries its reason as damage."""
    silent = json.loads(json.dumps(REPORT))
    silent["sources"][0].update(format=None, damage=[])
    assert problems(silent) == ["$.sources[0].damage"]


def test_a_healthy_pair_has_no_cause() -> None:
    """`healthy` and a cause exclude each other."""
    odd = json.loads(json.dumps(REPORT))
    odd["verdicts"][0]["state"] = "healthy"
    assert problems(odd) == ["$.verdicts[0].cause"]
