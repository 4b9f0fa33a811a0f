"""The report for people, in a terminal, a pipe or a ticket: verdict first, evidence that can be pasted.

Colour is never the only sign of anything. Decides nothing and knows no rule.
"""

from __future__ import annotations

import io
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.console import Console
from rich.text import Text

from analyzer.checklist import Item
from analyzer.connection import Connection
from analyzer.judge import Judgement
from analyzer.ladder import Ladder, moments
from analyzer.peers import Peer, clash, peers
from analyzer.report.ladder_text import rungs
from analyzer.report.nameless import no_pair_says
from analyzer.report.words import (
    CHECKS,
    HISTORY,
    began,
    clock,
    count,
    day,
    duration,
    escape,
    foremost,
    lasted,
    marks_say,
    not_read,
    outcome_says,
    peer_says,
    place,
    says,
    time_of,
)
from analyzer.rule import Finding, Owner
from analyzer.stage import end_text
from analyzer.verdict import Verdict
from analyzer.view import CaseView
from parsers.case import Case
from parsers.events import Event
from parsers.source import Source

STATES = {"healthy": "green", "degraded": "yellow", "failing": "bold red", "undetermined": "magenta"}
"""Colour of a state; the word itself is always there."""
PAIRS_IN_FULL = 12
"""Pairs of one state told in full; further ones get a line each, since a screen holds few."""
PAIRS_LISTED = 40
"""Further pairs that get a line; the rest are counted by cause."""
EVIDENCE_SHOWN = 6
"""Evidence lines of one finding; the JSON report has all."""
SOURCES_SHOWN = 20
"""Sources with a line each."""
ATTEMPTS_SHOWN = 6
"""Attempts of one pair that get a line each; the JSON report has all."""
REASONS_SHOWN = 3
"""Reasons why rules could not be judged, the commonest first."""
LOOSE_SHOWN = 5
"""Conversations without a pair of domains that get a line each."""
PEERS_SHOWN = 12
"""Domains of which the server is told."""
MARGIN = 13
"""Width of the left column."""
WIDTH = 120
"""Prose is wrapped at the width of the terminal, and here at most: longer lines are hard to read, and so is a pipe's
text in a ticket. Evidence is never wrapped, so that it can be pasted."""
CHECK_MIN = 40
"""Characters that stay of a reason in the checklist, where the terminal is narrow. Elsewhere nothing is cut: it holds
commands."""


