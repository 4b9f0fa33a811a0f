"""What the correlator makes of events: dialback keys, sessions, and the case that holds them.

Frozen results without behaviour but small properties. They know what was seen, never what it means:
meaning belongs to the rules.
"""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.cached import cached_property
from analyzer.connection import Connection
from analyzer.lookup import Lookup
from analyzer.machines.table import Step
from analyzer.resolution import Resolution
from analyzer.stage import Link, Stage
from analyzer.threads import Thread
from parsers.events import Dialback, Said, Stanza, StreamError, TlsAlert, Topic, river_key

_SHOWS = {
    Topic.RESOLVE_FAILED: Stage.DNS,
    Topic.CONNECT_FAILED: Stage.CONNECT,
    Topic.SECURED: Stage.TLS,
    Topic.TLS_FAILED: Stage.TLS,
    Topic.AUTHED: Stage.AUTH,
    Topic.AUTH_FAILED: Stage.AUTH,
    Topic.REFUSED: Stage.STREAM,
}
"""The stage that a topic of a server's log shows, had anything happened there."""

DAY_NS = 86_400 * 10**9
"""An event as uncertain as a day is one whose source tells no time."""


@dataclass(frozen=True, kw_only=True)
class DialbackKey:
    """One dialback key and every connection that carried it (XEP-0220 section 1.4)."""

    sender_domain: str
    """The domain that wants to be believed."""
    target_domain: str
    """The domain that it wants to send to."""
    stream_id: str | None
    """Id of the stream for which the key was made; None where no header told it."""
    steps: tuple[Step, ...]
    """What the dialback machine saw, in order."""
    asked_on: str | None
    """Id of the connection that carried the key."""
    verified_on: str | None
    """Id of the connection that carried the verify: the callback, or a stream that was open already."""

    @property
    def state(self) -> str:
        """Where the machine ended: KEY_SENT, UNPROMPTED, VERIFY_ASKED, VOUCHED, DISOWNED, ACCEPTED, REJECTED, …"""
        return self.steps[-1].after

    def step_into(self, *states: str) -> Step | None:
        """The first step that led into one of these states: passed through, not only ended in."""
        return next((s for s in self.steps if s.after in states and s.before != s.after), None)

    @cached_property
    def request(self) -> Dialback | None:
        """The `<db:result>` that carried the key."""
        return next((s.event for s in self.steps if s.signal == "result>" and isinstance(s.event, Dialback)), None)

    @cached_property
    def verify(self) -> Dialback | None:
        """The `<db:verify>` that asked about it."""
        return next((s.event for s in self.steps if s.signal == "verify>" and isinstance(s.event, Dialback)), None)

    @cached_property
    def verify_answer(self) -> Dialback | None:
        """What the authoritative server said of it."""
        return next(
            (s.event for s in self.steps if s.signal.startswith("verify:") and isinstance(s.event, Dialback)), None
        )

    @cached_property
    def answer(self) -> Dialback | None:
        """What the receiving server said in the end."""
        return next(
            (s.event for s in self.steps if s.signal.startswith("result:") and isinstance(s.event, Dialback)), None
        )

    @property
    def pending(self) -> bool:
        """The key was sent and no result came."""
        return self.request is not None and self.answer is None


