"""Two attempts step by step: the steps that both took, the first that only one has, and what differed before it.

Steps are compared by what they are, not by their texts: "the receiver's features", "SRV answered".
What only order or a warm cache explains is no parting. Knows no layout and no verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import NamedTuple

from analyzer.machines.table import Step
from analyzer.session import Session
from analyzer.stage import end_text
from parsers.errors import FedtraceError
from parsers.events import (
    Dialback,
    DnsAnswer,
    DnsQuery,
    Event,
    FirewallLog,
    Said,
    Sasl,
    StreamError,
    StreamFeatures,
    StreamHeader,
    TcpMark,
    TlsAlert,
    TlsCertificate,
    TlsHello,
    Unreachable,
)

STEPS_MAX = 500
"""Steps of one attempt that are compared: a person reads no more, and comparing takes the square of it."""
SLOWER_NS = 100 * 10**6
"""A wait that is longer by less than 100 ms is the path's or the server's mood."""
SLOWER_TIMES = 3
"""And one that is not three times as long is, too."""
VAGUE_NS = 10**8
"""A clock that is coarser than 100 ms tells no waits."""
_QUIET = frozenset({"ack>", "ack<", "data", "gap", "counted", "repeat"})
"""Signals of a flow that come with every conversation, or that are counted at the step that they repeat."""
_TELLING = frozenset({"said:secured", "said:tls-failed", "said:authed", "said:auth-failed", "said:refused"})
"""What a server's log says that packets may hide."""


class Word(NamedTuple):
    """What a step is, whoever took it: equal for two attempts that do the same."""

    lane: str
    """"own" for the initiator's lookups and connections, "callback" for the receiver's."""
    machine: str
    """"dns", "flow", "stream" or "dialback"."""
    signal: str
    """The event in the words of the machine's table: "syn>", "features<"."""
    about: str = ""
    """Of a lookup its type and service: "SRV _xmpp-server", "A". Of a log's line the log."""


@dataclass(slots=True)
class Moment:
    """A step as one attempt took it."""

    event: Event
    """The evidence; of repeated ones the first."""
    after_ns: int
    """How long after the first step of its attempt, ns."""
    times: int = 1
    """How often in a row."""
    last_ns: int = 0
    """Of the last of these, how long after the first step, ns."""


class Row(NamedTuple):
    """One step of both attempts, or of one."""

    word: Word
    """What it is."""
    good: Moment | None
    """As the attempt that is held to be good took it; None where it did not."""
    bad: Moment | None
    """As the other took it."""


class Difference(NamedTuple):
    """What the two did not do alike in a step that both took."""

    word: Word
    """The step."""
    what: str
    """What about it: "answer", "version", "wait"."""
    good: str
    """How it is in the good one; "" for nothing."""
    bad: str
    """How it is in the bad one."""


class Wait(NamedTuple):
    """A step that one took much longer to come to, from the step before it that both took."""

    word: Word
    """The step."""
    good_ns: int
    """How long the good one waited, ns."""
    bad_ns: int
    """How long the bad one did, ns."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two attempts side by side."""

    good: Session
    """The one that the user holds to be good."""
    bad: Session
    """The other."""
    rows: tuple[Row, ...]
    """All steps, in order."""
    parting: int | None
    """Index of the first row that only one has, and that neither order nor a cache explains; None where none is."""
    differences: tuple[Difference, ...]
    """What differed before they parted, in order of rows; all, where they did not."""
    waits: tuple[Wait, ...]
    """Where one was much slower, before they parted."""
    left_out: int
    """Steps beyond those that are compared."""


def compare(good: Session, bad: Session) -> Comparison:
    """Hold two attempts beside each other. Raises FedtraceError where of one only logs tell, of the other packets."""
    logs = {s.event.where.source for s in good.steps if isinstance(s.event, Said)}
    logs &= {s.event.where.source for s in bad.steps if isinstance(s.event, Said)}
    captured = any(s.event.where.frame is not None for s in good.steps)
    if captured != any(s.event.where.frame is not None for s in bad.steps):
        raise FedtraceError(
            f"{good.id} and {bad.id}",
            f"of {(bad if captured else good).id} only logs tell, and of the other packets",
            "compare two attempts that captures show, or two of which only logs tell",
        )
    taken = [list(_moments(session, logs, captured)) for session in (good, bad)]
    left_out = sum(max(0, len(moments) - STEPS_MAX) for moments in taken)
    rows = tuple(_aligned(*(moments[:STEPS_MAX] for moments in taken)))
    parting = _parting(rows)
    before = rows[:parting]
    return Comparison(
        good=good,
        bad=bad,
        rows=rows,
        parting=parting,
        differences=tuple({d[1:]: d for d in reversed([*_differences(before, good, bad)])}.values())[::-1],
        waits=tuple(_waits(before)),
        left_out=left_out,
    )