class Terminal:
    """Writes to one console."""

    def __init__(self, console: Console) -> None:
        """`console` decides on colour and width."""
        self.console = console
        self.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
        self._captures: frozenset[str] = frozenset()
        self._told: dict[tuple[str, tuple[Event, ...]], str] = {}

    def report(self, case: Case, view: CaseView, judgement: Judgement, items: Sequence[Item]) -> None:
        """The whole report of one case."""
        # Those that can be asked again: what came through a pipe, or is redacted, is no file.
        self._captures = frozenset(s.name for s in case.readable if s.format == "capture" and s.file.is_file())
        self.sources(case, view)
        self.line()
        self.verdicts(view, judgement)
        self.loose(view)
        self.peers(peers(view))
        self.checklist(items)
        for broken in judgement.broken:
            self.row("bug", f"{broken.rule} failed on session {broken.session}: {escape(broken.error)}", "bold red")

    def line(self, text: str = "", style: str = "") -> None:
        """One line as it is, wrapped by nobody."""
        self.console.print(Text(text, style=style), soft_wrap=True)

    def row(self, label: str, text: str, style: str = "", indent: int = 0) -> None:
        """A label in the left column and text beside it."""
        out = Text(" " * indent)
        out.append(label.ljust(MARGIN - indent), style="dim" if label else "")
        out.append(text, style=style)
        self.console.print(out, soft_wrap=True)

    def rows(self, label: str, texts: Iterable[str], style: str = "", indent: int = 0) -> None:
        """Several texts under one label."""
        for text in texts:
            self.row(label, text, style, indent)
            label = ""

    def prose(self, label: str, *texts: str, style: str = "", indent: int = 2) -> None:
        """A label and sentences beside it, each wrapped."""
        room = max(self.width - MARGIN, 40)
        wrapped = (textwrap.wrap(t, room, break_long_words=False, break_on_hyphens=False) for t in texts)
        self.rows(label, (line for lines in wrapped for line in lines), style, indent)

    def peers(self, found: Sequence[Peer]) -> None:
        """Which product each side is, what it showed of its policy, and where ours does not go with a peer's."""
        told = [p for p in found if p.product or p.perhaps or p.policy.starttls or p.policy.version is not None]
        for number, peer in enumerate(told[:PEERS_SHOWN]):
            self.row("" if number else "peers", peer_says(peer))
            if peer.marks:
                self.prose("", f"by {marks_say(peer)}", indent=0)
            if not peer.local:
                clashes = [c for ours in found if ours.local for c in clash(ours.policy, peer.policy)]
                self.prose("", *dict.fromkeys(clashes), *(peer.product.expect if peer.product else ()), indent=0)
        if len(told) > PEERS_SHOWN:
            self.row("", f"and {len(told) - PEERS_SHOWN:,} more; --format json has all")
        if told:
            self.line()

    # --- head

    def sources(self, case: Case, view: CaseView) -> None:
        """What was read, what was assumed, what was damaged."""
        readable = case.readable
        self.rows("sources", (self._source(s, case, view) for s in readable[:SOURCES_SHOWN]))
        if len(readable) > SOURCES_SHOWN:
            self.row("", f"and {count(len(readable) - SOURCES_SHOWN, 'source')} more")
        self.prose("not read", *not_read(case.problems), style="yellow", indent=0)
        assumed = (*view.assumed, *(f"{s.name}: {a}" for s in readable for a in s.assumed))
        self.prose("assumed", *map(escape, assumed), indent=0)
        damage = [f"{place(d.where)}  {says(d)}" for d in view.damage]
        self.rows("damage", damage[:SOURCES_SHOWN], "yellow")
        if len(damage) > SOURCES_SHOWN:
            self.row("", f"and {len(damage) - SOURCES_SHOWN:,} more")
        unknown: Counter[str] = Counter()
        for reading in case.readings.values():
            unknown.update(reading.unknown)
        if unknown:
            told = ", ".join(f"{count(n, 'frame')} of {escape(k)}" for k, n in sorted(unknown.items()))
            self.row("not decoded", told, "yellow")

    def _source(self, source: Source, case: Case, view: CaseView) -> str:
        reading = case.readings[source.name]
        told = [escape(source.name)]
        if reading.frames is not None:
            told.append(count(reading.frames, "frame"))
        if reading.lines is not None:
            told.append(count(reading.lines, "line"))
        if reading.first_ns is not None and reading.last_ns is not None:
            span = lasted(reading.first_ns, reading.last_ns)
            told.append(f"{day(reading.first_ns)} {clock(reading.first_ns)} UTC for {span}")
        offset_ns, residual_ns = view.clock(source.tap or source.name) or (0, 0)
        if offset_ns:
            sign = "ahead" if offset_ns > 0 else "behind"
            told.append(f"its clock is {duration(abs(offset_ns))} {sign} (±{duration(residual_ns)}), corrected")
        return "  ".join(told)

    # --- verdicts

    def verdicts(self, view: CaseView, judgement: Judgement) -> None:
        """Every pair and direction: in full as far as a screen bears it, then a line each, then counted."""
        if not judgement.verdicts:
            self.prose("verdict", no_pair_says(view), style="magenta", indent=0)
            return
        shown: Counter[str] = Counter()
        brief: list[Verdict] = []
        for verdict in judgement.verdicts:
            shown[verdict.state] += 1
            if shown[verdict.state] <= PAIRS_IN_FULL:
                self.verdict(verdict, judgement)
            else:
                brief.append(verdict)
        for verdict in brief[:PAIRS_LISTED]:
            self._head(verdict)
        if rest := brief[PAIRS_LISTED:]:
            causes = Counter(v.cause.rule if v.cause else v.state for v in rest)
            told = ", ".join(f"{n} {cause}" for cause, n in causes.most_common())
            self.line(f"and {count(len(rest), 'pair')} more: {told}; --format json has all")
        if brief or judgement.verdicts[-1].cause is None:
            self.line()

    def _head(self, verdict: Verdict) -> None:
        out = Text(f"{escape(verdict.initiator)} → {escape(verdict.receiver)}   ", style="bold")
        out.append(verdict.state.upper(), style=STATES[verdict.state])
        if verdict.cause is not None and verdict.state != "healthy":
            confidence = verdict.confidence.name.lower()
            out.append(f"   {verdict.cause.rule}   {confidence}   {owner(verdict.cause)}")
        self.console.print(out, soft_wrap=True)

    def verdict(self, verdict: Verdict, judgement: Judgement) -> None:
        """One pair: state, cause, evidence, rivals, remedy."""
        self._head(verdict)
        self.prose("", escape(verdict.summary, 600))
        if verdict.cause is None:
            self.prose("attempts", next(attempts(verdict)))
            return
        pair = f"{verdict.initiator} → {verdict.receiver}"
        told = self._told.setdefault((verdict.cause.rule, verdict.cause.match.events), pair)
        if told == pair:
            self.finding(verdict.cause)
        else:
            self.prose("evidence", f"the same as of {escape(told)}, and the same remedy")
        if verdict.also:
            self.prose("also seen", ", ".join(verdict.also))
        self.prose("attempts", *attempts(verdict))
        self.prose("blind", *not_judged(verdict, judgement))
        self.line()

    def finding(self, finding: Finding) -> None:
        """Evidence, rivals and remedy of one finding."""
        match = finding.match
        self.rows("evidence", (_evidence(x) for x in foremost(match.events, EVIDENCE_SHOWN)), indent=2)
        if len(match.events) > EVIDENCE_SHOWN:
            self.row("", f"and {len(match.events) - EVIDENCE_SHOWN} more", indent=2)
        if any(event.where.source in self._captures for event in match.events):
            self.row("", f"`fedtrace filter {finding.id} …` finds these frames in Wireshark", indent=2)
        self.prose("ruled out", *(f"{rule}: {escape(why)}" for rule, why in match.ruled_out))
        self.prose("still open", *(f"{rule}; to decide: {escape(what)}" for rule, what in match.undecided))
        self.prose("remedy", *escape_lines(finding.remedy))

    def loose(self, view: CaseView) -> None:
        """Conversations that belong to no attempt since nothing tells who spoke with whom."""
        found = view.loose
        if not found:
            return
        self.row("no pair", f"{count(len(found), 'conversation')} of which the two domains are not known")
        for c in found[:LOOSE_SHOWN]:
            names = f"{escape(c.initiator or '?')} → {escape(c.receiver or '?')}"
            self.row("", f"{place(c.events[0].where):<22}  {_ends(c)}  {names}  {c.outcome}")
        if rest := Counter(c.outcome for c in found[LOOSE_SHOWN:]):
            self.row("", f"and {rest.total()} more: {', '.join(f'{n} {o}' for o, n in rest.most_common())}")
        self.line()

    # --- checklist

    def checklist(self, items: Sequence[Item]) -> None:
        """The guide's steps."""
        if not items:
            return
        states = Counter(i.state for i in items)
        told = ", ".join(f"{n} {state}" for state, n in states.items())
        self.row("checklist", told)
        if len({i.because for i in items}) == 1:
            self.row("", escape(items[0].because))
            return
        for item in items:
            style = {"pass": "green", "fail": "red"}.get(item.state, "dim")
            where = f"  [{place(item.events[0].where)}]" if item.events else ""
            head = f"{CHECKS[item.state]} {item.step:<10} {item.state:<14} "
            because = escape(item.because, 1000)
            if self.console.is_terminal:
                room = max(self.console.width - MARGIN - len(head) - len(where), CHECK_MIN)
                because = textwrap.shorten(because, room, placeholder=" …")
            text = head + because + where
            self.row("", text, style)

    # --- one session

    def session(self, drawn: Ladder, findings: Sequence[Finding], *, steps: bool = False) -> None:
        """One attempt in full: its ladder, or with `steps` what each event did to which machine; every link."""
        session = drawn.session
        self.line(
            f"session {session.id}   {escape(session.initiator)} → {escape(session.receiver)}   {session.direction}   "
            f"{session.outcome.upper()}   reached {session.reached.word}",
            "bold",
        )
        span = "" if session.undated else f", for {lasted(session.began_ns, session.ended_ns)}"
        self.row("when", began(session) + span)
        self.rows("connections", (_connection(c) for c in session.connections))
        self.rows("callbacks", (_connection(c) for c in session.callbacks))
        letters = {letter.upper() for c in (*session.connections, *session.callbacks) for letter in c.history}
        if letters:
            legend = ", ".join(f"{letter} {word}" for letter, word in HISTORY.items() if letter in letters)
            self.prose("letters", f"{legend}; upper case from the client, lower case from the server", indent=0)
        self.line()
        if steps:
            for event, what, expected in moments(session):
                self.line(_moment(event, what) + ("" if expected else "  (unexpected)"))
        else:
            width = self.console.width if self.console.is_terminal else WIDTH
            for text, style in rungs(drawn, width, ascii_only=self.console.options.ascii_only):
                self.line(text, style)
        self.line()
        self.rows("joined", dict.fromkeys(f"{k.kind}: {escape(k.because)} ({k.strength})" for k in session.links))
        for finding in findings:
            self.line()
            self.found(finding)

    def found(self, finding: Finding) -> None:
        """One finding in full."""
        cause = "   cause" if finding.is_cause else ""
        severity, confidence = finding.severity.name.lower(), finding.confidence.name.lower()
        self.line(f"{finding.rule}   {severity}   {confidence}{cause}   finding {finding.id}", "bold")
        self.prose("", escape(finding.match.because, 600))
        self.finding(finding)


