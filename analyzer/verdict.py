"""The verdict of a pair of domains in one direction, from what was found about its attempts.

The last word of each server that tried counts, and of these the worst. Knows no rule but by name, and no evidence.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from analyzer.attempt import Limits
from analyzer.rule import Confidence, Finding, Severity
from analyzer.session import Session
from analyzer.stage import end_text
from analyzer.threads import Thread
from analyzer.view import CaseView
from parsers.events import Stanza

OTHERS = frozenset(
    {
        "dialback-result-invalid",
        "dialback-secret-mismatch",
        "dialback-authoritative-elsewhere",
        "hosting-unexpected-callback",
    }
)
"""Rules about a key that another server of the domain made, or was asked about: that one server gets through from the
same address mends nothing for the other."""
OTHERS_NS = 600 * 10**9
"""A success 10 minutes later may be a mended server's: a new secret and a restart take as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What can be said of one pair of domains in one direction."""

    initiator: str
    """Who wants to send."""
    receiver: str
    """Whom it wants to reach."""
    state: str
    """"healthy", "degraded", "failing" or "undetermined"."""
    cause: Finding | None
    """The finding that explains it; None when healthy or undetermined without a sign."""
    also: tuple[str, ...]
    """Further rules that matched, consequences last."""
    sessions: tuple[Session, ...]
    """The attempts."""
    summary: str
    """One sentence."""

    @property
    def about(self) -> Session:
        """The attempt that it is about: the one that shows the cause, else the last that got through, else the last."""
        if self.cause is not None:
            return self.cause.session
        return next((s for s in reversed(self.sessions) if s.authenticated), self.sessions[-1])

    @property
    def confidence(self) -> Confidence:
        """Of the cause; a verdict without one is as sure as what was seen."""
        if self.cause is not None:
            return self.cause.confidence
        return Confidence.LIKELY if self.state == "healthy" else Confidence.POSSIBLE


def verdicts(case: CaseView, by_session: Mapping[str, Sequence[Finding]]) -> tuple[Verdict, ...]:
    """A verdict for each pair that a session speaks of."""
    pairs: dict[tuple[str, str], list[Session]] = {}
    for session in case.sessions:
        pairs.setdefault((session.initiator, session.receiver), []).append(session)
    verdicts = [_verdict(pair, sessions, by_session) for pair, sessions in pairs.items()]
    order = ("failing", "degraded", "undetermined", "healthy")
    return tuple(sorted(verdicts, key=lambda v: (order.index(v.state), v.initiator, v.receiver)))


def _verdict(
    pair: tuple[str, str], sessions: Sequence[Session], by_session: Mapping[str, Sequence[Finding]]
) -> Verdict:
    """The verdict of one pair: the last word of each server that tried, the worst of these."""
    last: dict[str | None, _Word] = {}
    lived_with: set[str] = set()
    for session in sessions:
        cause = next((f for f in by_session[session.id] if f.is_cause), None)
        state = _state(session, cause)
        if session.authenticated:
            lived_with |= {f.rule for f in by_session[session.id]}
        elif cause is not None and (
            (not session.connections and cause.rule in lived_with) or _may_ask(session, sessions)
        ):
            # The same answer of DNS did not keep an attempt from getting through.
            continue
        host = session.host
        if session.given_up is not None and not host and len(last) == 1:
            (host,) = last  # where one server is known, a log that names none is its
        broken = session.given_up is not None and host in last and last[host][0] == "healthy"
        if state != "undetermined" or host not in last or broken:
            now = (state, session, cause)
            last[host] = _both_fates(last.get(host), now) or now
    worst = ("failing", "degraded", "healthy", "undetermined")
    state, _, cause = min(last.values(), key=lambda entry: (worst.index(entry[0]), -entry[1].began_ns))
    if state == "undetermined":
        cause = next((c for s, _, c in last.values() if c is not None), None)
    rules = [f.rule for s in sessions for f in by_session[s.id]]
    also = tuple(r for r in dict.fromkeys(rules) if cause is None or r != cause.rule)
    return Verdict(
        initiator=pair[0],
        receiver=pair[1],
        state=state,
        cause=cause,
        also=also,
        sessions=tuple(sessions),
        summary=_summary(state, cause, sessions),
    )


_Word = tuple[str, Session, Finding | None]
"""State, attempt and cause."""


def _both_fates(before: _Word | None, now: _Word) -> _Word | None:
    """The word where one server's key is disowned and another gets through, from one address; None where it is not so.

    Where no host is told, it means nothing which of the two was seen last.
    """
    if before is None or now[1].began_ns - before[1].ended_ns > OTHERS_NS:
        return None
    state, session, cause = now if before[0] == "healthy" and not now[1].host else before
    other = before if session is now[1] else now
    found = other[0] == "healthy" and state != "undetermined" and cause is not None and cause.rule in OTHERS
    return ("degraded", session, cause) if found else None