def _moments(session: Session, logs: set[str], captured: bool) -> Iterator[tuple[Word, Moment]]:
    """The steps of an attempt that are compared, repetitions in a row as one."""
    callbacks = {s.key for c in session.callbacks for s in (*c.primary.flow, *c.primary.stream)}
    callbacks -= {s.key for c in session.connections for s in (*c.primary.flow, *c.primary.stream)}
    asked_back = {id(s.event) for k in session.callback_lookups for s in k.steps}
    # A coarse clock tells the earliest moment only: what it tells of is put after what the others saw by then.
    steps = sorted(session.steps, key=lambda s: s.event.at_ns + s.event.width_ns)
    first_ns: int | None = None
    last: tuple[Word, Moment] | None = None
    syn: dict[object, Moment] = {}
    for step in steps:
        event = step.event
        if isinstance(event, TcpMark) and event.mark == "syn" and event.repeat and event.flow in syn:
            syn[event.flow].times += 1
            syn[event.flow].last_ns = event.at_ns - (first_ns or 0)
        if not _compared(step, logs, captured):
            continue
        first_ns = event.at_ns if first_ns is None else first_ns
        back = step.key in callbacks or id(event) in asked_back
        word = Word("callback" if back else "own", step.machine, _signal(step), _about(event, captured))
        after_ns = event.at_ns - first_ns
        if last is not None and last[0] == word:
            last[1].times += 1
            last[1].last_ns = after_ns
            continue
        if last is not None:
            yield last
        last = (word, Moment(event, after_ns, 1, after_ns))
        if isinstance(event, TcpMark) and event.mark == "syn":
            syn[event.flow] = last[1]
    if last is not None:
        yield last


def _compared(step: Step, logs: set[str], captured: bool) -> bool:
    """Whether a step says how far an attempt has come, and could be seen of both."""
    event = step.event
    if isinstance(event, FirewallLog):
        return False
    if isinstance(event, Said):
        return not captured or (event.where.source in logs and step.signal in _TELLING)
    if captured and event.where.frame is None:
        return False
    if step.machine == "flow":
        return step.signal not in _QUIET
    # Keys have steps of their own, and what users do on a stream that stands is their affair.
    if step.machine == "stream" and step.signal.startswith(("dialback", "verify")):
        return False
    return not (step.machine == "stream" and step.before == step.after == "TRAFFIC")


def _signal(step: Step) -> str:
    """The signal; of stanzas it does not matter who sends the first."""
    return "stanza" if step.signal in ("stanza>", "stanza<") else step.signal


def _about(event: Event, captured: bool) -> str:
    """Which lookup, by type and service; which log, where packets tell as well."""
    if isinstance(event, DnsQuery | DnsAnswer):
        service, found, _ = event.name.partition("._tcp.")
        return f"{event.rrtype} {service}" if found else event.rrtype
    return event.where.source if isinstance(event, Said) and captured else ""


def _aligned(good: Sequence[tuple[Word, Moment]], bad: Sequence[tuple[Word, Moment]]) -> Iterator[Row]:
    """The rows of both."""
    matcher = SequenceMatcher(None, [w for w, _ in good], [w for w, _ in bad], autojunk=False)
    for same, a, b, c, d in matcher.get_opcodes():
        if same == "equal":
            for (word, one), (_, other) in zip(good[a:b], bad[c:d], strict=True):
                yield Row(word, one, other)
            continue
        yield from (Row(word, one, None) for word, one in good[a:b])
        yield from (Row(word, None, other) for word, other in bad[c:d])


def _parting(rows: Sequence[Row]) -> int | None:
    """The first row of which the other attempt has none at all; of lookups, of those only that it made as well."""
    words = [{r.word for r in rows if r.good is not None}, {r.word for r in rows if r.bad is not None}]
    for index, row in enumerate(rows):
        if row.good is not None and row.bad is not None:
            continue
        other = words[1] if row.bad is None else words[0]
        asked = row.word._replace(signal="query>")
        if row.word not in other and (row.word.machine != "dns" or asked in other):
            return index
    return None


