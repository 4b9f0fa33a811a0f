"""The report for a ticket: Markdown as GitHub, GitLab and Jira show it, verdict first.

What came off the wire cannot become a link, a mention, an image or HTML there: of every sentence only plain words stay
outside code spans, and nothing is looked for inside one. Decides nothing and knows no rule.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from analyzer.analysis import Analysis
from analyzer.checklist import Item
from analyzer.judge import Judgement
from analyzer.peers import peers
from analyzer.report.nameless import no_pair_says
from analyzer.report.rows import sha256
from analyzer.report.terminal import attempts, not_judged, owner, who
from analyzer.report.words import (
    UNDATED,
    clock,
    count,
    day,
    duration,
    escape,
    foremost,
    is_command,
    lasted,
    marks_say,
    not_read,
    peer_says,
    place,
    says,
    time_of,
)
from analyzer.rule import Finding
from analyzer.verdict import Verdict
from parsers.events import Event

PAIRS_IN_FULL = 12
"""Pairs told in full: a ticket is read by a person."""
PAIRS_LISTED = 200
"""Pairs in the table at the head; the JSON report has all."""
EVIDENCE_SHOWN = 12
"""Evidence lines of one finding."""
ROWS_SHOWN = 60
"""Inputs, and places of damage, with a line each."""
SENTENCE_MAX = 1000
"""Characters of one sentence: remedies hold commands, and are not cut."""

_PLAIN = re.compile(
    r"[(“\"]*(?:[^\W\d_]+(?:['’-][^\W\d_]+)*|\d{1,6}|\d{1,3}(?:,\d{3})+|[→–·±])(?:['’]s)?[)”\"]*[.,;:?!]?"
)
"""What no viewer makes anything of: letters or digits alone, as prose has them. Digits mixed with letters may be the
number of a commit or a ticket."""
_MARK = re.compile(r"[.,;:?!]")
"""Punctuation that follows a command."""
_RECORD = ("IN", "SRV", "A", "AAAA", "CNAME")
"""Words of a line of a zone file, which are to be pasted with the names around them."""
_ITEM = re.compile(r"\d+[.)]")
"""Would begin a numbered list."""
_EDGES = re.compile(r"([(“]*)(.*?)([)”]*[.,;:?!]*)", re.S)
"""The punctuation of a sentence around a word."""


def code(text: str, limit: int = SENTENCE_MAX) -> str:
    r"""Text as a code span, escaped; a pipe as `\x7c`, since tables end cells even inside spans."""
    shown = escape(text, limit).replace("|", "\\x7c").strip() or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def prose(text: str) -> str:
    """A sentence: plain words as they are, commands in one code span, all other words in code spans."""
    out: list[str] = []
    # What we call a command stands between backticks; whatever else does so becomes code just as well.
    for number, part in enumerate(re.split("`([^`]+)`", escape(text, SENTENCE_MAX))):
        out += [code(part)] if number % 2 else _words(part, first=number == 0)
    return re.sub(r" (?=[.,;:?!]+( |$))", "", " ".join(out))


def _words(text: str, first: bool) -> Iterator[str]:
    """The words of a piece of a sentence; neighbours that are no plain words share a span, up to a comma."""
    held: list[str] = []
    for number, word in enumerate(text.split()):
        record = bool(held) and (word in _RECORD or word.isdigit() or ("IN" in held and held[-1] in _RECORD))
        plain = _PLAIN.fullmatch(word) or _MARK.fullmatch(word)
        if plain and not record and not (first and number == 0 and _ITEM.match(word)):
            yield from _span(held)
            yield word
            held = []
            continue
        held.append(word)
        if word.endswith((",", ";", ":")):
            yield from _span(held)
            held = []
    yield from _span(held)


def _span(words: Sequence[str]) -> Iterator[str]:
    """Words in one code span, the sentence's own punctuation outside it."""
    if words:
        match = _EDGES.fullmatch(" ".join(words))
        assert match is not None, "it fits every text"
        before, core, after = match.groups()
        if after.startswith(".") and "IN" in words:
            # The end of a name in a zone file, not of a sentence.
            core, after = core + ".", after[1:]
        # A bracket that is opened inside is closed inside.
        while after[:1] in (")", "”") and core.count("(") + core.count("“") > core.count(")") + core.count("”"):
            core, after = core + after[0], after[1:]
        yield f"{before}{code(core)}{after}" if core else code(before + after)


