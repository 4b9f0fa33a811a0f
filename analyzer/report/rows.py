"""The machine-readable report: plain rows for JSON, as the report contract fixes them. Knows no layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from analyzer.addresses import is_address
from analyzer.checklist import Item
from analyzer.connection import Connection
from analyzer.judge import Judgement
from analyzer.ladder import moments
from analyzer.lookup import Lookup
from analyzer.peers import Peer, peers
from analyzer.report.words import instant, says
from analyzer.rule import Finding
from analyzer.session import Session
from analyzer.stage import End, end_text, is_told
from analyzer.verdict import Verdict
from analyzer.view import CaseView
from parsers.case import Case
from parsers.events import Damage, Event
from parsers.fingerprint import fingerprint
from parsers.source import Source

SCHEMA = 1
"""Number of the contract."""

Row = dict[str, Any]


def report(case: Case, view: CaseView, judgement: Judgement, items: Sequence[Item]) -> Row:
    """The whole report, keys in the contract's order."""
    found: dict[str, list[Finding]] = {}
    for finding in judgement.findings:
        found.setdefault(finding.session.id, []).append(finding)
    sessions_of = {c.id: s.id for s in reversed(view.sessions) for c in s.connections}
    callback_of = {c.id: s.id for s in reversed(view.sessions) for c in s.callbacks}
    return {
        "fedtrace": version("fedtrace"),
        "schema": SCHEMA,
        "sources": source_rows(case.sources, case, view),
        "local_domains": list(view.local_domains),
        "assumed": list(view.assumed),
        "verdicts": [verdict_row(v) for v in judgement.verdicts],
        "sessions": [session_row(s, found.get(s.id, ())) for s in view.sessions],
        "connections": [connection_row(c, sessions_of.get(c.id), callback_of.get(c.id)) for c in view.connections],
        "lookups": [lookup_row(k) for k in view.lookups],
        "findings": [finding_row(f) for f in judgement.findings],
        "blind": [{"rule": u.rule, "session": u.session, "because": u.because} for u in judgement.unjudged],
        "checklist": [
            {
                "step": i.step,
                "question": i.question,
                "state": i.state,
                "because": i.because,
                "evidence": evidence(i.events),
            }
            for i in items
        ],
        "peers": [peer_row(p) for p in peers(view)],
    }


def evidence(events: Sequence[Event]) -> list[Row]:
    """Where to look, and what stands there."""
    return [{"source": x.where.source, "frame": x.where.frame, "line": x.where.line, "says": says(x)} for x in events]


def peer_row(peer: Peer) -> Row:
    """One domain's server: which product it is, by what, and what it showed of its policy."""
    policy = peer.policy
    return {
        "domain": peer.domain,
        "local": peer.local,
        "product": None if peer.product is None else peer.product.name,
        "perhaps": [p.name for p in peer.perhaps],
        "marks": [
            {
                "kind": mark.kind,
                "says": mark.word,
                "inferred": mark.inferred,
                "evidence": evidence((seen.event,)) if seen.event is not None else [],
                "source": seen.source,
            }
            for mark, seen in peer.marks
        ],
        "expect": list(peer.product.expect) if peer.product is not None else [],
        "policy": {
            "version": policy.version,
            "starttls": policy.starttls,
            "sasl": None if policy.sasl is None else list(policy.sasl),
            "dialback": policy.dialback,
        },
    }


def source_rows(sources: Sequence[Source], case: Case, view: CaseView) -> list[Row]:
    """Some inputs, read or not."""
    # The files of a ring buffer share their events, and there may be thousands of both.
    counted = Counter(event.where.source for events in case.events.values() for event in events)
    damage: dict[str, list[Damage]] = {}
    for each in view.damage:
        damage.setdefault(each.where.source, []).append(each)
    return [_source(s, case, view, counted[s.name], damage.get(s.name, ())) for s in sources]


def _source(source: Source, case: Case, view: CaseView, events: int, damaged: Sequence[Damage]) -> Row:
    reading = case.readings[source.name]
    problem = case.problems.get(source.name)
    found = view.clock(source.tap or source.name)
    damage = [{"what": d.what, "lost": d.lost, "unit": d.unit} for d in damaged]
    if problem is not None:
        damage.append({"what": str(problem), "lost": reading.size_bytes, "unit": "bytes"})
    return {
        "name": source.name,
        "path": str(source.path),
        "format": source.format,
        "sha256": sha256(source),
        "size_bytes": reading.size_bytes,
        "first": None if reading.first_ns is None else instant(reading.first_ns),
        "last": None if reading.last_ns is None else instant(reading.last_ns),
        "events": events,
        "frames": reading.frames,
        "lines": reading.lines,
        "damage": damage,
        "vantage": source.vantage,
        "assumed": list(source.assumed),
        "clock_offset_ns": None if found is None else found[0],
        "clock_residual_ns": None if found is None else found[1],
        "unknown": dict(sorted(reading.unknown.items())),
    }


def sha256(source: Source) -> str | None:
    """The input's fingerprint; None for a pipe, which is gone once it was read."""
    try:
        return fingerprint(source.file) if source.file.is_file() else None
    except OSError:
        return None


