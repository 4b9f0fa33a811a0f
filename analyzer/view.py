"""The case around a session, as a rule may see it: all that was seen, and what each tap could have seen.

Answers questions about the whole of the evidence; has no opinion of it: that belongs to the rules.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from analyzer.addresses import is_private
from analyzer.cached import cached_property
from analyzer.connection import Connection
from analyzer.hops import hops
from analyzer.lookup import Lookup
from analyzer.session import DialbackKey, Session
from analyzer.sighting import Sighting
from analyzer.stage import End
from analyzer.threads import Thread
from parsers.events import CaptureGap, Damage, FirewallLog, Probe, Said, Setting, TcpMark
from parsers.source import Reading, Source

SAME_MOMENT_NS = 2 * 10**9
"""First packets of one conversation at two places are at most this far apart: a lost SYN is sent again after 1 s."""

OTHER_FAMILY_NS = 130 * 10**9
"""A server goes over from IPv6 to IPv4 after Linux' whole series of SYNs at the latest, 127 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What one tap could see: the only ground on which absence is evidence."""

    tap: str
    """Name of the source, or of the ring buffer whose files it holds."""
    first_ns: int
    """Its first frame or line, whatever it was about, clock offset applied."""
    last_ns: int
    """Its last."""
    home: frozenset[str]
    """Addresses that take part in everything it saw: it was recorded on that host. Empty for a link."""
    offset_ns: int
    """Found clock offset that was applied to its instants."""
    residual_ns: int | None
    """How far the events behind that offset disagree; None when no offset was sought or found."""
    peers: frozenset[str]
    """Taps that share at least one conversation with it."""
    damaged: bool
    """Part of it could not be read."""

    def covers(self, first_ns: int, last_ns: int) -> bool:
        """Whether it was recording all the time between."""
        return self.first_ns <= first_ns and last_ns <= self.last_ns


