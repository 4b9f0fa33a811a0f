"""Events of all taps in; the case with its sessions out, and why each thing was joined to which.

One session is one attempt of one domain to reach another. Pure: no I/O, no clock but the events' own, no verdicts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from analyzer import firewall
from analyzer.addresses import is_private
from analyzer.attempt import Attempt, Limits
from analyzer.attempts import gather
from analyzer.clocks import clocks_of, shifted
from analyzer.connection import Connection
from analyzer.conversations import is_payload, lookups, sightings
from analyzer.keys import follow
from analyzer.local import find_local
from analyzer.logs import attached, of_local, with_outcomes
from analyzer.lookup import Lookup
from analyzer.naming import Directory, directory, is_client_stream, spoken
from analyzer.questions import one_each
from analyzer.session import DialbackKey, Session
from analyzer.sighting import Sighting
from analyzer.stage import digest, end_text
from analyzer.threads import threads
from analyzer.vantage import Joined, applied, join
from analyzer.view import CaseView, Coverage
from parsers.events import Damage, Event, Probe, Said, Setting, Stanza, river_key
from parsers.names import domain
from parsers.source import FEDERATION_PORTS, Reading, Source


def correlate(
    events: Mapping[str, Sequence[Event]],
    sources: Sequence[Source],
    readings: Mapping[str, Reading],
    local_domains: Sequence[str] = (),
    ports: Sequence[int] = FEDERATION_PORTS,
    limits: Limits | None = None,
    proved: Mapping[tuple[str, str], int] | None = None,
    elsewhere: str | None = None,
) -> CaseView:
    """The case: `events` by tap, each in order of time; `local_domains` as the user gave them.

    `proved` tells by address and domain how often it was seen elsewhere that the one speaks for the other;
    `elsewhere` is the local domain as all of a case shows it, where this is a part.
    """
    limits = limits or Limits()
    read: dict[str, list[Reading]] = defaultdict(list)
    for source in sources:
        if source.name in readings:
            read[source.tap or source.name].append(readings[source.name])
    logs = {tap: river for tap, river in events.items() if is_log(river, read[tap])}
    captures = {tap: river for tap, river in events.items() if tap not in logs}
    seen = {tap: sightings(river, tap) for tap, river in captures.items()}
    asked = {tap: lookups(river, tap) for tap, river in captures.items()}
    unclocked = firewall.lines_of(logs)
    joined = join(seen, asked, firewall.translations(unclocked), firewall.same_ends(unclocked))
    questions = one_each(asked, joined)
    clocks = clocks_of(logs, joined.groups, questions)
    rivers = {tap: shifted(river, clocks.get(tap)) for tap, river in logs.items()}
    threads_told = [thread for tap in sorted(rivers) for thread in with_outcomes(threads(rivers[tap], tap))]
    lines = firewall.lines_of(rivers)
    if logs:
        asked |= {tap: lookups(river, tap) for tap, river in rivers.items()}
        questions = one_each(asked, joined)
    srv_ports = frozenset((*ports, *(r.port for k in questions for r in k.srv if r.port)))
    client_streams, groups = [], []
    for group in joined.groups:
        if is_client_stream(group[0], srv_ports):
            client_streams.append(group[0])
        else:
            groups.append(group)
    told_groups = [(t.sighting,) for t in threads_told if not t.is_clients]
    nat = {**firewall.hosts(lines), **joined.nat}
    # Where there are captures, they show who asked, and a log's questions would be told twice.
    tellers = {} if captures else {t.tap: t.teller for t in threads_told if t.teller}
    where = directory([*groups, *told_groups], client_streams, questions, nat, tellers)
    where = where.knowing(proved) if proved else where
    coverage = _coverage(captures, read, joined)
    local, assumed = find_local(
        local_domains,
        [*groups, *told_groups],
        client_streams,
        questions,
        where,
        coverage,
        {t.teller for t in threads_told if t.teller} | {domain(s.vantage) for s in sources if s.vantage},
        elsewhere,
    )
    others = {s.tap or s.name for s in sources if s.vantage and domain(s.vantage) not in local}
    threads_told, ours = of_local(threads_told, local, others)
    assumed += tuple(f"{tap}: written by the server of {local[0]}, since it names no other" for tap in ours)
    home = where.addresses_of(local)
    connections = [_connection(group, where, local, home, coverage) for group in groups]
    connections = _named_by_elimination(connections, questions, where, local)
    told = attached(connections, threads_told, local)
    known = {c.id for c in told.connections}
    connections = firewall.attached(told.connections, lines)
    # What only a firewall tells of is named by who lives at its ends; its other lines say more of where that is.
    where = where.knowing(Counter(firewall.answering(c for c in connections if c.id in known)))
    tried = {ends: t for t in threads_told if t.initiator and t.receiver for ends in t.tried}
    connections = [c if c.id in known else firewall.named(c, where, local, home, tried) for c in connections]
    keys = follow(connections)
    connections = _with_roles(connections, keys)
    streams = [*client_streams, *told.clients]
    attempts = gather(connections, questions, keys, streams, where, coverage, local, limits, told.loose)
    sessions = _sessions(attempts, local)
    loose = _of((Damage, Probe, Setting, Said), (*captures.values(), *rivers.values()))
    held = {e.where for t in threads_told for e in t.said}
    return CaseView(
        sources=tuple(sources),
        readings=readings,
        damage=tuple(e for e in loose if isinstance(e, Damage)),
        coverage=coverage,
        local_domains=local,
        assumed=assumed,
        sessions=sessions,
        connections=tuple(connections),
        lookups=tuple(questions),
        dialbacks=tuple(keys),
        hosts=where.hosts(),
        nat=nat,
        local_addresses=home,
        clocks={tap: (clock.offset_ns, clock.residual_ns) for tap, clock in clocks.items()},
        firewall=tuple(lines),
        probes=tuple(e for e in loose if isinstance(e, Probe)),
        settings=tuple(e for e in loose if isinstance(e, Setting)),
        said=tuple(e for e in loose if isinstance(e, Said) and e.where not in held),
        unnamed=told.unnamed,
    )


def is_log(river: Sequence[Event], read: Sequence[Reading]) -> bool:
    """Whether a tap's events are of a log or a transcript: they have lines, and a capture's have frames.

    Where there are none, `read` of its inputs tells: a log that says nothing of federation covers nothing.
    """
    if not river:
        return bool(read) and all(reading.frames is None for reading in read)
    return all(e.where.frame is None for e in river) and any(e.where.line is not None for e in river)


def _of(kinds: tuple[type[Event], ...], rivers: Iterable[Sequence[Event]]) -> list[Event]:
    """The events of some classes, in order."""
    return sorted((e for river in rivers for e in river if isinstance(e, kinds)), key=river_key)


def _coverage(
    events: Mapping[str, Sequence[Event]], read: Mapping[str, Sequence[Reading]], joined: Joined
) -> dict[str, Coverage]:
    """What each tap could see, from its readings and the addresses in its events."""
    found = {}
    for tap, river in events.items():
        own = read.get(tap, ())
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
            damaged=any(isinstance(e, Damage) and e.flow is None for e in river),
        )
    return found


def _home(river: Iterable[Event]) -> frozenset[str]:
    """Addresses that take part in every conversation and question of a tap."""
    home: frozenset[str] | None = None
    for event in river:
        flow = event.flow
        if flow is None or (home is not None and flow.src_ip in home and flow.dst_ip in home):
            continue
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


def _named_by_elimination(
    connections: list[Connection], questions: Sequence[Lookup], where: Directory, local: tuple[str, ...]
) -> list[Connection]:
    """Callers from outside whom our server never let say their name, taken for the one other domain in view.

    Only where our server's port was open to nobody: what is said of it then holds for every caller.
    """
    spoken_of = {d for c in connections for d in (c.initiator, c.receiver) if d}
    spoken_of |= {k.domain for k in questions if k.service == "_xmpp-server"}
    others = spoken_of - set(local)
    if len(others) != 1 or where.hosts().get(next(iter(others))):
        # Where the other domain lives is known, and these callers come from elsewhere.
        return connections
    (other,) = others
    open_ends = {c.server for c in connections if c.accepted}
    return [
        replace(c, initiator=other, named_by="elimination")
        if c.initiator is None
        and c.receiver in local
        and not c.accepted
        and c.server not in open_ends
        and not is_private(c.client[0])
        else c
        for c in connections
    ]


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


def _sessions(attempts: Iterable[Attempt], local: tuple[str, ...]) -> tuple[Session, ...]:
    """The sessions in order of time, each with an id of its own: a log of whole seconds lets two begin at once."""
    found: list[Session] = []
    taken: Counter[str] = Counter()
    for session in sorted(
        (_session(a, local) for a in attempts), key=lambda s: (s.began_ns, s.initiator, s.receiver, s.id)
    ):
        taken[session.id] += 1
        count = taken[session.id]
        found.append(session if count == 1 else replace(session, id=digest("session", session.id, str(count))))
    return tuple(found)


def _session(attempt: Attempt, local: tuple[str, ...]) -> Session:
    """The frozen session of an attempt."""
    began = attempt.first_ns
    ours, theirs = attempt.initiator in local, attempt.receiver in local
    return Session(
        id=digest("session", attempt.initiator, attempt.receiver, attempt.host or "", str(began)),
        initiator=attempt.initiator,
        receiver=attempt.receiver,
        direction="outbound" if ours else "inbound" if theirs else "external" if local else "unknown",
        host=attempt.host or None,
        lookups=tuple(attempt.lookups),
        connections=tuple(attempt.connections),
        dialbacks=tuple(attempt.dialbacks),
        callbacks=tuple(attempt.callbacks),
        callback_lookups=tuple(attempt.callback_lookups),
        trigger=attempt.trigger,
        bounce=attempt.bounce,
        awaited=attempt.awaited,
        links=tuple(attempt.links),
        tries=tuple(attempt.tries),
    )
