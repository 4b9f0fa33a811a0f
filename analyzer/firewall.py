"""What firewalls say of conversations: which they let through, which they refused, and as what they translated them.

Lines are joined to conversations by their ends, real or translated, and by time.
Knows the vocabulary of firewall events, no vendor's message and no verdict.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from analyzer.connection import Connection
from analyzer.naming import Directory
from analyzer.sighting import Sighting
from analyzer.stage import End, digest, end_text, is_told
from analyzer.threads import Thread
from analyzer.vantage import SAME_MOMENT_NS
from parsers.events import Event, FirewallLog, Flow, StreamHeader

AROUND_NS = 5 * 10**9
"""A line belongs to a conversation that was seen within 5 s of it: firewalls log at once, relays are a little late."""
SAME_REFUSAL_NS = 60 * 10**9
"""Refusals of the same four ends within a minute are one attempt: a SYN is sent again at most 32 s later."""
LAST = 32
"""Conversations of the same ends that a line is held against, of those that had begun by then."""
RECENT = 4
"""Conversations of the same four ends among which a line looks for its own: ports are taken again after minutes."""

Ends = tuple[End, End]


def ends_of(flow: Flow | None) -> Ends | None:
    """Client and server of a flow as a firewall tells it; None where a port is missing."""
    if flow is None or not flow.src_port or not flow.dst_port:
        return None
    return (flow.src_ip, flow.src_port), (flow.dst_ip, flow.dst_port)


def lines_of(rivers: Mapping[str, Sequence[Event]]) -> list[FirewallLog]:
    """All lines of firewalls, in order of time."""
    found = [e for river in rivers.values() for e in river if isinstance(e, FirewallLog)]
    return sorted(found, key=lambda e: (e.at_ns, e.where.source, e.where.line or 0))


def translations(lines: Iterable[FirewallLog]) -> dict[tuple[str, str], dict[str, frozenset[str]]]:
    """(seen inside, seen outside) → address → the addresses that it is translated to, and back."""
    out: dict[str, set[str]] = defaultdict(set)
    back: dict[str, set[str]] = defaultdict(set)
    for inside, outside in _pairs(lines):
        out[inside].add(outside)
        back[outside].add(inside)
    if not out:
        return {}
    inside_out, outside_in = ("real", "mapped"), ("mapped", "real")
    return {
        inside_out: {a: frozenset(b) for a, b in out.items()},
        outside_in: {a: frozenset(b) for a, b in back.items()},
    }


def hosts(lines: Iterable[FirewallLog]) -> dict[str, frozenset[str]]:
    """Address → the one other address of the same host, as the firewall's own words pair them.

    An address that stands for several hosts is nobody's.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for inside, outside in _pairs(lines):
        found[inside].add(outside)
        found[outside].add(inside)
    return {
        one: frozenset(others)
        for one, others in found.items()
        if len(others) == 1 and all(len(found[other]) == 1 for other in others)
    }


def _pairs(lines: Iterable[FirewallLog]) -> Iterator[tuple[str, str]]:
    """Addresses before and after translation."""
    for line in lines:
        real, mapped = line.real, line.mapped
        if real is None or mapped is None or line.action == "deny":
            continue
        for inside, outside in ((real.src_ip, mapped.src_ip), (real.dst_ip, mapped.dst_ip)):
            if inside and outside and inside != outside:
                yield inside, outside


