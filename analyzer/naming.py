"""Which domain each end of a conversation speaks for, and at which addresses each domain lives.

A stream header says it outright, then dialback; an address that DNS published for a domain, or that spoke for it
elsewhere, says it for conversations that never came to a header. Says how it knows; knows no session and no rule.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from analyzer.cached import cached_property
from analyzer.lookup import Lookup
from analyzer.machines.dialback import domains
from analyzer.sighting import Sighting
from analyzer.stage import is_told
from parsers.events import Dialback, Said, Stanza, StreamEnd, StreamHeader

Names = tuple[str | None, str | None]
"""Initiator and receiver."""

CLIENT_PORTS = (5222, 5223)
"""Where clients are served: xmpp-client as registered (RFC 6120 section 14.7), and under TLS from the first byte on."""
LOOKUP_LIVES_NS = 3600 * 10**9
"""A lookup explains a connection for an hour at most: common SRV records live about as long in caches."""


def spoken(sighting: Sighting) -> tuple[Names, str]:
    """Initiator and receiver as the wire names them, and where: "stream header", "dialback", "log" or "nothing"."""
    initiator = receiver = None
    by = "nothing"
    for header in sighting.of(StreamHeader):
        mine, theirs = (
            (header.from_domain, header.to_domain)
            if sighting.way(header) == ">"
            else (header.to_domain, header.from_domain)
        )
        initiator, receiver = initiator or mine, receiver or theirs
    if initiator and receiver:
        return (initiator, receiver), "stream header"
    if initiator or receiver:
        by = "stream header"
    for dialback in sighting.of(Dialback):
        request = sighting.way(dialback) == ">" if dialback.verdict is None else sighting.way(dialback) == "<"
        if not request:
            continue
        sender, target = domains(dialback)
        mine, theirs = (sender, target) if dialback.word == "result" else (target, sender)
        if (initiator is None and mine) or (receiver is None and theirs):
            by = "dialback" if by == "nothing" else by
        initiator, receiver = initiator or mine, receiver or theirs
    for said in sighting.of(Said):
        if by == "nothing" and said.from_domain and said.to_domain:
            return (said.from_domain, said.to_domain), "log"
    for stanza in sighting.of(Stanza, ">"):
        if by == "nothing" and stanza.from_domain and stanza.to_domain:
            return (stanza.from_domain, stanza.to_domain), "stanza"
    return (initiator, receiver), by


def is_client_stream(sighting: Sighting, ports: frozenset[int]) -> bool:
    """Whether a client's stream, not a server's: the content namespace says so, and the port is none of federation.

    Of a stream whose header was not captured the port says it.
    """
    header = next(sighting.of(StreamHeader), None)
    if header is None:
        spoken_on = any(next(sighting.of(kind), None) is not None for kind in (StreamEnd, Stanza))
        clients = spoken_on and sighting.server[1] in CLIENT_PORTS
    else:
        clients = header.namespace == "jabber:client"
    return clients and sighting.server[1] not in ports


@dataclass
class Directory:
    """Who lives where: built once from all that was seen, then asked."""

    spoke: dict[str, Counter[str]]
    """Address → domains that spoke from it or were spoken to at it, with counts."""
    claimed: dict[str, Counter[str]]
    """Address → domains that it said to be and was refused: a name that may not be its own."""
    published: dict[tuple[str, int], dict[str, list[tuple[int, str]]]]
    """(address, port) → domain → (instant, who asked) of the lookups that led there."""
    nat: Mapping[str, frozenset[str]]
    """Address → the same host's other addresses."""
    tellers: Mapping[str, str] = field(default_factory=dict)
    """Log → the domain whose server wrote it: it stands for the address of who asks where the log names none."""

    def knowing(self, answered: Mapping[tuple[str, str], int]) -> Directory:
        """The same, and that these addresses answered as these domains, so often each."""
        if not answered:
            return self
        spoke = defaultdict(Counter, {address: Counter(domains) for address, domains in self.spoke.items()})
        for (address, domain), often in answered.items():
            spoke[address][domain] += often
        return replace(self, spoke=spoke)

    def domain_at(self, address: str) -> str | None:
        """The one domain that lives at an address; None when none is known, or several are."""
        if address not in self._told_of:
            self._told_of[address] = self._one_at(address)
        return self._told_of[address]

    @cached_property
    def _told_of(self) -> dict[str, str | None]:
        """What `domain_at` has answered: each address is asked for with every question and conversation of it."""
        return {}

    def _one_at(self, address: str) -> str | None:
        if address in self.tellers:
            return self.tellers[address]
        found: Counter[str] = Counter()
        for one in (address, *self.nat.get(address, ())):
            found += self.spoke.get(one, Counter())
        if not found:
            same = (address, *self.nat.get(address, ()))
            names = self._published_at.get(address) or {name for one in same for name in self.claimed.get(one, ())}
            return next(iter(names)) if len(names) == 1 else None
        best = found.most_common(2)
        return best[0][0] if len(best) == 1 or best[0][1] > best[1][1] else None

    @cached_property
    def _published_at(self) -> Mapping[str, set[str]]:
        """Address → domains that DNS leads there for."""
        found: dict[str, set[str]] = defaultdict(set)
        for (address, _), there in self.published.items():
            found[address].update(there)
        return found

    @cached_property
    def _speaks_at(self) -> Mapping[str, set[str]]:
        """Domain → addresses from which it spoke, or at which it was spoken to."""
        return _turned(self.spoke)

    @cached_property
    def _claims_at(self) -> Mapping[str, set[str]]:
        """Domain → addresses that said to be it and were refused."""
        return _turned(self.claimed)

    def addresses_of(self, domains: Sequence[str]) -> frozenset[str]:
        """Addresses of the hosts that speak for these domains, translated ones included."""
        found = {a for d in domains for a in self._speaks_at.get(d, ())}
        found = found or {a for d in domains for a in self._claims_at.get(d, ())}
        # A host that others' names live at as often is not theirs: a claimed name must not move the local side.
        found = {a for a in found if self.domain_at(a) in domains}
        return frozenset(found | {other for a in found for other in self.nat.get(a, ())})

    def domain_asked(self, address: str, port: int, client: str, at_ns: int) -> str | None:
        """The domain whose lookup led to an end: the client's own latest before that instant, else anybody's."""
        candidates = []
        for domain, lookups in self.published.get((address, port), {}).items():
            for asked_ns, asker in lookups:
                if asked_ns <= at_ns and at_ns - asked_ns <= LOOKUP_LIVES_NS:
                    own = asker == client or client in self.nat.get(asker, ())
                    candidates.append((own, asked_ns, domain))
        if not candidates:
            return None
        own, _, domain = max(candidates)
        rivals = {d for o, t, d in candidates if o == own and d != domain}
        # Another client's lookups name the end only when they agree.
        return domain if own or not rivals else None

    def hosts(self) -> dict[str, frozenset[str]]:
        """Addresses by domain."""
        found = _turned(self.spoke)
        for (address, _), there in self.published.items():
            for domain in there:
                found[domain].add(address)
        return {domain: frozenset(addresses) for domain, addresses in found.items()}


