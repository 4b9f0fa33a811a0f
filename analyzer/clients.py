"""What clients asked for, joined to the attempts that it set off, and the errors that they got back.

Knows clients' streams and attempts; no verdict.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from analyzer.attempt import Attempt, Limits
from analyzer.sighting import Sighting
from analyzer.spans import Spans
from parsers.events import Event, Stanza, StreamHeader

SAME_STANZA_NS = 10**9
"""A server logs a client's stanza within a second of its packet."""


def with_clients(attempts: list[Attempt], client_streams: Sequence[Sighting], limits: Limits) -> None:
    """What clients asked for joined to the attempts that it set off, and the errors that they got back.

    Of each kind of stanza only the first on a stream is an event, so the stanza that an error answers may be unseen;
    who gets the error is told by the time at which it came.
    """
    if not client_streams:
        return
    own: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for attempt in sorted(attempts, key=lambda a: a.first_ns):
        own[(attempt.initiator, attempt.receiver)].append(attempt)
    wishes: dict[tuple[str, str], list[Stanza]] = defaultdict(list)
    bounces: list[tuple[Stanza, Stanza, str, str]] = []
    # What packets show, a log may tell again; of logs, what an earlier one told.
    known: list[Spans[Stanza]] = []
    by_tap: dict[str | None, list[Sighting]] = defaultdict(list)
    for sighting in sorted(client_streams, key=lambda s: not s.flow):
        by_tap[None if sighting.flow else sighting.tap].append(sighting)
    for tap, sightings in by_tap.items():
        told: list[Stanza] = []
        for sighting in sightings:
            served = _served(sighting)
            if not served:
                continue
            if tap is not None:
                sighting = replace(sighting, events=tuple(e for e in sighting.events if not _told_before(e, known)))
            told += sighting.of(Stanza)
            asked = list(_wishes(sighting, served))
            for stanza in asked:
                wishes[(served, str(stanza.to_domain))].append(stanza)
            bounces += [(b, s, served, sighting.server[0]) for b, s in _bounced(sighting, served, asked, limits)]
        known.append(Spans((s.at_ns, s.at_ns, s) for s in told))
    given_back = {id(stanza): bounce.at_ns for bounce, stanza, *_ in bounces}
    for pair, stanzas in wishes.items():
        _set_off(own[pair], stanzas, given_back, limits)
    spans = {pair: Spans((a.first_ns, max(a.first_ns, a.last_ns), a) for a in those) for pair, those in own.items()}
    of_trigger = {id(a.trigger): a for those in own.values() for a in those if a.trigger is not None}
    for bounce, stanza, served, server in sorted(bounces, key=lambda b: b[0].at_ns):
        receiver = str(stanza.to_domain)
        # Those under way between the stanza and the error, or that the stanza set off.
        about = spans[(served, receiver)].touching(stanza.at_ns, bounce.at_ns) if (served, receiver) in spans else []
        set_off = of_trigger.get(id(stanza))
        about += [set_off] if set_off is not None and all(a is not set_off for a in about) else []
        about.sort(key=lambda a: a.first_ns)
        if not about:
            # Given back although nothing was tried: an attempt that ended before it began.
            attempts.append(Attempt(served, receiver, server, trigger=stanza, bounce=bounce))
        elif about[-1].bounce is None or _fits(bounce, about[-1]) > _fits(about[-1].bounce, about[-1]):
            about[-1].bounce = bounce


def _served(sighting: Sighting) -> str | None:
    """The domain that a client's stream is to: its header says so, else its stanzas, which come from there."""
    header = next(sighting.of(StreamHeader, ">"), None)
    if header is not None and header.to_domain:
        return header.to_domain
    senders = Counter(s.from_domain for s in sighting.of(Stanza, ">") if s.from_domain)
    receivers = Counter(s.to_domain for s in sighting.of(Stanza, "<") if s.to_domain)
    return next((domain for found in (senders, receivers) for domain, _ in found.most_common(1)), None)


def _told_before(event: Event, known: Sequence[Spans[Stanza]]) -> bool:
    """Whether a stanza is one of these, seen elsewhere at the same moment."""
    if not isinstance(event, Stanza):
        return False
    apart_ns = SAME_STANZA_NS + event.width_ns
    return any(
        (event.name, event.type, event.condition) == (other.name, other.type, other.condition)
        and event.to_domain in (None, other.to_domain)
        for spans in known
        for other in spans.touching(event.at_ns - apart_ns, event.at_ns + apart_ns)
    )


def _wishes(sighting: Sighting, served: str) -> Iterator[Stanza]:
    """The client's stanzas to other domains that are no answers."""
    for stanza in sighting.of(Stanza, ">"):
        if stanza.to_domain and stanza.to_domain != served and stanza.type not in ("error", "result"):
            yield stanza


def _bounced(
    sighting: Sighting, served: str, asked: Sequence[Stanza], limits: Limits
) -> Iterator[tuple[Stanza, Stanza]]:
    """The errors that a client got back, each with the last stanza of its name that the client had sent there."""
    spans = Spans((s.at_ns, s.at_ns, s) for s in asked)
    for bounce in sighting.of(Stanza, "<"):
        if bounce.type != "error" or bounce.from_domain in (None, served):
            continue
        near = spans.touching(bounce.at_ns - limits.bounce_ns, bounce.at_ns)
        same = (s for s in reversed(near) if (s.name, s.to_domain) == (bounce.name, bounce.from_domain))
        sent = next(same, None)
        if sent is not None:
            yield bounce, sent


def _set_off(own: Sequence[Attempt], stanzas: Sequence[Stanza], given_back: Mapping[int, int], limits: Limits) -> None:
    """To each attempt of a pair, in order of time, the stanza that set it off: the last before it, a subscription
    first; none that another has, that a stream of another carried, or that was given back before.

    `given_back` tells by a stanza's `id` when.
    """
    streams = Spans(
        (c.began_ns, c.ended_ns if c.ending is None else c.ending.at_ns, c)
        for a in own
        for c in a.connections
        if c.accepted
    )
    free = [s for s in stanzas if not streams.touching(s.at_ns, s.at_ns)]
    free.sort(key=lambda s: s.at_ns)
    for attempt in own:
        first_ns = attempt.first_ns
        since = bisect_left(free, first_ns - limits.trigger_ns, key=lambda s: s.at_ns)
        until = bisect_right(free, first_ns, key=lambda s: s.at_ns)
        near = [i for i in range(since, until) if given_back.get(id(free[i]), first_ns) >= first_ns - SAME_STANZA_NS]
        if near:
            attempt.trigger = free.pop(max(near, key=lambda i: (free[i].type == "subscribe", free[i].at_ns)))


def _fits(bounce: Stanza, attempt: Attempt) -> bool:
    """Whether an error is for a stanza such as set the attempt off."""
    return attempt.trigger is not None and attempt.trigger.name == bounce.name
