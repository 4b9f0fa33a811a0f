"""Which rows of a case that is cut are its own: each is told once. Knows tables by name, and no column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analyzer.analysis import Analysis
from analyzer.batch.cases import Task
from analyzer.connection import Connection
from analyzer.session import Session
from parsers.events import Where
from parsers.hold import NOT_HELD, share_of


def ours(task: Task, initiator: str, receiver: str) -> bool:
    """Whether the attempts of two domains are this case's."""
    return task.share is None or share_of(initiator, receiver, task.share[1]) == task.share[0]


def began_ns(task: Task, found: Analysis, session: Session) -> int:
    """When an attempt began, as the cut sees it: one of which only a key is known was held with the key's stream."""
    at_ns = session.began_ns
    if task.within_ns is not None and not (session.connections or session.lookups):
        streams = (found.view.connection(key.asked_on) for key in session.dialbacks)
        at_ns = min([at_ns, *(stream.began_ns for stream in streams if stream is not None)])
    return at_ns


def owned(name: str, task: Task, found: Analysis) -> Callable[[int, Any], bool]:
    """Whether a row of a table with its instant, ns, is told here; of what a case sees around its window it is not."""
    begin_ns, end_ns = task.window_ns or (0, 0)
    if task.within_ns is None:
        return lambda at_ns, record: begin_ns <= at_ns < end_ns
    # A part holds conversations to their ends: what happens in them is told where they began.
    connections = _by_place(found) if name in ("events", "damage") else {}
    sessions = {s.id: s for s in found.view.sessions}
    asked = {k.id: s for s in reversed(found.view.sessions) for k in s.lookups} if name == "lookups" else {}

    def own(at_ns: int, record: Any) -> bool:
        connection: Connection | None = None
        session: Session | None = None
        if name == "events":
            connection = connections.get(record.event.where)
            session = sessions.get(record.session or "")
        elif name == "connections":
            connection = record.connection
            session = sessions.get(record.session or "")
        elif name == "damage":
            connection = connections.get(record[1].where)
        elif name == "lookups":
            session = asked.get(record.id)
        if connection is not None:
            at_ns = connection.began_ns
        if not begin_ns <= at_ns < end_ns:
            return False
        if session is not None:
            return ours(task, session.initiator, session.receiver)
        if connection is not None and connection.initiator and connection.receiver:
            return ours(task, connection.initiator, connection.receiver)
        if name == "damage" and record[1].what == NOT_HELD:
            return True  # each share has its own
        # What names no pair is seen by every share.
        return task.share is None or task.share[0] == 0

    return own


def _by_place(found: Analysis) -> dict[Where, Connection]:
    """The conversation that each event belongs to, by the event's place."""
    return {
        event.where: connection
        for connection in found.view.connections
        for sighting in (*connection.sightings, *(t.sighting for t in connection.told))
        for event in sighting.events
    }