def _turned(domains_at: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Domain → addresses, from address → domains."""
    found: dict[str, set[str]] = defaultdict(set)
    for address, domains_there in domains_at.items():
        for domain in domains_there:
            found[domain].add(address)
    return found


def directory(
    groups: Iterable[Sequence[Sighting]],
    client_streams: Iterable[Sighting],
    lookups: Iterable[Lookup],
    nat: Mapping[str, frozenset[str]],
    tellers: Mapping[str, str] | None = None,
) -> Directory:
    """Who lives where, from headers, clients' streams and DNS."""
    spoke: dict[str, Counter[str]] = defaultdict(Counter)
    claimed: dict[str, Counter[str]] = defaultdict(Counter)
    for group in groups:
        for sighting in group:
            (initiator, receiver), _ = spoken(sighting)
            if initiator and is_told(sighting.client[0]):
                refused = any(step.after in ("AUTH_REFUSED", "ERRORED") for step in sighting.stream)
                (claimed if refused else spoke)[sighting.client[0]][initiator] += 1
            answered = next(sighting.of(StreamHeader, "<"), None) is not None or sighting.told_authed
            if receiver and is_told(sighting.server[0]) and answered:
                spoke[sighting.server[0]][receiver] += 1
    for sighting in client_streams:
        header = next(sighting.of(StreamHeader, ">"), None)
        # Whoever was refused under a name may well have users who believe it.
        served_at = sighting.server[0]
        if (
            header is not None
            and header.to_domain
            and is_told(served_at)
            and header.to_domain not in claimed[served_at]
        ):
            spoke[sighting.server[0]][header.to_domain] += 1
    return Directory(spoke=spoke, claimed=claimed, published=_published(lookups), nat=nat, tellers=tellers or {})


def _published(lookups: Iterable[Lookup]) -> dict[tuple[str, int], dict[str, list[tuple[int, str]]]]:
    """(address, port) → domain → (instant, who asked), along SRV, CNAME and address answers (RFC 2782)."""
    addresses: dict[str, set[str]] = defaultdict(set)
    aliases: dict[str, set[str]] = defaultdict(set)
    srv: list[tuple[Lookup, str, str, int]] = []
    plain: list[Lookup] = []
    asked_for: set[str] = set()
    for lookup in lookups:
        chained = False
        for record in lookup.records:
            if record.rrtype == "CNAME":
                chained = True
                aliases[record.name].add(record.data)
            elif record.rrtype in ("A", "AAAA"):
                addresses[record.name].add(record.data)
                if record.section == "answer" and (chained or record.name != lookup.name):
                    addresses[lookup.name].add(record.data)
        if lookup.service in ("_xmpp-server", "_xmpps-server"):
            srv += [(lookup, lookup.domain, r.data, r.port or 0) for r in lookup.srv if r.data != "."]
            asked_for.add(lookup.domain)
        elif lookup.service is None:
            plain.append(lookup)
    found: dict[tuple[str, int], dict[str, list[tuple[int, str]]]] = defaultdict(lambda: defaultdict(list))
    for lookup, domain, target, port in srv:
        for address in _behind(target, addresses, aliases):
            found[(address, port)][domain].append((lookup.asked_ns, lookup.client))
    for lookup in plain:
        # The address of the domain itself, on the registered port: RFC 6120 section 3.2.2.
        if lookup.name in asked_for:
            for address in _behind(lookup.name, addresses, aliases):
                found[(address, 5269)][lookup.name].append((lookup.asked_ns, lookup.client))
    return found


def _behind(name: str, addresses: Mapping[str, set[str]], aliases: Mapping[str, set[str]]) -> set[str]:
    """Addresses of a name and of all that it is an alias of, each name once: aliases may form a loop."""
    names = [name]
    for one in names:  # grows while it is walked
        names += sorted(aliases.get(one, set()).difference(names))
    return {address for one in names for address in addresses.get(one, ())}
