"""Dialback keys, followed over every connection that carries them (XEP-0220 section 1.4).

Knows connections and their dialback elements; no session and no time but the order of events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from analyzer.connection import Connection
from analyzer.machines.dialback import DialbackMachine, domains, signal
from analyzer.session import DialbackKey
from parsers.events import Dialback, StreamHeader, TlsData, river_key

_Happening = tuple[Dialback, Connection]
_WAY = (("result", False), ("verify", False), ("verify", True), ("result", True))
"""The elements by which a key is sent, asked about, answered for, and believed or not (XEP-0220 section 1.4)."""


@dataclass(slots=True)
class _Key:
    """A key that is being followed."""

    sender: str
    target: str
    stream_id: str | None
    digest: str | None
    machine: DialbackMachine
    asked_on: str | None = None
    verified_on: str | None = None


def follow(connections: Sequence[Connection]) -> list[DialbackKey]:
    """Every key of the case, in order of its first event."""
    happenings = _in_order([(d, c) for c in connections for d in c.of(Dialback)])
    keys: list[_Key] = []
    by_pair: dict[tuple[str, str], list[_Key]] = {}
    for event, connection in happenings:
        sender, target = domains(event)
        if not sender or not target:
            continue
        held = by_pair.setdefault((sender, target), [])
        key = _result(held, event, connection) if event.word == "result" else _verify(held, event, connection)
        if key is None:
            stream_id = event.id if event.word == "verify" else _stream_id(connection, event)
            machine = DialbackMachine(f"{sender} > {target} {stream_id or '?'}")
            key = _Key(sender, target, stream_id, event.key_digest, machine)
            held.append(key)
            keys.append(key)
        key.digest = key.digest or event.key_digest
        key.stream_id = key.stream_id or (event.id if event.word == "verify" else None)
        if event.word == "result":
            key.asked_on = connection.id
        else:
            key.verified_on = connection.id
        key.machine.receive(signal(event), event)
    return [
        DialbackKey(
            sender_domain=k.sender,
            target_domain=k.target,
            stream_id=k.stream_id,
            steps=tuple(k.machine.steps),
            asked_on=k.asked_on,
            verified_on=k.verified_on,
        )
        for k in keys
    ]


def _in_order(happenings: Iterable[_Happening]) -> Iterator[_Happening]:
    """Elements in order of time; of one instant in different sources, in the order in which a key goes its way."""
    by_source: dict[str, list[_Happening]] = {}
    for happening in sorted(happenings, key=lambda h: river_key(h[0])):
        by_source.setdefault(happening[0].where.source, []).append(happening)

    def turn(source: str, index: int) -> tuple[int, int, str, int]:
        element, _ = by_source[source][index]
        return element.at_ns, _WAY.index((element.word, element.verdict is not None)), source, index

    waiting = [turn(source, 0) for source in by_source]
    heapify(waiting)
    while waiting:
        _, _, source, index = heappop(waiting)
        yield by_source[source][index]
        if index + 1 < len(by_source[source]):
            heappush(waiting, turn(source, index + 1))


def _stream_id(connection: Connection, event: Dialback) -> str | None:
    """The id that the receiving server gave last before the element: its header's (XEP-0220 section 2.1.1)."""
    held = None
    for seen in connection.events:
        if seen is event:
            break
        if isinstance(seen, StreamHeader) and connection.way(seen) == "<":
            held = seen.id or held
        elif isinstance(seen, TlsData):
            # Under TLS the stream begins anew with another id (RFC 6120 section 5.4.3.3); a log seldom tells it.
            held = None
    return held


def _result(held: Sequence[_Key], event: Dialback, connection: Connection) -> _Key | None:
    """The key that a `<db:result>` carries or answers: one that was asked on this connection."""
    for key in reversed(held):
        if key.asked_on == connection.id:
            if event.verdict is None and event.key_digest != key.digest:
                return None
            return key
    stream_id = _stream_id(connection, event)
    for key in reversed(held):
        same = stream_id is None and event.key_digest is not None and key.digest == event.key_digest
        if key.asked_on is None and key.stream_id is not None and (same or key.stream_id == stream_id):
            return key
    return None


def _verify(held: Sequence[_Key], event: Dialback, connection: Connection) -> _Key | None:
    """The key that a `<db:verify>` asks about or answers: same stream id; where none is known, same key."""
    for key in reversed(held):
        if key.stream_id is not None and key.stream_id == event.id:
            return key
    for key in reversed(held):
        same = key.digest is not None and key.digest == event.key_digest
        if key.stream_id is None and same:
            return key
    return None
