"""The events of one place, run through the machines: its conversations and its DNS questions.

Works on one tap (a capture, or the files of one ring buffer) at a time; knows no other tap and no domain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from analyzer.lookup import Lookup
from analyzer.machines import dns, flow, stream
from analyzer.machines.dns import DnsMachine
from analyzer.machines.flow import FlowMachine
from analyzer.machines.stream import StreamMachine
from analyzer.sighting import Sighting
from analyzer.stage import End, digest, end_text
from parsers.events import CaptureGap, Damage, DnsAnswer, DnsQuery, Event, Flow, Idle, Retransmission, Tally, TcpMark

SAME_QUESTION_NS = 30 * 10**9
"""A question asked again within 30 s is the same question: resolvers give up sooner (resolv.conf's 5 s, twice;
RFC 1035 section 4.2.1 has them ask again after 2 to 5 s), and a negative answer is not cached for less by most."""


_DNS = (DnsQuery, DnsAnswer)
_NOT_TCP = (DnsQuery, DnsAnswer, Damage)
"""Events that belong to no conversation, though some name its ends."""
QUIET = ("data", "counted")
"""Signals of a flow that make a step only where they change its state."""


@dataclass(slots=True)
class _Open:
    """A conversation that is being read."""

    client: End
    server: End
    flow: FlowMachine
    stream: StreamMachine
    events: list[Event] = field(default_factory=list)


def sightings(events: Iterable[Event], tap: str) -> list[Sighting]:
    """TCP conversations of one tap's events, in order of their first event."""
    running: dict[Flow, _Open] = {}
    order: list[_Open] = []
    for event in events:
        ends = event.flow
        if ends is None or ends.proto != "tcp" or isinstance(event, _NOT_TCP):
            continue
        held = running.get(ends)
        if held is None or (isinstance(event, TcpMark) and event.mark == "syn" and not event.repeat):
            held = _begin(ends, event)
            running[ends] = running[ends.reverse] = held
            order.append(held)
        held.events.append(event)
        said = flow.signal(event, held.client)
        # Payload is a signal too, and after the handshake it changes nothing: half of all steps would be that.
        if said not in QUIET or not held.flow.stays(said):
            held.flow.receive(said, event)
        # What is no payload is nothing to a stream.
        word = stream.signal(event, held.client) if said == "data" else None
        if word is not None:
            held.stream.receive(word, event)
    return [
        Sighting(
            source=held.events[0].where.source,
            tap=tap,
            client=held.client,
            server=held.server,
            events=tuple(held.events),
            flow=tuple(held.flow.steps),
            stream=tuple(held.stream.steps),
        )
        for held in order
    ]


def _begin(ends: Flow, event: Event) -> _Open:
    """A new conversation; a capture that begins in mid stream shows the client by its port, as far as it can."""
    src, dst = (ends.src_ip, ends.src_port), (ends.dst_ip, ends.dst_port)
    if isinstance(event, TcpMark) and event.mark in ("syn", "syn-ack"):
        client, server = (src, dst) if event.mark == "syn" else (dst, src)
    else:
        # Registered ports lie below the ephemeral ones (RFC 6335 section 6).
        client, server = (src, dst) if ends.src_port > ends.dst_port else (dst, src)
    key = f"{end_text(client)} > {end_text(server)} @{event.at_ns}"
    return _Open(client=client, server=server, flow=FlowMachine(key), stream=StreamMachine(key))


@dataclass(slots=True)
class _Asking:
    """A question that is being asked."""

    machine: DnsMachine
    transport: str
    txid: int
    last_ns: int


UNTOLD_RESOLVER = "the resolver"
"""The words for who was asked, where a log or a transcript does not name it."""


def lookups(events: Iterable[Event], tap: str) -> list[Lookup]:
    """DNS questions of one tap's events, repetitions joined, in order of the first time each was asked."""
    running: dict[tuple[str, str, str, str], _Asking] = {}
    done: list[tuple[tuple[str, str, str, str], _Asking]] = []
    for event in events:
        if not isinstance(event, _DNS):
            continue
        client, resolver = _asker(event)
        key = (client, resolver, event.name, event.rrtype)
        held = running.get(key)
        if held is not None and _is_new(held, event):
            held = None
        if held is None:
            transport = event.flow.proto if event.flow is not None else "udp"
            held = _Asking(DnsMachine(f"{client} {event.name} {event.rrtype}"), transport, event.txid, event.at_ns)
            running[key] = held
            done.append((key, held))
        held.machine.receive(dns.signal(event), event)
        held.txid, held.last_ns = event.txid, event.at_ns
    return [
        Lookup(
            id=digest("lookup", *key, str(held.machine.steps[0].event.at_ns)),
            client=key[0],
            resolver=key[1],
            name=key[2],
            rrtype=key[3],
            transport=held.transport,
            steps=tuple(held.machine.steps),
            taps=(tap,),
        )
        for key, held in done
    ]


def _asker(event: DnsQuery | DnsAnswer) -> tuple[str, str]:
    """Who asked and who was asked; a log or a transcript that does not name who asked gives its source."""
    if event.flow is None:
        return (event.client_ip or event.where.source, event.resolver_ip or UNTOLD_RESOLVER)
    if isinstance(event, DnsQuery):
        return (event.flow.src_ip, event.flow.dst_ip)
    return (event.flow.dst_ip, event.flow.src_ip)


def _is_new(held: _Asking, event: DnsQuery | DnsAnswer) -> bool:
    """Whether an event begins another question of the same name."""
    if event.at_ns - held.last_ns > SAME_QUESTION_NS:
        return True
    return (
        isinstance(event, DnsQuery)
        and held.machine.state in ("ANSWERED", "EMPTY", "NO_SUCH_NAME")
        and (event.txid != held.txid or event.txid < 0)
    )


def is_payload(event: Event) -> bool:
    """Whether the event tells of payload, and not only of TCP."""
    return not isinstance(event, TcpMark | CaptureGap | Retransmission | Idle | Tally)
