"""How a table of states is run: `Machine` and `Step`.

Knows no protocol, no clock, no file and no other machine, and has no opinion of how long is long.
A signal that the table lacks leaves the state as it is and is recorded as a surprise: a peer that breaks
the protocol is what fedtrace is for, so nothing here raises on what a peer did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from parsers.events import Event


class Step(NamedTuple):
    """One event, and what it did to one machine. A timeline is nothing but steps in order."""

    machine: str
    """"dns", "flow", "stream" or "dialback"."""
    key: str
    """Which conversation the machine followed."""
    before: str
    """State before the event."""
    after: str
    """State after it."""
    signal: str
    """The event in the table's words; `>` from the side that asks, `<` from the side that answers."""
    event: Event
    """The evidence."""
    expected: bool
    """False for a surprise: the table has no such signal in that state."""


class Machine:
    """Runs one table for one conversation.

    `TABLE` maps a state to the signals that it knows and the state that each leads to.
    `ANYWHERE` holds signals that mean the same in every state; a target of "" keeps the state.
    """

    NAME: ClassVar[str]
    START: ClassVar[str] = "IDLE"
    TABLE: ClassVar[Mapping[str, Mapping[str, str]]]
    ANYWHERE: ClassVar[Mapping[str, str]] = {}

    __slots__ = ("key", "state", "steps")

    _rows: ClassVar[Mapping[str, Mapping[str, str]]]

    def __init_subclass__(cls) -> None:
        """Each row as it is run: with the signals that mean the same in every state."""
        cls._rows = {state: {**cls.ANYWHERE, **row} for state, row in cls.TABLE.items()}

    def __init__(self, key: str) -> None:
        """`key` names the conversation in the steps."""
        self.key = key
        self.state = self.START
        self.steps: list[Step] = []

    def receive(self, signal: str, event: Event) -> Step:
        """Take one signal; record and return the step."""
        before = self.state
        target = self._rows.get(before, self.ANYWHERE).get(signal)
        if target:
            self.state = target
        # By place: a step is made for every event, and names would double what that costs.
        step = Step(self.NAME, self.key, before, self.state, signal, event, target is not None)
        self.steps.append(step)
        return step

    def stays(self, signal: str) -> bool:
        """Whether the table knows the signal and it would change nothing."""
        return self._rows.get(self.state, self.ANYWHERE).get(signal) in ("", self.state)

    @classmethod
    def states(cls) -> frozenset[str]:
        """Every state that the table names."""
        targets = {target for row in (*cls.TABLE.values(), cls.ANYWHERE) for target in row.values() if target}
        return frozenset({cls.START, *cls.TABLE, *targets})


def direction(event: Event, client: tuple[str, int]) -> str:
    """`>` when the client, the end that opened the conversation, sent the event; `<` when the server did."""
    flow = event.flow
    return ">" if flow is not None and (flow.src_ip, flow.src_port) == client else "<"
