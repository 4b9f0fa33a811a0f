"""An event, an instant, a duration in words; and wire text made harmless.

Everything that came off the wire or out of a file passes `escape` before a person sees it.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from analyzer.peers import Peer
from analyzer.session import DAY_NS, Session
from analyzer.stage import end_text
from parsers import events as e
from parsers.errors import FedtraceError
from parsers.events import Event, Flow, Where

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COMMANDS = ("access-list ", "packet-tracer ")
"""How lines that are to be typed begin (`analyzer.asa`)."""
UNDATED = "undated"
"""What stands for an instant that no line tells."""
TEXT_MAX = 300
"""Characters of wire text in one place: enough for every stream error seen, too few to flood a screen."""
NAMES_SHOWN = 8
"""Files that could not be read for one reason, by name; a case folder holds many that are no input."""
_SILENT = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that do not show, or that steer a terminal: controls, bidi marks, surrogates, line separators."""

CHECKS = {"pass": "✔", "fail": "✘", "not-observed": "·", "not-applicable": "–"}
"""Sign of a checklist state."""
HISTORY = {
    "S": "SYN",
    "H": "SYN-ACK",
    "F": "FIN",
    "R": "RST",
    "O": "stream header",
    "E": "features",
    "T": "STARTTLS",
    "L": "TLS hello",
    "X": "ciphertext",
    "A": "SASL",
    "D": "dialback result",
    "V": "dialback verify",
    "M": "stanza",
    "Z": "stream error",
    "C": "stream end",
    "U": "unreachable",
    "N": "not XMPP",
}
"""What the letters of a connection's history stand for (`Connection.history`)."""


def escape(text: str, limit: int = TEXT_MAX) -> str:
    r"""Text with what does not show written as `\xNN` or `\uNNNN`; cut at `limit` characters with an ellipsis."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(c if unicodedata.category(c) not in _SILENT else _code(c) for c in cut)


def _code(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"


def instant(at_ns: int) -> str:
    """ISO 8601 in UTC with nanoseconds: `2013-09-06T09:14:03.412000000Z`. Beyond year 9999, the plain number."""
    seconds, rest = divmod(at_ns, 10**9)
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return f"{at_ns} ns"
    return f"{moment.isoformat()[:19]}.{rest:09d}Z"


def is_command(line: str) -> bool:
    """Whether a line of a remedy is to be typed as it stands."""
    return line.startswith(_COMMANDS)


def clock(at_ns: int) -> str:
    """The time of day with milliseconds: `09:14:03.412`."""
    return instant(at_ns)[11:23]


def moment(event: Event) -> str:
    """The instant of an event as `instant` writes it; `undated` where its source tells none."""
    return UNDATED if event.width_ns >= DAY_NS else instant(event.at_ns)


def time_of(event: Event) -> str:
    """The time of day of an event as far as its source tells it: `09:14:03.412`, `09:14:03`, or `undated`."""
    if event.width_ns >= DAY_NS:
        return UNDATED
    told = clock(event.at_ns)
    return told if event.width_ns < 10**9 else told[:8]


def began(session: Session, *, of_day: bool = False) -> str:
    """When an attempt began, `2013-09-06 09:14:03.412 UTC`, or the time of day alone; `undated` where no line tells."""
    if session.undated:
        return UNDATED
    told = clock(session.began_ns)
    return told if of_day else f"{day(session.began_ns)} {told} UTC"


def day(at_ns: int) -> str:
    """The day: `2013-09-06`."""
    return instant(at_ns)[:10]


def duration(ns: int) -> str:
    """A duration with as many figures as matter: `412 µs`, `37.5 s`, `3 min 20 s`."""
    sign, ns = ("-" if ns < 0 else ""), abs(ns)
    if ns < 1000:
        return f"{sign}{ns} ns"
    for unit, size in (("µs", 10**3), ("ms", 10**6)):
        if ns < size * 1000:
            return f"{sign}{_short(ns, size)} {unit}"
    if ns < 120 * 10**9:
        return f"{sign}{_short(ns, 10**9)} s"
    minutes, seconds = divmod(ns // 10**9, 60)
    if minutes < 120:
        return f"{sign}{minutes} min {seconds} s"
    return f"{sign}{minutes // 60} h {minutes % 60} min"


def lasted(first_ns: int, last_ns: int) -> str:
    """How long it is from one instant to another, as `duration` says it; `a moment` where they are one."""
    return duration(last_ns - first_ns) if last_ns > first_ns else "a moment"


def _short(ns: int, size: int) -> str:
    whole, tenth = divmod(ns * 10 // size, 10)
    return f"{whole}.{tenth}" if tenth and whole < 100 else str(whole)


def count(number: int, noun: str) -> str:
    """`1 frame`, `41,207 frames`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def place(where: Where) -> str:
    """`outside.pcap#1187` for a frame, `asa.log:4411` for a line."""
    name = escape(where.source)
    if where.frame is not None:
        return f"{name}#{where.frame}"
    return f"{name}:{where.line}" if where.line is not None else name