def attached(connections: Sequence[Connection], lines: Sequence[FirewallLog]) -> list[Connection]:
    """The connections with the lines that speak of each, and connections of which only a firewall tells."""
    if not lines:
        return list(connections)
    at: dict[Ends, list[int]] = defaultdict(list)
    by_client: dict[tuple[End, int], list[int]] = defaultdict(list)
    for index, connection in enumerate(connections):
        for sighting in connection.sightings:
            at[(sighting.client, sighting.server)].append(index)
            by_client[(sighting.client, sighting.server[1])].append(index)
    by_log = _told_by_logs(connections)

    def began_ns(place: int) -> int:
        return connections[place].began_ns

    for places in (*at.values(), *by_client.values(), *by_log.values()):
        places.sort(key=began_ns)
    place: int | None
    held: dict[int, list[FirewallLog]] = defaultdict(list)
    loose: dict[Ends, list[FirewallLog]] = defaultdict(list)
    numbers: dict[tuple[str, str], int] = {}
    until: dict[int, int] = {}

    def near(places: Sequence[int], line: FirewallLog) -> Iterator[int]:
        """Of these conversations, in order of time, those that a line can be about; of many the last ones."""
        end = bisect_right(places, line.at_ns + AROUND_NS + line.width_ns, key=began_ns)
        last = places[max(end - LAST, 0) : end]
        return (i for i in last if _is_near(connections[i], line, until.get(i, 0)))

    for line in lines:
        known = [ends for flow in (line.real, line.mapped) if (ends := ends_of(flow)) is not None]
        if not known or (line.real is not None and line.real.proto != "tcp"):
            continue
        number = (line.where.source, line.connection or "")
        place = next((i for ends in known for i in near(at.get(ends, ()), line)), None)
        if place is None and line.action == "deny":
            # The same client, and another spelling of the same server: refused before it was translated.
            around = (by_client.get((client, server[1]), ()) for client, server in known)
            place = next((i for places in around for i in near(places, line)), None)
        if place is None:
            told = (i for ends in known for i in near(by_log.get(ends[0], ()), line))
            place = next((i for i in told if _fits(connections[i], known)), None)
        if place is None and line.connection:
            place = numbers.get(number)
        if place is None:
            loose[known[0]].append(line)
            continue
        if line.connection:
            numbers[number] = place
        held[place].append(line)
        until[place] = line.at_ns
        if line.action == "built":
            for ends in known:  # a later line may name the other side of the translation alone
                if place not in at[ends]:
                    insort(at[ends], place, key=began_ns)
    joined = [_with(c, held[i]) if i in held else c for i, c in enumerate(connections)]
    return joined + [_alone(ends, part) for ends, found in sorted(loose.items()) for part in _attempts(found)]


def _told_by_logs(connections: Sequence[Connection]) -> Mapping[End, list[int]]:
    """Conversations of which only servers' logs tell, by the client that one of these names."""
    found: dict[End, list[int]] = defaultdict(list)
    for index, connection in enumerate(connections):
        if not connection.captured:
            for sighting in connection.sightings:
                if is_told(sighting.client[0]) and sighting.client[1]:
                    found[sighting.client].append(index)
    return found


def _fits(connection: Connection, known: Sequence[Ends]) -> bool:
    """Whether one of these servers can be that of a conversation, as far as logs name it."""
    told = {s.server[0] for s in connection.sightings if is_told(s.server[0])}
    return not told or any(server[0] in told for _, server in known)


def _with(connection: Connection, lines: Sequence[FirewallLog]) -> Connection:
    """A conversation with the lines about it; where no capture has, the firewall has seen its ends."""
    sightings = connection.sightings
    if not connection.captured:
        ends = next((ends for line in lines if (ends := ends_of(line.real)) is not None), None)
        if ends is not None and all((s.client, s.server) != ends for s in sightings):
            sightings = (*sightings, _sighting(ends, lines))
    return replace(connection, sightings=sightings, firewall=tuple(lines))


def _is_near(connection: Connection, line: FirewallLog, until_ns: int) -> bool:
    """Whether a line can be about a conversation, by time; a teardown may come long after its last packet, and what the
    firewall says of it next is near to that, `until_ns`.
    """
    slack = AROUND_NS + line.width_ns
    if line.action == "teardown":
        return line.at_ns + slack >= connection.began_ns
    return connection.began_ns - slack <= line.at_ns <= max(connection.ended_ns, until_ns) + slack


def _attempts(lines: Sequence[FirewallLog]) -> list[list[FirewallLog]]:
    """Lines of the same ends as conversations: one for each that was built, refusals of one minute together."""
    found: list[list[FirewallLog]] = []
    for line in lines:
        part = next((p for p in reversed(found[-RECENT:]) if _goes_on(p, line)), None)
        if part is not None:
            part.append(line)
        else:
            found.append([line])
    return found


