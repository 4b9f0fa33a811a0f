"""Events of all taps in; the case with its sessions out, and why each thing was joined to which.

One session is one attempt of one domain to reach another. Pure: no I/O, no clock but the events' own, no verdicts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from analyzer.addresses import is_private
from analyzer.connection import Connection, Sighting
from analyzer.conversations import is_payload, lookups, sightings
from analyzer.keys import follow
from analyzer.local import addresses_of, find_local
from analyzer.lookup import Lookup
from analyzer.naming import Directory, directory, is_client_stream, spoken
from analyzer.session import CaseView, Coverage, DialbackKey, Session
from analyzer.stage import Link, digest, end_text
from analyzer.vantage import Joined, applied, join, shifted_lookup
from parsers.events import Damage, Event, Flow, Stanza, StreamHeader, river_key
from parsers.source import FEDERATION_PORTS, Reading, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far apart things may be and still belong together; each with its reason."""

    attempt_ns: int = 60 * 10**9
    """A question or a connection within 60 s after the last one goes on with the same attempt: SYN retries come at
    most 32 s apart (RFC 6298 with 6 retries), DNS retries sooner."""
    callback_ns: int = 120 * 10**9
    """A peer calls back within 120 s of the key: the longest dialback timer known is Prosody's 90 s."""
    trigger_ns: int = 30 * 10**9
    """A client's stanza sets off an attempt within 30 s."""


@dataclass(slots=True)
class _Attempt:
    """A session that is being gathered."""

    initiator: str
    receiver: str
    host: str | None
    lookups: list[Lookup] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    dialbacks: list[DialbackKey] = field(default_factory=list)
    callbacks: list[Connection] = field(default_factory=list)
    callback_lookups: list[Lookup] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    last_ns: int = 0

    @property
    def first_ns(self) -> int:
        """Instant of its first event."""
        return min(
            [k.asked_ns for k in self.lookups]
            + [c.began_ns for c in self.connections]
            + [s.event.at_ns for d in self.dialbacks for s in d.steps]
        )


def correlate(
    events: Mapping[str, Sequence[Event]],
    sources: Sequence[Source],
    readings: Mapping[str, Reading],
    local_domains: Sequence[str] = (),
    ports: Sequence[int] = FEDERATION_PORTS,
    limits: Limits | None = None,
) -> CaseView:
    """The case: `events` by tap, each in order of time; `local_domains` as the user gave them."""
    limits = limits or Limits()
    seen = {tap: sightings(river, tap) for tap, river in events.items()}
    asked = {tap: lookups(river, tap) for tap, river in events.items()}
    joined = join(seen, asked)
    questions = _join_lookups(asked, joined)
    srv_ports = frozenset((*ports, *(r.port for k in questions for r in k.srv if r.port)))
    client_streams = [g[0] for g in joined.groups if is_client_stream(g[0], srv_ports)]
    groups = [g for g in joined.groups if not is_client_stream(g[0], srv_ports)]
    where = directory(groups, client_streams, questions, joined.nat)
    coverage = _coverage(events, sources, readings, joined)
    local, assumed = find_local(local_domains, groups, client_streams, questions, where, coverage)
    home = addresses_of(local, where)
    connections = [_connection(group, where, local, home, coverage) for group in groups]
    keys = follow(connections)
    connections = _with_roles(connections, keys)
    attempts = _attempts(connections, questions, keys, where, local, limits)
    sessions = tuple(
        sorted(
            (_session(a, local, client_streams, limits) for a in attempts),
            key=lambda s: (s.began_ns, s.initiator, s.receiver, s.id),
        )
    )
    damage = [e for river in events.values() for e in river if isinstance(e, Damage)]
    return CaseView(
        sources=tuple(sources),
        readings=readings,
        damage=tuple(sorted(damage, key=river_key)),
        coverage=coverage,
        local_domains=local,
        assumed=assumed,
        sessions=sessions,
        connections=tuple(connections),
        lookups=tuple(questions),
        dialbacks=tuple(keys),
        hosts=where.hosts(),
        nat=joined.nat,
        local_addresses=home,
    )