def _may_ask(session: Session, sessions: Sequence[Session]) -> bool:
    """Whether questions may be those of an attempt that got through, of which a log tells no host and no questions."""
    if not session.lookups or session.told or any(c.captured for c in session.connections):
        return False
    apart_ns = Limits().trigger_ns
    first = bisect_left(sessions, session.began_ns - apart_ns, key=lambda s: s.began_ns)
    near = takewhile(lambda s: s.began_ns <= session.began_ns + apart_ns, islice(sessions, first, None))
    return any(s.authenticated and not s.host and not s.lookups for s in near)


def _state(session: Session, cause: Finding | None) -> str:
    """What one session says of its pair."""
    if cause is not None and cause.severity is Severity.FAILURE:
        return "failing"
    if session.authenticated:
        return "degraded" if cause is not None and cause.severity is Severity.DEGRADED else "healthy"
    if cause is not None and cause.severity is Severity.DEGRADED:
        return "degraded"
    return "undetermined"


def _summary(state: str, cause: Finding | None, sessions: Sequence[Session]) -> str:
    """One sentence for people."""
    if cause is not None:
        cut = _cut_before(cause.session, sessions)
        return cause.match.because if cut is None else f"{cut}; new connections are reset since: {cause.match.because}"
    if state == "healthy":
        how = {c.auth for s in sessions for c in s.connections if c.auth}
        seen = f"a stream was authenticated by {' and '.join(sorted(how)) or 'dialback'}"
        return seen + _unseen([s for s in sessions if s.authenticated])
    blind = next((s.stream for s in sessions if s.stream is not None and s.stream.ciphertext is not None), None)
    if blind is not None and blind.ciphertext is not None:
        where = blind.ciphertext.where
        return (
            f"{where.source} is ciphertext after frame {where.frame}: what was said under TLS, the log of one of the "
            "two servers would tell, or the capture with its key log"
        )
    if any(s.given_up is not None for s in sessions):
        return (
            "the log says that an attempt failed, and not why: the same log at the level debug, or a capture of such "
            "an attempt, would decide"
        )
    if all(s.outcome == "unknown" and not s.connections for s in sessions):
        return (
            "the lookup was answered, but no connection followed in what was captured: a capture at the server that "
            "asks, from before the attempt on, would decide"
        )
    told = [t for s in sessions for t in s.told]
    if told:
        return _told_in_part(told, sessions)
    return (
        "the attempt was not captured to its end: a longer capture, or the log of one of the two servers, would decide"
    )


def _unseen(authenticated: Sequence[Session]) -> str:
    """What a verdict leaves open that rests on logs alone: these tell of what came, and seldom of what did not."""
    if any(c.captured for s in authenticated for c in s.connections):
        return ""
    came = any(
        isinstance(event, Stanza) for s in authenticated for t in s.told if t.teller == s.receiver for event in t.events
    )
    some = "some stanzas came, and whether all do" if came else "whether stanzas are delivered"
    return f", as logs tell; {some} was not seen: a capture would show"


def _told_in_part(told: Sequence[Thread], sessions: Sequence[Session]) -> str:
    """What is still missing where logs were read: never one of these."""
    logs, tellers = ", ".join(dict.fromkeys(t.tap for t in told)), {t.teller for t in told}
    other = next((d for d in (sessions[0].receiver, sessions[0].initiator) if d not in tellers), None)
    asked = f"the log of {other}, or a capture of such an attempt," if other and None not in tellers else "a capture"
    failed = any(s.outcome == "failed" and s.told for s in sessions)
    said = "of an attempt that failed, and not why" if failed else "of an attempt, and not how it ended"
    return f"{logs} tells {said}: {asked} would decide"


def _cut_before(session: Session, sessions: Sequence[Session]) -> str | None:
    """The first half of the story, where a session was refused by resets: the stream of the same host that had been
    authenticated and that a reset cut.
    """
    if not session.connections or not all(c.refused for c in session.connections):
        return None
    for other in reversed(sessions):
        stream, reset = other.stream, other.stream.reset if other.stream is not None else None
        if stream is None or reset is None or other.host != session.host or not other.authenticated:
            continue
        if reset.at_ns <= session.connections[0].began_ns:
            ends = f"{end_text(stream.client)} > {end_text(stream.server)}"
            return f"{ends} was open and was cut by a reset at {_time_of_day(reset.at_ns)} UTC"
    return None


def _time_of_day(at_ns: int) -> str:
    """`09:14:03.412`, in UTC, of any instant that a capture may claim."""
    seconds, rest = divmod(at_ns, 10**9)
    minutes, second = divmod(seconds % 86400, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}.{rest // 10**6:03d}"