@dataclass(frozen=True, kw_only=True)
class Session:
    """One attempt of one domain to reach another."""

    id: str
    """12 hex of BLAKE2b over its key, the same in every run."""
    initiator: str
    """The domain that wants to send."""
    receiver: str
    """The domain that it wants to reach."""
    direction: str
    """"outbound", "inbound", "external" or "unknown", seen from the local domains."""
    host: str | None
    """Address of the server that made the attempt; None where only a callback tells of it."""
    lookups: tuple[Lookup, ...]
    """Its DNS questions, in order."""
    connections: tuple[Connection, ...]
    """The connections tried, in order; the last is the one that carried the stream."""
    dialbacks: tuple[DialbackKey, ...]
    """Keys by which the initiator wanted to be believed, in order."""
    callbacks: tuple[Connection, ...]
    """Connections that the receiver opened, or tried to, to verify these keys."""
    callback_lookups: tuple[Lookup, ...]
    """DNS questions of the receiver about the initiator, before it called back."""
    trigger: Stanza | None
    """The client's stanza that caused it, where a client's stream was in the clear."""
    bounce: Stanza | None
    """The error that the client got back for it, in the receiver's name (RFC 6120 section 8.3)."""
    awaited: Stanza | None
    """The receiver's stanza that wants an answer, where no attempt of the initiator to give it was seen."""
    links: tuple[Link, ...]
    """Why these things were joined."""
    tries: tuple[Thread, ...] = ()
    """What servers' logs tell of tries that came to no stream."""

    @cached_property
    def told(self) -> tuple[Thread, ...]:
        """All that servers' logs tell of it: of its connections, and of tries that came to no stream."""
        return (*(t for c in self.connections for t in c.told), *self.tries)

    def said(self, topic: Topic, *conditions: str) -> Said | None:
        """The first line of a server's log about it with this topic, with one of these conditions if any are named."""
        found = [
            e
            for thread in self.told
            for e in thread.said
            if e.topic is topic and (not conditions or e.condition in conditions)
        ]
        return min(found, key=river_key, default=None)

    @cached_property
    def given_up(self) -> Said | None:
        """The line by which a log tells that no stream came of it, and no more: its stanzas were given back."""
        return None if self.connections else self.said(Topic.OTHER, "bounced")

    def teller(self, said: Said) -> str | None:
        """The domain whose server's log holds a line."""
        return next((t.teller for t in self.told if t.tap == said.where.source), None)

    @cached_property
    def stream(self) -> Connection | None:
        """The connection that came furthest; the last of these."""
        return max(self.connections, key=lambda c: (c.reached, c.accepted, c.began_ns), default=None)

    @cached_property
    def resolutions(self) -> tuple[Resolution, ...]:
        """How the initiator looked for the receiver, then how the receiver looked for the initiator to call back."""
        opened = any(c.accepted for c in self.connections)
        called = any(c.accepted for c in self.callbacks) or any(d.verify for d in self.dialbacks)
        ways = (
            (self.initiator, self.receiver, self.lookups, self.connections, False, opened),
            (self.receiver, self.initiator, self.callback_lookups, self.callbacks, True, called),
        )
        return tuple(
            Resolution(
                asker=asker,
                domain=domain,
                lookups=lookups,
                connections=connections,
                calls_back=calls_back,
                failed=not met and not self.authenticated,
            )
            for asker, domain, lookups, connections, calls_back, met in ways
            if lookups
        )

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The timeline: the steps of all machines, in order, each event once."""
        own = {c.id for c in self.connections}
        steps = [s for k in (*self.lookups, *self.callback_lookups) for s in k.steps]
        for connection in (*self.connections, *self.callbacks):
            # A callback on a stream that was open already tells no more than the key's own steps.
            if connection.id in own or connection.role in ("verify", "unknown"):
                steps += (*connection.primary.flow, *connection.primary.stream)
        steps += [s for d in self.dialbacks for s in d.steps]
        # A dialback element is a step of its stream and of its key; the key's machine says more.
        for connection in self.connections:
            steps += _told_steps(connection)
        for connection in (*self.connections, *self.callbacks):
            steps += _firewall_steps(connection)
        steps += [s for t in self.tries for s in t.sighting.stream]
        keys = {id(s.event) for d in self.dialbacks for s in d.steps}
        told = [
            s
            for s in steps
            if not (s.machine == "stream" and id(s.event) in keys)
            and not (s.machine == "flow" and s.signal in ("data", "counted"))
        ]
        return tuple(sorted(told, key=lambda s: (*river_key(s.event), s.machine)))

    @property
    def surprises(self) -> tuple[Step, ...]:
        """Steps that the protocol does not have."""
        return tuple(s for s in self.steps if not s.expected)

    @cached_property
    def began_ns(self) -> int:
        """Instant of its first event."""
        seen = [k.asked_ns for k in self.lookups] + [c.began_ns for c in self.connections] + self._key_instants
        seen += [t.began_ns for t in self.tries] if not seen else []
        return min(seen or self._stanzas)

    @cached_property
    def undated(self) -> bool:
        """No line tells when it began, not even the day: `began_ns` is assumed."""
        seen = [s.event for s in self.steps] + [e for t in self.tries for e in t.events]
        seen += [s for s in (self.trigger, self.bounce, self.awaited) if s is not None] if not seen else []
        return min(seen, key=river_key).width_ns >= DAY_NS

    @property
    def ended_ns(self) -> int:
        """Instant of its last event."""
        asked = [s.event.at_ns for k in self.lookups for s in k.steps]
        seen = asked + [c.ended_ns for c in self.connections] + self._key_instants
        seen += [e.at_ns for t in self.tries for e in t.events]
        return max(seen or self._stanzas)

    @property
    def _stanzas(self) -> list[int]:
        return [s.at_ns for s in (self.trigger, self.bounce, self.awaited) if s is not None]

    @property
    def _key_instants(self) -> list[int]:
        return [s.event.at_ns for d in self.dialbacks for s in d.steps]

    @cached_property
    def errors(self) -> tuple[tuple[Connection, StreamError], ...]:
        """The stream errors of its connections that could be read, in order, each with its connection."""
        return tuple((c, e) for c in self.connections for e in c.of(StreamError))

    def error(self, *conditions: str) -> tuple[Connection, StreamError] | None:
        """The first stream error with one of these conditions, and its connection."""
        return next(((c, e) for c, e in self.errors if e.condition in conditions), None)

    def alert(self, *descriptions: str) -> tuple[Connection, TlsAlert] | None:
        """The first connection that one of these fatal alerts ended, and the alert."""
        for connection in self.connections:
            alert = connection.fatal_alert
            if alert is not None and alert.description in descriptions:
                return connection, alert
        return None

    @cached_property
    def veil(self) -> str | None:
        """What hides the rest of it: "cups.pcap is ciphertext after frame 11"; None where nothing is hidden."""
        record = next((c.ciphertext for c in self.connections if c.ciphertext is not None), None)
        return None if record is None else f"{record.where.source} is ciphertext after frame {record.where.frame}"

    def stanza_error(self, *conditions: str) -> Stanza | None:
        """The first stanza error with one of these conditions that its connections carried."""
        return next((s for c in self.connections for s in c.of(Stanza) if s.condition in conditions), None)

    def survived(self, connection: Connection) -> bool:
        """Whether it went on without this connection: it was authenticated, or a later one went on under TLS."""
        return self.authenticated or any(
            c.ciphertext is not None and c.began_ns >= connection.began_ns
            for c in self.connections
            if c is not connection
        )

    @cached_property
    def authenticated(self) -> bool:
        """The receiver accepted the initiator, by dialback or SASL, where it could be seen."""
        return any(c.authenticated for c in self.connections) or any(d.step_into("ACCEPTED") for d in self.dialbacks)

    @cached_property
    def ciphertext(self) -> bool:
        """Its stream went on under TLS, out of sight."""
        return any(c.ciphertext is not None for c in self.connections)

    @cached_property
    def reached(self) -> Stage:
        """How far it came, as far as was seen."""
        stages = [c.reached for c in self.connections]
        if self.authenticated or self.dialbacks:
            stages.append(Stage.AUTH)
        # Whom it could not connect to, it had found; that every target was tried may mean that there was none.
        failed = [s for t in self.tries for s in t.said if s.topic is Topic.CONNECT_FAILED]
        stages += [Stage.CONNECT for s in failed if s.condition != "exhausted"]
        return max(stages, default=Stage.DNS)

    @cached_property
    def visible(self) -> frozenset[Stage]:
        """The stages that the sources could show, had they happened."""
        seen = set()
        if self.lookups or self.callback_lookups:
            seen.add(Stage.DNS)
        if self.bounce is not None:
            # The client was told what became of it, whether or not anything was tried.
            seen.add(Stage.CONNECT)
        if self.awaited is not None:
            seen.add(Stage.TRAFFIC)
        if self.connections:
            seen |= {Stage.CONNECT, Stage.STREAM, Stage.TLS}
            if not self.ciphertext:
                seen |= {Stage.AUTH, Stage.TRAFFIC}
        if self.dialbacks:
            seen.add(Stage.AUTH)
        for thread in self.told:
            seen |= {_SHOWS[e.topic] for e in thread.said if e.topic in _SHOWS}
        return frozenset(seen)

    @cached_property
    def outcome(self) -> str:
        """In the words of the report contract: "established", "failed", "unfinished", "unknown"."""
        if self.authenticated:
            return "established"
        if any(d.step_into("REJECTED", "ERRORED", "DISOWNED") for d in self.dialbacks):
            return "failed"
        stream = self.stream
        if stream is None and (self.said(Topic.RESOLVE_FAILED) or self.said(Topic.CONNECT_FAILED)):
            return "failed"
        if stream is None and ((not self.lookups and self.bounce is not None) or self.given_up is not None):
            return "failed"
        if stream is None:
            outcomes = {k.outcome for k in self.lookups if k.service == "_xmpp-server"}
            return "unknown" if not outcomes or "answered" in outcomes else "failed"
        if stream.outcome in ("authenticated", "open", "closed", "silent"):
            if stream.ciphertext is not None:
                return "unknown"
            return "failed" if stream.outcome in ("closed", "silent") else "unfinished"
        if stream.outcome == "reset" and stream.ciphertext is not None:
            return "unknown"
        return "failed"

    @property
    def history(self) -> str:
        """The histories of its connections, joined by a blank."""
        return " ".join(c.history for c in self.connections if c.history)


def _told_steps(connection: Connection) -> list[Step]:
    """What logs say of a conversation in their own words: what they quote, its packets show, or they show none."""
    own = {s.event.where for s in connection.primary.stream}
    return [
        s
        for thread in connection.told
        for s in thread.sighting.stream
        if isinstance(s.event, Said) and s.event.where not in own
    ]


def _firewall_steps(connection: Connection) -> list[Step]:
    """What firewalls say of a conversation. It changes no state: the firewall is neither of its ends."""
    state = connection.flow_state
    return [
        Step("flow", connection.id, state, state, f"firewall:{line.action}", line, True) for line in connection.firewall
    ]
