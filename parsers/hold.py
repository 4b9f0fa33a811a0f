"""How much of the events that are read is held in memory: all, those of a stretch of time, or a share of these by pairs
of domains; and their weight.

A conversation is held whole or not at all, by the instant at which it began, however long it lasts.
Knows neither packets nor lines, and of an event only when it was, what it belongs to and which domains it names.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from sys import getsizeof
from typing import Any

from parsers.events import (
    BadXml,
    Damage,
    Dialback,
    DnsAnswer,
    DnsQuery,
    Event,
    FirewallLog,
    Flow,
    NotXmpp,
    Probe,
    Said,
    Sasl,
    Setting,
    Stanza,
    StreamEnd,
    StreamError,
    StreamFeatures,
    StreamHeader,
    TcpMark,
    TlsCertificate,
    TlsHello,
    Topic,
    Unreachable,
)

SLOT_NS = 300 * 10**9
"""Five minutes: the grain of what is counted."""
CONVERSATION_WEIGHT = 12
"""What is made of a conversation, whatever it carried, takes the memory of a dozen events: some 1.4 kB each."""
SMALL_WEIGHT = 3
"""The same of a question, and of a conversation of which only a firewall tells."""
INPUT_WEIGHT = 2
"""What is known of an input, whatever is in it: 3 kB."""
CHARACTERS = 512
"""Characters that an event may say and weigh no more than another; each so many more weigh as much as an event."""
SIFT_EVERY = 16_384
"""New events after which those of other pairs are let go: streams have named their domains by then."""
FAREWELL_NS = 5 * 10**9
"""Lines that a server writes of a stream within 5 s after its end belong to it still."""
STREAM_LEN = 250
"""Bytes that a stream of a log takes, beside what it is called by, of which it is remembered when it began, and …"""
PAIR_LEN = 150
"""… each pair of domains in it, beside their names."""
STREAMS_LEN_MAX = 64 << 20
"""Bytes of all of these, some 115,000 streams; of those that were longest silent the beginning is forgotten."""
SPARE = 25_000
"""Weight beside what may be held, for conversations that began while there was room to come to their ends: some six
events for each of 4,096. What they say beyond that is left out."""
LOOKS = 16
"""So often at least those of other pairs are let go while as much begins as may be held."""
SERVING_MAX = 1 << 13
"""Streams of which it is remembered for which pair of domains they were asked first."""
AT_ONCE_MAX = 1 << 19
"""Conversations that are read at once; a capture with more of them under way is a flood, and the rest is damage."""
NOT_HELD = "more in a few minutes than is held at once"
"""What the damage is called where no room was left."""


class TooMuch(Exception):
    """The events weigh more than is to be held."""


class Hold:
    """Takes what is read of a case and says what is wanted of it."""

    def __init__(
        self,
        within_ns: tuple[int, int] | None = None,
        most: int | None = None,
        share: tuple[int, int] | None = None,
        at_once: int = AT_ONCE_MAX,
    ) -> None:
        """Only what begins in [first, second) is held; of `share` (k, n) what is known to be of other pairs goes.

        More than `most` events, or what weighs as much, are refused; of a share, which cannot be cut any further, what
        begins when so much is held is left out. `at_once` conversations are read at once.
        """
        self.within_ns = within_ns
        self.at_once = at_once
        self._most = most
        self._share = share
        self._weight = 0
        self._begun = 0
        self._sifted = 0
        self._held = 0
        self._weighed = 0
        self.due = False
        """So much has begun that it is time to `look`."""
        self.left_out = 0
        """Frames or lines of the input that is read of which some was told, and let go for want of room."""
        self._serving: dict[str | Flow | None, list[str]] = {}
        self._looked = 0
        self._ours: dict[str | Flow | tuple[str, str] | None, bool] = {}

    def opens(self, inputs: int) -> None:
        """So many inputs are read, and known from then on."""
        self._weight += INPUT_WEIGHT * inputs

    def wants(self, at_ns: int) -> bool:
        """Whether what begins then is held, as far as there is room."""
        return self.within_ns is None or self.within_ns[0] <= at_ns < self.within_ns[1]

    def wants_all(self, first_ns: int, last_ns: int) -> bool:
        """Whether all is held that an input shows from the one instant to the other, whatever it is."""
        return self._share is None and self.wants(first_ns) and self.wants(last_ns)

    def takes(self, events: list[Event]) -> None:
        """All events of an input, which an earlier reading has shown, and which are wanted. Raises TooMuch."""
        self._begun += _conversations_weight(events)
        self.rest(events)

    def begins(self, at_ns: int, weight: int = CONVERSATION_WEIGHT) -> bool:
        """A conversation begins; whether it is held."""
        if not self.wants(at_ns) or (self._share is not None and self._is_full(at_ns)):
            return False
        self._begun += weight
        self.due = self._most is not None and self._begun - self._sifted >= self._most // LOOKS
        return True

    def _is_full(self, at_ns: int) -> bool:
        """Whether what begins then finds no room: what comes before the stretch itself, and is held only for it, may
        take a quarter, so that some is left.
        """
        if self._most is None:
            return False
        room = self._most
        if self.within_ns is not None:
            before = at_ns < self.within_ns[0] + SLOT_NS
            room = room // 4 if before else room if at_ns >= self.within_ns[1] - SLOT_NS else room * 7 // 8
        return self._weight + self._begun + self._held >= room

    def look(self, events: list[Event], began_ns: Callable[[Event], int]) -> None:
        """See what is held of an input by now, and when that began. Raises TooMuch."""
        self._weigh(events)
        if self._share is not None:
            if self.due or len(events) >= self._looked + SIFT_EVERY or self._is_over():
                self._sift(events, *self._share)
            if self._is_over():
                self._let_go(events)
            return
        if self._most is not None and self._weight + self._begun + self._held > self._most:
            raise TooMuch
        self._sifted, self.due = self._begun, False

    def rest(self, events: list[Event]) -> None:
        """An input was read to its end; its events stay. Raises TooMuch."""
        if self._share is None:
            self.look(events, lambda event: event.at_ns)
        else:  # what was let go is told by now
            self._sift(events, *self._share)
            self._looked = 0
            self._ours.clear()
        self._weight += self._begun + self._held
        self._begun = self._held = self._sifted = self._weighed = self.left_out = 0

    def _weigh(self, events: list[Event]) -> None:
        """What the events of an input weigh by now, of which only the latest are new."""
        if self._most is not None:
            self._held += sum(map(self.weight, events[self._weighed :]))
            self._weighed = len(events)

    def weight(self, event: Event) -> int:
        """What an event weighs, with the attempt that is made of it where a stream is asked for a further pair."""
        own = weight_of(event)
        pair = _pair(event) if type(event) is Dialback else None
        if pair is None:
            return own
        asked, key = sorted(pair), _key(event)
        if key not in self._serving and len(self._serving) >= SERVING_MAX:
            del self._serving[next(iter(self._serving))]
        return own if self._serving.setdefault(key, asked) == asked else own + CONVERSATION_WEIGHT

    def _is_over(self) -> bool:
        """Whether what began while there was room comes to more than there is, and more than what is spared."""
        return self._most is not None and self._weight + self._begun + self._held > self._most + SPARE

    def _let_go(self, events: list[Event]) -> None:
        """Let go of the latest events, for which there is no room; what is damaged is told all the same."""
        assert self._most is not None
        room = max(self._most + SPARE - self._weight - self._begun, 0)
        kept, held = 0, 0
        for event in events:
            held += self.weight(event)
            if held > room:
                break
            kept += 1
        rest = events[kept:]
        damage = [event for event in rest if isinstance(event, Damage)]
        self.left_out += len({event.where for event in rest}) - len({event.where for event in damage})
        events[kept:] = damage
        self._looked = min(self._looked, len(events))
        self._held = self._weighed = 0
        self._weigh(events)

    def _sift(self, events: list[Event], number: int, of: int) -> None:
        """Let go of the conversations that name other pairs; of one that names several, while none is ours."""
        for event in events[self._looked :]:
            pair = _pair(event)
            if pair is not None:
                key = _key(event) or pair
                self._ours[key] = self._ours.get(key, False) or share_of(*pair, of) == number
        events[:] = [event for event in events if self._ours.get(_key(event) or _pair(event), True)]
        self._looked = len(events)
        self._held = self._weighed = 0
        self._weigh(events)
        self._begun = _conversations_weight(events)
        self._sifted, self.due = self._begun, False


_RECORD_LEN = 250
"""What a record of DNS takes beside its characters, and …"""
_STRING_LEN = 60
"""… what a string does."""
_LENGTHS: dict[type[Event], Callable[[Any], int]] = {
    DnsQuery: lambda e: len(e.name),
    DnsAnswer: lambda e: sum(len(r.name) + len(r.data) + _RECORD_LEN for r in e.answers),
    TlsHello: lambda e: sum(map(len, (e.sni or "", *e.alpn))),
    TlsCertificate: lambda e: len(e.subject) + len(e.issuer) + sum(len(name) + _STRING_LEN for name in e.names),
    StreamHeader: lambda e: _len(e.from_domain, e.to_domain, e.id, e.version, e.namespace),
    StreamFeatures: lambda e: sum(len(name) + _STRING_LEN for name in e.sasl),
    Sasl: lambda e: _len(e.mechanism, e.condition),
    Dialback: lambda e: _len(e.from_domain, e.to_domain, e.id, e.condition),
    StreamError: lambda e: _len(e.condition, e.text),
    Said: lambda e: _len(e.text, e.reason, e.from_domain, e.to_domain, e.tag, e.stream_id, e.peer_ip, e.own_ip),
    FirewallLog: lambda e: _len(e.text, e.reason, e.rule, e.connection),
    Stanza: lambda e: _len(e.type, e.from_domain, e.to_domain, e.condition),
    NotXmpp: lambda e: len(e.text),
    BadXml: lambda e: len(e.reason),
    Probe: lambda e: _len(e.text, e.target, e.prompt),
    Setting: lambda e: len(e.name) + len(e.value),
    Damage: lambda e: len(e.what),
}
"""How many characters an event says, of those that may say many."""


def weight_of(event: Event) -> int:
    """One, and more for an event that says very much."""
    length = _LENGTHS.get(type(event))
    return 1 if length is None else 1 + length(event) // CHARACTERS


def _len(*texts: str | None) -> int:
    return sum(len(text) for text in texts if text)


def _conversations_weight(events: list[Event]) -> int:
    """What the conversations weigh that these events belong to, beside the events."""
    keys = [_key(event) or _pair(event) for event in events]
    weight = CONVERSATION_WEIGHT * len({key for key in keys if key is not None})
    return weight + sum(SMALL_WEIGHT for event in events if isinstance(event, DnsQuery | DnsAnswer | Unreachable))


def share_of(one: str, other: str, of: int) -> int:
    """Which of so many shares two domains fall into, whichever is named first; the same on every machine."""
    return int.from_bytes(sha256("\0".join(sorted((one, other))).encode("utf-8", "replace")).digest()[:8], "big") % of


def _pair(event: Event) -> tuple[str, str] | None:
    """The two domains that an event names as those of its stream."""
    if isinstance(event, StreamHeader | Dialback | Said) and event.from_domain and event.to_domain:
        return event.from_domain, event.to_domain
    return None


class _Stream:
    """What is known of the lines that are called by one tag, by a firewall's number, or by the same ends."""

    __slots__ = ("began_ns", "ended_ns", "length", "pair")

    def __init__(self) -> None:
        self.length = 0
        """Bytes that it takes."""
        self.began_ns: dict[tuple[str, str] | None, int | None] = {}
        """By the pair of domains that lines name: a stream may serve several, and a tag be used again. None where there
        was no room.
        """
        self.ended_ns: int | None = None
        self.pair: tuple[str, str] | None = None
        """The one named last."""


