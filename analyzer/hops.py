"""How far a packet has come, by its time to live. Knows nothing else of it."""

from __future__ import annotations

from parsers.events import TcpMark

INITIAL_TTLS = (64, 128, 255)
"""TTLs with which packets set out: RFC 1700's 64, Windows' 128, and the largest, as routers and firewalls use."""


def hops(mark: TcpMark) -> int | None:
    """How many routers a packet has passed: what it lacks of the nearest initial TTL; None where no TTL is known."""
    ttl = mark.ttl
    return None if ttl is None else next((initial - ttl for initial in INITIAL_TTLS if initial >= ttl), None)