def plain(write: Callable[[Terminal], None], width: int = WIDTH) -> str:
    """What a terminal of that width would show of what `write` writes, without colour."""
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=True, force_jupyter=False, color_system=None, highlight=False
    )
    write(Terminal(console))
    return out.getvalue()


def who(finding: Finding) -> str | None:
    """Whose turn it is; None where the evidence is too thin to say.

    Where the case is seen from neither side, nobody is the peer: then the domain is named.
    """
    domain = finding.match.domain
    if finding.owner in (Owner.LOCAL, Owner.PEER) and domain and finding.session.direction in ("external", "unknown"):
        return f"administrator of {escape(domain)}"
    return {
        "dns": "DNS administrator",
        "firewall": "firewall's administrator",
        "network": "network",
        "local": "local server's administrator",
        "peer": "peer's administrator",
        "user": "user",
    }.get(finding.owner.value)


def owner(finding: Finding) -> str:
    """Whose turn it is, as a clause; where the evidence is too thin to say, that."""
    turn = who(finding)
    return f"for the {turn} to mend" if turn is not None else "more evidence is needed"


def _evidence(event: Event) -> str:
    return f"{place(event.where):<22}  {time_of(event):<12}  {says(event)}"


def _moment(event: Event, what: str) -> str:
    return f"{time_of(event):<12}  {what:<24}  {place(event.where):<22}  {says(event)}"