def _differences(rows: Sequence[Row], good: Session, bad: Session) -> Iterator[Difference]:
    """What is said differently in the same steps; a name of their own domains is the same in its role."""
    words = [{r.word for r in rows if r.good is not None}, {r.word for r in rows if r.bad is not None}]
    for row in rows:
        if row.good is None or row.bad is None:
            if row.word.signal == "query>" and not all(row.word in known for known in words):
                yield Difference(row.word, "asked", *("yes" if m is not None else "no" for m in (row.good, row.bad)))
            continue
        ones, others = (dict(_facts(moment.event)) for moment in (row.good, row.bad))
        for what in dict.fromkeys((*ones, *others)):
            one, other = ones.get(what, ""), others.get(what, "")
            if _by_role(one, good) != _by_role(other, bad):
                yield Difference(row.word, what, one, other)
        if row.good.times != row.bad.times:
            yield Difference(row.word, "times", str(row.good.times), str(row.bad.times))


def _by_role(text: str, session: Session) -> str:
    """The text with the two domains called by what they are in the attempt."""
    longer_first = sorted(((session.initiator, "\0i"), (session.receiver, "\0r")), key=lambda pair: -len(pair[0]))
    for name, role in longer_first:
        text = text.replace(name, role)
    return text


def _facts(event: Event) -> Iterator[tuple[str, str]]:
    """What may differ between two events of one kind, and tells something; never a key."""
    match event:
        case DnsQuery():
            yield "asked by", event.flow.src_ip if event.flow else event.client_ip or ""
            yield "asked at", event.flow.dst_ip if event.flow else event.resolver_ip or ""
        case DnsAnswer():
            records = sorted(
                f"{r.priority} {r.weight} {r.port} {r.data}" if r.rrtype == "SRV" else r.data
                for r in event.answers
                if r.section == "answer"
            )
            yield "answer", ", ".join(records)
        case TcpMark(mark="syn") if event.flow is not None:
            yield "from", event.flow.src_ip
            yield "to", end_text((event.flow.dst_ip, event.flow.dst_port))
        case Unreachable():
            yield "unreachable", event.code
        case StreamHeader():
            yield "from", event.from_domain or "nobody"
            yield "to", event.to_domain or "nobody"
            yield "version", event.version or "before 1.0"
            yield "namespace", event.namespace or "none"
            yield "dialback declared", "yes" if event.dialback_declared else "no"
        case StreamFeatures():
            yield "STARTTLS", event.starttls
            yield "SASL", " ".join(event.sasl) or "none"
            yield "dialback", "yes" if event.dialback else "no"
            yield "dialback errors", "yes" if event.dialback_errors else "no"
        case TlsHello():
            yield "version", event.version
            yield "cipher", event.cipher or ""
            yield "name asked for", event.sni or "none"
            yield "ALPN", " ".join(event.alpn) or "none"
        case TlsCertificate():
            yield "names", ", ".join(event.names)
            yield "issuer", event.issuer
            yield "certificates", str(event.chain_len)
        case TlsAlert():
            yield "alert", event.description
        case Sasl():
            yield "mechanism", event.mechanism or ""
            yield "condition", event.condition or ""
        case Dialback():
            yield "from", event.from_domain or "nobody"
            yield "to", event.to_domain or "nobody"
            yield "form of the key", event.key_form or ""
            yield "condition", event.condition or ""
        case StreamError():
            yield "condition", event.condition
            yield "text", event.text
        case _:
            return


def _waits(rows: Sequence[Row]) -> Iterator[Wait]:
    """Steps that one of them came to much later than the other, counted from the step before."""
    before: tuple[Moment, Moment] | None = None
    for row in rows:
        if row.good is None or row.bad is None:
            continue
        if max(row.good.event.width_ns, row.bad.event.width_ns) < VAGUE_NS:
            if before is not None:
                good_ns, bad_ns = row.good.after_ns - before[0].after_ns, row.bad.after_ns - before[1].after_ns
                less, more = sorted((good_ns, bad_ns))
                if more - less >= SLOWER_NS and more >= SLOWER_TIMES * max(less, 0):
                    yield Wait(row.word, good_ns, bad_ns)
            before = (row.good, row.bad)