@dataclass(frozen=True, kw_only=True)
class CaseView:
    """The case around a session, as a rule may see it."""

    sources: tuple[Source, ...]
    """All inputs."""
    readings: Mapping[str, Reading]
    """What reading each came to, by source name."""
    damage: tuple[Damage, ...]
    """All that could not be read."""
    coverage: Mapping[str, Coverage]
    """By tap."""
    local_domains: tuple[str, ...]
    """The domains that the case is seen from."""
    assumed: tuple[str, ...]
    """What was assumed of the case as a whole, one sentence each."""
    sessions: tuple[Session, ...]
    """All attempts, in order of time."""
    connections: tuple[Connection, ...]
    """All conversations, those outside any session included."""
    lookups: tuple[Lookup, ...]
    """All DNS questions about federation."""
    dialbacks: tuple[DialbackKey, ...]
    """All dialback keys."""
    hosts: Mapping[str, frozenset[str]]
    """Addresses by domain: those that DNS publishes for it and those that spoke for it."""
    nat: Mapping[str, frozenset[str]]
    """Addresses that are one host, translated: address → its other addresses, found from joined conversations."""
    local_addresses: frozenset[str]
    """Addresses of the hosts that speak for the local domains, their translated ones included."""
    clocks: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    """By log: how far its clock is ahead of the captures', ns, applied; and how far the proofs disagree."""
    firewall: tuple[FirewallLog, ...] = ()
    """All lines of firewalls, in order of time."""
    probes: tuple[Probe, ...] = ()
    """What people tried by hand, in order of time."""
    settings: tuple[Setting, ...] = ()
    """What `show` commands printed, in order of time."""
    said: tuple[Said, ...] = ()
    """What servers' logs say and no thread holds: lines about no stream, or that name no pair of domains."""
    unnamed: tuple[Thread, ...] = ()
    """Streams and tries that servers' logs tell of, without two domains."""

    def clock(self, tap: str) -> tuple[int, int] | None:
        """How far the clock of a source is ahead of the others', ns, and how far the proofs of it disagree; applied.
        None where nothing told.
        """
        coverage = self.coverage.get(tap)
        if coverage is not None and coverage.residual_ns is not None:
            return (coverage.offset_ns, coverage.residual_ns)
        offset_ns, residual_ns = self.clocks.get(tap, (0, None))
        return None if residual_ns is None else (offset_ns, residual_ns)

    @cached_property
    def _by_pair(self) -> Mapping[tuple[str, str], tuple[Session, ...]]:
        pairs: dict[tuple[str, str], list[Session]] = {}
        for session in self.sessions:
            pairs.setdefault((session.initiator, session.receiver), []).append(session)
        return {pair: tuple(found) for pair, found in pairs.items()}

    def between(self, initiator: str, receiver: str) -> tuple[Session, ...]:
        """Sessions of one pair in one direction, in order of time."""
        return self._by_pair.get((initiator, receiver), ())

    @cached_property
    def _by_id(self) -> Mapping[str, Connection]:
        return {c.id: c for c in self.connections}

    @cached_property
    def _succeeding(self) -> frozenset[tuple[str, str]]:
        return frozenset((s.initiator, s.receiver) for s in self.sessions if s.authenticated)

    def succeeded(self, initiator: str, receiver: str) -> bool:
        """Whether any attempt of one pair in one direction was authenticated."""
        return (initiator, receiver) in self._succeeding

    def connection(self, id: str | None) -> Connection | None:
        """The connection of that id."""
        return None if id is None else self._by_id.get(id)

    @cached_property
    def loose(self) -> tuple[Connection, ...]:
        """Conversations of no attempt, since nothing tells who spoke with whom. One that said nothing is a probe, and
        is left out, unless it did say something that the capture lacks.
        """
        joined = {c.id for s in self.sessions for c in (*s.connections, *s.callbacks)}
        return tuple(
            c for c in self.connections if c.id not in joined and (c.role != "probe" or c.first(CaptureGap) is not None)
        )

    def same_host(self, a: str, b: str) -> bool:
        """Whether two addresses are one host, directly or through translation."""
        return a == b or b in self.nat.get(a, frozenset())

    def is_local(self, domain: str | None) -> bool:
        """Whether the case is seen from that domain."""
        return domain is not None and domain in self.local_domains

    def missing_at(self, connection: Connection) -> tuple[Coverage, ...]:
        """Taps that did not see a conversation although they were recording and its path leads past them.

        A tap counts only if it shares other conversations with a tap that did see it, if it recorded all the
        while, undamaged, and if it is a link or one of the two hosts.
        """
        ends = {s.client[0] for s in connection.sightings} | {s.server[0] for s in connection.sightings}
        ends |= {other for end in tuple(ends) for other in self.nat.get(end, ())}
        found = []
        for coverage in self.coverage.values():
            if coverage.tap in connection.vantages or coverage.damaged:
                continue
            if not (coverage.peers & connection.vantages):
                continue
            if coverage.home and not (coverage.home & ends):
                continue
            if coverage.covers(connection.began_ns, connection.ended_ns) and not self._mistakable(
                connection, coverage.tap
            ):
                found.append(coverage)
        return tuple(found)

    @cached_property
    def _by_end(self) -> Mapping[tuple[str, End], tuple[Connection, ...]]:
        found: dict[tuple[str, End], list[Connection]] = {}
        for connection in self.connections:
            for sighting in connection.sightings:
                found.setdefault((sighting.tap, sighting.client), []).append(connection)
                found.setdefault((sighting.tap, sighting.server), []).append(connection)
        return {key: tuple(those) for key, those in found.items()}

    def _mistakable(self, connection: Connection, tap: str) -> bool:
        """Whether a tap saw a conversation with one of the same ends at that moment: perhaps this one, translated."""
        ends = {end for s in connection.sightings for end in (s.client, s.server)}
        return any(
            abs(other.began_ns - connection.began_ns) <= SAME_MOMENT_NS and not other.vantages & connection.vantages
            for end in ends
            for other in self._by_end.get((tap, end), ())
        )

    def watched(self, connection: Connection, until_ns: int) -> bool:
        """Whether a tap that saw a conversation recorded on, undamaged, until then: what it lacks did not come."""
        for tap in connection.vantages:
            coverage = self.coverage.get(tap)
            if coverage is not None and not coverage.damaged and coverage.covers(connection.began_ns, until_ns):
                return True
        return False

    @cached_property
    def kept(self) -> dict[Hashable, Any]:
        """What was worked out once; see `analyzer.once`."""
        return {}

    @cached_property
    def _naming(self) -> Mapping[tuple[str, str | None], Lookup]:
        found: dict[tuple[str, str | None], Lookup] = {}
        for lookup in self.lookups:
            if lookup.srv and lookup.srv[0].data != ".":
                found.setdefault((lookup.domain, lookup.service), lookup)
        return found

    def naming(self, domain: str, service: str = "_xmpp-server") -> Lookup | None:
        """The first question about a service of a domain that was answered with hosts."""
        return self._naming.get((domain, service))

    @cached_property
    def _published(self) -> dict[str, frozenset[str]]:
        return {}

    @cached_property
    def _addresses_by_name(self) -> Mapping[str, set[str]]:
        """Addresses by the name that was asked for and by the name that owns them."""
        found: dict[str, set[str]] = {}
        for lookup in self.lookups:
            for record in lookup.records:
                if record.rrtype in ("A", "AAAA"):
                    found.setdefault(record.name, set()).add(record.data)
                    if record.section == "answer":
                        found.setdefault(lookup.name, set()).add(record.data)
        return found

    @cached_property
    def _lookups_by_name(self) -> Mapping[str, tuple[Lookup, ...]]:
        found: dict[str, list[Lookup]] = {}
        for lookup in self.lookups:
            found.setdefault(lookup.name, []).append(lookup)
        return {name: tuple(asked) for name, asked in found.items()}

    def asking(self, name: str) -> tuple[Lookup, ...]:
        """Questions for one name, of any type and by anybody, in order."""
        return self._lookups_by_name.get(name, ())

    @cached_property
    def _lookups_by_domain(self) -> Mapping[str, tuple[Lookup, ...]]:
        """SRV questions by the domain that they are about."""
        found: dict[str, list[Lookup]] = {}
        for lookup in self.lookups:
            if lookup.service is not None:
                found.setdefault(lookup.domain, []).append(lookup)
        return {domain: tuple(asked) for domain, asked in found.items()}

    def published(self, domain: str) -> frozenset[str]:
        """Addresses that DNS, as far as it was captured, publishes for the federation of a domain."""
        known = self._published.get(domain)
        if known is None:
            targets = {r.data for k in self.lookups_of(domain) for r in k.srv}
            # An alias leads from the target to the address; the addresses of name servers stand beside it.
            known = self._published[domain] = frozenset(
                address for name in targets for address in self._addresses_by_name.get(name, ())
            )
        return known

    def went_on(self, session: Session) -> Connection | None:
        """The connection by which an attempt got through to the other host, or None.

        A server that tries IPv6 and then IPv4 does so from two addresses, which makes two sessions of it.
        """
        tried = list(session.connections)
        families = {":" in c.server[0] for c in tried}
        pair = self.between(session.initiator, session.receiver)
        first = bisect_left(pair, session.began_ns - OTHER_FAMILY_NS, key=lambda s: s.began_ns)
        for other in islice(pair, first, None):
            if other.began_ns > session.began_ns + OTHER_FAMILY_NS:
                break
            tried += [c for c in other.connections if (":" in c.server[0]) not in families]
        return next((c for c in tried if c.accepted), None)

    def at_home(self, tap: str, address: str) -> bool:
        """Whether a tap was recorded on the host of that address; where it saw two hosts only, it may be either's."""
        coverage = self.coverage.get(tap)
        if coverage is None or not coverage.home:
            return False
        return all(self.same_host(address, home) for home in coverage.home)

    def outside(self, connection: Connection, address: str) -> tuple[Sighting, ...]:
        """Sightings beyond address translation: there the host of `address` shows a public one that stands for its own.

        `address` is one end of the connection, as its primary saw it.
        """
        ends = {address, *self.nat.get(address, ())}
        if not any(is_private(a) for a in ends):
            return ()
        return tuple(
            s for s in connection.sightings if any(e in ends and not is_private(e) for e in (s.client[0], s.server[0]))
        )

    def way(self, connection: Connection, direction: str) -> str:
        """Which way a conversation goes through a firewall: "out" from the hosts behind it, "in" to them, "" unknown.

        Its end behind address translation tells whose firewall that is; where none shows, `direction`, that of the
        session as our side sees it.
        """
        flows = [f for line in connection.firewall for f in (line.real, line.mapped) if f is not None]
        clients = {s.client[0] for s in connection.sightings} | {f.src_ip for f in flows}
        servers = {s.server[0] for s in connection.sightings} | {f.dst_ip for f in flows}
        inside, there = self._behind(clients), self._behind(servers)
        if inside and not there:
            return "out"
        # What is sent to a private address from elsewhere has lost its way: a firewall, or a translation, leads there.
        if there and not inside and (flows or not all(map(is_private, servers))):
            return "in"
        return {"outbound": "out", "inbound": "in"}.get(direction, "")

    def _behind(self, addresses: Iterable[str]) -> set[str]:
        """The private addresses of these hosts."""
        return {a for one in addresses for a in (one, *self.nat.get(one, ())) if is_private(a)}

    @cached_property
    def inside_taps(self) -> frozenset[str]:
        """Taps on our side of address translation: there a host of ours speaks from an inside address."""
        ours = {a for a in self.local_addresses if is_private(a)}
        seen = [s for c in self.connections for s in c.sightings]
        return frozenset(
            s.tap
            for s in seen
            if s.client[0] in ours or (s.server[0] in ours and any(s.way(e) == "<" for e in s.events))
        )

    @cached_property
    def one_way_taps(self) -> frozenset[str]:
        """Taps that show one way of every conversation, and that there was another: what they lack proves nothing."""
        seen = [s for c in self.connections for s in c.sightings]
        both = {s.tap for s in seen if len(s.seen_ways) == 2}
        return frozenset(s.tap for s in seen if s.answered_unseen) - both

    @cached_property
    def _hops(self) -> Mapping[tuple[str, str], frozenset[int]]:
        found: dict[tuple[str, str], set[int]] = {}
        for connection in self.connections:
            for sighting in connection.sightings:
                for mark in sighting.of(TcpMark):
                    count = None if mark.mark == "rst" or mark.flow is None else hops(mark)
                    if count is not None and mark.flow is not None:
                        found.setdefault((sighting.tap, mark.flow.src_ip), set()).add(count)
        return {key: frozenset(counts) for key, counts in found.items()}

    def nearer_by(self, tap: str, mark: TcpMark) -> int | None:
        """How many hops nearer to a tap a segment was sent than anything else of its sender; 0 for as far or farther.

        None where nothing else of the sender was seen there, or no TTL.
        """
        count, others = hops(mark), self._hops.get((tap, mark.flow.src_ip)) if mark.flow else None
        return None if count is None or not others else max(0, min(others) - count)

    def lookups_of(self, domain: str, services: tuple[str, ...] = ("_xmpp-server",)) -> Iterator[Lookup]:
        """SRV questions about one domain, by anybody."""
        for lookup in self._lookups_by_domain.get(domain, ()):
            if lookup.service in services:
                yield lookup
