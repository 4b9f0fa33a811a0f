"""Attempts of one domain to reach another, gathered from questions, connections, keys and clients' stanzas.

Each join leaves a `Link` that says why. Knows no verdict and no clock but the events' own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from analyzer.addresses import is_private
from analyzer.attempt import Attempt, Limits
from analyzer.clients import with_clients
from analyzer.connection import Connection
from analyzer.lookup import Lookup
from analyzer.naming import Directory
from analyzer.session import DialbackKey
from analyzer.sighting import Sighting
from analyzer.spans import Spans
from analyzer.stage import Link, is_told
from analyzer.threads import Thread
from analyzer.view import Coverage
from parsers.events import Stanza, Topic

_WANT_ANSWER = ("subscribe", "probe", "get", "set")
"""Types of presence and iq that a server answers by itself (RFC 6120 section 8.2.3, RFC 6121 sections 3.1 and 4.3)."""

_FAILED = (Topic.RESOLVE_FAILED, Topic.CONNECT_FAILED)


def gather(
    connections: Sequence[Connection],
    questions: Sequence[Lookup],
    keys: Sequence[DialbackKey],
    client_streams: Sequence[Sighting],
    where: Directory,
    coverage: Mapping[str, Coverage],
    local: tuple[str, ...],
    limits: Limits,
    tries: Sequence[Thread] = (),
) -> list[Attempt]:
    """Questions and connections gathered into attempts, in order of time; then what logs tell of further tries, keys,
    callbacks and clients joined.
    """
    attempts: list[Attempt] = []
    running: dict[tuple[str, str, str], Attempt] = {}
    targets: dict[tuple[str, str], str] = {}
    happenings: list[tuple[int, int, Lookup | Connection]] = [(k.asked_ns, 0, k) for k in questions]
    happenings += [(c.began_ns, 1, c) for c in connections]
    for at_ns, _, thing in sorted(happenings, key=lambda h: (h[0], h[1], h[2].id)):
        if isinstance(thing, Lookup):
            found = _asks_about(thing, where, local, targets)
        elif thing.initiator and thing.receiver and thing.role not in ("probe", "verify"):
            found = (thing.initiator, thing.receiver, _host_of(thing, where))
        else:
            found = None
        if found is None:
            continue
        attempt = running.get(found)
        if attempt is None or _is_over(attempt, thing, at_ns, limits) or _is_anothers(thing, attempt):
            attempt = running[found] = Attempt(found[0], found[1], found[2])
            attempts.append(attempt)
        if isinstance(thing, Lookup):
            attempt.lookups.append(thing)
            attempt.last_ns = max(attempt.last_ns, *(s.event.at_ns for s in thing.steps))
        else:
            attempt.connections.append(thing)
            attempt.links += _dns_links(attempt, thing)
            attempt.last_ns = max(attempt.last_ns, thing.ended_ns)
    attempts = _with_callbacks(attempts, connections, keys, limits)
    _with_tries(attempts, tries, limits)
    with_clients(attempts, client_streams, limits)
    return attempts + _awaited(attempts, coverage, local, limits)


def _host_of(connection: Connection, where: Directory) -> str:
    """The host that opened a connection; where only logs tell of it, as far as one names it, else the one that speaks
    for its domain; "" where nobody tells.
    """
    if connection.captured:
        # Two hosts behind one translated address are told apart where a place inside saw them.
        seen = [s.client[0] for s in connection.sightings]
        return _host(next((a for a in seen if is_private(a)), connection.client[0]), where)
    named = {s.client[0] for s in connection.sightings if is_told(s.client[0])}
    if not named and connection.initiator:
        named = set(where.addresses_of((connection.initiator,)))
    hosts = sorted(_host(address, where) for address in named)
    return next((h for h in hosts if is_private(h)), hosts[0]) if hosts else ""


def _with_tries(attempts: list[Attempt], tries: Sequence[Thread], limits: Limits) -> None:
    """What logs tell of tries joined to the attempts of the same pair at that time; the rest stand alone."""
    if not tries:
        return
    own: dict[tuple[str, str], Spans[Attempt]] = defaultdict(Spans)
    of_logs: dict[tuple[str, str], Spans[Attempt]] = defaultdict(Spans)
    for first_ns, attempt in sorted(((a.first_ns, a) for a in attempts), key=lambda pair: pair[0]):
        own[(attempt.initiator, attempt.receiver)].add(first_ns, max(attempt.last_ns, first_ns), attempt)
    for thread in sorted(tries, key=lambda t: (t.began_ns, t.tap, t.tag or "")):
        pair = (str(thread.initiator), str(thread.receiver))
        around = (thread.began_ns - limits.trigger_ns, thread.ended_ns + limits.trigger_ns)
        near = [
            a
            for a in (*own[pair].touching(*around), *of_logs[pair].touching(*around))
            # A server whose own key was believed is not the one whose key it disowned.
            if not (_is_claim(thread) and any(map(_let_in, a.connections))) and not _tries_again(thread, a)
        ]
        if near:
            attempt = min(near, key=lambda a: abs(a.first_ns - thread.began_ns))
        else:
            attempt = Attempt(*pair, host=None, last_ns=thread.ended_ns)
            attempts.append(attempt)
            of_logs[pair].add(thread.began_ns, thread.ended_ns, attempt)
        attempt.tries.append(thread)
        attempt.links.append(
            Link(
                kind="log → attempt",
                a=thread.tap,
                b=f"{pair[0]} → {pair[1]}",
                because=f"{thread.tap} names both domains, at that time",
                strength="likely",
            )
        )


def _tries_again(thread: Thread, attempt: Attempt) -> bool:
    """Whether a log tells of a try that began after a stream of the attempt stood: then it is another attempt's."""
    first = thread.events[0]
    tried = any(s.topic in (Topic.CONNECTING, *_FAILED) or s.condition == "bounced" for s in thread.said)
    return tried and any(c.accepted and first.at_ns > c.began_ns + first.width_ns for c in attempt.connections)