def _join_lookups(asked: Mapping[str, Sequence[Lookup]], joined: Joined) -> list[Lookup]:
    """One lookup for each question, over all taps that saw it; the tap with most to tell gives its steps."""
    merged: dict[tuple[object, ...], Lookup] = {}
    for tap in sorted(asked):
        for question in asked[tap]:
            lookup = shifted_lookup(question, joined.clocks.get(tap))
            first = lookup.steps[0].event
            key = (lookup.client, lookup.resolver, lookup.name, lookup.rrtype, getattr(first, "txid", 0))
            held = merged.get(key)
            if held is None or abs(held.asked_ns - lookup.asked_ns) > 10**9:
                merged[(*key, lookup.asked_ns) if held else key] = lookup
                continue
            best = max(held, lookup, key=lambda k: (k.answer is not None, len(k.steps)))
            deaf = (*held.unanswered_at, *(t for k in (held, lookup) if k.answer is None for t in k.taps))
            merged[key] = replace(best, taps=(*held.taps, tap), unanswered_at=deaf if best.answer else ())
    return sorted(merged.values(), key=lambda k: (k.asked_ns, k.client, k.name, k.rrtype, k.id))


def _coverage(
    events: Mapping[str, Sequence[Event]],
    sources: Sequence[Source],
    readings: Mapping[str, Reading],
    joined: Joined,
) -> dict[str, Coverage]:
    """What each tap could see, from its readings and the addresses in its events."""
    found = {}
    for tap, river in events.items():
        own = [readings[s.name] for s in sources if (s.tap or s.name) == tap]
        firsts = [r.first_ns for r in own if r.first_ns is not None]
        lasts = [r.last_ns for r in own if r.last_ns is not None]
        if not firsts:
            continue
        clock = joined.clocks.get(tap)
        shift = applied(clock)
        found[tap] = Coverage(
            tap=tap,
            first_ns=min(firsts) - shift,
            last_ns=max(lasts) - shift,
            home=_home(river),
            offset_ns=shift,
            residual_ns=None if clock is None else clock.residual_ns,
            peers=joined.peers.get(tap, frozenset()),
            damaged=any(isinstance(e, Damage) for e in river),
        )
    return found


def _home(river: Iterable[Event]) -> frozenset[str]:
    """Addresses that take part in every conversation and question of a tap."""
    home: frozenset[str] | None = None
    for flow in {e.flow for e in river if isinstance(e.flow, Flow)}:
        ends = frozenset((flow.src_ip, flow.dst_ip))
        home = ends if home is None else home & ends
        if not home:
            break
    return home or frozenset()


def _connection(
    group: Sequence[Sighting],
    where: Directory,
    local: tuple[str, ...],
    home: frozenset[str],
    coverage: Mapping[str, Coverage],
) -> Connection:
    """A connection from its sightings: named, and read from the vantage nearest to the local side."""

    def nearness(sighting: Sighting) -> tuple[bool, bool, int, str]:
        ends = {sighting.client[0], sighting.server[0]}
        at_home = bool(coverage[sighting.tap].home & home & ends) if sighting.tap in coverage else False
        return (at_home, bool(ends & home), len(sighting.stream), sighting.tap)

    ordered = sorted(sorted(group, key=lambda s: s.tap), key=lambda s: nearness(s)[:3], reverse=True)
    primary = ordered[0]
    names, by = max((spoken(s) for s in ordered), key=lambda n: (n[0][0] is not None) + (n[0][1] is not None))
    initiator, receiver = names
    if receiver is None:
        for sighting in ordered:
            receiver = receiver or where.domain_asked(*sighting.server, sighting.client[0], sighting.events[0].at_ns)
        by = "dns" if receiver and by == "nothing" else by
        for sighting in ordered:
            receiver = receiver or where.domain_at(sighting.server[0])
        by = "hosts" if receiver and by == "nothing" else by
    if initiator is None:
        for sighting in ordered:
            initiator = initiator or where.domain_at(sighting.client[0])
        if initiator is None and not home and len(local) == 1 and receiver not in (None, *local):
            initiator = local[0]
        by = "hosts" if initiator and by == "nothing" else by
    if initiator == receiver:
        initiator = None
    return Connection(
        id=digest("connection", end_text(primary.client), end_text(primary.server), str(primary.events[0].at_ns)),
        sightings=tuple(ordered),
        initiator=initiator,
        receiver=receiver,
        named_by=by,
        role="unknown",
    )


def _with_roles(connections: Sequence[Connection], keys: Sequence[DialbackKey]) -> list[Connection]:
    """The connections with the role that each played."""
    verifying = {k.verified_on for k in keys if k.verified_on}
    asking = {k.asked_on for k in keys if k.asked_on}
    found = []
    for c in connections:
        carries = c.id in asking or c.authenticated or bool(c.sasl) or c.first(Stanza, ">") is not None
        verifies = c.id in verifying and not (c.id in asking and c.client_header is None)
        verifies = verifies and any(s.signal == "verify>" for s in c.primary.stream)
        if carries:
            role = "both" if verifies else "stanzas"
        elif verifies:
            role = "verify"
        elif c.accepted and not any(is_payload(e) for e in c.events):
            role = "probe"
        else:
            role = "unknown"
        found.append(replace(c, role=role))
    return found


