"""The classic capture file: a header of 24 bytes, then records (draft-ietf-opsawg-pcap).

Microsecond and nanosecond clocks, both byte orders, and the record header of 24 bytes that Kuznetzov's patches wrote.
Knows bytes of a window, no files.
"""

from __future__ import annotations

import struct

import numpy as np

from parsers.capture.clocks import Interface
from parsers.capture.walk import TRIES_MAX, Offsets, walk
from parsers.capture.window import Gap, Records, Taken, joined

HEADER_LEN = 24
"""Bytes before the first record."""
_MAGICS = {0xA1B2C3D4: (1_000, 16), 0xA1B23C4D: (1, 16), 0xA1B2CD34: (1_000, 24)}
"""Magic number → resolution in ns, bytes of a record header."""
_PACKET_MAX = 262_144
"""Longest packet that is believed, as in Wireshark (`WTAP_MAX_PACKET_SIZE_STANDARD`)."""
_PACKET_MAX_OF_LINK = {231: 128 << 20, 249: 128 << 20, 279: 8 << 20}
"""D-Bus, USBPcap and EBHSCR have longer ones."""
_CLOCK_SPREAD_S = 7 * 86_400
"""A guessed record lies within a week of a certain one."""
_HOPS = 4
"""Records that must follow a guessed one, each plausible."""
_SEARCH_LEN = 70_000
"""Bytes searched for a lane's first record; a lane without one is walked with the lane before it."""
_HALF, _LOW_HALF = np.uint64(32), np.uint64(0xFFFFFFFF)
_SECOND_NS = np.uint64(1_000_000_000)
_RESYNC_TRIES_MAX = 2_000_000
"""Places that are looked at for a way on, in all: some seconds' work."""
_RESYNC_MAX = 1_000
"""Broken places that are searched for a way on; a file with more is given up."""


def recognised(head: bytes) -> bool:
    """`head` begins a pcap file."""
    return any(int.from_bytes(head[:4], order) in _MAGICS for order in ("little", "big"))


