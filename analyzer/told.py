"""What logs add to what a rule's predicate found: a sign of their own, or a second kind of evidence.

Servers' logs are read by topic and condition, firewalls' by what they did: rules declare which of these are theirs.
A log proves what it says, and nothing by what it leaves out. Knows no single rule.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, takewhile

from analyzer import asa
from analyzer.connection import Connection
from analyzer.once import once
from analyzer.rule import Blind, Confidence, FirewallSign, Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import end_text
from analyzer.view import CaseView
from parsers.events import FirewallLog, Said, Topic

LINES_MAX = 4
"""Lines of a firewall that are cited for one conversation: a refused SYN is logged each time it comes."""
_DECIDES = "a capture of such an attempt at one of the two servers"


def with_logs(rule: Rule, answer: Match | Blind | None, session: Session, case: CaseView) -> Match | Blind | None:
    """The predicate's answer, with what logs say of it; where it found nothing, what they say alone."""
    if not rule.said and not rule.firewall:
        return answer
    found = _firewall_match(rule, session, case) or _said_match(rule, answer, session, case)
    if found is None:
        return answer
    return _both(answer, found) if isinstance(answer, Match) else found


def _both(seen: Match, told: Match) -> Match:
    """One finding from two kinds of evidence; proven where no rival is left."""
    events = (*seen.events, *(e for e in told.events if e not in seen.events))
    sure = not seen.undecided and seen.confidence is not Confidence.POSSIBLE
    return replace(seen, events=events, confidence=Confidence.PROVEN if sure else max(seen.confidence, told.confidence))


def said_before(
    session: Session, case: CaseView, condition: str, near_ns: int, undecided: tuple[str, str], text: str = ""
) -> Match | None:
    """A line of our side's log about no stream, that long before an attempt which came to nothing.

    `text` is a regular expression that the line must hold.
    """
    if session.authenticated or not (case.is_local(session.initiator) or case.is_local(session.receiver)):
        return None
    lines = _lines(case, condition)
    near = islice(lines, bisect_left(lines, session.began_ns - near_ns, key=lambda s: s.at_ns), None)
    until_ns = session.ended_ns + _widest_ns(case, condition)
    soon = takewhile(lambda s: s.at_ns <= until_ns, near)
    line = next((s for s in soon if s.at_ns <= session.ended_ns + s.width_ns and re.search(text, s.text)), None)
    if line is None:
        return None
    return Match(
        events=(line,),
        because=f"the log {line.where.source} says: {line.text}",
        confidence=Confidence.POSSIBLE,
        # Whoever tried to connect was not kept from it by this.
        severity=Severity.NOTE if session.connections else None,
        undecided=(undecided,),
    )


# --- servers' logs


@once
def _lines(case: CaseView, condition: str) -> Sequence[Said]:
    """Lines about no stream that tell of a condition, in order of time."""
    return sorted((s for s in case.said if s.condition == condition), key=lambda s: s.at_ns)


@once
def _widest_ns(case: CaseView, condition: str) -> int:
    """How uncertain the instants of these are at most, ns."""
    return max((s.width_ns for s in _lines(case, condition)), default=0)


def _said_match(rule: Rule, answer: Match | Blind | None, session: Session, case: CaseView) -> Match | None:
    """The first line of a server's log that is one of the rule's signs."""
    for sign in rule.said if session.told else ():
        for said in _saying(sign, session):
            # Packets and lookups tell more of these than a server that puts them into one word.
            # A later attempt may rest on what an earlier one had asked.
            seen = (sign.topic is Topic.RESOLVE_FAILED and _asked(case, session.initiator, session.receiver)) or (
                sign.topic is Topic.CONNECT_FAILED and any(c.captured for c in session.connections)
            )
            if seen and not isinstance(answer, Match):
                continue
            return _match_of(said, sign, rule, session, case)
    return None


@once
def _asked(case: CaseView, initiator: str, receiver: str) -> bool:
    """Whether lookups of the pair were seen."""
    return any(s.lookups for s in case.between(initiator, receiver))


def _saying(sign: SaidSign, session: Session) -> Iterator[Said]:
    """The lines of a session that are a sign, in order of each log."""
    for thread in session.told:
        for said in thread.said:
            # A stream error refuses whoever is not let in yet, and closes what stood.
            closed = said.topic is Topic.CLOSED and sign.topic is Topic.REFUSED and not session.authenticated
            if (said.topic is not sign.topic and not closed) or said.condition not in sign.conditions:
                continue
            if sign.text and not re.search(sign.text, f"{said.reason or ''} {said.text}", re.I):
                continue
            # Who is asked about a key that it never made is the one in whose name another speaks: it opened nothing.
            elsewhere = thread.teller not in (None, session.initiator)
            if said.condition == "dialback-imposter" and (elsewhere or session.connections):
                continue
            yield said