def _attempts(
    connections: Sequence[Connection],
    questions: Sequence[Lookup],
    keys: Sequence[DialbackKey],
    where: Directory,
    local: tuple[str, ...],
    limits: Limits,
) -> list[_Attempt]:
    """Questions and connections gathered into attempts, in order of time; then callbacks and keys joined to them."""
    attempts: list[_Attempt] = []
    running: dict[tuple[str, str, str], _Attempt] = {}
    targets: dict[tuple[str, str], str] = {}
    happenings: list[tuple[int, int, Lookup | Connection]] = [(k.asked_ns, 0, k) for k in questions]
    happenings += [(c.began_ns, 1, c) for c in connections]
    for at_ns, _, thing in sorted(happenings, key=lambda h: (h[0], h[1], h[2].id)):
        if isinstance(thing, Lookup):
            found = _asks_about(thing, where, local, targets)
        elif thing.initiator and thing.receiver and thing.role not in ("probe", "verify"):
            found = (thing.initiator, thing.receiver, _host(thing.client[0], where))
        else:
            found = None
        if found is None:
            continue
        attempt = running.get(found)
        if attempt is None or _is_over(attempt, at_ns, limits):
            attempt = running[found] = _Attempt(found[0], found[1], found[2])
            attempts.append(attempt)
        if isinstance(thing, Lookup):
            attempt.lookups.append(thing)
            attempt.last_ns = max(attempt.last_ns, *(s.event.at_ns for s in thing.steps))
        else:
            attempt.connections.append(thing)
            attempt.links += _dns_links(attempt, thing)
            attempt.last_ns = max(attempt.last_ns, thing.ended_ns)
    return _with_callbacks(attempts, connections, keys, limits)


def _host(address: str, where: Directory) -> str:
    """One address for one host: of its translated addresses the first in order, private ones before."""
    translated = sorted((address, *where.nat.get(address, ())))
    return next((a for a in translated if is_private(a)), translated[0])


def _asks_about(
    lookup: Lookup, where: Directory, local: tuple[str, ...], targets: dict[tuple[str, str], str]
) -> tuple[str, str, str] | None:
    """Initiator, receiver and host of the attempt that a question belongs to; None when it is nobody's attempt."""
    host = _host(lookup.client, where)
    if lookup.service in ("_xmpp-server", "_xmpps-server"):
        receiver = lookup.domain
        targets.setdefault((host, receiver), receiver)
        for record in lookup.srv:
            targets[(host, record.data)] = receiver
    else:
        receiver = targets.get((host, lookup.name), "")
        for record in lookup.records:
            if receiver and record.rrtype == "CNAME":
                targets[(host, record.data)] = receiver
    if not receiver:
        return None
    initiator = where.domain_at(lookup.client)
    if initiator is None and len(local) == 1 and not addresses_of(local, where):
        # Nothing tells who lives there: who asks for another's federation service is taken for the local server.
        initiator = local[0]
    if initiator is None or initiator == receiver:
        return None
    return (initiator, receiver, host)


def _is_over(attempt: _Attempt, at_ns: int, limits: Limits) -> bool:
    """Whether an attempt has ended before this thing: it got through, or it has been quiet too long."""
    if at_ns - attempt.last_ns > limits.attempt_ns:
        return True
    opened = [c for c in attempt.connections if c.accepted]
    if not opened:
        return False
    # Connections tried side by side belong to one attempt; one after an opened one begins another.
    return at_ns > opened[-1].began_ns


def _dns_links(attempt: _Attempt, connection: Connection) -> list[Link]:
    """The questions whose answers led to a connection."""
    address = connection.server[0]
    return [
        Link(
            kind="dns → flow",
            a=lookup.id,
            b=connection.id,
            because=f"{lookup.rrtype} {lookup.name} gave {address}",
            strength="exact",
        )
        for lookup in attempt.lookups
        if address in {r.data for r in lookup.records if r.rrtype in ("A", "AAAA")}
    ]


