"""One TCP conversation as one source saw it. Knows no other source, no domain and no verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from analyzer.cached import cached_property
from analyzer.machines.table import Step, direction
from analyzer.stage import End
from parsers.events import (
    Event,
    Said,
    Tally,
    TcpMark,
    Topic,
    Unreachable,
)

T = TypeVar("T", bound=Event)

_NO_PACKETS = (Unreachable, Tally)


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One TCP conversation as one source saw it."""

    source: str
    """Which source holds its first event."""
    tap: str
    """Where it was seen: the source, or the ring buffer that the source is a file of."""
    client: End
    """The end that opened it, as this source saw it."""
    server: End
    """The other end."""
    events: tuple[Event, ...]
    """Everything of it, in order, with the clock offset of the source applied."""
    flow: tuple[Step, ...]
    """Steps of the flow machine."""
    stream: tuple[Step, ...]
    """Steps of the stream machine."""
    opened: bool = False
    """What the source saw as ciphertext only, a server's log tells: its events stand among these."""

    @cached_property
    def seen_ways(self) -> frozenset[str]:
        """`>` and `<`, whichever the source saw packets of; an ICMP error is no packet of the conversation."""
        seen = set()
        for event in self.events:
            if not isinstance(event, _NO_PACKETS):
                seen.add(self.way(event))
                if len(seen) == 2:
                    break
        return frozenset(seen)

    @property
    def answered_unseen(self) -> bool:
        """One side goes on talking to the other, of which the source shows no packet: it saw one way only."""
        if len(self.seen_ways) != 1:
            return False
        told = [e for e in self.events if not isinstance(e, _NO_PACKETS)]
        return not all(isinstance(e, TcpMark) and e.mark in ("syn", "rst") for e in told)

    @property
    def told_authed(self) -> bool:
        """A server's log says that its stream was authenticated."""
        return any(e.topic is Topic.AUTHED for e in self.of(Said))

    @property
    def first_frame(self) -> int | None:
        """The frame with which it begins."""
        return self.events[0].where.frame

    @property
    def flow_state(self) -> str:
        """Where the flow machine ended."""
        return self.flow[-1].after if self.flow else "IDLE"

    @property
    def stream_state(self) -> str:
        """Where the stream machine ended."""
        return self.stream[-1].after if self.stream else "IDLE"

    @cached_property
    def _by_kind(self) -> Mapping[tuple[type[Event], str | None], list[Event]]:
        found: dict[tuple[type[Event], str | None], list[Event]] = defaultdict(list)
        for event in self.events:
            kind = type(event)
            found[kind, None].append(event)
            found[kind, self.way(event)].append(event)
        return found

    def of(self, kind: type[T], way: str | None = None) -> Iterator[T]:
        """Its events of one class; `way` is `>` from the client, `<` from the server, None both."""
        # Rules ask some eighty times for the events of a conversation, and mostly it has none of the class.
        events: Sequence[T] = self._by_kind.get((kind, way), ())  # type: ignore[assignment]
        return iter(events)

    def way(self, event: Event) -> str:
        """`>` when the client sent it, `<` when the server did."""
        return direction(event, self.client)
