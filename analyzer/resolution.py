"""How one server looked for another in DNS: the questions of one attempt taken together (RFC 6120 section 3.2).

Knows questions, answers and the connections tried on them; no verdict.
An answer that a server kept from before the attempt is not here: absence of a question proves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from analyzer.cached import cached_property
from analyzer.connection import Connection
from analyzer.lookup import Lookup
from parsers.events import DnsRecord

_OUTCOMES = ("answered", "truncated", "empty", "nxdomain", "refused", "servfail", "unanswered")
"""What an SRV question can come to, the most useful first: one good answer makes up for the failures around it."""


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """All questions by which one server looked for another domain in one attempt."""

    asker: str
    """The domain that asks."""
    domain: str
    """The domain that is sought."""
    lookups: tuple[Lookup, ...]
    """The questions, in order; at least one."""
    connections: tuple[Connection, ...]
    """What was tried with the answers."""
    calls_back: bool
    """The receiver looks for the initiator, to verify its key (XEP-0220 section 2.1.2)."""
    failed: bool
    """No connection was accepted in it, and the attempt that needed it did not succeed."""

    @cached_property
    def srv_lookups(self) -> tuple[Lookup, ...]:
        """The questions for `_xmpp-server`."""
        return tuple(k for k in self.lookups if k.service == "_xmpp-server")

    def srv_with(self, outcome: str) -> tuple[Lookup, ...]:
        """The `_xmpp-server` questions that came to one outcome, "truncated" among them."""
        return tuple(k for k in self.srv_lookups if _outcome(k) == outcome)

    @cached_property
    def srv_outcome(self) -> str | None:
        """The best that a `_xmpp-server` question came to; None when none was asked."""
        found = {_outcome(k) for k in self.srv_lookups}
        return next((o for o in _OUTCOMES if o in found), None)

    @cached_property
    def targets(self) -> tuple[DnsRecord, ...]:
        """The SRV records found, in the order in which RFC 2782 has them tried, each target and port once."""
        found = {(r.data, r.port): r for k in reversed(self.srv_lookups) for r in k.srv}
        return tuple(sorted(found.values(), key=lambda r: (r.priority or 0, -(r.weight or 0), r.data)))

    def addresses_of(self, name: str) -> tuple[str, ...]:
        """Addresses of a name, aliases followed, those of additional sections included."""
        return self._addresses.get(name, ())

    @cached_property
    def _addresses(self) -> Mapping[str, tuple[str, ...]]:
        """Name → its addresses, each once."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for lookup in self.lookups:
            if lookup.rrtype in ("A", "AAAA"):
                found[lookup.name].update(dict.fromkeys(lookup.addresses))
            for record in lookup.records:
                if record.rrtype in ("A", "AAAA"):
                    found[record.name][record.data] = None
        return {name: tuple(addresses) for name, addresses in found.items()}

    def denied(self, name: str) -> tuple[Lookup, ...]:
        """The questions that say that a name has no IPv4 address, where nothing gave it any address."""
        if self.addresses_of(name):
            return ()
        return tuple(
            k
            for k in self.lookups
            if k.name == name and (k.outcome == "nxdomain" or (k.outcome == "empty" and k.rrtype == "A"))
        )

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """Every address that it led to."""
        names = dict.fromkeys(k.name for k in self.lookups if k.rrtype in ("A", "AAAA"))
        names.update(dict.fromkeys(r.data for r in self.targets))
        return tuple(dict.fromkeys(a for name in names for a in self.addresses_of(name)))

    def tried(self, name: str, port: int) -> tuple[Connection, ...]:
        """Connections to the addresses of a name on one port, as any source saw them."""
        ends = {(address, port) for address in self.addresses_of(name)}
        return tuple(c for c in self.connections if any(s.server in ends for s in c.sightings))


def _outcome(lookup: Lookup) -> str:
    """The lookup's outcome, a truncated answer told apart from a whole one."""
    return "truncated" if lookup.state == "TRUNCATED" else lookup.outcome
