"""What a finished run said, in as little as the next one needs to tell what is new.

A run over the same work as the last says the same: it is compared with the run that the last was compared with.
Knows no storage, and no clock: a run is named by what it saw.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a run said."""

    work: str
    """Fingerprint of the pieces of work that it was made of."""
    program: str
    """Fingerprint of the program."""
    asked: str
    """The options that it was given, but `since`."""
    since_ns: int | None
    """Attempts that began before it were left out; ns since 1970 UTC."""
    cases: int
    """Its cases."""
    lost: int
    """Of these, those that could not be read."""
    last_ns: int | None = None
    """The last instant that it saw anything; ns since 1970 UTC."""
    causes: Sequence[Sequence[str]] = ()
    """Initiator, receiver and cause of each pair that had one, in order, whichever case told it."""
    nobody: Sequence[str] = ()
    """Domains that it was asked for, and that no attempt was from or to."""

    def compares(self, later: Said) -> bool:
        """Whether what a later run says, and this one did not, is new: it was asked the same, from as far back on."""
        if self.since_ns is not None and (later.since_ns is None or later.since_ns < self.since_ns):
            return False
        return self.asked == later.asked


def bytes_of(runs: Sequence[Said]) -> bytes:
    """Runs as they are kept, the last first."""
    return json.dumps([asdict(run) for run in runs], sort_keys=True).encode()


def runs_of(kept: bytes | None) -> list[Said]:
    """The runs that are kept, the last first; none where nothing is."""
    return [Said(**run) for run in json.loads(kept)] if kept else []