def _is_claim(thread: Thread) -> bool:
    """Whether all that a log says is that it was asked about a key which its server never made."""
    return all(said.condition == "dialback-imposter" for said in thread.said)


def _host(address: str, where: Directory) -> str:
    """One address for one host: of its translated addresses the first in order, private ones before."""
    translated: list[str] = sorted((address, *where.nat.get(address, ())))
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
    if initiator is None and len(local) == 1 and not where.addresses_of(local):
        # Nothing tells who lives there: who asks for another's federation service is taken for the local server.
        initiator = local[0]
    if initiator is None or initiator == receiver:
        return None
    return (initiator, receiver, host)


def _is_over(attempt: Attempt, thing: Lookup | Connection, at_ns: int, limits: Limits) -> bool:
    """Whether an attempt has ended before this thing: it got through, has been quiet too long, or this is its beginning
    once more.
    """
    quiet_ns = at_ns - attempt.last_ns
    if quiet_ns > limits.attempt_ns or (quiet_ns > limits.again_ns and _comes_again(thing, attempt)):
        return True
    began_ns = [k.asked_ns for k in attempt.lookups[:1]] + [c.began_ns for c in attempt.connections[:1]]
    if at_ns - min(began_ns, default=at_ns) > limits.whole_ns:
        return True
    opened = [c for c in attempt.connections if c.accepted]
    if not opened:
        return False
    # Connections tried side by side belong to one attempt; one after an opened one begins another.
    return at_ns > opened[-1].began_ns


def _comes_again(thing: Lookup | Connection, attempt: Attempt) -> bool:
    """Whether it is a question to which the attempt has had an answer."""
    if not isinstance(thing, Lookup):
        return False
    asked = (k for k in attempt.lookups if (k.name, k.rrtype) == (thing.name, thing.rrtype))
    return any(k.answer is not None for k in asked)


def _is_anothers(thing: Lookup | Connection, attempt: Attempt) -> bool:
    """Whether logs tell of a stream another fate than an attempt of that moment had: then it is no part of it."""
    if isinstance(thing, Lookup) or thing.captured:
        return False
    fates = {_let_in(c) for c in (thing, *attempt.connections)}
    return {True, False} <= fates


def _let_in(connection: Connection) -> bool | None:
    """Whether the receiver believed the initiator; None where that is not told."""
    if connection.authenticated:
        return True
    return False if connection.passed("AUTH_REFUSED") else None


