"""An attempt as a ladder: lanes for hosts, resolvers and the firewall, and a rung for each thing that passed.

The one picture behind the terminal's ladder, the page's and the plot's. Knows no layout, no width and no colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from analyzer.addresses import is_private
from analyzer.connection import Connection
from analyzer.rule import Finding
from analyzer.session import Session
from analyzer.stage import is_told
from analyzer.threads import Thread
from analyzer.view import CaseView
from parsers.events import Event, FirewallLog, Said, TcpMark, Unreachable

Kind = Literal["client", "server", "resolver", "firewall"]


class Lane(NamedTuple):
    """One vertical line."""

    kind: Kind
    """A user's client, a server, a DNS resolver, or all firewalls together."""
    domain: str | None
    """The domain that it speaks for; None for resolvers, firewalls, and where it is not known."""
    addresses: tuple[str, ...]
    """Its addresses, an inside one first; empty where no source tells one."""

    @property
    def name(self) -> str:
        """What to write above it where there is room for one word: the domain, the kind, or the address."""
        if self.domain is not None:
            return self.domain
        return self.kind if self.kind != "server" or not self.addresses else self.addresses[0]


class Rung(NamedTuple):
    """One thing that passed from a lane to another, or that was written down at one."""

    event: Event
    """The evidence."""
    step: str
    """Machine and state, as in the timeline of the report: "flow:SYN_SENT", "trigger:STANZA"."""
    start: int
    """Index of the lane that it came from."""
    end: int
    """Index of the lane that it reached; the same as `start` for what was only written down there."""
    stopped: bool
    """It did not arrive: it was on its way further than `end`."""
    expected: bool
    """False for what the protocol does not have."""
    times: int
    """How often it was sent, repetitions included."""
    last_ns: int
    """Instant of the last repetition, ns since 1970 UTC."""
    proves: tuple[str, ...]
    """Rules that name it as evidence."""


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """One attempt, drawn."""

    session: Session
    """The attempt."""
    lanes: tuple[Lane, ...]
    """From left to right: the side that the case is seen from, the firewall, the other side, third parties."""
    rungs: tuple[Rung, ...]
    """In order of time."""


@dataclass(slots=True)
class _Lanes:
    """Lanes while they are found: hosts by address, with the rank that puts them in order."""

    view: CaseView
    firewall: bool
    kinds: dict[str, tuple[Kind, str | None, int]] = field(default_factory=dict)
    """By the address that stands for its host: kind, domain, rank; lower ranks stand further to the left."""
    hosts: dict[str, list[str]] = field(default_factory=dict)
    """By the same address: all addresses of the host."""

    def key(self, address: str) -> str | None:
        """The address that stands for the host of this one."""
        for known in self.kinds:
            if address in self.hosts[known] or any(self.view.same_host(address, a) for a in self.hosts[known]):
                return known
        return None

    def add(self, kind: Kind, domain: str | None, rank: int, *addresses: str) -> None:
        """A host, by all addresses that are known to be its own; one that is known keeps kind and place."""
        for address in addresses:
            known = self.key(address)
            if known is not None:
                break
        else:
            known = addresses[0]
            self.kinds[known] = (kind, domain, rank)
            self.hosts[known] = []
        self.hosts[known] += [a for a in addresses if a not in self.hosts[known]]

    def lanes(self) -> tuple[Lane, ...]:
        """All of them, in order."""
        found = [
            (rank, Lane(kind, domain, tuple(sorted(filter(is_told, self.hosts[key]), key=_inside_first))), key)
            for key, (kind, domain, rank) in self.kinds.items()
        ]
        if self.firewall:
            found.append((_FIREWALL, Lane("firewall", None, ()), ""))
        found.sort(key=lambda each: each[0])
        self.order = [key for _, _, key in found]
        return tuple(lane for _, lane, _ in found)

    order: list[str] = field(default_factory=list)
    """Keys of the lanes, in order; "" for the firewall."""

    @property
    def first_server(self) -> int:
        """Index of the server that stands furthest to the left; 0 where there is none."""
        servers = (i for i, key in enumerate(self.order) if key and self.kinds[key][0] == "server")
        return next(servers, 0)

    def at(self, address: str) -> int | None:
        """Index of the lane of an address, once they are in order."""
        known = self.key(address)
        return None if known is None else self.order.index(known)


_CLIENT, _NEAR, _NEAR_RESOLVER, _FIREWALL, _FAR_RESOLVER, _FAR, _FAR_CLIENT, _THIRD = range(8)
"""Ranks of lanes, from left to right."""


