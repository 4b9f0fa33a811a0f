"""A session that is being gathered, and how far apart things may be and still belong to it. Joins nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.connection import Connection
from analyzer.lookup import Lookup
from analyzer.session import DialbackKey
from analyzer.stage import Link
from analyzer.threads import Thread
from parsers.events import Stanza


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far apart things may be and still belong together; each with its reason."""

    attempt_ns: int = 60 * 10**9
    """A question or a connection within 60 s after the last one goes on with the same attempt: SYN retries come at
    most 32 s apart (RFC 6298 section 5, with 6 retries), DNS retries sooner."""
    again_ns: int = 15 * 10**9
    """A question that was answered before, asked again after 15 s of quiet, begins another attempt: within one, servers
    go on to the next resolver or host at once, or after a time-out of DNS, 5 s by default."""
    whole_ns: int = 300 * 10**9
    """No attempt goes on after 5 minutes: a server that tries again each minute would make one attempt all day."""
    callback_ns: int = 120 * 10**9
    """A peer calls back within 120 s of the key: the longest dialback timer known is Prosody's 90 s."""
    trigger_ns: int = 30 * 10**9
    """A client's stanza sets off an attempt within 30 s."""
    bounce_ns: int = 180 * 10**9
    """A server gives up on a stanza within 180 s: Linux gives up on a SYN after 127 s."""
    answer_ns: int = 10 * 10**9
    """Who wants to answer begins within 10 s: servers answer a subscription or a question by themselves, at once."""


@dataclass(slots=True)
class Attempt:
    """A session that is being gathered."""

    initiator: str
    """Who wants to send."""
    receiver: str
    """Whom it wants to reach."""
    host: str | None
    """Address of the server that makes the attempt; None where only a callback or a client tells of it."""
    lookups: list[Lookup] = field(default_factory=list)
    """Its questions, in order."""
    connections: list[Connection] = field(default_factory=list)
    """What it tried, in order."""
    dialbacks: list[DialbackKey] = field(default_factory=list)
    """Keys of the initiator."""
    callbacks: list[Connection] = field(default_factory=list)
    """Connections by which the receiver verifies them, or tries to."""
    callback_lookups: list[Lookup] = field(default_factory=list)
    """The receiver's questions before it calls back."""
    links: list[Link] = field(default_factory=list)
    """Why these were joined."""
    trigger: Stanza | None = None
    """The client's stanza that caused it."""
    bounce: Stanza | None = None
    """The error that the client got back."""
    awaited: Stanza | None = None
    """The receiver's stanza that wants an answer."""
    tries: list[Thread] = field(default_factory=list)
    """What servers' logs tell of tries that came to no stream."""
    last_ns: int = 0
    """Instant of its last event so far."""

    @property
    def first_ns(self) -> int:
        """Instant of its first event."""
        seen = [k.asked_ns for k in self.lookups] + [c.began_ns for c in self.connections]
        seen += [s.event.at_ns for d in self.dialbacks for s in d.steps]
        seen += [t.began_ns for t in self.tries] if not seen else []
        return min(seen or [s.at_ns for s in (self.trigger, self.bounce, self.awaited) if s is not None])
