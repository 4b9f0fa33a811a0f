"""What passes a firewall of which a log tells everything: which lines of it matter, by their ports.

The choice is the one that is made of an ASA's log: a busy firewall's whole log would not fit into memory as events.
Knows no program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from parsers.events import Damage, Event, Where
from parsers.source import How, Reading

DNS_PORT = "53"
"""RFC 1035 section 4.2."""
DNS_MAX = 10_000
"""Lines of DNS that are told; a resolver behind the firewall makes more every day, and damage says how many."""


class Passing:
    """The lines of one log that are about federation ports or DNS."""

    def __init__(self, ports: tuple[str, ...], how: How, reading: Reading) -> None:
        """`ports` are the groups of a message that hold one; `how` says which are read."""
        self._groups = ports
        self._every = how.everything
        self._ports = frozenset(map(str, how.ports))
        self._dns = 0
        self._reading = reading

    def might(self, match: re.Match[str], at_ns: int) -> bool:
        """Whether a line matters, by its ports."""
        ports = match.group(*self._groups)
        if self._every or not self._ports.isdisjoint(ports):
            return True
        if DNS_PORT not in ports:
            return False
        self._dns += 1
        return self._dns <= DNS_MAX

    def run(self, events: Iterable[Event]) -> Iterator[Event]:
        """All of them, and what was too much: what does not matter was left out before."""
        last: Event | None = None
        for last in events:
            yield last
        left = self._dns - DNS_MAX
        if last is not None and left > 0:
            self._reading.other -= left
            what, where = f"lines of DNS not told: more than {DNS_MAX:,}", Where(source=last.where.source)
            yield Damage(at_ns=last.at_ns, width_ns=last.width_ns, where=where, what=what, lost=left, unit="lines")
