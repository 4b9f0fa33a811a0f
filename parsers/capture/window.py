"""A window: the part of a capture that is in memory, and the records in it as columns.

Knows nothing of how records were found, nor of what is in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from parsers.capture.clocks import Interface

Column = NDArray[np.int64]
"""One value for each record."""

FRONT = 64
"""Unused bytes before a window, so that a header may be looked at as if longer ones stood before it."""
BACK = 256
"""Unused bytes after it, so that a fixed number of bytes can be taken of every record, however short."""
NO_INTERFACE = -1
"""In place of a link type: the packet's interface was never described."""
NO_PACKET = -2
"""In place of a link type: the record has a frame number, and is something else than a packet."""
WINDOW_LEN = 8 << 20
"""Bytes of a capture in memory at once: about what fits into a processor's last cache. More gains little."""

SMALL_LEN = 1 << 19
"""The same of a file that is smaller than that: twice the longest packet that is believed, which may yet be written."""


class Records(NamedTuple):
    """Packet records, as a format finds them."""

    starts: Column
    """Where each packet's first byte is in the window's memory."""
    lengths: Column
    """Bytes captured of each."""
    at_ns: Column
    """When each was captured, ns since 1970 UTC."""
    links: Column | int
    """Link type of each, or of all (www.tcpdump.org/linktypes.html)."""


class Heads(Protocol):
    """What a format knows of each record beside its bytes; asked before the next window is filled."""

    def described(self, start: int) -> tuple[Interface, int]:
        """Which interface saw the packet whose first byte is at `start`, and its length on the wire, bytes."""


class Window(NamedTuple):
    """Records with their numbers. The memory is used again for the next window: copy what must last."""

    memory: bytearray
    """What `starts` points into."""
    first_frame: int
    """Wireshark's number of the first record."""
    records: Records
    """The records, in the order of the file."""
    heads: Heads
    """The format that found them."""


class Gap(NamedTuple):
    """Bytes that could not be read."""

    what: str
    """One sentence for a person."""
    bytes_len: int
    """How many."""
    after: int
    """How many of the records taken with it stand before it."""


class Taken(NamedTuple):
    """What a format made of the bytes it was shown."""

    records: Records
    """Whole records."""
    stop: int
    """The first byte that was not used. Beyond the end of what was shown: bytes up to there are to be passed over."""
    gaps: list[Gap]
    """What could not be read."""


def no_records() -> Records:
    """None at all."""
    none = np.empty(0, np.int64)
    return Records(none, none, none, 0)


def joined(parts: list[Records]) -> Records:
    """Runs of records as one."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return no_records()
    links: Column | int = parts[0].links
    if any(isinstance(part.links, np.ndarray) or part.links != links for part in parts):
        links = np.concatenate([np.broadcast_to(np.asarray(part.links), part.starts.shape) for part in parts])
    starts, lengths, at_ns = (np.concatenate([part[field] for part in parts]) for field in range(3))
    return Records(starts, lengths, at_ns, links)
