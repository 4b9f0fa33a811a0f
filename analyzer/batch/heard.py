"""Which domain a case is seen from, and who lives where, heard in the pass that counts it: a part may show neither.

Hears who speaks with whom and from where, as `analyzer.local` does of a case that is held; translated addresses it does
not know. Keeps no conversation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection

from analyzer.addresses import is_private
from analyzer.side import Side
from parsers.count import Count
from parsers.events import Dialback, Event, Said, Stanza, StreamHeader

NAMES_MAX = 1 << 14
"""Pairs of domains, and writers of lines, that are remembered, some 5 MB: further names are made up."""
_TELLING = frozenset({StreamHeader, Dialback, Said, Stanza})
"""Events that tell who speaks with whom: few of all."""
SIDES_MAX = 32
"""Domains of an input that are kept, the likeliest first: inputs of one day are told together."""


class Heard(Count):
    """Counts, and hears what speaks for each domain as the local one."""

    def __init__(self, at_once: int, ports: Collection[int], keep: int = 0) -> None:
        """`ports` are those of federation, where servers answer and no client is served."""
        super().__init__(at_once, keep)
        self._ports = ports
        self._spoken: Counter[str] = Counter()
        self._pairs: set[tuple[str, str]] = set()
        self._inside: set[str] = set()
        self._served: set[str] = set()
        self._wrote: Counter[tuple[str, str]] = Counter()
        self._delivered: Counter[tuple[str, str]] = Counter()
        self._answered: Counter[tuple[str, str]] = Counter()

    def look(self, events: list[Event], began_ns: Callable[[Event], int]) -> None:
        """Hear the events before they are counted and let go."""
        for event in self._new(events):
            if type(event) in _TELLING:
                self._hear(event)
        super().look(events, began_ns)

    def _hear(self, event: Event) -> None:
        match event:
            case StreamHeader(namespace="jabber:client"):
                self._client(event)
            case StreamHeader():
                self._answer(event)
                self._spoke(event, event.from_domain, None if event.flow is None else event.flow.src_ip)
            case Dialback(sent=None):
                self._spoke(event, event.from_domain, None if event.flow is None else event.flow.src_ip)
            case Dialback():
                self._spoke(event, event.from_domain if event.sent else event.to_domain)
            case Said(outgoing=bool()):  # who wrote it initiates what goes out, and receives what comes in
                self._spoke(event, event.from_domain if event.outgoing else event.to_domain, event.own_ip)
            case Said():
                self._spoke(event, None)
            case Stanza(sent=True, to_domain=str(name)):
                _add(self._delivered, (event.where.source, name))

    def _answer(self, header: StreamHeader) -> None:
        """Whoever is called gives the stream its id (RFC 6120 section 4.7.3); a caller's name may not be its own."""
        name, flow = header.from_domain, header.flow
        if header.id and name is not None and flow is not None and flow.src_port in self._ports:
            _add(self._answered, (flow.src_ip, name))

    def _client(self, header: StreamHeader) -> None:
        """A client opens its stream to the server of a domain."""
        name, flow = header.to_domain, header.flow
        if name is not None and flow is not None and flow.dst_port not in self._ports:
            self._name(name, name)
            if name in self._spoken:
                self._served.add(name)
                if is_private(flow.dst_ip):
                    self._inside.add(name)

    def _spoke(self, event: StreamHeader | Dialback | Said, name: str | None, address: str | None = None) -> None:
        """The server of a domain spoke, from an address; in a log, the one that wrote it."""
        if event.from_domain is not None and event.to_domain is not None:
            self._name(event.from_domain, event.to_domain)
        if name is None:
            return
        if event.where.frame is None:
            _add(self._wrote, (event.where.source, name))
        if name in self._spoken and address is not None and is_private(address):
            self._inside.add(name)

    def _name(self, one: str, other: str) -> None:
        pair = (min(one, other), max(one, other))
        if pair in self._pairs or len(self._pairs) < NAMES_MAX:
            self._pairs.add(pair)
            self._spoken.update({one, other})

    @property
    def proved(self) -> dict[tuple[str, str], int]:
        """Address and domain, of those that dialback proved to live there, or that answered there, and how often."""
        return dict(sorted((Counter(super().proved) + self._answered).items()))

    @property
    def sides(self) -> dict[str, Side]:
        """What speaks for each domain, the likeliest first."""
        partners = Counter(name for pair in self._pairs if pair[0] != pair[1] for name in pair)
        wrote: dict[str, str] = {}
        for told in (self._wrote, self._delivered):  # of a log without federation it is who its clients are
            for (source, name), _ in sorted(told.items(), key=lambda each: (-each[1], each[0])):
                wrote.setdefault(source, name)
        written = set(wrote.values())
        found = {
            name: Side(name in self._inside, name in self._served, name in written, partners[name], False, spoken)
            for name, spoken in sorted(self._spoken.items())
        }
        return dict(sorted(found.items(), key=lambda each: each[1], reverse=True)[:SIDES_MAX])


def _add(counts: Counter[tuple[str, str]], what: tuple[str, str]) -> None:
    if what in counts or len(counts) < NAMES_MAX:
        counts[what] += 1