def _dns_links(attempt: Attempt, connection: Connection) -> list[Link]:
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
    attempts: list[Attempt], connections: Sequence[Connection], keys: Sequence[DialbackKey], limits: Limits
) -> list[Attempt]:
    """Keys joined to their attempts, and the connections by which they were verified; keys that nobody was seen to
    send become attempts of their own.
    """
    by_connection = {c.id: a for a in attempts for c in a.connections}
    everything = {c.id: c for c in connections}
    for key in keys:
        attempt = by_connection.get(key.asked_on or "")
        if attempt is None:
            attempt = Attempt(key.sender_domain, key.target_domain, None)
            attempts.append(attempt)
        attempt.dialbacks.append(key)
        callback = everything.get(key.verified_on or "")
        if (
            callback is not None
            and callback not in attempt.callbacks
            and callback.id not in {c.id for c in attempt.connections}
        ):
            _call_back(attempt, callback, key, f"verifies the key of {key.sender_domain} for stream {key.stream_id}")
    _tried_callbacks(attempts, limits)
    verified: dict[tuple[str, str], list[tuple[int, int, Attempt]]] = defaultdict(list)
    for attempt in attempts:
        for key in attempt.dialbacks:
            if key.request is not None and key.verify is not None:
                span = (key.request.at_ns, key.verify.at_ns, attempt)
                verified[(attempt.receiver, attempt.initiator)].append(span)
    spans = {pair: Spans(those) for pair, those in verified.items()}
    return [a for a in attempts if not _only_calls_back(a, spans.get((a.initiator, a.receiver)))]


def _tried_callbacks(attempts: list[Attempt], limits: Limits) -> None:
    """Connections of the receiver that never came to a word, while a key of the initiator waited: likely callbacks.

    A key waits until it is answered: what the receiver tries after that is for stanzas of its own.
    """
    reverse: dict[tuple[str, str], list[tuple[int, int, Lookup | Connection]]] = defaultdict(list)
    for attempt in attempts:
        pair = (attempt.receiver, attempt.initiator)
        reverse[pair] += [(c.began_ns, c.began_ns, c) for c in attempt.connections if c.role == "unknown"]
        reverse[pair] += [(k.asked_ns, k.asked_ns, k) for k in attempt.lookups]
    spans = {pair: Spans(things) for pair, things in reverse.items()}
    for attempt in attempts:
        back = spans.get((attempt.initiator, attempt.receiver))
        if back is None:
            continue
        for key in attempt.dialbacks:
            if key.request is None or key.verify is not None:
                continue
            sent_ns = key.request.at_ns
            until_ns = sent_ns + limits.callback_ns
            if key.answer is not None:
                until_ns = min(until_ns, key.answer.at_ns)
            for thing in back.touching(sent_ns, until_ns):
                if isinstance(thing, Lookup):
                    if thing not in attempt.callback_lookups:
                        attempt.callback_lookups.append(thing)
                elif thing not in attempt.callbacks:
                    because = f"{attempt.receiver} tried it while the key of {attempt.initiator} waited"
                    _call_back(attempt, thing, key, because, "likely")


def _call_back(
    attempt: Attempt,
    callback: Connection,
    key: DialbackKey,
    because: str,
    strength: str = "exact",
) -> None:
    """Join a connection to the attempt whose key it verifies, or is there to verify."""
    attempt.callbacks.append(callback)
    link = Link(kind="callback → stream", a=callback.id, b=key.asked_on or "", because=because, strength=strength)
    attempt.links.append(link)


def _only_calls_back(attempt: Attempt, verified: Spans[Attempt] | None) -> bool:
    """Whether an attempt is nothing but the questions that came before a callback of another; they move there.

    `verified` are the others, each from the sending of a key until it was asked about.
    """
    if verified is None or attempt.connections or not attempt.lookups:
        return False
    asked = [k.asked_ns for k in attempt.lookups]
    other = next(iter(verified.touching(max(asked), min(asked))), None)
    if other is None:
        return False
    other.callback_lookups += [k for k in attempt.lookups if k not in other.callback_lookups]
    return True


def _awaited(
    attempts: Sequence[Attempt], coverage: Mapping[str, Coverage], local: tuple[str, ...], limits: Limits
) -> list[Attempt]:
    """Answers to or from our side that were due, and that nobody was seen to try: attempts of which nothing is known.

    Nothing is due where the stream itself carries both ways (XEP-0288), or the capture ended too soon to tell.
    """
    if not local:
        return []
    tried = {(a.initiator, a.receiver) for a in attempts}
    found: dict[tuple[str, str], Attempt] = {}
    for attempt in attempts:
        pair = (attempt.receiver, attempt.initiator)
        if pair in tried or pair in found or not set(pair) & set(local):
            continue
        for connection in attempt.connections:
            asked = next((s for s in connection.of(Stanza, ">") if s.type in _WANT_ANSWER), None)
            both_ways = connection.first(Stanza, "<") is not None
            covered = coverage.get(connection.primary.tap)
            if asked is None or both_ways or covered is None or covered.last_ns - asked.at_ns < limits.answer_ns:
                continue
            found[pair] = Attempt(*pair, host=None, awaited=asked)
            break
    return list(found.values())