def ends(flow: Flow | None) -> str:
    """`10.0.0.5:40000 > 198.51.100.10:5269`."""
    if flow is None:
        return ""
    return f"{end_text((flow.src_ip, flow.src_port))} > {end_text((flow.dst_ip, flow.dst_port))}"


def says(event: Event) -> str:
    """The event as an engineer would say it, in one line, escaped."""
    return escape(_says(event))


def _says(event: Event) -> str:  # one branch for each class of event
    match event:
        case e.DnsQuery():
            return f"{event.rrtype} {event.name}?{' (checking disabled)' if event.checking_disabled else ''}"
        case e.DnsAnswer():
            return f"{event.rrtype} {event.name}: {_answer(event)}"
        case e.TcpMark():
            return f"{event.mark.upper()}{' again' if event.repeat else ''} {ends(event.flow)}"
        case e.CaptureGap():
            return f"{count(event.missing_bytes, 'byte')} missing in the capture, {ends(event.flow)}"
        case e.Retransmission():
            return f"{count(event.bytes_len, 'byte')} sent again, attempt {event.attempt}, {ends(event.flow)}"
        case e.Idle():
            return f"the first segment after {duration(event.duration_ns)} of silence, {ends(event.flow)}"
        case e.Tally():
            lost = f", {event.unacknowledged_len:,} never acknowledged" if event.unacknowledged_len else ""
            return f"{count(event.bytes_len, 'byte')} in all{lost}, {ends(event.flow)}"
        case e.Unreachable():
            return f"ICMP from {event.reporter_ip}: {event.code} unreachable, about {ends(event.flow)}"
        case e.TlsHello():
            chosen = f", {event.cipher}" if event.cipher else ""
            name = f" for {event.sni}" if event.sni else ""
            return f"{event.side.capitalize()}Hello {event.version}{chosen}{name}"
        case e.TlsCertificate():
            names = ", ".join(event.names[:5]) or "no name"
            return f"certificate {event.position + 1} of {event.chain_len}: {names}, until {day(event.not_after_ns)}"
        case e.TlsClientCertificate():
            return "client certificate requested" if event.word == "requested" else "the client shows no certificate"
        case e.TlsAlert():
            return f"TLS alert {event.level}: {event.description}"
        case e.TlsData():
            return "ciphertext from here on"
        case e.StreamHeader():
            domains = f"{event.from_domain or '?'} → {event.to_domain or '?'}"
            version = "" if event.version else ", before version 1.0"
            return f"<stream:stream> {domains}{f' id {event.id}' if event.id else ''}{version}"
        case e.StreamFeatures():
            offers = [f"starttls {event.starttls}"] if event.starttls != "absent" else []
            offers += [f"SASL {' '.join(event.sasl)}"] if event.sasl else []
            offers += ["dialback"] if event.dialback else []
            return f"<stream:features> {', '.join(offers) or 'with neither TLS nor SASL nor dialback'}"
        case e.StartTls():
            return f"<{event.word}/> (STARTTLS)"
        case e.Sasl():
            what = event.mechanism or event.condition
            return f"SASL {event.word}{f' {what}' if what else ''}"
        case e.Dialback():
            verdict = f" {event.verdict}" if event.verdict else " with a key"
            why = f" ({event.condition})" if event.condition else ""
            stream = f" for stream {event.id}" if event.id else ""
            return f"<db:{event.word}>{verdict}{why}, {event.from_domain or '?'} → {event.to_domain or '?'}{stream}"
        case e.StreamError():
            return f"<stream:error> {event.condition}{f': {event.text}' if event.text else ''}"
        case e.StreamEnd():
            return "</stream:stream>"
        case e.Stanza():
            kind = f" {event.type}" if event.type else ""
            why = f" ({event.condition})" if event.condition else ""
            head = f"<{event.name}>{kind}{why}"
            if event.from_domain is None and event.to_domain is None:
                return head
            # A client leaves out what its server knows (RFC 6120 section 8.1).
            return " ".join(filter(None, (head, event.from_domain, "→", event.to_domain)))
        case e.NotXmpp():
            return f"no XMPP but {event.protocol}{f': {event.text}' if event.text else ''}"
        case e.BadXml():
            return f"bad XML: {event.reason}"
        case e.FirewallLog():
            return f"{event.message_id} {event.action} {ends(event.mapped or event.real)} {event.reason or ''}".rstrip()
        case e.Probe():
            return f"{event.tool} {event.target} {event.port}: {event.outcome}"
        case e.Setting():
            return f"{event.name} = {event.value}"
        case e.Said():
            return event.text
        case e.Damage():
            return f"{event.what} ({count(event.lost, event.unit.removesuffix('s'))})"
        case _:
            return type(event).__name__