class Streams:
    """When the streams began that the lines of one input speak of: by tag, by a firewall's number, or by their ends.

    A line that names nothing of these stands for itself.
    """

    def __init__(self, hold: Hold) -> None:
        """`hold` is told of each that begins."""
        self._hold = hold
        self._known: dict[str | Flow, _Stream] = {}
        self._length = 0

    def began_ns(self, event: Event) -> int | None:
        """When the stream of an event began, None where there was no room; asked once for each, in their order."""
        key = _key(event)
        weight = SMALL_WEIGHT if isinstance(event, FirewallLog | DnsQuery | DnsAnswer) else CONVERSATION_WEIGHT
        if key is None:
            return self._begins(event.at_ns, weight)
        stream = self._known.pop(key, None)
        if stream is None or _again(stream, event):
            self._length -= 0 if stream is None else stream.length
            stream = _Stream()
            self._grow(stream, STREAM_LEN, key)
        self._known[key] = stream
        if isinstance(event, Said):
            stream.pair = _pair(event) or stream.pair
        if stream.pair not in stream.began_ns:
            # The first pair that is named takes what was said before of none.
            began_ns = stream.began_ns.pop(None, None)
            stream.began_ns[stream.pair] = self._begins(event.at_ns, weight) if began_ns is None else began_ns
            self._grow(stream, PAIR_LEN, *(stream.pair or ()))
        if stream.ended_ns is None and _ends(event):
            stream.ended_ns = event.at_ns
        began_ns = stream.began_ns[stream.pair]
        while self._length > STREAMS_LEN_MAX:
            self._length -= self._known.pop(next(iter(self._known))).length
        return began_ns

    def _grow(self, stream: _Stream, length: int, *names: str | Flow) -> None:
        grown = length + sum(map(getsizeof, names))
        stream.length += grown
        self._length += grown

    def _begins(self, at_ns: int, weight: int) -> int | None:
        """The instant, unless what is wanted then finds no room."""
        return at_ns if self._hold.begins(at_ns, weight) or not self._hold.wants(at_ns) else None


def _again(stream: _Stream, event: Event) -> bool:
    """Whether what a stream was called by is another's now."""
    if isinstance(event, TcpMark) and event.mark == "syn" and not event.repeat:
        return True
    return stream.ended_ns is not None and event.at_ns - stream.ended_ns > FAREWELL_NS


def _key(event: Event) -> str | Flow | None:
    """What the lines of one stream, or the packets of one conversation, have in common."""
    if isinstance(event, FirewallLog):
        return event.connection
    flow = event.flow
    if event.tag is not None or flow is None or flow.proto != "tcp":
        return event.tag
    return min(flow, flow.reverse, key=lambda f: (f.src_ip, f.src_port))


def _ends(event: Event) -> bool:
    """Whether a stream ends with it."""
    if isinstance(event, FirewallLog):
        return event.action == "teardown"
    return isinstance(event, StreamEnd) or (isinstance(event, Said) and event.topic is Topic.CLOSED)