def ladder(session: Session, view: CaseView, findings: Iterable[Finding] = ()) -> Ladder:
    """The ladder of an attempt; `findings` are those of the attempt, to mark what proves them."""
    lanes = _hosts(session, view)
    ordered = lanes.lanes()
    findings = tuple(findings)
    proves: dict[int, list[str]] = {}
    for finding in findings:
        for event in finding.match.events:
            proves.setdefault(id(event), []).append(finding.rule)
    ends = dict(_ends(session, view, lanes))
    told = moments(session)
    shown = {id(event) for event, _, _ in told}
    # What proves a finding is drawn, though it is no step: what came again, and what a capture lacks.
    cited = {id(e): e for finding in findings for e in finding.match.events if id(e) in ends and id(e) not in shown}
    told += [(event, "evidence", True) for event in cited.values()]
    rungs = []
    for event, step, expected in sorted(told, key=lambda moment: _placed_ns(moment[0])):
        start, end, stopped = ends.get(id(event)) or _by_flow(event, lanes)
        names = tuple(dict.fromkeys(proves.get(id(event), ())))
        rungs.append(Rung(event, step, start, end, stopped, expected, 1, event.at_ns, names))
    used = sorted({lane for rung in rungs for lane in (rung.start, rung.end)})
    kept = [r._replace(start=used.index(r.start), end=used.index(r.end)) for r in rungs]
    return Ladder(session=session, lanes=tuple(ordered[lane] for lane in used), rungs=tuple(_folded(kept)))


def _placed_ns(event: Event) -> int:
    """Where an event stands in a ladder: a line of whole seconds behind the packets of its second, its causes."""
    return event.at_ns if event.width_ns < 10**9 else event.at_ns + event.width_ns - 1


def moments(session: Session) -> list[tuple[Event, str, bool]]:
    """All that happened to an attempt, in order of time: the event, machine and state, whether it was expected."""
    moments = [(s.event, f"{s.machine}:{s.after}", s.expected) for s in session.steps]
    if session.trigger is not None:
        moments.insert(0, (session.trigger, "trigger:STANZA", True))
    if session.bounce is not None:
        moments.append((session.bounce, "trigger:BOUNCED", True))
    return sorted(moments, key=lambda moment: moment[0].at_ns)


def _hosts(session: Session, view: CaseView) -> _Lanes:
    """Every host that the attempt touches, our own side first."""
    mirrored = view.is_local(session.receiver) and not view.is_local(session.initiator)
    every = (*session.connections, *session.callbacks)
    stopped = any(_stopped(c, view) for c in every)
    lanes = _Lanes(view, firewall=stopped or any(c.firewall for c in every))
    near, far = (_FAR, _NEAR) if mirrored else (_NEAR, _FAR)
    for connection in session.connections:
        lanes.add("server", session.initiator, near, *_addresses(connection, 0))
        lanes.add("server", session.receiver, far, *_addresses(connection, 1))
        for thread in connection.told:
            peer = () if thread.peer is None else (thread.peer[0],)
            domain, rank, end = (session.receiver, far, 1) if thread.outgoing else (session.initiator, near, 0)
            lanes.add("server", domain, rank, *_addresses(connection, end), *peer)
    for callback in session.callbacks:
        lanes.add("server", session.receiver, far, *_addresses(callback, 0))
        # Where the callback went to another host than the one that sent the key, that host is a third party.
        meant = view.local_addresses if view.is_local(session.initiator) else view.hosts.get(session.initiator, ())
        rank = near if callback.server[0] in meant else _THIRD
        lanes.add("server", session.initiator, rank, *_addresses(callback, 1))
    for lookups, asker, rank in (
        (session.lookups, session.initiator, near),
        (session.callback_lookups, session.receiver, far),
    ):
        resolver = _NEAR_RESOLVER if rank == _NEAR else _FAR_RESOLVER
        for lookup in lookups:
            lanes.add("server", asker, rank, lookup.client)
            lanes.add("resolver", None, resolver, lookup.resolver)
    for stanza in (session.trigger, session.bounce):
        if stanza is not None and stanza.flow is not None:
            ends = (stanza.flow.src_ip, stanza.flow.dst_ip)
            client, server = ends if stanza is session.trigger else reversed(ends)
            lanes.add("server", session.initiator, near, server)
            lanes.add("client", None, _FAR_CLIENT if mirrored else _CLIENT, client)
    for thread in session.tries:
        if thread.teller is None:
            lanes.add("server", None, _THIRD, _writer(thread))
        else:
            ours = thread.teller == session.initiator
            lanes.add("server", thread.teller, near if ours else far, *_known(lanes, thread.teller))
            other = session.receiver if ours else session.initiator
            if thread.peer is not None:
                lanes.add("server", other, far if ours else near, *_known(lanes, other), thread.peer[0])
    for step in session.steps:
        flow = step.event.flow
        for address in () if flow is None else (flow.src_ip, flow.dst_ip):
            if is_told(address):
                lanes.add("server", None, _THIRD, address)
    return lanes