def _match_of(said: Said, sign: SaidSign, rule: Rule, session: Session, case: CaseView) -> Match:
    teller = session.teller(said)
    pair = f"{session.initiator} → {session.receiver}"
    other = session.receiver if teller == session.initiator else session.initiator
    refuser = None if teller is None or said.sent is None else teller if said.sent else other
    refused = None if refuser is None else session.receiver if refuser == session.initiator else session.initiator
    owner: Owner | None = None
    domain: str | None = None
    if said.topic is Topic.TLS_FAILED and (said.condition or "").startswith("certificate-") and refused is not None:
        domain, owner = refused, owner_of(refused, case)
    elif said.topic is Topic.CONNECT_FAILED and rule.owner is Owner.PEER and teller is not None:
        domain, owner = other, owner_of(other, case)  # who was to be reached, which may be us
    elif said.topic is Topic.REFUSED and refuser is not None:
        domain, owner = refuser, owner_of(refuser, case)
    whose = f"the log of {teller}" if teller else f"the log {said.where.source}"
    return Match(
        events=(said,),
        because=f"{whose} says of {pair}: {said.text}",
        confidence=sign.confidence,
        connection=next((c.id for c in session.connections if any(said in t.said for t in c.told)), None),
        domain=domain,
        owner=owner,
        severity=_severity(said, rule, session, case),
        undecided=tuple((rival, _DECIDES) for rival in rule.rivals[:2]),
    )


def _severity(said: Said, rule: Rule, session: Session, case: CaseView) -> Severity | None:
    """How bad it is where the stream got through, or that of the server in whose name another speaks."""
    if rule.severity is not Severity.FAILURE:
        return None
    if session.authenticated:
        return Severity.NOTE
    own = case.succeeded(session.initiator, session.receiver)
    return Severity.DEGRADED if own and said.condition == "dialback-imposter" else None


# --- firewalls' logs


def _firewall_match(rule: Rule, session: Session, case: CaseView) -> Match | None:
    """The first conversation of a session of which a firewall says one of the rule's signs."""
    for sign in rule.firewall:
        for connection, way in _conversations(session, case):
            lines = [line for line in connection.firewall if _is_sign(line, sign)]
            if not lines or sign.way not in ("", way):
                continue
            answered = _is_answered(connection, session)
            if sign.answered is not None and (bool(answered) != sign.answered or connection.accepted):
                continue  # what got through all the same was not kept out: the line is about a straggler
            refused = sign.action == "deny" and any(line.rule for line in lines)  # by an access list
            seen = connection.captured and (connection.unanswered or connection.refused or connection.reset is not None)
            return Match(
                events=tuple(lines[:LINES_MAX]) + (connection.syns[:1] if connection.captured else ()),
                because=(
                    f"the firewall says of {end_text(connection.client)} > {end_text(connection.server)}: "
                    f"{lines[0].text}" + (f", and of {len(lines) - 1} more like it" if len(lines) > 1 else "")
                ),
                confidence=Confidence.PROVEN if seen and sign.action == "deny" else Confidence.LIKELY,
                connection=connection.id,
                severity=Severity.NOTE if session.authenticated and rule.severity is Severity.FAILURE else None,
                undecided=tuple((rival, _DECIDES) for rival in rule.rivals[:1])
                if answered is None and sign.answered is not None
                else (),
                remedy="" if not refused else asa.let_in(connection, case) if way == "in" else asa.let_out(connection),
            )
    return None


def _is_answered(connection: Connection, session: Session) -> bool | None:
    """Whether anything came back to a client, as packets or its own server's log show; None where neither does."""
    if connection.captured:
        return not connection.unanswered_everywhere
    if session.said(Topic.CONNECT_FAILED, "refused"):
        return True
    return False if session.said(Topic.CONNECT_FAILED, "timeout") else None


def _conversations(session: Session, case: CaseView) -> Iterator[tuple[Connection, str]]:
    """The conversations of a session about which a firewall says anything, with their way through it."""
    back = {"outbound": "inbound", "inbound": "outbound"}.get(session.direction, "")
    for direction, connections in ((session.direction, session.connections), (back, session.callbacks)):
        for connection in connections:
            if connection.firewall:
                yield connection, case.way(connection, direction)


def _is_sign(line: FirewallLog, sign: FirewallSign) -> bool:
    return (
        line.action == sign.action
        and (not sign.ids or line.message_id in sign.ids)
        and (not sign.reason or re.search(sign.reason, line.reason or "", re.I) is not None)
    )