def markdown(analysis: Analysis) -> str:
    """The whole report of one case."""
    return "\n".join(_report(analysis)).rstrip("\n") + "\n"


def _report(analysis: Analysis) -> Iterator[str]:
    case, view, judgement, items = analysis
    yield "# Federation report"
    yield ""
    if not judgement.verdicts:
        said = no_pair_says(view)
        yield f"{prose(said[0].upper() + said[1:])}."
        yield ""
    else:
        yield from _overview(judgement.verdicts)
    told: dict[tuple[str, tuple[Event, ...]], Verdict] = {}
    for verdict in [v for v in judgement.verdicts if v.cause or v.state == "undetermined"][:PAIRS_IN_FULL]:
        yield from _verdict(verdict, judgement, told)
    yield from _checklist(items)
    if found := [p for p in peers(view) if p.product or p.perhaps]:
        yield "## Servers"
        yield ""
        for peer in found[:ROWS_SHOWN]:
            marks = marks_say(peer)
            yield f"- {prose(peer_says(peer).replace('  ', ': ', 1).replace('  ', '; '))}" + (
                f", by {prose(marks)}" if marks else ""
            )
        yield ""
    yield from _inputs(analysis)
    assumed = [*view.assumed, *(f"{s.name}: {a}" for s in case.readable for a in s.assumed)]
    yield from _list("## Assumed", map(prose, assumed))
    damage = [f"{code(place(d.where))} {prose(says(d))}" for d in view.damage]
    more = [f"and {len(damage) - ROWS_SHOWN:,} more"] if len(damage) > ROWS_SHOWN else []
    yield from _list("## Damaged", [*damage[:ROWS_SHOWN], *more])
    yield from _list("## Not read", map(prose, not_read(case.problems)))
    yield from _list("## Bugs of fedtrace", (prose(f"{b.rule}: {b.error}") for b in judgement.broken))


def _list(heading: str, lines: Iterable[str]) -> Iterator[str]:
    """A heading and a list; nothing where there is nothing to list."""
    told = list(lines)
    if told:
        yield heading
        yield ""
        yield from (f"- {line}" for line in told)
        yield ""


def _pair(verdict: Verdict) -> str:
    return f"{code(verdict.initiator)} → {code(verdict.receiver)}"


