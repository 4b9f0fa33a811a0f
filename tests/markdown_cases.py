"""Markdown files as tests: prose, scenes and logs, and what comes of them.

Each `##` is a test. Fences: ```scene NAME [local=DOMAIN,…]``` tells what the tap NAME saw (see `tests/scene.py`);
```FORMAT NAME [zone=… year=… date=… local=…]``` is a file called NAME in one of the formats of `fedtrace formats`;
```findings```, ```verdicts```, ```timeline``` or ```ladder``` tells what must come of all of these above it,
```events``` what the formats read: line, instant, class and fields of each event, then how the lines were counted.
`pytest --update-goldens FILE` writes the expectations anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from analyzer.judge import judge
from analyzer.ladder import ladder
from analyzer.report.ladder_text import rungs
from analyzer.report.rows import by_session
from analyzer.report.words import instant
from analyzer.view import CaseView
from parsers import ingest
from parsers.events import Damage, Event
from parsers.jsonl import line
from tests import scene

FENCE = re.compile(r"^```(?P<info>[a-z]+[^\n`]*)\n(?P<body>.*?)^```$", re.M | re.S)
EXPECTATIONS = ("findings", "verdicts", "timeline", "ladder")
LADDER_WIDTH = 100
"""Columns of a ladder; blanks at the end of a line are left out."""
_TOLD = {"zone": str, "year": int, "date": str, "vantage": str, "everything": lambda word: word == "yes"}
"""What the fence of a log may tell of it."""


class MarkdownFile(pytest.File):
    """One Markdown file."""

    def collect(self) -> Iterator[MarkdownCase]:
        """Each `##` section that holds a scene or a log."""
        for section in re.split(r"^## ", self.path.read_text(), flags=re.M)[1:]:
            title = section.partition("\n")[0].strip()
            if FENCE.search(section):
                yield MarkdownCase.from_parent(self, name=title, section=section)


class MarkdownCase(pytest.Item):
    """One `##` of a file."""

    def __init__(self, *, section: str, **rest: object) -> None:
        """`section` is its text, title line included."""
        super().__init__(**rest)  # type: ignore[arg-type]
        self.section = section

    def runtest(self) -> None:
        """Hold each expectation against what comes of the scenes before it."""
        taps: list[scene.Tap] = []
        local: list[str] = []
        section = self.section
        expectations = 0
        for fence in FENCE.finditer(self.section):
            word, *rest = fence["info"].split()
            named = [r for r in rest if "=" not in r]
            options = dict(r.split("=", 1) for r in rest if "=" in r)
            if word == "scene":
                taps.append(scene.tap(named[0] if named else "capture", fence["body"]))
                local += options.get("local", "").split(",") if "local" in options else []
            elif word in _formats():
                local += options.pop("local").split(",") if "local" in options else []
                told = {name: _TOLD[name](value) for name, value in options.items()}
                taps.append(scene.log(named[0] if named else f"{word}.log", word, fence["body"], **told))
            elif word in (*EXPECTATIONS, "events"):
                expectations += 1
                got = read(taps) if word == "events" else render(word, scene.case(*taps, local=local))
                if self.config.getoption("--update-goldens"):
                    section = section.replace(fence[0], f"```{fence['info']}\n{got}```", 1)
                elif got != fence["body"]:
                    raise Differs(word, fence["body"], got, self.path)
        assert expectations, "a case without an expectation proves nothing"
        if section != self.section:
            text = self.path.read_text()
            self.path.write_text(text.replace(self.section, section))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """What was expected, what came, and how to accept it."""
        if isinstance(excinfo.value, Differs):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the case stands."""
        return self.path, 0, f"{self.path.name}: {self.name}"


class Differs(AssertionError):
    """An expectation that does not hold."""

    def __init__(self, word: str, expected: str, got: str, path: Path) -> None:
        """Both texts, for a person."""
        super().__init__(
            f"{word} expected:\n{expected}\n{word} that came:\n{got}\n"
            f"if that is right: pytest --update-goldens {path}, then read the difference"
        )


@cache
def _formats() -> frozenset[str]:
    return frozenset(known.name for known in ingest.formats())


def read(taps: Sequence[scene.Tap]) -> str:
    """What the formats read: a line for each event, then what was assumed and how the lines were counted."""
    told = []
    for tap in taps:
        for event in tap.events:
            plain = json.loads(line(event))
            kind, at_ns, where = plain.pop("kind"), plain.pop("at_ns"), plain.pop("where")
            width_ns = plain.pop("width_ns")
            plain.pop("text", None) if kind == "Said" and plain.get("topic") != "other" else None
            fields = " ".join(f"{name}={_short(value)}" for name, value in plain.items())
            wide = {1: "ns", 1000: "µs", 10**6: "ms", 10**9: "s", 86400 * 10**9: "day"}.get(width_ns, f"{width_ns} ns")
            told.append(f"{where.get('line', '-')}  {instant(at_ns)} ({wide})  {kind}  {fields}".rstrip())
        reading = tap.reading
        lost = sum(e.lost for e in tap.events if isinstance(e, Damage) and e.unit == "lines")
        told += [f"assumed: {sentence}" for sentence in reading.assumed]
        told.append(f"{reading.lines} lines, {reading.other} other, {lost} damaged")
    return "".join(f"{one}\n" for one in told)


def _short(value: object) -> str:
    """A field's value in one word or in quotes."""
    if isinstance(value, dict) and "src_ip" in value:
        proto = value.get("proto", "tcp")
        return f"{value['src_ip']}:{value['src_port']}>{value['dst_ip']}:{value['dst_port']}/{proto}"
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False)


def render(word: str, case: CaseView) -> str:
    """The findings, verdicts, timeline or ladders of a case, one line each."""
    if word == "timeline":
        return "".join(f"{line}\n" for line in _timeline(case))
    judgement = judge(case)
    assert not judgement.broken, judgement.broken
    if word == "ladder":
        drawn = (ladder(s, case, by_session(judgement).get(s.id, ())) for s in case.sessions)
        return "\n".join("".join(f"{r.text.rstrip()}\n" for r in rungs(one, LADDER_WIDTH)) for one in drawn)
    if word == "verdicts":
        return "".join(
            f"{v.initiator} -> {v.receiver}  {v.state}"
            + (f"  {v.cause.rule}  {v.confidence.name.lower()}" if v.cause else "")
            + "\n"
            for v in sorted(judgement.verdicts, key=lambda v: (v.initiator, v.receiver))
        )
    return "".join(
        f"{f.session.initiator} -> {f.session.receiver}  {f.rule}  {f.severity.name.lower()}"
        f"  {f.confidence.name.lower()}{'  cause' if f.is_cause else ''}\n"
        for f in judgement.findings
    )


def _timeline(case: CaseView) -> Iterator[str]:
    for session in case.sessions:
        yield f"{session.initiator} -> {session.receiver}  {session.outcome}  {session.reached.word}"
        if session.trigger is not None:
            yield f"  {_seconds(session.trigger)}  trigger  {session.trigger.name} {session.trigger.type}"
        for step in session.steps:
            mark = "" if step.expected else "  unexpected"
            yield f"  {_seconds(step.event)}  {step.machine}  {step.signal}  {step.after}{mark}"
        if session.bounce is not None:
            yield f"  {_seconds(session.bounce)}  bounce  {session.bounce.name} {session.bounce.condition}"


def _seconds(event: Event) -> str:
    return f"{(event.at_ns - scene.BEGIN_NS) / scene.SECOND:.3f}"