def _with_callbacks(
    attempts: list[_Attempt], connections: Sequence[Connection], keys: Sequence[DialbackKey], limits: Limits
) -> list[_Attempt]:
    """Keys joined to their attempts, and the connections by which they were verified; keys that nobody was seen to
    send become attempts of their own.
    """
    by_connection = {c.id: a for a in attempts for c in a.connections}
    everything = {c.id: c for c in connections}
    for key in keys:
        attempt = by_connection.get(key.asked_on or "")
        if attempt is None:
            attempt = _Attempt(key.sender_domain, key.target_domain, None)
            attempts.append(attempt)
        attempt.dialbacks.append(key)
        callback = everything.get(key.verified_on or "")
        if (
            callback is not None
            and callback not in attempt.callbacks
            and callback.id not in {c.id for c in attempt.connections}
        ):
            attempt.callbacks.append(callback)
            attempt.links.append(
                Link(
                    kind="callback → stream",
                    a=callback.id,
                    b=key.asked_on or "",
                    because=f"verifies the key of {key.sender_domain} for stream {key.stream_id}",
                    strength="exact",
                )
            )
    _tried_callbacks(attempts, limits)
    return [a for a in attempts if not _only_calls_back(a, attempts)]


def _tried_callbacks(attempts: list[_Attempt], limits: Limits) -> None:
    """Connections of the receiver that never came to a word, while a key of the initiator waited: likely callbacks."""
    reverse: dict[tuple[str, str], list[_Attempt]] = defaultdict(list)
    for attempt in attempts:
        reverse[(attempt.receiver, attempt.initiator)].append(attempt)
    for attempt in attempts:
        for key in attempt.dialbacks:
            if key.request is None or key.verify is not None:
                continue
            sent_ns = key.request.at_ns
            for other in reverse[(attempt.initiator, attempt.receiver)]:
                tried = [
                    c
                    for c in other.connections
                    if c.role == "unknown" and sent_ns <= c.began_ns <= sent_ns + limits.callback_ns
                ]
                asked = [k for k in other.lookups if sent_ns <= k.asked_ns <= sent_ns + limits.callback_ns]
                for connection in tried:
                    if connection not in attempt.callbacks:
                        attempt.callbacks.append(connection)
                        attempt.links.append(
                            Link(
                                kind="callback → stream",
                                a=connection.id,
                                b=key.asked_on or "",
                                because=f"{attempt.receiver} tried it while the key of {attempt.initiator} waited",
                                strength="likely",
                            )
                        )
                attempt.callback_lookups += [k for k in asked if k not in attempt.callback_lookups]


def _only_calls_back(attempt: _Attempt, attempts: Sequence[_Attempt]) -> bool:
    """Whether an attempt is nothing but the questions that came before a callback of another; they move there."""
    if attempt.connections or not attempt.lookups:
        return False
    for other in attempts:
        if (other.initiator, other.receiver) != (attempt.receiver, attempt.initiator):
            continue
        for key in other.dialbacks:
            sent_ns = key.request.at_ns if key.request is not None else None
            if key.verify is None or sent_ns is None:
                continue
            if all(sent_ns <= k.asked_ns <= key.verify.at_ns for k in attempt.lookups):
                other.callback_lookups += [k for k in attempt.lookups if k not in other.callback_lookups]
                return True
    return False


def _session(attempt: _Attempt, local: tuple[str, ...], client_streams: Sequence[Sighting], limits: Limits) -> Session:
    """The frozen session of an attempt."""
    began = attempt.first_ns
    ours, theirs = attempt.initiator in local, attempt.receiver in local
    return Session(
        id=digest("session", attempt.initiator, attempt.receiver, attempt.host or "", str(began)),
        initiator=attempt.initiator,
        receiver=attempt.receiver,
        direction="outbound" if ours else "inbound" if theirs else "external" if local else "unknown",
        host=attempt.host,
        lookups=tuple(attempt.lookups),
        connections=tuple(attempt.connections),
        dialbacks=tuple(attempt.dialbacks),
        callbacks=tuple(attempt.callbacks),
        callback_lookups=tuple(attempt.callback_lookups),
        trigger=_trigger(attempt, began, client_streams, limits),
        links=tuple(attempt.links),
    )


def _trigger(attempt: _Attempt, began: int, client_streams: Sequence[Sighting], limits: Limits) -> Stanza | None:
    """The client's stanza to the receiver's users that came last before the attempt; a subscription before others."""
    found: list[tuple[bool, int, Stanza]] = []
    for sighting in client_streams:
        header = next(sighting.of(StreamHeader, ">"), None)
        if header is None or header.to_domain != attempt.initiator:
            continue
        for stanza in sighting.of(Stanza, ">"):
            if stanza.to_domain == attempt.receiver and began - limits.trigger_ns <= stanza.at_ns <= began:
                found.append((stanza.type == "subscribe", stanza.at_ns, stanza))
    return max(found, key=lambda f: f[:2])[2] if found else None
