"""What came of a case, in a line. Plain data: it travels between processes and is kept as JSON."""

from __future__ import annotations

import re
from typing import NamedTuple

from parsers.errors import FedtraceError, SourceEmpty, UnknownFormat

_CAPTURE = re.compile(r"\.(?:pcap|pcapng|cap|dmp|snoop)\d*(?:\.(?:gz|zst))?$", re.IGNORECASE)
"""How names of captures end, those of ring buffers as well."""


class Outcome(NamedTuple):
    """What came of a case, in a line."""

    case: str
    """Its name."""
    state: str
    """The worst of its pairs: failing, degraded, undetermined, healthy; "nothing" where no attempt was seen;
    "unreadable", or "broken" where fedtrace failed.
    """
    problem: str | None = None
    """Why it, or an input of it, could not be read, where one broke off, or what broke."""
    unknown: str | None = None
    """Its files that no format knows, which are notes and settings as a rule, or that are empty, as logs of errors that
    did not happen are; and which of the two. What is called a capture is none of them.
    """
    sources: int = 0
    """Inputs."""
    unread: int = 0
    """Inputs that could not be read, but for those that are `unknown`."""
    damage: int = 0
    """Places where an input was read in part only."""
    attempts: int = 0
    """Attempts."""
    pairs: int = 0
    """Pairs of domains, each in one direction."""
    failing: int = 0
    """Of these, failing."""
    first_ns: int | None = None
    """The first attempt; of a case without one, the first instant of its inputs. Nanoseconds since 1970 UTC."""
    last_ns: int | None = None
    """The end of the last."""
    part_of: str | None = None
    """The case that it is a part of, which was too large to be read at once."""
    page: str | None = None
    """Its page, below the folder of results."""
    rules_broken: int = 0
    """Rules of ours that failed on it."""


def is_aside(name: str, error: FedtraceError) -> bool:
    """Whether an input that could not be read is no capture and no log, as a rule, and is told as `unknown`."""
    return isinstance(error, UnknownFormat | SourceEmpty) and _CAPTURE.search(name) is None