def foremost(events: Sequence[Event], most: int) -> Sequence[Event]:
    """So many of the events that prove something: where they are more, one of each kind from each input before a second
    one, so that six alike of one capture do not hide what another shows; else in their order, the deciding one first.
    """
    if len(events) <= most:
        return events
    firsts: dict[tuple[object, ...], Event] = {}
    for event in events:
        kind = event.mark if isinstance(event, e.TcpMark) else None
        firsts.setdefault((event.where.source, type(event), kind), event)
    shown = {id(event) for event in firsts.values()}
    return [*firsts.values(), *(event for event in events if id(event) not in shown)][:most]


_RCODES = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


def _answer(event: e.DnsAnswer) -> str:
    if event.rcode:
        return _RCODES.get(event.rcode, f"rcode {event.rcode}")
    records = [
        f"{r.priority} {r.weight} {r.port} {r.data}" if r.rrtype == "SRV" else r.data
        for r in event.answers
        if r.section == "answer"
    ]
    shown = ", ".join(records[:4]) + (f" and {len(records) - 4} more" if len(records) > 4 else "")
    if not shown and not event.records_told:
        return "answered, with what is not told"
    return shown or ("truncated" if event.truncated else "no such record")


def not_read(problems: Mapping[str, FedtraceError]) -> list[str]:
    """Why inputs could not be read, by their names, told by the reason; what fedtrace measured of each is left out."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, error in problems.items():
        found[error.problem.partition(" (")[0]].append(escape(name))
    told = []
    for reason, names in found.items():
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        told.append(f"{', '.join(names[:NAMES_SHOWN])}{more}: {escape(reason)}")
    return told


def outcome_says(session: Session) -> str:
    """How it ended; a lookup that no connection followed was not yet an attempt to connect."""
    lone = session.outcome == "unknown" and session.lookups and not session.connections and not session.callbacks
    return "lookup only" if lone else session.outcome


def peer_says(peer: Peer) -> str:
    """A server's product and the policy that it showed, in one line."""
    return "  ".join((escape(peer.domain), product_says(peer), policy_says(peer))).rstrip()


def product_says(peer: Peer) -> str:
    """Which product a server is, or may be."""
    perhaps = "perhaps " + " or ".join(p.name for p in peer.perhaps) if peer.perhaps else "unknown server"
    return peer.product.name if peer.product else perhaps


def policy_says(peer: Peer) -> str:
    """What a server showed of its policy; "" where it showed nothing."""
    policy = peer.policy
    shown = [
        *([f"TLS {policy.starttls}"] if policy.starttls else ()),
        *(["stream before version 1.0"] if policy.version == "" else ()),
        *([f"SASL {escape(' '.join(policy.sasl)) or 'none'}"] if policy.sasl is not None else ()),
        *([f"dialback {'yes' if policy.dialback else 'no'}"] if policy.dialback is not None else ()),
    ]
    return ", ".join(shown)


def marks_say(peer: Peer) -> str:
    """By what a product is named, and where each mark is seen; "" where nothing names one."""
    told = (
        f"{m.kind} {escape(m.word)}"
        + (" (inferred)" if m.inferred else "")
        + f" [{place(s.event.where) if s.event is not None else escape(s.source)}]"
        for m, s in peer.marks
    )
    return "; ".join(told)
