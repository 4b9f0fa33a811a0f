"""Stanzas that came back with an error: to the client from its own server, or over a stream between servers.

The condition says that an attempt failed, seldom why (RFC 6120 section 8.3). Knows no rule.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import NamedTuple

from analyzer.once import once
from analyzer.rule import Match, Owner
from analyzer.session import Session
from analyzer.view import CaseView
from parsers.events import Stanza

UNDELIVERABLE = ("remote-server-not-found", "remote-server-timeout")
"""Conditions that speak of another server (RFC 6120 sections 8.3.3.16 and 8.3.3.17); others may come from our own
components."""
AT_ONCE_NS = 5 * 10**9
"""Who tries nothing answers within 5 s: no timer of DNS or TCP is behind it."""
STANDS_NS = (1 << 63) - 1
"""The end of a stream that stood to the end: later than every instant."""
BACKOFF_NS = 300 * 10**9
"""The longest time that a server is known to refuse to try again: ejabberd's `s2s_max_retry_delay`."""


def bounced(condition: str, session: Session, case: CaseView) -> Match | None:
    """The client got the error back from its own server, or the error came over a server's stream."""
    bounce = session.bounce
    if bounce is not None and bounce.condition == condition:
        trigger = session.trigger
        return Match(
            # A message may come back from an attempt that a subscription set off.
            events=(bounce, *((trigger,) if trigger is not None and trigger.name == bounce.name else ())),
            because=(
                f"the server of {session.initiator} gave the {bounce.name} for {session.receiver} back to the client: "
                f"{condition}"
            ),
            owner=Owner.LOCAL if case.is_local(session.initiator) else Owner.PEER,
        )
    found = session.stanza_error(condition)
    if found is None:
        return None
    return Match(
        events=(found,),
        because=f"a {found.name} came back from {found.from_domain} to {found.to_domain}: {condition}",
        owner=Owner.PEER,
        domain=found.from_domain,
    )


class Untried(NamedTuple):
    """A stanza that its server gave back without an attempt to deliver it."""

    trigger: Stanza
    """The client's stanza."""
    bounce: Stanza
    """What came back."""
    after: Session | None
    """The attempt that had failed at most `BACKOFF_NS` before; None where none was seen."""
    watched: bool
    """The capture ran for `BACKOFF_NS` before: such an attempt would have been seen."""


def untried(session: Session, case: CaseView) -> Untried | None:
    """The stanza that came back although nothing was tried, where an attempt would have been seen."""
    trigger, bounce = session.trigger, session.bounce
    if trigger is None or bounce is None or session.lookups or session.connections:
        return None
    if bounce.condition not in UNDELIVERABLE or bounce.at_ns - trigger.at_ns > AT_ONCE_NS:
        return None
    pair = case.between(session.initiator, session.receiver)
    before = bisect_left(pair, trigger.at_ns, key=lambda s: s.began_ns)
    if before and _open_until(case, session.initiator, session.receiver)[before - 1] > trigger.at_ns:
        return None  # a stream was open, by which it may have left
    if not _would_show(trigger, session.host, case):
        return None
    earlier = (pair[i] for i in range(before - 1, -1, -1))
    failed = next((s for s in earlier if not s.authenticated and not s.ciphertext), None)
    if failed is not None and trigger.at_ns - failed.ended_ns > BACKOFF_NS:
        return None  # what failed then may still be remembered: a name that does not exist
    coverage = case.coverage.get(_tap(trigger, case) or "")
    watched = coverage is not None and coverage.covers(trigger.at_ns - BACKOFF_NS, bounce.at_ns)
    return Untried(trigger, bounce, failed, watched)


@once
def _open_until(case: CaseView, initiator: str, receiver: str) -> list[int]:
    """For each attempt of a pair, when the last stream of it and of those before it had ended."""
    ends = (
        [STANDS_NS if c.ending is None else c.ending.at_ns for c in session.connections if c.accepted]
        for session in case.between(initiator, receiver)
    )
    return list(accumulate((max(those, default=0) for those in ends), max))


def _tap(stanza: Stanza, case: CaseView) -> str | None:
    """Where a stanza was seen."""
    return next((s.tap or s.name for s in case.sources if s.name == stanza.where.source), None)


def _would_show(trigger: Stanza, host: str | None, case: CaseView) -> bool:
    """Whether the place that saw the stanza also sees what its server does in federation: it did so once."""
    tap = _tap(trigger, case)
    return (tap, host) in _active(case)


@once
def _active(case: CaseView) -> set[tuple[str | None, str | None]]:
    """Where which host was seen to ask DNS, or to open a connection."""
    asked = {(tap, k.client) for k in case.lookups for tap in k.taps}
    return asked | {(s.tap, s.client[0]) for c in case.connections for s in c.sightings}