def _overview(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Every pair in one line, the failing ones first."""
    yield "| pair | state | cause | confidence | to mend |"
    yield "|---|---|---|---|---|"
    for verdict in verdicts[:PAIRS_LISTED]:
        state = verdict.state if verdict.state == "healthy" else f"**{verdict.state}**"
        cause = verdict.cause if verdict.state != "healthy" else None
        cells = (f"`{cause.rule}`", verdict.confidence.name.lower(), prose(who(cause) or "")) if cause else ("", "", "")
        yield f"| {_pair(verdict)} | {state} | {' | '.join(cells)} |"
    yield ""
    if rest := Counter(v.state for v in verdicts[PAIRS_LISTED:]):
        yield f"And {count(rest.total(), 'pair')} more: {', '.join(f'{n:,} {state}' for state, n in rest.items())}."
        yield ""


def _verdict(
    verdict: Verdict, judgement: Judgement, told: dict[tuple[str, tuple[Event, ...]], Verdict]
) -> Iterator[str]:
    """One pair in full: what is wrong, the proof, what it is not, what to do."""
    finding = verdict.cause
    yield f"## {_pair(verdict)}: {verdict.state}"
    yield ""
    yield prose(verdict.summary)
    yield ""
    if finding is not None:
        yield (
            f"Cause: {finding.title} (`{finding.rule}`), {verdict.confidence.name.lower()}; {prose(owner(finding))}."
            if verdict.state != "healthy"
            else f"Seen besides: {finding.title} (`{finding.rule}`)."
        )
        yield ""
        first = told.setdefault((finding.rule, finding.match.events), verdict)
        if first is verdict:
            yield from _finding(finding)
        else:
            yield f"Evidence and remedy: the same as of {_pair(first)}."
            yield ""
    if verdict.also:
        yield f"Also seen: {', '.join(f'`{rule}`' for rule in verdict.also)}"
        yield ""
    yield from _list("**Attempts**", map(prose, attempts(verdict)))
    yield from _list("**Not judged**", map(prose, not_judged(verdict, judgement)))


def _finding(finding: Finding) -> Iterator[str]:
    """Evidence, rivals and remedy."""
    match = finding.match
    first = match.events[0]
    yield f"**Evidence** of {day(first.at_ns)}, UTC" if time_of(first) != UNDATED else "**Evidence**, undated"
    yield ""
    for event in foremost(match.events, EVIDENCE_SHOWN):
        yield f"- {code(place(event.where))} {time_of(event)} {code(says(event))}"
    if len(match.events) > EVIDENCE_SHOWN:
        yield f"- and {len(match.events) - EVIDENCE_SHOWN} more"
    yield ""
    yield from _list("**Ruled out**", (f"`{rule}`: {prose(why)}" for rule, why in match.ruled_out))
    yield from _list("**Still open**", (f"`{rule}`; to decide: {prose(what)}" for rule, what in match.undecided))
    lines = [line for line in finding.remedy.splitlines() if line.strip()]
    yield from _list("**Remedy**", (prose(line) for line in lines if not is_command(line)))
    if typed := [escape(line, SENTENCE_MAX) for line in lines if is_command(line)]:
        yield from ("```", *typed, "```", "")


def _checklist(items: Sequence[Item]) -> Iterator[str]:
    """The guide's steps; one sentence where none of them could be answered."""
    if not items:
        return
    yield "## Checklist"
    yield ""
    if len({i.because for i in items}) == 1:
        yield prose(items[0].because)
        yield ""
        return
    yield "| step | state | why | seen at |"
    yield "|---|---|---|---|"
    for item in items:
        state = "**fail**" if item.state == "fail" else item.state
        where = code(place(item.events[0].where)) if item.events else ""
        yield f"| {item.step} | {state} | {prose(item.because)} | {where} |"
    yield ""


def _inputs(analysis: Analysis) -> Iterator[str]:
    """What was read, and its fingerprint, so that another reader knows that it has the same files."""
    case, view, *_ = analysis
    yield "## Inputs"
    yield ""
    yield "| input | size | from (UTC) | for | clock | `sha256` |"
    yield "|---|---|---|---|---|---|"
    for source in case.readable[:ROWS_SHOWN]:
        reading = case.readings[source.name]
        size = count(reading.frames, "frame") if reading.frames is not None else count(reading.lines or 0, "line")
        first_ns, last_ns = reading.first_ns, reading.last_ns
        began = "" if first_ns is None else f"{day(first_ns)} {clock(first_ns)}"
        span = "" if first_ns is None or last_ns is None else lasted(first_ns, last_ns)
        offset_ns, residual_ns = view.clock(source.tap or source.name) or (0, 0)
        ahead = "ahead" if offset_ns > 0 else "behind"
        off = f"{duration(abs(offset_ns))} {ahead} (±{duration(residual_ns)}), corrected" if offset_ns else ""
        print_ = sha256(source)
        yield f"| {code(source.name)} | {size} | {began} | {span} | {off} | {f'`{print_}`' if print_ else ''} |"
    if len(case.readable) > ROWS_SHOWN:
        yield f"| and {len(case.readable) - ROWS_SHOWN:,} more | | | | | |"
    yield ""