def escape_lines(text: str) -> list[str]:
    """Lines of our own text, each escaped."""
    return [escape(line, 1000) for line in text.splitlines() if line.strip()]


def attempts(verdict: Verdict) -> Iterator[str]:
    """How many, each with its id and time of day, that of the verdict first, and how to see one in full."""
    about = verdict.about
    told = ", ".join(f"{n} {outcome}" for outcome, n in Counter(map(outcome_says, verdict.sessions)).items())
    yield f"{told}; `fedtrace session {about.id} …` shows the timeline"
    sessions = sorted(verdict.sessions, key=lambda s: s is not about)
    for session in sessions[:ATTEMPTS_SHOWN]:
        yield f"{session.id}  {began(session, of_day=True)}  {outcome_says(session)}"
    if len(sessions) > ATTEMPTS_SHOWN:
        yield f"and {len(sessions) - ATTEMPTS_SHOWN:,} more"


def not_judged(verdict: Verdict, judgement: Judgement) -> Iterator[str]:
    """How many rules could say nothing of the session that the verdict is about, and what hid it from them."""
    reasons = judgement.hid(verdict.about.id)
    for because, rules in reasons.most_common(REASONS_SHOWN):
        yield f"{count(rules, 'rule')} could not be judged: {escape(because)}"
    if rest := reasons.total() - sum(n for _, n in reasons.most_common(REASONS_SHOWN)):
        yield f"{count(rest, 'rule')} more for other reasons; --format json has all"


def _ends(connection: Connection) -> str:
    return f"{end_text(connection.client)} > {end_text(connection.server)}"


def _connection(connection: Connection) -> str:
    seen = escape(" ".join(sorted(connection.vantages)))
    return (
        f"{connection.id}  {_ends(connection)}  {connection.history or '-'}  {connection.role}  {connection.outcome}  "
        f"seen in {seen}"
    )
