"""One TCP conversation, joined over all the sources that saw it.

Properties say what was seen in the words that rules need; they know no other conversation and no verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from analyzer.cached import cached_property
from analyzer.history import letters
from analyzer.machines.table import Step
from analyzer.sighting import Sighting
from analyzer.stage import End, Stage
from analyzer.threads import Thread
from parsers.events import (
    CaptureGap,
    Event,
    FirewallLog,
    Idle,
    NotXmpp,
    Retransmission,
    Said,
    Sasl,
    StartTls,
    StreamError,
    StreamFeatures,
    StreamHeader,
    Tally,
    TcpMark,
    TlsAlert,
    TlsCertificate,
    TlsData,
    TlsHello,
    Topic,
    Unreachable,
)

T = TypeVar("T", bound=Event)


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One TCP conversation, joined over all sources that saw it.

    Reads through its `primary` sighting, the one nearest to the local side that saw most.
    """

    id: str
    """12 hex, the same in every run."""
    sightings: tuple[Sighting, ...]
    """Primary first."""
    initiator: str | None
    """The domain that opened it."""
    receiver: str | None
    """The domain that it was opened to."""
    named_by: str
    """How they are known: "stream header", "dialback", "stanza", "dns", "hosts", "elimination" or "nothing"."""
    role: str
    """In the words of the report contract: "stanzas", "verify", "both", "probe", "unknown"."""
    told: tuple[Thread, ...] = ()
    """What servers' logs tell of it; the one of our own server first. Its sightings are of captures, where there are
    any: a log proves what it says, and nothing by what it leaves out."""
    firewall: tuple[FirewallLog, ...] = ()
    """Lines of firewalls about it, in order of time."""

    @property
    def primary(self) -> Sighting:
        """The sighting to read."""
        return self.sightings[0]

    @cached_property
    def captured(self) -> bool:
        """Packets of it were seen; else only logs tell of it."""
        return bool(self.primary.flow) or not (self.told or self.firewall)

    def said(self, topic: Topic, *conditions: str) -> Said | None:
        """The first line of a server's log about it with this topic, with one of these conditions if any are named."""
        return next(
            (
                e
                for thread in self.told
                for e in thread.said
                if e.topic is topic and (not conditions or e.condition in conditions)
            ),
            None,
        )

    def teller(self, said: Event) -> str | None:
        """The domain whose server's log holds a line."""
        return next((t.teller for t in self.told if t.tap == said.where.source), None)

    @property
    def client(self) -> End:
        """The end that opened it, seen from the primary."""
        return self.primary.client

    @property
    def server(self) -> End:
        """The other end, seen from the primary."""
        return self.primary.server

    @property
    def events(self) -> tuple[Event, ...]:
        """Events of the primary."""
        return self.primary.events

    @property
    def vantages(self) -> frozenset[str]:
        """Taps that saw it."""
        return frozenset(s.tap for s in self.sightings)

    @property
    def began_ns(self) -> int:
        """Instant of its first event."""
        return self.events[0].at_ns

    @property
    def ended_ns(self) -> int:
        """Instant of its last event."""
        return max(e.at_ns for e in self.events)

    @property
    def flow_state(self) -> str:
        """Where the flow machine ended: SYN_SENT, REFUSED, UNREACHABLE, OPEN, MIDSTREAM, CLOSED, RESET, …"""
        return self.primary.flow_state

    @property
    def stream_state(self) -> str:
        """Where the stream machine ended: IDLE, OPENED, GREETED, READY, CIPHERTEXT, AUTHED, TRAFFIC, ERRORED, …"""
        return self.primary.stream_state

    def of(self, kind: type[T], way: str | None = None) -> Iterator[T]:
        """Events of one class; `way` is `>` from the client, `<` from the server, None both."""
        return self.primary.of(kind, way)

    def first(self, kind: type[T], way: str | None = None) -> T | None:
        """The first event of one class, or None."""
        return next(self.of(kind, way), None)

    def way(self, event: Event) -> str:
        """`>` when the client sent it, `<` when the server did."""
        return self.primary.way(event)

    def step_into(self, *states: str) -> Step | None:
        """The first stream step that led into one of these states from another."""
        return next((s for s in self.primary.stream if s.after in states and s.before != s.after), None)

    def passed(self, *states: str) -> bool:
        """Whether the stream machine ever was in one of these states."""
        return self.step_into(*states) is not None

    @cached_property
    def syns(self) -> tuple[TcpMark, ...]:
        """The client's SYNs, repetitions included."""
        return tuple(e for e in self.of(TcpMark, ">") if e.mark == "syn")

    @cached_property
    def accepted(self) -> bool:
        """The server answered SYN-ACK, or data shows that it had; without packets, as logs tell."""
        if not self.captured:
            last = self.firewall[-1] if self.firewall else None
            return any(t.stands for t in self.told) or bool(last is not None and last.bytes_len)
        return any(s.after in ("SYN_ACKED", "OPEN", "MIDSTREAM", "CLOSING") for s in self.primary.flow)

    @cached_property
    def unanswered(self) -> bool:
        """A SYN was sent and nothing at all came back."""
        return self.flow_state == "SYN_SENT"

    @cached_property
    def unanswered_everywhere(self) -> bool:
        """No source saw anything come back: an answer was not lost between two of them."""
        return all(s.flow_state == "SYN_SENT" for s in self.sightings)

    @cached_property
    def refused(self) -> bool:
        """The SYN was answered by a reset."""
        return self.flow_state == "REFUSED"

    @cached_property
    def refusal(self) -> TcpMark | None:
        """The reset that answered the SYN."""
        return next((e for e in self.of(TcpMark, "<") if e.mark == "rst"), None) if self.refused else None

    @cached_property
    def unreachable(self) -> Unreachable | None:
        """The ICMP error that answered the SYN, where no SYN-ACK came."""
        return None if self.accepted else self.first(Unreachable)

    @cached_property
    def reset(self) -> TcpMark | None:
        """The first reset after the handshake."""
        if not self.accepted:
            return None
        return next((e for e in self.of(TcpMark) if e.mark == "rst" and not e.repeat), None)

    @cached_property
    def fin(self) -> TcpMark | None:
        """The first FIN."""
        return next((e for e in self.of(TcpMark) if e.mark == "fin"), None)

    @cached_property
    def ending(self) -> TcpMark | None:
        """The first FIN or reset after the handshake, whoever sent it."""
        if not self.accepted:
            return None
        return next((e for e in self.of(TcpMark) if e.mark in ("fin", "rst") and not e.repeat), None)

    @cached_property
    def whole(self) -> bool:
        """It was captured from its SYN and no byte of it is missing: what it lacks was not said."""
        return bool(self.syns) and self.first(CaptureGap) is None

    @cached_property
    def answered(self) -> bool:
        """The server said anything at all above TCP."""
        mute = TcpMark | CaptureGap | Retransmission | Idle | Tally | Unreachable
        return any(self.way(e) == "<" and not isinstance(e, mute) for e in self.events)

    def sender(self, event: Event) -> str:
        """Who sent an event: the domain of that side where it is known, else its address."""
        if self.way(event) == ">":
            return self.initiator or self.client[0]
        return self.receiver or self.server[0]

    @cached_property
    def client_header(self) -> StreamHeader | None:
        """The initiating entity's first stream header."""
        return self.first(StreamHeader, ">")

    @cached_property
    def server_header(self) -> StreamHeader | None:
        """The receiving entity's first stream header."""
        return self.first(StreamHeader, "<")

    @cached_property
    def features(self) -> StreamFeatures | None:
        """The first features that the receiving entity offered."""
        return self.first(StreamFeatures, "<")

    @cached_property
    def error(self) -> StreamError | None:
        """The first stream error of either side."""
        return self.first(StreamError)

    @cached_property
    def client_hello(self) -> TlsHello | None:
        """The client's first hello."""
        return next((h for h in self.of(TlsHello) if h.side == "client"), None)

    @cached_property
    def server_hello(self) -> TlsHello | None:
        """The server's first hello."""
        return next((h for h in self.of(TlsHello) if h.side == "server"), None)

    @cached_property
    def alert(self) -> TlsAlert | None:
        """The first alert that can be read and is no close_notify."""
        return next((a for a in self.of(TlsAlert) if a.level != "encrypted" and a.description != "close_notify"), None)

    @cached_property
    def fatal_alert(self) -> TlsAlert | None:
        """The first fatal alert that can be read; one that only answers the other side's end is none."""
        for alert in self.of(TlsAlert):
            if alert.level == "fatal" and alert.description != "close_notify":
                end = self.ending
                closed = end is not None and end.at_ns <= alert.at_ns and self.way(end) != self.way(alert)
                return None if closed else alert
        return None

    def refusal_of_certificate(self, way: str) -> TlsAlert | TcpMark | None:
        """How the other side ended the handshake after the certificate of one side, `>` or `<`.

        Its fatal alert, or its FIN or reset before any ciphertext of its own. None where it went on, or nobody saw.
        """
        shown = self.first(TlsCertificate, way)
        other = "<" if way == ">" else ">"
        if shown is None:
            return None
        for ending in (self.fatal_alert, self.ending):
            if ending is None or self.way(ending) != other or ending.at_ns < shown.at_ns:
                continue
            if isinstance(ending, TlsAlert) or self.first(TlsData, other) is None:
                return ending
        return None

    @cached_property
    def starttls(self) -> tuple[StartTls, ...]:
        """The words of the STARTTLS negotiation."""
        return tuple(self.of(StartTls))

    @cached_property
    def certificates(self) -> tuple[TlsCertificate, ...]:
        """Certificates of the server, where they could be seen."""
        return tuple(self.of(TlsCertificate, "<"))

    @cached_property
    def ciphertext(self) -> TlsData | None:
        """The first record of ciphertext: after it the capture is blind. None where a key log or a log opened it."""
        record = self.first(TlsData)
        if record is None or self.primary.opened or any(h.at_ns >= record.at_ns for h in self.of(StreamHeader)):
            return None
        return record

    @cached_property
    def not_xmpp(self) -> NotXmpp | None:
        """What the server sent instead of XMPP."""
        return self.first(NotXmpp, "<")

    @cached_property
    def authenticated(self) -> bool:
        """SASL or dialback succeeded on it, in the clear or as a server's log tells."""
        return self.passed("AUTHED", "TRAFFIC") or self.said(Topic.AUTHED) is not None

    @cached_property
    def sasl(self) -> tuple[Sasl, ...]:
        """The words of the SASL negotiation."""
        return tuple(self.of(Sasl))

    def tally(self, way: str) -> Tally | None:
        """The count of one direction, `>` or `<`."""
        return self.first(Tally, way)

    @cached_property
    def reached(self) -> Stage:
        """How far it came, as far as was seen."""
        if self.passed("TRAFFIC"):
            return Stage.TRAFFIC
        if self.passed("AUTHED", "AUTH_REFUSED", "DIALBACK_ASKED", "SASL_ASKED"):
            return Stage.AUTH
        if self.passed("TLS_ASKED", "TLS_HELLO", "CIPHERTEXT"):
            return Stage.TLS
        if any(self.of(StreamHeader)) or any(self.of(NotXmpp)):
            return Stage.STREAM
        return Stage.CONNECT

    @cached_property
    def outcome(self) -> str:
        """In the words of the report contract."""
        if not self.captured and not self.told:
            return self._outcome_of_firewall
        if self.unanswered:
            return "no-answer"
        if self.refused:
            return "refused"
        if self.unreachable is not None:
            return "unreachable"
        if self.not_xmpp is not None:
            return "not-xmpp"
        if self.passed("TLS_BROKEN", "TLS_REFUSED"):
            return "tls-failed"
        if self.passed("AUTH_REFUSED") and not self.authenticated:
            return "rejected"
        if self.error is not None or self.passed("ERRORED"):
            return "stream-error"
        if self.reset is not None and not (self.fin is not None and self.fin.at_ns <= self.reset.at_ns):
            return "reset"
        if self.authenticated:
            return "authenticated"
        if not self.captured:
            return "closed" if self.stream_state == "ENDED" else "open"
        if self.reached is Stage.CONNECT or (self.reached is Stage.STREAM and self.server_header is None):
            return "silent" if self.role != "probe" else "closed"
        return "closed" if self.flow_state in ("CLOSED", "CLOSING", "RESET") else "open"

    @property
    def _outcome_of_firewall(self) -> str:
        """How a conversation ended of which only a firewall tells."""
        last = self.firewall[-1]
        if last.action == "deny":
            return "no-answer"
        if last.action != "teardown":
            return "open"
        if last.reason is not None and last.reason.startswith("SYN Timeout"):
            return "no-answer"
        if last.reason is not None and last.reason.startswith("TCP Reset"):
            return "reset" if last.bytes_len else "refused"
        return "closed"

    @cached_property
    def auth(self) -> str | None:
        """Whichever succeeded, in the clear or as a server's log tells: "external" or "dialback"."""
        if not self.authenticated:
            return None
        if (said := self.said(Topic.AUTHED)) is not None and said.condition is not None:
            return said.condition
        return "external" if any(s.word == "success" for s in self.sasl) else "dialback"

    @cached_property
    def stream_ids(self) -> tuple[str, ...]:
        """Stream ids that the server gave, in order."""
        return tuple(dict.fromkeys(h.id for h in self.of(StreamHeader, "<") if h.id))

    @cached_property
    def history(self) -> str:
        """One letter per thing seen, upper case from the client: `history.letters`."""
        return letters(self.events, self.client)
