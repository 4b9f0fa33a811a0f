"""The tables of a case: each column declared once, with its kind and one sentence, and how to fill it.

DataFrames, CSV and the documentation are made from these. Values are plain: int, str, bool, None; instants and
durations are whole nanoseconds, UTC. Knows no pandas and no layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from analyzer.analysis import Analysis
from analyzer.connection import Connection
from analyzer.judge import all_rules
from analyzer.lookup import Lookup
from analyzer.report.records import Found, Seen, attempts, certificates, conversations, findings, seen
from analyzer.report.words import place, says
from analyzer.rule import Severity
from analyzer.stage import Stage, is_told
from analyzer.verdict import Verdict
from parsers.events import Event
from parsers.source import Reading, Source

Kind = Literal["instant", "duration", "text", "word", "ordered", "count", "port", "flag"]
"""What a column holds. instant: ns since 1970 UTC. duration: ns. word: one of few texts. ordered: one of few texts that
have an order. The rest is as it is called."""


class Column(NamedTuple):
    """One column of a table."""

    name: str
    """As DataFrames, CSV and the documentation call it."""
    kind: Kind
    """What it holds; every kind may be None."""
    says: str
    """One sentence for a person."""
    of: Callable[[Any], Any]
    """Its value, of a record of the table."""
    order: tuple[str, ...] = ()
    """The words of an ordered column, lowest first."""


class Table(NamedTuple):
    """One table."""

    says: str
    """What a row is."""
    key: tuple[str, ...]
    """Columns that name a row; they stand first."""
    columns: tuple[Column, ...]
    """All columns, those of the key first."""
    records: Callable[[Analysis], Sequence[Any]]
    """One record for each row, in the order of the report."""


STAGES = tuple(stage.word for stage in Stage)
SEVERITIES = tuple(severity.name.lower() for severity in Severity)


def _places(events: Sequence[Event]) -> str:
    return ", ".join(place(e.where) for e in events)


def _address(value: str) -> str | None:
    return value if is_told(value) else None


def _source(analysis: Analysis, source: Source) -> tuple[Source, Reading, tuple[int, int] | None, str | None]:
    """An input, what reading it came to, its clock, and why it could not be read."""
    problem = analysis.case.problems.get(source.name)
    clock = analysis.view.clock(source.tap or source.name)
    return source, analysis.case.readings[source.name], clock, None if problem is None else str(problem)


def _stage(found: Found) -> str | None:
    rule = all_rules().get((found.finding or found.blind).rule)  # type: ignore[union-attr]  # one of them is there
    return None if rule is None else rule.stage.word


def _cause(verdict: Verdict) -> str | None:
    """As the report names it: a healthy pair has no cause."""
    return None if verdict.cause is None or verdict.state == "healthy" else verdict.cause.rule


def _tls_version(connection: Connection) -> str | None:
    return None if connection.server_hello is None else connection.server_hello.version


def _first(texts: Sequence[str]) -> str | None:
    return texts[0] if texts else None


def _untold(lookup: Lookup) -> bool:
    return lookup.outcome == "untold"


def _of_flow(name: str) -> Callable[[Seen], Any]:
    """A value of the flow of an event that has one; what is empty there is not told."""
    value = attrgetter(name)

    def of(seen: Seen) -> Any:
        flow = seen.event.flow
        return None if flow is None else value(flow) or None

    return of


EVENTS = Table(
    "one thing that was seen",
    ("event",),
    (
        Column("event", "count", "its number, in order of time", attrgetter("number")),
        Column("at", "instant", "the earliest moment it can have happened, clock offset applied", attrgetter("at_ns")),
        Column("width", "duration", "it happened within this of `at`", attrgetter("event.width_ns")),
        Column("kind", "word", "its class: DnsQuery, TcpMark, Dialback, …", lambda r: type(r.event).__name__),
        Column("source", "word", "the input that shows it", attrgetter("event.where.source")),
        Column("frame", "count", "its frame, as Wireshark counts", attrgetter("event.where.frame")),
        Column("line", "count", "its line, as an editor counts", attrgetter("event.where.line")),
        Column("src_ip", "text", "address of the sender", _of_flow("src_ip")),
        Column("src_port", "port", "port of the sender", _of_flow("src_port")),
        Column("dst_ip", "text", "address of the receiver", _of_flow("dst_ip")),
        Column("dst_port", "port", "port of the receiver", _of_flow("dst_port")),
        Column("tag", "text", "how a server's log threads its lines", attrgetter("event.tag")),
        Column("session", "text", "the attempt it belongs to", attrgetter("session")),
        Column("from_domain", "text", "the domain that said it", lambda r: getattr(r.event, "from_domain", None)),
        Column("to_domain", "text", "the domain it was said to", lambda r: getattr(r.event, "to_domain", None)),
        Column("says", "text", "the event in words", lambda r: says(r.event)),
    ),
    seen,
)

SESSIONS = Table(
    "one attempt of one domain to reach another",
    ("session",),
    (
        Column("session", "text", "its id, the same in every run", attrgetter("session.id")),
        Column("initiator", "text", "the domain that wants to send", attrgetter("session.initiator")),
        Column("receiver", "text", "the domain that it wants to reach", attrgetter("session.receiver")),
        Column(
            "direction", "word", "outbound or inbound, seen from the local domains", attrgetter("session.direction")
        ),
        Column("began", "instant", "its first event", attrgetter("session.began_ns")),
        Column("ended", "instant", "its last event", attrgetter("session.ended_ns")),
        Column("outcome", "word", "established, failed, unfinished or unknown", attrgetter("session.outcome")),
        Column("cause", "word", "the rule that explains it", attrgetter("cause")),
        Column("reached", "ordered", "how far it came", attrgetter("session.reached.word"), STAGES),
        Column("dns_took", "duration", "how long a DNS question was open", attrgetter("waits.dns_ns")),
        Column("connect_took", "duration", "from the first SYN to a SYN-ACK, or the last try", lambda r: r.waits[1]),
        Column("tls_took", "duration", "the TLS handshake", attrgetter("waits.tls_ns")),
        Column("auth_took", "duration", "from the first key or SASL word to the answer", attrgetter("waits.auth_ns")),
        Column("callback_took", "duration", "the peer's dialback callback", attrgetter("waits.callback_ns")),
        Column("frames", "count", "frames in its timeline", attrgetter("frames")),
        Column("lines", "count", "log lines in its timeline", attrgetter("lines")),
        Column("surprises", "count", "steps that the protocol does not have", lambda r: len(r.session.surprises)),
        Column(
            "visible",
            "text",
            "stages that the sources could show",
            lambda r: " ".join(stage.word for stage in sorted(r.session.visible)),
        ),
        Column("history", "text", "a letter for each thing seen", lambda r: r.session.history or None),
    ),
    attempts,
)

CONNECTIONS = Table(
    "one TCP conversation",
    ("connection",),
    (
        Column("connection", "text", "its id", attrgetter("connection.id")),
        Column("initiator", "text", "the domain that opened it", attrgetter("connection.initiator")),
        Column("receiver", "text", "the domain that it was opened to", attrgetter("connection.receiver")),
        Column("role", "word", "stanzas, verify, both, probe or unknown", attrgetter("connection.role")),
        Column("outcome", "word", "how it ended", attrgetter("connection.outcome")),
        Column("client_ip", "text", "address of who opened it", lambda r: _address(r.connection.client[0])),
        Column("client_port", "port", "port of who opened it", lambda r: r.connection.client[1] or None),
        Column("server_ip", "text", "address of the other end", lambda r: _address(r.connection.server[0])),
        Column("server_port", "port", "port of the other end", lambda r: r.connection.server[1] or None),
        Column("seen_in", "text", "the sources that saw it", lambda r: ", ".join(sorted(r.connection.vantages))),
        Column("session", "text", "the attempt it belongs to", attrgetter("session")),
        Column("callback_of", "text", "the attempt whose callback it is", attrgetter("callback_of")),
        Column("tls_version", "word", "the version that the server chose", lambda r: _tls_version(r.connection)),
        Column("stream_id", "text", "the first id that the server gave", lambda r: _first(r.connection.stream_ids)),
        Column("began", "instant", "its first event", attrgetter("connection.began_ns")),
        Column("ended", "instant", "its last event", attrgetter("connection.ended_ns")),
    ),
    conversations,
)

LOOKUPS = Table(
    "one DNS question and what came of it",
    ("lookup",),
    (
        Column("lookup", "text", "its id", attrgetter("id")),
        Column("client", "text", "address of who asked", lambda r: _address(r.client)),
        Column("resolver", "text", "address of who was asked", lambda r: _address(r.resolver)),
        Column("name", "text", "the name", attrgetter("name")),
        Column("type", "word", "SRV, A, AAAA, …", attrgetter("rrtype")),
        Column("transport", "word", "udp or tcp", attrgetter("transport")),
        Column("outcome", "word", "answered, empty, nxdomain, …", lambda r: None if _untold(r) else r.outcome),
        Column("answers", "text", "the records of the answer", lambda r: says(r.answer) if r.answer else None),
        Column("asked", "instant", "when it was asked", attrgetter("asked_ns")),
        Column("answered", "instant", "when the answer came", attrgetter("answered_ns")),
    ),
    lambda analysis: analysis.view.lookups,
)

FINDINGS = Table(
    "one rule that matched an attempt, or that could not be judged on it",
    ("finding",),
    (
        Column("finding", "count", "its number, matches first", attrgetter("number")),
        Column("session", "text", "the attempt", lambda r: r.finding.session.id if r.finding else r.blind.session),
        Column("rule", "word", "the rule", lambda r: (r.finding or r.blind).rule),
        Column("stage", "word", "where in an attempt the rule strikes", lambda r: _stage(r)),
        Column("verdict", "word", "matched or blind", lambda r: "matched" if r.finding else "blind"),
        Column(
            "severity",
            "ordered",
            "how bad it is",
            lambda r: r.finding.severity.name.lower() if r.finding else None,
            SEVERITIES,
        ),
        Column("confidence", "word", "how sure it is", lambda r: r.finding and r.finding.confidence.name.lower()),
        Column("is_cause", "flag", "it explains the others", lambda r: bool(r.finding and r.finding.is_cause)),
        Column("at", "instant", "the event that decides", lambda r: r.finding and r.finding.match.events[0].at_ns),
        Column("because", "text", "why", lambda r: r.finding.match.because if r.finding else r.blind.because),
        Column("evidence", "text", "where to look", lambda r: r.finding and _places(r.finding.match.events)),
        Column("remedy", "text", "what to do", lambda r: r.finding and r.finding.remedy),
    ),
    findings,
)

VERDICTS = Table(
    "what can be said of one pair of domains in one direction",
    ("initiator", "receiver"),
    (
        Column("initiator", "text", "the domain that wants to send", attrgetter("initiator")),
        Column("receiver", "text", "the domain that it wants to reach", attrgetter("receiver")),
        Column("state", "word", "healthy, degraded, failing or undetermined", attrgetter("state")),
        Column("cause", "word", "the rule that explains it", lambda r: _cause(r)),
        Column("confidence", "word", "possible, likely or proven", lambda r: r.confidence.name.lower()),
        Column("owner", "word", "who can mend it", lambda r: r.cause.owner.value if _cause(r) else None),
        Column("sessions", "count", "attempts", lambda r: len(r.sessions)),
        Column("failed", "count", "attempts that failed", lambda r: sum(s.outcome == "failed" for s in r.sessions)),
        Column("first_seen", "instant", "the first attempt", lambda r: min(s.began_ns for s in r.sessions)),
        Column("last_seen", "instant", "the end of the last", lambda r: max(s.ended_ns for s in r.sessions)),
        Column("summary", "text", "one sentence", attrgetter("summary")),
    ),
    lambda analysis: analysis.judgement.verdicts,
)

CERTIFICATES = Table(
    "one certificate as one domain showed it",
    ("certificate",),
    (
        Column("certificate", "count", "its number, in order of first showing", attrgetter("number")),
        Column("domain", "text", "who showed it", attrgetter("domain")),
        Column(
            "position", "count", "its place in the chain, 0 for the server's own", attrgetter("certificate.position")
        ),
        Column("subject", "text", "its subject", attrgetter("certificate.subject")),
        Column("names", "text", "the domains that it is for", lambda r: ", ".join(r.certificate.names) or None),
        Column("issuer", "text", "who issued it", attrgetter("certificate.issuer")),
        Column("not_before", "instant", "the start of its validity", attrgetter("not_before_ns")),
        Column("not_after", "instant", "the end of its validity", attrgetter("not_after_ns")),
        Column("sha256", "text", "its fingerprint", lambda r: r.certificate.sha256 or None),
        Column("session", "text", "the last attempt in which it was shown", attrgetter("session")),
        Column("seen", "instant", "when it was first shown", attrgetter("certificate.at_ns")),
        Column("last_seen", "instant", "when it was last shown", attrgetter("last_ns")),
    ),
    certificates,
)

CHECKLIST = Table(
    "one step of the administrators' guide",
    ("step",),
    (
        Column("step", "text", "its name in the guide", attrgetter("step")),
        Column("state", "word", "pass, fail, not-observed or not-applicable", attrgetter("state")),
        Column("question", "text", "what it asks", attrgetter("question")),
        Column("because", "text", "what was seen, or what would show it", attrgetter("because")),
        Column("evidence", "text", "where to look", lambda r: _places(r.events) or None),
    ),
    lambda analysis: analysis.items,
)

SOURCES = Table(
    "one input",
    ("source",),
    (
        Column("source", "text", "how reports call it", lambda r: r[0].name),
        Column("format", "word", "what it was read as", lambda r: r[0].format),
        Column("path", "text", "where it is", lambda r: str(r[0].path)),
        Column("size", "count", "bytes", lambda r: r[1].size_bytes),
        Column("frames", "count", "frames read", lambda r: r[1].frames),
        Column("lines", "count", "lines read", lambda r: r[1].lines),
        Column("first", "instant", "its first frame or line, by its own clock", lambda r: r[1].first_ns),
        Column("last", "instant", "its last", lambda r: r[1].last_ns),
        Column("vantage", "text", "whose server wrote it", lambda r: r[0].vantage),
        Column("clock_offset", "duration", "how far its clock is ahead, corrected", lambda r: r[2] and r[2][0]),
        Column("clock_residual", "duration", "how far the proofs of that disagree", lambda r: r[2] and r[2][1]),
        Column("assumed", "text", "what was assumed to read it", lambda r: "; ".join(r[0].assumed) or None),
        Column("problem", "text", "why it could not be read", lambda r: r[3]),
    ),
    lambda analysis: [_source(analysis, source) for source in analysis.case.sources],
)

DAMAGE = Table(
    "input that could not be read",
    ("damage",),
    (
        Column("damage", "count", "its number", lambda r: r[0]),
        Column("at", "instant", "near which instant", lambda r: r[1].at_ns),
        Column("source", "word", "the input", lambda r: r[1].where.source),
        Column("frame", "count", "at which frame", lambda r: r[1].where.frame),
        Column("line", "count", "at which line", lambda r: r[1].where.line),
        Column("what", "text", "what is wrong", lambda r: r[1].what),
        Column("lost", "count", "how much was lost", lambda r: r[1].lost),
        Column("unit", "word", "bytes, lines or frames", lambda r: r[1].unit),
    ),
    lambda analysis: list(enumerate(analysis.view.damage)),
)

TABLES: Mapping[str, Table] = {
    "verdicts": VERDICTS,
    "sessions": SESSIONS,
    "findings": FINDINGS,
    "connections": CONNECTIONS,
    "lookups": LOOKUPS,
    "certificates": CERTIFICATES,
    "events": EVENTS,
    "checklist": CHECKLIST,
    "sources": SOURCES,
    "damage": DAMAGE,
}
"""Every table by name."""
