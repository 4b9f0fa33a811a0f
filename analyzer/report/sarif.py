"""The findings as SARIF 2.1.0 (OASIS, 2020): for viewers and pipelines that take log findings at their line.

A finding stands at the first line of a log that proves it, else at its deciding frame, whose number SARIF has no place
for but a property. All other evidence is related. Knows no rule but those that matched.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from analyzer.analysis import Analysis
from analyzer.judge import all_rules, worst_exit_code
from analyzer.report.rows import sha256
from analyzer.report.words import escape, place, says
from analyzer.rule import Finding, Rule, Severity
from analyzer.stage import digest
from parsers.events import Event, Where

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.FAILURE: "error", Severity.DEGRADED: "warning", Severity.NOTE: "note"}
"""Level of a result by severity (section 3.27.10)."""
SENTENCE_MAX = 1000
"""Characters of one sentence: remedies hold commands."""
_PRECISION = {"proven": "very-high", "likely": "high", "possible": "medium"}
"""What GitHub shows as how sure a rule is, by our words for a finding."""

Index = dict[str, tuple[int, str]]
"""Number and URI of a source among the artifacts, by its name."""
Row = dict[str, Any]


def sarif(analysis: Analysis) -> str:
    """The whole report of one case, as one run."""
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(analysis)]}, indent=1) + "\n"


def _run(analysis: Analysis) -> Row:
    case, view, judgement, _ = analysis
    names = list(dict.fromkeys(f.rule for f in judgement.findings))
    index = {source.name: (number, _uri(str(source.path))) for number, source in enumerate(case.sources)}
    told = [_notice("warning", says(d), d.where, index) for d in view.damage]
    told += [
        _notice("warning", f"not read: {error.problem}", Where(source=name), index)
        for name, error in case.problems.items()
    ]
    told += [_notice("error", f"rule {b.rule} failed: {b.error}", None, index) for b in judgement.broken]
    told += [_notice("note", assumed, None, index) for assumed in view.assumed]
    told += [_notice("note", a, Where(source=s.name), index) for s in case.readable for a in s.assumed]
    code = worst_exit_code(judgement)
    return {
        "tool": {
            "driver": {
                "name": "fedtrace",
                "version": version("fedtrace"),
                "rules": [_rule(name, all_rules()[name]) for name in names],
            }
        },
        "invocations": [
            {"executionSuccessful": not judgement.broken, "exitCode": code, "toolExecutionNotifications": told}
        ],
        "artifacts": [
            {
                "location": {"uri": index[source.name][1]},
                "length": case.readings[source.name].size_bytes,
                "roles": ["analysisTarget"],
                **({"hashes": {"sha-256": found}} if (found := sha256(source)) else {}),
            }
            for source in case.sources
        ],
        "results": [_result(finding, names, index) for finding in judgement.findings],
        "columnKind": "unicodeCodePoints",
    }


def _rule(name: str, rule: Rule) -> Row:
    """What a viewer shows of a rule."""
    url = next((source.url for source in rule.sources if source.url), None)
    steps = "\n".join(f"- {line.strip()}" for line in rule.remedy.splitlines() if line.strip())
    return {
        "id": name,
        "shortDescription": {"text": _literal(rule.title)},
        "fullDescription": {"text": _literal(rule.explanation.strip())},
        "help": {
            "text": _literal(f"{rule.explanation.strip()}\n\nWhat to do: {rule.remedy.strip()}"),
            "markdown": _literal(f"{rule.explanation.strip()}\n\n**What to do**\n\n{steps}"),
        },
        **({"helpUri": url} if url else {}),
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": sorted({name.partition("-")[0], rule.stage.word, rule.owner.value})},
    }


def _result(finding: Finding, names: Sequence[str], index: Index) -> Row:
    """One finding."""
    events, session = finding.match.events, finding.session
    pair = f"{escape(session.initiator)} → {escape(session.receiver)}"
    main = next((event for event in events if event.where.line is not None), events[0])
    words = f"{pair}: {escape(finding.match.because, SENTENCE_MAX)} [{place(main.where)}]"
    remedy = " ".join(escape(line.strip(), SENTENCE_MAX) for line in finding.remedy.splitlines())
    return {
        "ruleId": finding.rule,
        "ruleIndex": names.index(finding.rule),
        "level": LEVELS[finding.severity],
        "message": {"text": _literal(f"{words}. Remedy: {remedy}")},
        "locations": [_location(main, index)],
        "relatedLocations": [
            {"id": number, **_location(event, index)}
            for number, event in enumerate((e for e in events if e is not main), start=1)
        ],
        # What stays the same when the same two domains fail by the same rule in tomorrow's capture.
        "partialFingerprints": {
            "pairAndRule/v1": digest(
                "sarif", finding.rule, session.initiator, session.receiver, finding.match.domain or ""
            )
        },
        "properties": {
            "confidence": finding.confidence.name.lower(),
            "isCause": finding.is_cause,
            "owner": finding.owner.value,
            "initiator": escape(session.initiator),
            "receiver": escape(session.receiver),
            "session": session.id,
            "finding": finding.id,
        },
    }


def _location(event: Event, index: Index) -> Row:
    """Where an event is to be seen, and what stands there."""
    frame = {} if event.where.frame is None else {"properties": {"frame": event.where.frame}}
    return {
        "physicalLocation": _place(event.where, index),
        "message": {"text": _literal(f"{place(event.where)} {says(event)}")},
        **frame,
    }


def _place(where: Where, index: Index) -> Row:
    """A file, and a line of it where it has lines."""
    number, uri = index.get(where.source, (-1, _uri(where.source)))
    at = {} if number < 0 else {"index": number}
    region = {} if where.line is None else {"region": {"startLine": max(where.line, 1)}}
    return {"artifactLocation": {"uri": uri, **at}, **region}


def _notice(level: str, text: str, where: Where | None, index: Index) -> Row:
    """What a reader of the results must know of the run: damage, what was assumed, what was not read."""
    at = {} if where is None else {"locations": [{"physicalLocation": _place(where, index)}]}
    return {"level": level, "message": {"text": _literal(escape(text, SENTENCE_MAX))}, **at}


def _uri(path: str) -> str:
    """Where a source is, as a URI if it is absolute, else as a relative reference (RFC 3986 section 4.2); bytes that
    are no UTF-8 are kept.
    """
    return ("file://" if path.startswith("/") else "") + quote(path, errors="surrogateescape") or "-"


def _literal(text: str) -> str:
    """Text in which nothing is a placeholder (section 3.11.5) or begins an embedded link (section 3.11.6)."""
    return text.replace("{", "{{").replace("}", "}}").replace("](", "]\\(")
