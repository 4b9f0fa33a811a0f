"""What an earlier reading of a small capture came to, so that it need not be read again soon after.

As bytes that a process of ours gives to another of the same run: pickles, which are never kept where others may write.
"""

from __future__ import annotations

import pickle
from typing import NamedTuple

from parsers.events import Event
from parsers.hold import Hold
from parsers.source import Reading

EVENTS_MAX = 500
"""Events of a capture that is small: they are found again in a tenth of the time that reading it takes."""


class Earlier(NamedTuple):
    """All that one input showed."""

    name: str
    """`Source.name`, which its events carry."""
    reading: Reading
    """What its reading came to."""
    events: list[Event]
    """Its events, in order of time."""

    def told(self) -> bytes:
        """As bytes."""
        return pickle.dumps(tuple(self))

    @staticmethod
    def of(told: bytes) -> Earlier:
        """What `told` said."""
        return Earlier(*pickle.loads(told))

    def is_wanted(self, name: str, hold: Hold) -> bool:
        """Whether an input that is called so now would show the same, as far as it is to be held."""
        first_ns, last_ns = self.reading.first_ns, self.reading.last_ns
        return self.name == name and first_ns is not None and last_ns is not None and hold.wants_all(first_ns, last_ns)
