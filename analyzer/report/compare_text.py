"""A comparison of two attempts in characters: where they part, what differed before, and both step by step.

Reads well at 80 columns; values are wrapped, places are never cut. Decides nothing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from analyzer.compare import VAGUE_NS, Comparison, Moment, Row, Word
from analyzer.report.words import began, count, duration, escape, place, says
from analyzer.rule import Finding
from analyzer.session import Session

MARGIN = 13
"""Width of the left column, as in the report."""
FINDINGS_SHOWN = 4
"""Rules that are named of each attempt."""
ASCII = str.maketrans({"→": ">", "←": "<", "✘": "x", "·": "-", "…": "~"})
"""Our signs where the terminal knows no others; one column each, as they are."""
_WORDS = {
    "syn": "SYN",
    "syn-ack": "SYN-ACK",
    "fin": "FIN",
    "rst": "RST",
    "unreachable": "ICMP unreachable",
    "header": "stream header",
    "features": "stream features",
    "starttls": "STARTTLS",
    "proceed": "STARTTLS proceed",
    "tls-failure": "STARTTLS failure",
    "hello": "TLS hello",
    "certificate": "certificate",
    "ciphertext": "ciphertext",
    "alert": "TLS alert",
    "auth": "SASL auth",
    "success": "SASL success",
    "sasl-failure": "SASL failure",
    "dialback": "dialback key",
    "result": "dialback key",
    "verify": "dialback verify",
    "error": "stream error",
    "end": "stream end",
    "stanza": "first stanza",
    "not-xmpp": "no XMPP",
    "bad-xml": "bad XML",
    "query": "?",
    "ok": "answered",
    "empty": "no such record",
    "nxdomain": "NXDOMAIN",
    "servfail": "SERVFAIL",
    "refused": "REFUSED",
    "truncated": "truncated",
}
"""Signals of the machines as a person says them."""


def lines(told: Comparison, good: Sequence[Finding], bad: Sequence[Finding], width: int) -> Iterator[str]:
    """The whole comparison; `good` and `bad` are the findings of each."""
    yield from _head("good", told.good, good, width)
    yield from _head("bad", told.bad, bad, width)
    yield ""
    yield from _parting(told, width)
    yield from _before(told, width)
    yield ""
    yield f"  {'good':>9}  {'bad':>9}    step"
    for index, row in enumerate(told.rows):
        yield _row(row, parts=index == told.parting, width=width)
    if told.left_out:
        yield f"  and {count(told.left_out, 'step')} more that are not compared"
    yield ""
    yield "seconds since the first step of each, ~ by a coarse clock; → by the initiator, ← by the receiver"


def _head(label: str, session: Session, findings: Sequence[Finding], width: int) -> Iterator[str]:
    """Which attempt, when, how it ended, and what the rules say of it."""
    names = f"{escape(session.initiator)} → {escape(session.receiver)}"
    yield f"{label:<{MARGIN}}{session.id}  {names}  {session.outcome.upper()}"
    yield from _wrapped("", f"{began(session)}, {session.direction}, reached {session.reached.word}", width)
    rules = list(dict.fromkeys(f.rule for f in sorted(findings, key=lambda f: (not f.is_cause, -f.severity))))
    if rules:
        more = f" and {len(rules) - FINDINGS_SHOWN} more" if len(rules) > FINDINGS_SHOWN else ""
        yield from _wrapped("", ", ".join(rules[:FINDINGS_SHOWN]) + more, width)


def _parting(told: Comparison, width: int) -> Iterator[str]:
    """The first step that only one of them has, and what the other did instead."""
    if told.parting is None:
        yield from _wrapped("they part", "nowhere: both took the same steps, as far as the sources show them", width)
        return
    rows, row = told.rows, told.rows[told.parting]
    common = sum(1 for r in rows[: told.parting] if r.good is not None and r.bad is not None)
    which, other = ("good", "bad") if row.good is not None else ("bad", "good")
    moment = row.good or row.bad
    after = f"after {count(common, 'step')} that both took" if common else "at once"
    yield from _wrapped("they part", f"{after}: only the {which} one has {_named(row.word)}", width)
    if moment is not None:
        yield from _wrapped(f"  {which}", _told(moment), width)
    earlier = [m for r in rows[: told.parting] if (m := _of(r, other)) is not None]
    later = [m for r in rows[told.parting :] if (m := _of(r, other)) is not None]
    if earlier:
        yield from _wrapped(f"  {other}", f"before it  {_told(earlier[-1])}", width)
    yield from _wrapped(
        "" if earlier else f"  {other}", f"then  {_told(later[0])}" if later else "then nothing more", width
    )


def _of(row: Row, which: str) -> Moment | None:
    return row.good if which == "good" else row.bad


def _told(moment: Moment) -> str:
    """A step with its place; repetitions counted."""
    more = f", {moment.times} times until {_seconds(moment.last_ns)}" if moment.times > 1 else ""
    return f"{_when(moment)}  {place(moment.event.where)}  {says(moment.event)}{more}"


def _before(told: Comparison, width: int) -> Iterator[str]:
    """What was not alike in the steps that both took."""
    label = "differed"
    if not told.differences and not told.waits:
        yield from _wrapped(label, "nothing before it" if told.parting is not None else "nothing", width)
        return
    for difference in told.differences:
        good, bad = (escape(text) or "nothing" for text in (difference.good, difference.bad))
        head = f"{_named(difference.word)}, {difference.what}"
        if len(line := f"{head}: good {good}, bad {bad}") <= width - MARGIN:
            yield from _wrapped(label, line, width)
        else:
            yield from _wrapped(label, f"{head}:", width)
            yield from _wrapped("  good", good, width)
            yield from _wrapped("  bad", bad, width)
        label = ""
    for wait in told.waits:
        waited = f"{duration(wait.good_ns)} in the good one, {duration(wait.bad_ns)} in the bad one"
        yield from _wrapped(label, f"{_named(wait.word)}, wait: {waited}", width)
        label = ""


def _row(row: Row, *, parts: bool, width: int) -> str:
    """One step, with the times of both."""
    mark = "✘ " if parts else "  "
    good, bad = ("" if m is None else _when(m) for m in (row.good, row.bad))
    times = [m.times for m in (row.good, row.bad) if m is not None]
    more = f"  ({'/'.join(map(str, times))} times)" if max(times) > 1 else ""
    return f"{mark}{good:>9}  {bad:>9}  {_named(row.word)}{more}"[:width]


def _named(word: Word) -> str:
    """A step in words: who sends it, what it is, and for what."""
    name, way = word.signal.rstrip("<>"), word.signal[-1]
    name, _, verdict = name.partition(":")
    if name == "said":
        return f"{escape(word.about) or 'the log'} says {verdict}"
    # In a callback it is the receiver that asks; of a dialback key it is the receiver that asks to verify it.
    turned = (word.lane == "callback") != (word.machine == "dialback" and name == "verify")
    arrow = {">": "←" if turned else "→", "<": "→" if turned else "←"}.get(way, "·")
    if word.machine == "dns":
        text = f"{escape(word.about)}{_WORDS[name]}" if name == "query" else f"{escape(word.about)}: {_WORDS[name]}"
    elif verdict:
        text = f"{'dialback verify' if name == 'verify' else 'dialback result'} {verdict}"
    else:
        text = _WORDS.get(name, name)
    return f"{arrow} {text}{' of the callback' if word.lane == 'callback' else ''}"


def _when(moment: Moment) -> str:
    """When after the first step; of a coarse clock about."""
    if moment.event.width_ns < VAGUE_NS:
        return _seconds(moment.after_ns)
    return f"~{max(moment.after_ns, 0) // 10**9}"


def _seconds(ns: int) -> str:
    """`+12.345`, seconds since the first step."""
    sign = "-" if ns < 0 else "+"
    return f"{sign}{abs(ns) // 10**9}.{abs(ns) // 10**6 % 1000:03d}"


def _wrapped(label: str, text: str, width: int) -> Iterator[str]:
    """A label in the left column and text beside it."""
    room = max(width - MARGIN, 40)
    for line in textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]:
        yield f"{label:<{MARGIN}}{line}".rstrip()
        label = ""