def verdict_row(verdict: Verdict) -> Row:
    """One ordered pair of domains."""
    return {
        "initiator": verdict.initiator,
        "receiver": verdict.receiver,
        "state": verdict.state,
        "cause": None if verdict.cause is None or verdict.state == "healthy" else verdict.cause.rule,
        "confidence": verdict.confidence.name.lower(),
        "owner": "evidence" if verdict.cause is None else verdict.cause.owner.value,
        "also": list(verdict.also),
        "sessions": [s.id for s in verdict.sessions],
        "first": instant(min(s.began_ns for s in verdict.sessions)),
        "last": instant(max(s.ended_ns for s in verdict.sessions)),
        "summary": verdict.summary,
    }


def session_row(session: Session, findings: Sequence[Finding]) -> Row:
    """One attempt."""
    return {
        "id": session.id,
        "initiator": session.initiator,
        "receiver": session.receiver,
        "direction": session.direction,
        "outcome": session.outcome,
        "reached": session.reached.word,
        "began": instant(session.began_ns),
        "ended": instant(session.ended_ns),
        "lookups": [k.id for k in (*session.lookups, *session.callback_lookups)],
        "connections": [c.id for c in (*session.connections, *session.callbacks)],
        "findings": [f.id for f in findings],
        "timeline": timeline(session),
        "links": [
            {"kind": k.kind, "a": k.a, "b": k.b, "because": k.because, "strength": k.strength} for k in session.links
        ],
    }


def timeline(session: Session) -> list[Row]:
    """The steps of a session in order of time, with the client's stanza that set it off, and its bounce."""
    rows = [_moment(*moment) for moment in moments(session)]
    return sorted(rows, key=lambda row: str(row["at"]))


def _moment(event: Event, step: str, expected: bool) -> Row:
    return {
        "at": instant(event.at_ns),
        "width_ns": event.width_ns,
        "step": step,
        "expected": expected,
        "says": says(event),
        "evidence": evidence((event,))[0],
    }


def connection_row(connection: Connection, session: str | None, callback_of: str | None) -> Row:
    """One TCP conversation."""
    return {
        "id": connection.id,
        "role": connection.role,
        "initiator": connection.initiator,
        "receiver": connection.receiver,
        "client": _end(connection.client),
        "server": _end(connection.server),
        "seen_in": [
            {"source": s.source, "client": _end(s.client), "server": _end(s.server), "first_frame": s.first_frame}
            for s in (*connection.sightings, *(t.sighting for t in connection.told if connection.captured))
        ],
        "firewall": evidence(connection.firewall),
        "outcome": connection.outcome,
        "tls": _tls(connection),
        "stream_ids": list(connection.stream_ids),
        "auth": connection.auth,
        "callback_of": callback_of,
        "session": session or callback_of,
        "began": instant(connection.began_ns),
        "ended": instant(connection.ended_ns),
        "history": connection.history or None,
    }


def _end(end: End) -> str | None:
    """An end; None where no source tells its address, or its port."""
    return end_text(end) if is_told(end[0]) and end[1] else None


def _tls(connection: Connection) -> Row | None:
    """What was seen of TLS."""
    client, server = connection.client_hello, connection.server_hello
    if client is None and server is None and connection.ciphertext is None:
        return None
    names = dict.fromkeys(n for n in (client.sni if client else None,) if n)
    names |= dict.fromkeys(n for c in connection.certificates if c.position == 0 for n in c.names)
    return {
        "mode": "starttls" if connection.starttls else "direct",
        "version": server.version if server else None,
        "cipher": server.cipher if server else None,
        "server_names": list(names),
        "alert": connection.alert.description if connection.alert else None,
    }


def lookup_row(lookup: Lookup) -> Row:
    """One DNS question."""
    answered = lookup.answered_ns
    return {
        "id": lookup.id,
        "client": lookup.client if is_address(lookup.client) else None,
        "resolver": lookup.resolver if is_address(lookup.resolver) else None,
        "name": lookup.name,
        "type": lookup.rrtype,
        "transport": lookup.transport,
        "outcome": None if lookup.outcome == "untold" else lookup.outcome,
        "answers": [
            {"priority": r.priority, "weight": r.weight, "port": r.port, "target": r.data, "ttl_s": r.ttl_s}
            for r in lookup.srv
        ]
        + [{"address": r.data, "ttl_s": r.ttl_s} for r in lookup.records if r.rrtype in ("A", "AAAA")],
        "asked": instant(lookup.asked_ns),
        "answered": None if answered is None else instant(answered),
        "evidence": evidence([s.event for s in lookup.steps]),
    }


def finding_row(finding: Finding) -> Row:
    """One rule that matched."""
    return {
        "id": finding.id,
        "rule": finding.rule,
        "title": finding.title,
        "severity": finding.severity.name.lower(),
        "confidence": finding.confidence.name.lower(),
        "is_cause": finding.is_cause,
        "owner": finding.owner.value,
        "session": finding.session.id,
        "connection": finding.match.connection,
        "domain": finding.match.domain,
        "because": finding.match.because,
        "evidence": evidence(finding.match.events),
        "ruled_out": [{"rule": r, "because": b} for r, b in finding.match.ruled_out],
        "undecided": [{"rule": r, "would_decide": w} for r, w in finding.match.undecided],
        "remedy": finding.remedy,
    }


def by_session(judgement: Judgement) -> Mapping[str, list[Finding]]:
    """Findings by session id."""
    found: dict[str, list[Finding]] = {}
    for finding in judgement.findings:
        found.setdefault(finding.session.id, []).append(finding)
    return found