def _writer(thread: Thread) -> str:
    """The words for a server of which only a log is known, and not whose it is."""
    return f"writer of {thread.tap}"


def _known(lanes: _Lanes, domain: str) -> tuple[str, ...]:
    """An address of the lane that stands for a domain; words where none does."""
    return tuple(k for k, (_, name, _) in lanes.kinds.items() if name == domain)[:1] or (f"server of {domain}",)


def _addresses(connection: Connection, end: int) -> tuple[str, ...]:
    """All addresses of one end of a conversation, as the sources saw it: 0 the client's, 1 the server's."""
    return tuple(dict.fromkeys((s.client, s.server)[end][0] for s in connection.sightings))


def _stopped(connection: Connection, view: CaseView) -> bool:
    """Whether it ended at the firewall: one refused it, or it was seen on one side and never on the other."""
    if connection.accepted:
        return False
    return any(line.action == "deny" for line in connection.firewall) or bool(view.missing_at(connection))


def _ends(session: Session, view: CaseView, lanes: _Lanes) -> Iterator[tuple[int, tuple[int, int, bool]]]:
    """By the identity of an event: the lane it came from, the lane it reached, and whether it was stopped there."""
    wall = lanes.order.index("") if "" in lanes.order else None
    for connection in (*session.callbacks, *session.connections):
        client, server = lanes.at(connection.client[0]) or 0, lanes.at(connection.server[0]) or 0
        stopped = wall is not None and _stopped(connection, view)
        for event in connection.events:
            if isinstance(event, Unreachable):
                yield id(event), (server if wall is None else wall, client, False)
            elif connection.way(event) == ">":
                yield id(event), (client, wall if stopped and wall is not None else server, stopped)
            else:
                yield id(event), (server, client, False)
        for line in connection.firewall:
            yield id(line), _of_firewall(line, client, wall or 0)
        for thread in connection.told:
            teller = client if thread.outgoing else server
            for event in thread.events:
                if isinstance(event, Said):
                    yield id(event), (teller, teller, False)
    for thread in session.tries:
        at = lanes.at(_writer(thread) if thread.teller is None else _known(lanes, thread.teller)[0])
        for event in thread.events:
            yield id(event), (at or 0, at or 0, False)
    for lookup in (*session.lookups, *session.callback_lookups):
        client, server = lanes.at(lookup.client) or 0, lanes.at(lookup.resolver) or 0
        for step in lookup.steps:
            way = (client, server) if step.signal == "query>" else (server, client)
            yield id(step.event), (*way, False)


def _of_firewall(line: FirewallLog, client: int, wall: int) -> tuple[int, int, bool]:
    """A refusal stops what comes from the client; all else is written down at the firewall."""
    return (client, wall, True) if line.action == "deny" else (wall, wall, False)


def _by_flow(event: Event, lanes: _Lanes) -> tuple[int, int, bool]:
    """The lanes of what no conversation of the attempt holds: by its addresses, else it was written down."""
    flow = event.flow
    start = None if flow is None else lanes.at(flow.src_ip)
    end = None if flow is None else lanes.at(flow.dst_ip)
    if start is None or end is None:
        at = next((lane for lane in (start, end) if lane is not None), lanes.first_server)
        return at, at, False
    return start, end, False


def _folded(rungs: Iterable[Rung]) -> Iterator[Rung]:
    """Repeated SYNs and refusals at the first of them: what came between stays in sight."""
    first: dict[tuple[object, ...], int] = {}
    found: list[Rung] = []
    for rung in rungs:
        event = rung.event
        key: tuple[object, ...] | None = None
        if isinstance(event, TcpMark) and event.mark == "syn":
            key = ("syn", event.flow)
        elif isinstance(event, FirewallLog) and event.action == "deny":
            key = (event.where.source, event.message_id, event.real, event.mapped, event.reason)
        if key in first and (not isinstance(event, TcpMark) or event.repeat):
            kept = found[first[key]]
            names = tuple(dict.fromkeys((*kept.proves, *rung.proves)))
            found[first[key]] = kept._replace(times=kept.times + 1, last_ns=rung.last_ns, proves=names)
            continue
        if key is not None:
            first[key] = len(found)
        found.append(rung)
    return iter(found)


def _inside_first(address: str) -> tuple[bool, str]:
    return (not is_private(address), address)
