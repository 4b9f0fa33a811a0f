"""What is said of a case without a pair of domains: that nothing was tried, or what was, and that nobody is named.

Says what was seen, of whom and where, and what would name both. Decides nothing and knows no rule.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from analyzer.report.words import count, escape, place
from analyzer.stage import is_told
from analyzer.view import CaseView
from parsers.events import Event, Topic, river_key

NAMES_SHOWN = 4
"""Domains of one kind of trace, those named most often first."""
_OF = {"try": "to reach", "stream": "from", "conversation": "with", "question": "for the federation service of"}


class Nameless(NamedTuple):
    """One thing seen of federation, that was put to no attempt."""

    kind: str
    """"try", "stream", "conversation" or "question"."""
    whom: str
    """The domain or the address that it was about, escaped, of a stream both; "" where none is known."""
    event: Event
    """Its first event."""


def no_pair_says(view: CaseView) -> str:
    """One sentence, without its full stop, of a case that has no attempt."""
    traces = sorted(_nameless(view), key=lambda t: river_key(t.event))
    if not traces:
        return "no attempt to federate was seen"
    by_kind: dict[str, list[Nameless]] = defaultdict(list)
    for trace in traces:
        by_kind[trace.kind].append(trace)
    told = "; ".join(_says(kind, those) for kind, those in by_kind.items())
    remedies = [] if view.local_domains else ["--local-domain tells which domain is ours"]
    if view.local_domains or "stream" in by_kind:
        remedies.append("a capture at one of the servers, or the log of the other one, would name both")
    return f"federation was tried, but between which two domains is not told: {'; '.join([told, *remedies])}"


def _nameless(view: CaseView) -> Iterator[Nameless]:
    """All that was seen of federation, where none of it makes an attempt."""
    for thread in view.unnamed:
        peer = None if thread.peer is None else thread.peer[0]
        yield _told(thread.outgoing, thread.initiator, thread.receiver, peer, thread.events[0])
    for said in view.said:
        if said.outgoing is not None and said.topic is not Topic.OTHER:
            yield _told(said.outgoing, said.from_domain, said.to_domain, said.peer_ip, said)
    for connection in view.loose:
        whom = connection.receiver or connection.server[0]
        yield Nameless("conversation", escape(whom) if is_told(whom) else "", connection.events[0])
    for lookup in view.lookups:
        if lookup.service in ("_xmpp-server", "_xmpps-server"):
            yield Nameless("question", escape(lookup.domain), lookup.steps[0].event)


def _told(outgoing: bool, initiator: str | None, receiver: str | None, peer: str | None, event: Event) -> Nameless:
    """What a server's log tells of its own try, or of a stream that it was offered."""
    if outgoing:
        return Nameless("try", escape(receiver or peer or ""), event)
    to = f" to {receiver}" if receiver else ""
    return Nameless("stream", escape(f"{initiator or peer or 'a host that is not named'}{to}"), event)


def _says(kind: str, traces: list[Nameless]) -> str:
    """How many of one kind, of whom, and where the first is."""
    number = f"{len(traces):,} tries" if kind == "try" and len(traces) > 1 else count(len(traces), kind)
    named = Counter(t.whom or "a server that is not named" for t in traces).most_common()
    names = ", ".join(name for name, _ in named[:NAMES_SHOWN])
    more = f" and {len(named) - NAMES_SHOWN:,} more" if len(named) > NAMES_SHOWN else ""
    first = place(traces[0].event.where)
    where = first if len(traces) == 1 else f"the first {first}"
    return f"{number} {_OF[kind]} {names}{more} ({where})"