def _goes_on(part: Sequence[FirewallLog], line: FirewallLog) -> bool:
    """Whether a line tells on of a conversation that others have told of."""
    last = next((other for other in reversed(part) if other.where.source == line.where.source), None)
    if last is None:
        # Two firewalls, or two logs of one, saw it begin at once.
        return line.at_ns - part[0].at_ns <= AROUND_NS + line.width_ns
    return (
        line.action != "built"
        and line.connection == last.connection
        and (line.action == "teardown" or line.at_ns - last.at_ns <= SAME_REFUSAL_NS)
    )


def _alone(ends: Ends, lines: Sequence[FirewallLog]) -> Connection:
    """A conversation of which only a firewall tells."""
    return Connection(
        id=digest("firewall", *map(end_text, ends), str(lines[0].at_ns)),
        sightings=(_sighting(ends, lines),),
        initiator=None,
        receiver=None,
        named_by="nothing",
        role="unknown",
        firewall=tuple(lines),
    )


def _sighting(ends: Ends, lines: Sequence[FirewallLog]) -> Sighting:
    """What a firewall saw of a conversation."""
    client, server = ends
    flow = Flow(src_ip=client[0], src_port=client[1], dst_ip=server[0], dst_port=server[1])
    events = tuple(replace(line, flow=flow) for line in lines)
    source = lines[0].where.source
    return Sighting(source=source, tap=source, client=client, server=server, events=events, flow=(), stream=())


def between(lines: Sequence[FirewallLog], first_ns: int, last_ns: int) -> Sequence[FirewallLog]:
    """The lines of a span of time, both ends included; `lines` in order of time."""
    return lines[
        bisect_left(lines, first_ns, key=lambda e: e.at_ns) : bisect_right(lines, last_ns, key=lambda e: e.at_ns)
    ]


def same_ends(lines: Iterable[FirewallLog]) -> list[tuple[Ends, Ends, int]]:
    """The ends of each conversation on both sides of a firewall, and the instant of the line that tells them."""
    found = []
    for line in lines:
        real, mapped = ends_of(line.real), ends_of(line.mapped)
        if real is not None and mapped is not None and real != mapped and line.action in ("built", "other"):
            found.append((real, mapped, line.at_ns))
    return found


def answering(connections: Iterable[Connection]) -> Iterator[tuple[str, str]]:
    """(address, domain) of servers that answered on conversations which a firewall tells of as well as a log."""
    for c in connections:
        if not c.firewall:
            continue
        headers = (s.of(StreamHeader, "<") for s in (c.primary, *(t.sighting for t in c.told)))
        wrote = any(t.teller == c.receiver for t in c.told)
        if c.receiver is not None and (wrote or c.authenticated or any(next(h, None) for h in headers)):
            for line in c.firewall:
                yield from ((flow.dst_ip, c.receiver) for flow in (line.real, line.mapped) if flow)


def named(
    connection: Connection,
    where: Directory,
    local: tuple[str, ...],
    home: frozenset[str],
    tried: Mapping[Ends, Thread],
) -> Connection:
    """A connection of which only a firewall tells, with the domains whose server says that it tried these very ends,
    else with those that live there.
    """
    for flow in (f for line in connection.firewall for f in (line.real, line.mapped)):
        both = ends_of(flow)
        thread = tried.get(both) if both is not None else None
        if thread is not None and thread.began_ns - SAME_MOMENT_NS <= connection.began_ns <= thread.ended_ns:
            return replace(connection, initiator=thread.initiator, receiver=thread.receiver, named_by="log")
    ends = {s for line in connection.firewall for flow in (line.real, line.mapped) if flow for s in (flow.src_ip,)}
    others = {flow.dst_ip for line in connection.firewall for flow in (line.real, line.mapped) if flow}
    initiator = next((d for a in sorted(ends) if (d := where.domain_at(a))), None)
    server_port, client = connection.server[1], connection.client[0]
    asked = (where.domain_asked(a, server_port, client, connection.began_ns) for a in sorted(others))
    receiver = next((d for d in asked if d), None) or next(
        (d for a in sorted(others) if (d := where.domain_at(a))), None
    )
    if initiator is None and not home and len(local) == 1 and receiver not in (None, *local):
        initiator = local[0]
    if initiator == receiver:
        initiator = None
    named_by = "hosts" if initiator or receiver else "nothing"
    return replace(connection, initiator=initiator, receiver=receiver, named_by=named_by)
