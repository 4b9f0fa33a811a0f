"""One target of a domain failed and the attempt went on to another: which, to which, and what it cost.

Knows SRV records as far as the attempt itself saw them, and no rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from analyzer.connection import Connection
from analyzer.session import Session
from analyzer.stage import end_text


class Failover(NamedTuple):
    """The targets that failed and the one that worked, each by name where a record told it, else by address."""

    failed: tuple[str, ...]
    """What failed, each once."""
    tells: str
    """What happened, to go on a sentence about the failure."""


def failover(session: Session, failed: Sequence[Connection]) -> Failover | None:
    """How the attempt went on after these connections of it; None where none of its other targets worked."""
    ends = {c.server for c in failed}
    began_ns = min(c.began_ns for c in failed)
    worked = next(
        (c for c in session.connections if c.accepted and c.began_ns > began_ns and c.server not in ends), None
    )
    if worked is None:
        return None
    targets = [_target(session, c) for c in failed]
    ranked = ", ".join(dict.fromkeys(f"{name}{rank}" for name, rank in targets))
    name, rank = _target(session, worked)
    tells = (
        f"; that is {ranked}, and {session.initiator} went on to {name}{rank}, "
        f"{(worked.began_ns - began_ns) / 10**9:.1f} s after the first SYN"
    )
    return Failover(tuple(dict.fromkeys(name for name, _ in targets)), tells)


def _target(session: Session, connection: Connection) -> tuple[str, str]:
    """Name and priority of the SRV record that led to a connection; its address where none is known."""
    for found in session.resolutions:
        for record in found.targets:
            tried = () if found.calls_back else found.tried(record.data, record.port or 0)
            if any(c is connection for c in tried):
                return record.data, f" (priority {record.priority or 0})"
    return end_text(connection.server), ""
