"""What one peer, host or domain shows of a step of the guide, and how many such signs make one answer.

Asks of a connection what a telnet would: was it answered, from where did it come, was it our server that answered.
Knows no step; `checklist` asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from analyzer.addresses import is_private
from analyzer.connection import Connection
from analyzer.judge import Judgement
from analyzer.rule import Confidence, Finding, Severity
from analyzer.stage import end_text
from analyzer.view import CaseView
from parsers.events import Event, TcpMark, Unreachable

State = Literal["pass", "fail", "not-observed", "not-applicable"]

TOLD_MAX = 5
"""An answer names at most five peers or domains and counts the rest: it is read in a terminal."""
SILENCE_NS = 3 * 10**9
"""A SYN without an answer for 3 s is unanswered: it would have been sent again after 1 s (RFC 6298 section 2)."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What one peer, host or domain shows of a step."""

    state: State
    """As for the step."""
    about: str
    """Which peer, host or domain; "" for an answer made of several."""
    says: str
    """One sentence."""
    events: tuple[Event, ...] = ()
    """The evidence."""


def together(signs: Iterable[Sign], unseen: str, *, all_must: bool = False) -> Sign:
    """One answer from many signs: any failure fails; `all_must` wants every sign seen, else one that passes will do.

    `unseen` is what is said when there are none: the one thing that would show it.
    """
    found: list[Sign] = []
    told_of: set[tuple[str, str]] = set()
    for sign in signs:
        key = (sign.state, sign.about if sign.state == "pass" else sign.says)
        if key not in told_of:
            told_of.add(key)
            found.append(sign)
    order: tuple[State, ...] = ("fail", "not-observed", "pass") if all_must else ("fail", "pass", "not-observed")
    for state in (*order, "not-applicable"):
        chosen = [s for s in found if s.state == state]
        if not chosen:
            continue
        told = chosen[:TOLD_MAX]
        says = "; ".join(s.says for s in told)
        if len(chosen) > len(told):
            says += f"; and {len(chosen) - len(told)} more"
        failed = {s.about for s in chosen}
        held = sorted({s.about for s in found if s.state == "pass" and s.about not in failed})
        if state == "fail" and held and not all_must:
            says += f"; it holds for {listed(held)}"
        return Sign(state, "", says, tuple(e for s in told for e in s.events))
    return Sign("not-observed", "", unseen)


def listed(names: Sequence[str]) -> str:
    """The names, the first five of them where there are more."""
    rest = len(names) - TOLD_MAX
    return ", ".join(names[:TOLD_MAX]) + (f" and {rest} more" if rest > 0 else "")


def tcp(case: CaseView, connection: Connection) -> Sign:
    """Whether a SYN was answered. It proves TCP only: a blank telnet screen is no XMPP yet."""
    who = client(connection)
    ends = f"{who} to {end_text(connection.server)}"
    events = handshake(connection)
    if connection.accepted and not connection.captured:
        return Sign("pass", who, f"{who}: a log tells of a stream to {end_text(connection.server)}", events)
    if connection.accepted:
        spoke = connection.server_header is not None
        return Sign("pass", who, f"{ends}: accepted" + ("" if spoke else ", which proves TCP only, not XMPP"), events)
    denied = next((line for line in connection.firewall if line.action == "deny"), None)
    if denied is not None and not connection.captured:
        return Sign("fail", who, f"{ends}: the firewall refused it ({denied.message_id})", (denied,))
    if connection.refused:
        return Sign("fail", who, f"{ends}: refused by a reset", events)
    if connection.unreachable is not None:
        error = connection.unreachable
        return Sign("fail", who, f"{ends}: {error.reporter_ip} says unreachable ({error.code})", events)
    silent = len(connection.syns) > 1 or case.watched(connection, connection.ended_ns + SILENCE_NS)
    if connection.unanswered and silent and not connection.vantages <= case.one_way_taps:
        return Sign("fail", who, f"{ends}: SYN seen {len(connection.syns)} times, no answer", events)
    return Sign("not-observed", who, f"{ends}: no source shows what came of it", events)


def handshake(connection: Connection) -> tuple[Event, ...]:
    """The first SYN and what answered it; where the capture begins later, its first event."""
    answer = next((e for e in connection.events if _is_answer(connection, e)), None)
    return tuple(e for e in (*connection.syns[:1], answer) if e is not None) or connection.events[:1]


def _is_answer(connection: Connection, event: Event) -> bool:
    """Whether an event answers a SYN."""
    if isinstance(event, TcpMark):
        return connection.way(event) == "<" and event.mark in ("syn-ack", "rst")
    return isinstance(event, Unreachable)


def client(connection: Connection) -> str:
    """Who opened a connection: its domain where it is known, else its address."""
    return connection.initiator or connection.client[0]


def inbound(case: CaseView) -> Iterator[Connection]:
    """Connections that others opened to our server, or to where DNS leads for our domain, in order of time."""
    ours = case.local_addresses
    for connection in case.connections:
        to_ours = case.is_local(connection.receiver) or is_at_ours(case, connection)
        if to_ours and not any(s.client[0] in ours for s in connection.sightings):
            yield connection


def is_at_ours(case: CaseView, connection: Connection) -> bool:
    """Whether a connection goes to a host that is known to be ours, and to no stranger at a published address."""
    return any(s.server[0] in case.local_addresses for s in connection.sightings)


def is_from_outside(case: CaseView, connection: Connection) -> bool:
    """Whether a connection came from another domain's server, or from a public address."""
    foreign = connection.initiator is not None and not case.is_local(connection.initiator)
    return foreign or any(not is_private(s.client[0]) for s in connection.sightings)


def is_seen_inside(case: CaseView, connection: Connection) -> bool:
    """Whether an inbound connection was seen on the server's side of the firewall."""
    return any(s.tap in case.inside_taps or case.at_home(s.tap, s.server[0]) for s in connection.sightings)


def ours(case: CaseView, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Findings about a session to or from one of our domains."""
    for finding in findings:
        if case.is_local(finding.session.initiator) or case.is_local(finding.session.receiver):
            yield finding


def causes(case: CaseView, judgement: Judgement) -> Iterator[Finding]:
    """What the verdicts about our domains rest on: the last word on each pair."""
    return ours(case, (v.cause for v in judgement.verdicts if v.cause is not None))


def by_rules(findings: Iterable[Finding], rules: Sequence[str], *, any_severity: bool = False) -> Iterator[Sign]:
    """Findings of these rules as signs; one that is only possible does not fail a step, and does not let it pass."""
    for finding in findings:
        if finding.rule in rules and (any_severity or finding.severity is Severity.FAILURE):
            session, match = finding.session, finding.match
            pair = f"{session.initiator} to {session.receiver}"
            if finding.confidence >= Confidence.LIKELY:
                yield Sign("fail", pair, f"{match.because} ({finding.rule})", match.events[:2])
            else:
                yield Sign("not-observed", pair, f"possibly {finding.rule}: {match.because}", match.events[:2])
