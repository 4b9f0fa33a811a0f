"""`--redact`: no output holds a name, an address, a JID or a file name of the inputs, and every verdict stays."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from analyzer.cli import main
from analyzer.report.layouts import LAYOUTS
from parsers.events import EVENT_TYPES, DnsRecord, Event, Flow
from parsers.names import domain
from parsers.redact import FIELDS, Redaction
from tests.any_event import variants
from tests.conftest import SHARED
from tests.originals import bytes_of, hardware_addresses, leaks, originals

CASES = Path(__file__).parents[2] / "notebooks" / "cases"
LAB = (
    "12-inbound-dropped",
    "15e-unexpected-callback-google",
    "21b-cert-wrong-name",
    "24b-mtu-blackhole-stanza",
    "30-many-domains-one-fails",
)
"""Recordings with logs, transcripts and captures: a dropped callback, a stranger's, certificates, a stream that hangs,
and many domains."""


EXTRACTS_MAX = 4
"""Sessions of a case that are extracted: each reads it anew."""


def fedtrace(*arguments: str | Path) -> str:
    """What the command prints."""
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code in (0, 1, 3), result.stderr
    return result.stdout


def outputs(path: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Every redacted output of a case, by the command that prints it."""
    for layout in LAYOUTS:
        yield f"analyze --format {layout.name}", fedtrace("analyze", "--redact", "--format", layout.name, path)
    fedtrace("analyze", "--redact", path, "-o", f"{folder}/tables/")
    yield from ((table.name, table.read_text(encoding="utf-8")) for table in (folder / "tables").iterdir())
    yield "events", fedtrace("events", "--redact", path)
    yield "events --jsonl", fedtrace("events", "--redact", "--jsonl", path)
    report = json.loads(fedtrace("analyze", "--redact", "--format", "json", path))
    for session in report["sessions"][:2]:
        yield "session", fedtrace("session", session["id"], "--redact", path)
        yield "session --steps", fedtrace("session", session["id"], "--redact", "--steps", path)
    if len(report["sessions"]) > 1:
        good, bad = (session["id"] for session in report["sessions"][:2])
        # Where one is of logs only, the refusal must not tell either.
        yield "compare", CliRunner().invoke(main, ["compare", good, bad, "--redact", str(path)]).output


def extracts(path: Path, folder: Path) -> Iterator[tuple[str, bytes]]:
    """The redacted extracts of the first sessions that captures show."""
    report = json.loads(fedtrace("analyze", "--redact", "--format", "json", path))
    for session in report["sessions"][:EXTRACTS_MAX]:
        out = folder / f"{session['id']}.pcapng"
        CliRunner().invoke(main, ["extract", session["id"], "--redact", str(path), "-o", str(out)])
        if out.exists():
            yield f"extract {session['id']}", out.read_bytes()


def said(path: Path, *options: str) -> dict[str, Any]:
    """What a report concludes, without a name in it."""
    report = json.loads(fedtrace("analyze", "--format", "json", *options, path))
    verdicts = [
        (v["state"], str(v["cause"]), v["confidence"], v["owner"], sorted(v["also"]), len(v["sessions"]))
        for v in report["verdicts"]
    ]
    findings = [
        (f["rule"], f["severity"], f["confidence"], f["is_cause"], len(f["evidence"])) for f in report["findings"]
    ]
    return {
        "verdicts": sorted(verdicts),
        "findings": sorted(findings),
        "checklist": [(i["step"], i["state"]) for i in report["checklist"]],
        "sessions": sorted(
            (s["direction"], s["outcome"], s["reached"], len(s["timeline"])) for s in report["sessions"]
        ),
        "connections": sorted((c["role"], c["outcome"], c["auth"] or "") for c in report["connections"]),
    }


PATHS = [
    *(pytest.param(CASES / name, id=name) for name in ("callback-blocked", "unexpected-callback")),
    *(pytest.param(SHARED / "lab" / name, id=name, marks=pytest.mark.needs_shared) for name in LAB),
]


