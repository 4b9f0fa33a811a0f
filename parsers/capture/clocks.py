"""The interfaces of a pcapng section: link type, clock and name of each (draft-ietf-opsawg-pcapng section 4.2).

Stamps become integer nanoseconds here, whatever resolution and offset an interface counts in.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from parsers.capture.window import NO_INTERFACE

_SECOND_NS = 1_000_000_000
_LATEST_S = 9_223_372_035
"""The last whole second that 64 bits of nanoseconds hold: a later stamp is damage and is shown as this."""
_INTERFACES_MAX = 65_536
"""More interfaces than this in one section are not remembered; a real section has some hundred."""
_NAME, _TSRESOL, _TSOFFSET = 2, 9, 14
"""Options of an interface description block."""


class Interface(NamedTuple):
    """One interface description block."""

    link: int
    """Link type of its packets."""
    snap_len: int
    """Bytes kept of each packet; 0 for all."""
    resolution: int
    """`if_tsresol`: a negative power of 10, or of 2 when the high bit is set; 6 where not said."""
    offset_s: int
    """`if_tsoffset`, seconds to add."""
    name: str = ""
    """`if_name`, as the capturing machine calls it; "" where not said."""

    @property
    def digits(self) -> int:
        """Decimal digits of its clock's seconds: 6 for microseconds; 9 for what is finer, or counts in powers of 2."""
        return min(self.resolution, 9)

    @classmethod
    def read(cls, block: bytes, order: str) -> Interface:
        """Read a whole block; options that do not fit in it are left out."""
        if len(block) < 20:
            return cls(NO_INTERFACE, 0, 6, 0)
        link, snap_len = struct.unpack_from(order + "8xHxxI", block)
        resolution, offset_s, name = 6, 0, ""
        at, end = 16, len(block) - 4
        while at + 4 <= end:
            code, length = struct.unpack_from(order + "HH", block, at)
            at += 4
            if code == 0 or at + length > end:
                break
            if code == _TSRESOL and length == 1:
                resolution = block[at]
            if code == _TSOFFSET and length == 8:
                (offset_s,) = struct.unpack_from(order + "q", block, at)
            if code == _NAME:
                name = block[at : at + length].decode("utf-8", "replace")
            at += length + 3 & ~3
        return cls(link, snap_len, resolution, offset_s, name)


class Interfaces:
    """Those of one section, by number."""

    def __init__(self, order: str) -> None:
        """`order` is the byte order of the section."""
        self.order = order
        self.resolution_ns = 1_000
        """The finest clock of them, ns."""
        self._described: list[Interface] = []
        self._table: NDArray[np.int64] | None = None

    def add(self, interface: Interface) -> None:
        """The next interface of the section."""
        if len(self._described) < _INTERFACES_MAX:
            self._described.append(interface)
            self._table = None
            finest = _resolution_ns(interface.resolution)
            self.resolution_ns = finest if len(self._described) == 1 else min(self.resolution_ns, finest)

    def described(self, number: int) -> Interface:
        """The interface of that number; one that was never described has no link type."""
        return self._described[number] if number < len(self._described) else Interface(NO_INTERFACE, 0, 6, 0)

    @property
    def snap_len(self) -> int:
        """Of the first interface, which simple packet blocks belong to; 0 for no limit."""
        return self._described[0].snap_len if self._described else 0

    def links(self, numbers: NDArray[np.int64]) -> NDArray[np.int64] | int:
        """The link type of each packet, one number when there is but one interface."""
        if len(self._described) == 1 and not numbers.any():
            return self._described[0].link
        table, numbers = self._lookup(numbers)
        chosen: NDArray[np.int64] = table[0][numbers]
        return chosen

    def at_ns(self, numbers: NDArray[np.int64], stamps: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Stamps of packets of these interfaces, ns since 1970 UTC."""
        table, numbers = self._lookup(numbers)
        resolutions = table[1][numbers]
        kinds = np.unique(resolutions).tolist()
        if len(kinds) == 1:
            seconds, rest = _split(stamps, kinds[0])
        else:
            seconds, rest = np.zeros(len(stamps), np.int64), np.zeros(len(stamps), np.int64)
            for kind in kinds:
                chosen = resolutions == kind
                seconds[chosen], rest[chosen] = _split(stamps[chosen], kind)
        if table[2].any():
            seconds = seconds + table[2][numbers]
        return np.clip(seconds, 0, _LATEST_S) * _SECOND_NS + rest

    def _lookup(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows link, resolution, offset, with a last column for interfaces never described; and `numbers` within it."""
        if self._table is None:
            rows = [
                (one.link, one.resolution, max(-_LATEST_S, min(one.offset_s, _LATEST_S))) for one in self._described
            ]
            self._table = np.array([*rows, (NO_INTERFACE, 6, 0)], np.int64).T
        return self._table, np.minimum(numbers, len(self._described))


def _resolution_ns(resolution: int) -> int:
    power = resolution & 0x7F
    return max(1, _SECOND_NS >> power if resolution & 0x80 else _SECOND_NS // 10**power)


def _split(stamps: NDArray[np.uint64], resolution: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stamps as whole seconds and the nanoseconds beyond them."""
    power = resolution & 0x7F
    units = 1 << power if resolution & 0x80 else 10**power
    if units <= _SECOND_NS:
        unit = np.uint64(units)
        seconds, rest = stamps // unit, (stamps % unit) * np.uint64(_SECOND_NS) // unit
    else:  # finer than a nanosecond: rare, and too fine for 64-bit sums
        both = [divmod(stamp, units) for stamp in stamps.tolist()]
        seconds = np.array([second for second, _ in both], np.uint64)
        rest = np.array([part * _SECOND_NS // units for _, part in both], np.uint64)
    return np.minimum(seconds, np.uint64(_LATEST_S)).astype(np.int64), rest.astype(np.int64)