class Pcap:
    """Reads the records of one pcap file, window by window. Is a `walk.Chain`."""

    def __init__(self, memory: bytearray, begin: int) -> None:
        """`memory` holds the file's header at `begin`, and later every window."""
        order = "<" if int.from_bytes(memory[begin : begin + 4], "little") in _MAGICS else ">"
        magic, _major, _minor, _zone, _sigfigs, snap_len, link = struct.unpack_from(order + "IHHiIII", memory, begin)
        self.resolution_ns, self.head_len = _MAGICS[magic]
        self.link = link & 0xFFFF  # the upper bits tell the length of a frame check sequence
        self._interface = Interface(self.link, snap_len, 9 if self.resolution_ns == 1 else 6, 0)
        self._memory = memory
        self._packet_max = _PACKET_MAX_OF_LINK.get(self.link, _PACKET_MAX)
        self._fractions = 1_000_000_000 // self.resolution_ns
        self._words = np.ndarray((len(memory) - 3,), order + "u4", buffer=memory, strides=(1,))
        self._stamps = np.ndarray((len(memory) - 7,), order + "u8", buffer=memory, strides=(1,))
        self._big_endian = order == ">"
        self._tick_ns = np.uint64(self.resolution_ns)
        self._length_at = struct.Struct(order + "8xI").unpack_from
        self._head = struct.Struct(order + "IIII").unpack_from
        self._second = struct.Struct(order + "I")
        self._high_half = slice(2, 4) if order == "<" else slice(0, 2)
        self._near_s: int | None = None
        self._lost = 0
        self._resyncs = 0
        self._tries_left = _RESYNC_TRIES_MAX

    def described(self, start: int) -> tuple[Interface, int]:
        """The one interface of the file, and a packet's length on the wire."""
        return self._interface, int(self._length_at(self._memory, start - self.head_len + 4)[0])

    def after(self, at: int) -> int:
        """Where the next record begins."""
        return int(at + self.head_len + self._length_at(self._memory, at)[0])

    def after_all(self, at: Offsets) -> Offsets:
        """Where the next records begin."""
        following: Offsets = at + self._words[at + 8] + self.head_len
        return following

    def find(self, begin: int, end: int) -> int | None:
        """A likely record: found by the upper half of its seconds, believed for the records that follow it."""
        return self._search(begin, min(end, begin + _SEARCH_LEN), end, certain=False)

    def take(self, begin: int, end: int, *, last: bool) -> Taken:
        """The records in `memory[begin:end]`; `last` when nothing follows."""
        parts: list[Records] = []
        gaps: list[Gap] = []
        taken = 0
        while True:
            if self._lost:
                found = self._search(begin, end, end, certain=True, last=last) if self._resyncs <= _RESYNC_MAX else None
                kept = end if last else max(begin, end - 2 * _PACKET_MAX)
                self._lost += (kept if found is None else found) - begin
                if found is None:
                    if last:
                        gaps.append(self._gap(taken))
                    return Taken(joined(parts), kept, gaps)
                gaps.append(self._gap(taken))
                begin = found
            if self._near_s is None and begin + 4 <= end:
                self._near_s = self._second.unpack_from(self._memory, begin)[0]
            part, stop, broken = self._run(begin, end)
            if len(part.starts):
                parts.append(part)
                taken += len(part.starts)
            if not broken:
                break
            self._resyncs += 1
            self._lost = 1
            begin = stop + 1
        if last and stop < end:
            gaps.append(Gap("the last record is cut off", end - stop, taken))
            stop = end
        return Taken(joined(parts), stop, gaps)

    def _gap(self, after: int) -> Gap:
        count, self._lost = self._lost, 0
        what = "a record length cannot be right; the bytes up to the next record that can be were passed over"
        return Gap(what, count, after)

    def _run(self, begin: int, end: int) -> tuple[Records, int, bool]:
        """The unbroken records from `begin` on, where they stop, and whether something broken is there."""
        offsets, after = walk(self, begin, end)
        if not len(offsets):
            return Records(offsets, offsets, offsets, self.link), begin, False
        following = np.empty_like(offsets)
        following[:-1], following[-1] = offsets[1:], after
        lengths = following - offsets - self.head_len
        believable = lengths <= self._packet_max
        whole = int(len(offsets) if believable.all() else believable.argmin())
        broken = whole < len(offsets)
        stop = int(offsets[whole]) if broken else after
        if not broken and after > end:
            if lengths[-1] <= _PACKET_MAX:
                whole -= 1
                stop = int(offsets[-1])
            else:  # a giant of a link layer that is not decoded: counted here, passed over by the caller
                lengths[-1] = end - int(offsets[-1]) - self.head_len
        offsets, lengths = offsets[:whole], lengths[:whole]
        stamps = self._stamps[offsets]  # seconds and fraction at once: to touch a record is what costs
        seconds, fractions = stamps & _LOW_HALF, stamps >> _HALF
        if self._big_endian:
            seconds, fractions = fractions, seconds
        at_ns = (seconds * _SECOND_NS + fractions * self._tick_ns).view(np.int64)
        if len(seconds):
            self._near_s = int(seconds[-1])
        return Records(offsets + self.head_len, lengths, at_ns, self.link), stop, broken

    def _search(self, begin: int, stop: int, end: int, *, certain: bool, last: bool = False) -> int | None:
        """The first likely record in `[begin, stop)`; when `certain` is asked for, one that some records do follow."""
        if self._near_s is None:
            return None
        half = self._second.pack(self._near_s)[self._high_half]
        shift = self._high_half.start
        at = self._memory.find(half, begin + shift, stop)
        tries = 0
        while at >= 0 and tries < (self._tries_left if certain else TRIES_MAX):
            if self._likely(at - shift, end, certain=certain, last=last):
                return at - shift
            at = self._memory.find(half, at + 1, stop)
            tries += 1
        if certain:
            self._tries_left -= tries
        return None

    def _likely(self, at: int, end: int, *, certain: bool, last: bool) -> bool:
        near = self._near_s or 0
        for hop in range(_HOPS):
            if at + self.head_len > end:
                return not certain or hop >= 2 or (last and at == end and hop > 0)
            second, fraction, length, wire_len = self._head(self._memory, at)
            if length > self._packet_max or wire_len < length or fraction >= self._fractions:
                return False
            if abs(second - near) > _CLOCK_SPREAD_S or wire_len > 2 * self._packet_max:
                return False
            at += self.head_len + length
        return True