@pytest.mark.parametrize("path", PATHS)
def test_no_output_holds_an_original(path: Path, tmp_path: Path) -> None:
    """Every layout, every table, the events and the sessions are searched for every original."""
    known = originals(path)
    assert len(known) > 10
    pattern = re.compile(
        rf"(?<![\w.-])(?:{'|'.join(map(re.escape, sorted(known, key=len, reverse=True)))})(?![\w-]|\.\w)"
    )
    assert pattern.search(fedtrace("analyze", path)), "the search finds them where they are"
    for command, text in outputs(path, tmp_path):
        leak = pattern.search(text)
        assert leak is None, f"{command}: {text[max(leak.start() - 80, 0) : leak.end() + 40]}"


@pytest.mark.parametrize("path", PATHS)
def test_no_extract_holds_the_bytes_of_an_original(path: Path, tmp_path: Path) -> None:
    """As text, as labels of DNS, as addresses in packets: of IP and of the hardware."""
    known = bytes_of(originals(path)) | hardware_addresses(path)
    assert all(leaks(capture.read_bytes(), known) for capture in path.rglob("*.pcap")), "the search finds them"
    told = list(extracts(path, tmp_path))
    assert told
    for command, content in told:
        assert leaks(content, known) == [], command


@pytest.mark.parametrize("path", PATHS)
def test_what_is_concluded_stays(path: Path) -> None:
    """Verdicts, findings, checklist and how each conversation ended are those of the plain report."""
    assert said(path, "--redact") == said(path)


def test_redacted_events_are_an_input_with_the_same_verdict(tmp_path: Path) -> None:
    """They can be sent to whoever is to try the rules on them."""
    path = CASES / "callback-blocked"
    kept = tmp_path / "events.jsonl"
    kept.write_text(fedtrace("events", "--redact", "--jsonl", path))
    assert said(kept)["verdicts"] == said(path)["verdicts"]


def test_the_domains_that_the_user_named_are_redacted_too() -> None:
    """`--local-domain` means the same domain as before, in any spelling."""
    path = CASES / "callback-blocked"
    report = json.loads(fedtrace("analyze", "--redact", "--format", "json", "--local-domain", "CupDomain.com.", path))
    assert report["local_domains"] == ["domain-1.test"]
    assert report["verdicts"][0]["initiator"] == "domain-1.test"


def test_no_fingerprint_of_an_input_is_told() -> None:
    """That of a short transcript could be tried with guesses."""
    report = json.loads(fedtrace("analyze", "--redact", "--format", "json", CASES / "callback-blocked"))
    assert {source["sha256"] for source in report["sources"]} == {None}


def fields() -> set[str]:
    """Every field of events and their parts that holds text."""
    found = set()
    for kind in (*EVENT_TYPES, Flow, DnsRecord):
        for field in dataclasses.fields(kind):
            if re.search(r"\bstr\b|Literal|Topic", str(field.type)) and "Record" not in str(field.type):
                found.add(f"{kind.__name__}.{field.name}")
    return found


def test_each_field_of_the_vocabulary_has_its_stand_in() -> None:
    """Whoever adds a field says what it holds; until then it is taken for a text, and this test asks."""
    by_hand = {"Damage.what"}  # a sentence of ours, which may name inputs
    assert {f for f in fields() if f not in FIELDS and f.partition(".")[2] not in FIELDS} == by_hand
    names = {f.partition(".")[2] for f in fields()}
    assert {f for f in FIELDS if f not in fields() and f not in names} == set(), "no event has it: take it off"


def test_every_event_stays_one_of_its_class() -> None:
    """Closed choices are kept, instants and places too."""
    redaction = Redaction(frozenset(), ["a.pcap", "b.log"])
    for kind in EVENT_TYPES:
        event: Event = next(iter(variants(kind)))
        told = redaction.event(event)
        assert type(told) is kind
        assert (told.at_ns, told.width_ns, told.where.frame) == (event.at_ns, event.width_ns, event.where.frame)


def test_inputs_are_numbered_in_the_order_of_their_names() -> None:
    """Where two events are of one instant, the name of the input decides which is first."""
    names = [f"{letter}.pcap" for letter in "abcdefghijkl"]
    redaction = Redaction(frozenset(), reversed(names))
    told = [redaction.source(name) for name in names]
    assert told == sorted(told)
    assert told[0] == "source-01.pcap"
    assert domain(redaction.domain("x.example")) == redaction.domain("x.example")
