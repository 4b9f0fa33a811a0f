"""Rules over sessions: findings, the cause among them, and a verdict for each pair of domains and direction.

Knows no single rule. A rule that raises is a bug of ours and is shown, not swallowed.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import analyzer.rules
from analyzer.rule import Confidence, Finding, Match, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, digest
from analyzer.told import with_logs
from analyzer.verdict import Verdict, verdicts
from analyzer.view import CaseView
from parsers.events import river_key

GENERAL = frozenset(
    {
        "network-syn-unanswered",
        "network-connection-refused",
        "network-icmp-unreachable",
        "stream-closed-without-error",
        "stream-not-authorized",
        "stream-undefined-condition",
        "dialback-callback-absent",
        "dialback-result-timeout",
        "dialback-result-error",
        "dialback-result-invalid",
        "tls-handshake-alert",
    }
)
"""Rules for when the evidence cannot place the fault: any specific rule of the same session goes before them."""
_PART = {
    Stage.DNS: "the DNS questions",
    Stage.CONNECT: "the connection",
    Stage.STREAM: "the stream",
    Stage.TLS: "the TLS handshake",
    Stage.AUTH: "the authentication",
    Stage.TRAFFIC: "the stanzas",
}
"""What of an attempt a stage is, as reports say that it was not seen: a source may well show that of another."""

Blindness = tuple[tuple[str, tuple[str, ...]], ...]
"""What hid rules on a session, each with the names of these rules."""


class Unjudged(NamedTuple):
    """A rule that could not be judged on a session."""

    rule: str
    """Its name."""
    session: str
    """Id of the session."""
    because: str
    """What hides it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBroken:
    """A rule that raised: a bug of ours."""

    rule: str
    """Its name."""
    session: str
    """Id of the session."""
    error: str
    """Class and text of the exception."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """All that the rules make of a case."""

    verdicts: tuple[Verdict, ...]
    """Failing pairs first, then by name."""
    findings: tuple[Finding, ...]
    """In order of session and time."""
    blind: Mapping[str, Blindness]
    """Session id → what hid rules on it, and which rules these are; most attempts share what they lack."""
    broken: tuple[RuleBroken, ...]
    """Rules that raised."""
    ruled_out: Mapping[str, int]
    """Session id → how many rules looked and found nothing."""

    def hid(self, session: str) -> Counter[str]:
        """What hid rules on a session, by its id, and how many."""
        return Counter({because: len(rules) for because, rules in self.blind.get(session, ())})

    @property
    def unjudged(self) -> Iterator[Unjudged]:
        """Rules that were blind, in order of session."""
        for session, hidden in self.blind.items():
            for because, rules in hidden:
                yield from (Unjudged(rule, session, because) for rule in rules)


@cache
def all_rules() -> Mapping[str, Rule]:
    """Every rule by name, in name order."""
    found: dict[str, Rule] = {
        module.name.replace("_", "-"): importlib.import_module(f"analyzer.rules.{module.name}").RULE
        for module in pkgutil.iter_modules(analyzer.rules.__path__)
    }
    return dict(sorted(found.items()))


def judge(case: CaseView, rules: Mapping[str, Rule] | None = None) -> Judgement:
    """Every rule on every session, then a verdict for each pair."""
    rules = all_rules() if rules is None else rules
    findings: list[Finding] = []
    blind: dict[str, Blindness] = {}
    shared: dict[Blindness, Blindness] = {}
    broken: list[RuleBroken] = []
    ruled_out: dict[str, int] = {}
    by_session: dict[str, list[Finding]] = {}
    open_to: dict[frozenset[Stage], tuple[list[tuple[str, Rule]], list[tuple[str, frozenset[Stage]]]]] = {}
    for session in case.sessions:
        visible = session.visible
        if visible not in open_to:
            open_to[visible] = (
                [(name, rule) for name, rule in rules.items() if rule.needs <= visible],
                [(name, rule.needs) for name, rule in rules.items() if not rule.needs <= visible],
            )
        judged, hidden = open_to[visible]
        logged = bool(session.told) or any(c.firewall for c in (*session.connections, *session.callbacks))
        because = {needs: _hidden(needs - visible, session) for needs in {needs for _, needs in hidden}}
        matches: list[tuple[str, Match]] = []
        unjudged: dict[str, list[str]] = {}
        for name, needs in hidden:
            told = with_logs(rules[name], None, session, case) if logged else None
            if isinstance(told, Match):
                matches.append((name, told))
            else:
                unjudged.setdefault(because[needs], []).append(name)
        cleared = 0
        for name, rule in judged:
            try:
                answer = rule.predicate(session, case)
                if logged:
                    answer = with_logs(rule, answer, session, case)
            except Exception as error:  # shown as a bug of ours; the other rules still speak
                broken.append(RuleBroken(rule=name, session=session.id, error=f"{type(error).__name__}: {error}"))
                continue
            if answer is None:
                cleared += 1
            elif isinstance(answer, Match):
                matches.append((name, answer))
            else:
                unjudged.setdefault(answer.because, []).append(name)
        blindness = tuple((why, tuple(names)) for why, names in unjudged.items())
        blind[session.id] = shared.setdefault(blindness, blindness)
        ruled_out[session.id] = cleared
        found = _findings(session, matches, rules)
        by_session[session.id] = found
        findings += found
    return Judgement(
        verdicts=verdicts(case, by_session),
        findings=tuple(findings),
        blind=blind,
        broken=tuple(broken),
        ruled_out=ruled_out,
    )


def narrowed(case: CaseView, judgement: Judgement, keep: Callable[[Session], bool]) -> tuple[CaseView, Judgement]:
    """Only the attempts that `keep` says, judged with all that surrounded them; a verdict counts no other."""
    view = replace(case, sessions=tuple(s for s in case.sessions if keep(s)))
    kept = {s.id for s in view.sessions}
    by_session: dict[str, list[Finding]] = {id: [] for id in kept}
    findings = [f for f in judgement.findings if f.session.id in kept]
    for finding in findings:
        by_session[finding.session.id].append(finding)
    return view, Judgement(
        verdicts=verdicts(view, by_session),
        findings=tuple(findings),
        blind={id: hidden for id, hidden in judgement.blind.items() if id in kept},
        broken=tuple(b for b in judgement.broken if b.session in kept),
        ruled_out={id: n for id, n in judgement.ruled_out.items() if id in kept},
    )


def _hidden(stages: frozenset[Stage], session: Session) -> str:
    """Why these stages could not be seen."""
    missing = ", ".join(s.word for s in sorted(stages))
    stream = session.stream
    if stages <= {Stage.AUTH, Stage.TRAFFIC} and stream is not None and stream.ciphertext is not None:
        where = stream.ciphertext.where
        return f"{where.source} is ciphertext after frame {where.frame}: {missing} cannot be seen"
    return f"no source shows {', '.join(_PART[s] for s in sorted(stages))} of this attempt"


def _findings(session: Session, matches: Sequence[tuple[str, Match]], rules: Mapping[str, Rule]) -> list[Finding]:
    """The matches of one session as findings, the cause first, consequences in order of time."""
    severities = {name: rules[name].severity if m.severity is None else m.severity for name, m in matches}
    if any(
        m.confidence is Confidence.PROVEN and severities[name] > Severity.NOTE and name not in GENERAL
        for name, m in matches
    ):
        # Who knows the cause need not hear what else it might have been.
        matches = [
            (name, m)
            for name, m in matches
            if not (severities[name] is Severity.NOTE and m.confidence is Confidence.POSSIBLE)
        ]
    masked = {name for other, _ in matches if severities[other] > Severity.NOTE for name in rules[other].masks}

    def rank(pair: tuple[str, Match]) -> tuple[bool, int, bool, int, str]:
        name, match = pair
        at_ns, _, _ = river_key(match.events[0])
        explained = name in masked or severities[name] is Severity.NOTE
        return (explained, -severities[name], name in GENERAL, at_ns, name)

    # A rival that is proven on the same attempt is open no more.
    proven = {name for name, m in matches if m.confidence is Confidence.PROVEN and name not in GENERAL}
    if proven:
        matches = [
            (name, replace(m, undecided=tuple(u for u in m.undecided if u[0] not in proven)) if m.undecided else m)
            for name, m in matches
        ]
    ordered = sorted(matches, key=rank)
    found = []
    for index, (name, match) in enumerate(ordered):
        rule = rules[name]
        found.append(
            Finding(
                id=digest("finding", session.id, name),
                rule=name,
                title=rule.title,
                severity=severities[name],
                confidence=match.confidence,
                owner=match.owner or rule.owner,
                session=session,
                match=match,
                remedy=match.remedy or rule.remedy,
                is_cause=index == 0 and severities[name] > Severity.NOTE,
            )
        )
    return found


def worst_exit_code(judgement: Judgement) -> int:
    """The exit code of the report contract: 4 our bug, 1 failing, 3 nothing judged, 0 otherwise."""
    states = {v.state for v in judgement.verdicts}
    if judgement.broken:
        return 4
    if "failing" in states:
        return 1
    return 0 if states & {"healthy", "degraded"} else 3
