"""The next-generation capture file: blocks in sections (draft-ietf-opsawg-pcapng).

Enhanced, simple and obsolete packet blocks; any number of sections and interfaces, each section in its own byte order.
Every other block is passed over unread: names resolved, statistics, and above all decryption secrets.
Knows bytes of a window, no files.
"""

from __future__ import annotations

import struct
from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from parsers.capture.clocks import Interface, Interfaces
from parsers.capture.walk import FAR, TRIES_MAX, Offsets, plain_walk, walk
from parsers.capture.window import NO_PACKET, Gap, Records, Taken, joined

HEADER_LEN = 28
"""Bytes of the shortest section header block."""
_SECTION = 0x0A0D0D0A
"""Block type, the same in both byte orders (section 4.1)."""
_SECTION_BYTES = b"\x0a\x0d\x0d\x0a"
_ORDER_MAGIC = 0x1A2B3C4D
"""Byte-order magic of a section header (section 4.1)."""
_INTERFACE, _OBSOLETE, _SIMPLE, _ENHANCED = 1, 2, 3, 6
"""Block types (sections 4.2, appendix A, 4.4, 4.3)."""
_NO_PACKETS = (0x0BAD, 0x40000BAD, 9, 0x204, 0x216, 0x221)
"""Custom blocks, journal entries and system calls: Wireshark gives each a frame number, so they count here too."""
_BLOCK_MIN = 12
"""Bytes of a block with nothing in it."""
_BLOCK_MAX = 16 << 20
"""Longest block that is believed, as in Wireshark (`MAX_BLOCK_SIZE`)."""
_PACKET_BLOCK_MAX = 1 << 19
"""Longest block that a search takes for a packet."""
_HOPS = 3
"""Blocks that must follow a guessed one, each whole."""
_SEARCH_LEN = 70_000
"""Bytes searched for a lane's first block."""
_SECTION_PROBE_LEN = 1 << 20
"""Bytes of a later section that are walked plainly first: a million small sections must not be cut into lanes each."""
_RESYNC_TRIES_MAX = 2_000_000
"""Places that are looked at for a way on, in all: some seconds' work."""
_RESYNC_MAX = 1_000
"""Broken places that are searched for a way on; a file with more is given up."""


def recognised(head: bytes) -> bool:
    """`head` begins a pcapng file."""
    return head[:4] == _SECTION_BYTES and _byte_order(head[8:12]) is not None


def _byte_order(magic: bytes | bytearray) -> str | None:
    for order in "<>":
        if bytes(magic) == struct.pack(order + "I", _ORDER_MAGIC):
            return order
    return None


class Pcapng:
    """Reads the packet blocks of one pcapng file, window by window. Is a `walk.Chain` for the section it is in."""

    head_len = 8

    def __init__(self, memory: bytearray) -> None:
        """`memory` holds every window in turn."""
        self._memory = memory
        self._all_words = {
            order: np.ndarray((len(memory) - 3,), order + "u4", buffer=memory, strides=(1,)) for order in "<>"
        }
        self._taken: list[tuple[int, str, Interfaces]] = []
        self._enter("<", 0)
        self._sections = 0
        self._resyncs = 0
        self._tries_left = _RESYNC_TRIES_MAX
        self._lost = 0
        self._last_ns = 0

    @property
    def resolution_ns(self) -> int:
        """The finest clock of the interfaces seen so far, ns."""
        return self._interfaces.resolution_ns

    def _enter(self, order: str, begin: int) -> None:
        """Begin a section: nothing of the one before it holds any more (section 4.1)."""
        self._order = order
        self._section_begin = begin
        self._words = self._all_words[order]
        self._type_and_length = struct.Struct(order + "II").unpack_from
        self._word = struct.Struct(order + "I").unpack_from
        self._enhanced = struct.pack(order + "I", _ENHANCED)
        self._interfaces = Interfaces(order)
        self._taken.append((begin, order, self._interfaces))

    def described(self, start: int) -> tuple[Interface, int]:
        """The interface of a packet in what was taken last, and its length on the wire."""
        section = bisect_right(self._taken, start, key=lambda taken: taken[0]) - 1
        _, order, interfaces = self._taken[max(section, 0)]
        kind, length, number, _, _, captured, wire_len = struct.unpack_from(order + "7I", self._memory, start - 28)
        if kind not in (_ENHANCED, _OBSOLETE) or captured > length:
            # A simple packet block tells the length only; the words before it are of another block.
            return interfaces.described(0), struct.unpack_from(order + "I", self._memory, start - 4)[0]
        if kind == _OBSOLETE:
            number = number & 0xFFFF if order == "<" else number >> 16
        return interfaces.described(number), wire_len

    def after(self, at: int) -> int:
        """Where the next block begins; nothing follows the header of a new section, whose byte order is its own."""
        kind, length = self._type_and_length(self._memory, at)
        if length < _BLOCK_MIN or (kind == _SECTION and at != self._section_begin):
            return at + FAR
        return int(at + (length + 3 & ~3))  # some writers forget the padding; Wireshark rounds up too

    def after_all(self, at: Offsets) -> Offsets:
        """The same for many blocks."""
        lengths = self._words[at + 4].astype(np.int64)
        following: Offsets = at + ((lengths + 3) & ~3)
        wrong = lengths < _BLOCK_MIN
        wrong |= (self._words[at] == _SECTION) & (at != self._section_begin)
        following[wrong] = at[wrong] + FAR
        return following

    def find(self, begin: int, end: int) -> int | None:
        """A likely enhanced packet block: its length stands at both its ends, and so does that of those that follow."""
        return self._search(self._enhanced, begin, min(end, begin + _SEARCH_LEN), end)

    def take(self, begin: int, end: int, *, last: bool) -> Taken:
        """The packets in `memory[begin:end]`; `last` when nothing follows."""
        self._taken = [(begin, self._order, self._interfaces)]
        parts: list[Records] = []
        gaps: list[Gap] = []
        taken = 0
        while begin < end:
            if self._lost:
                found = self._way_on(begin, end)
                kept = end if last else max(begin, end - 2 * _PACKET_BLOCK_MAX)
                self._lost += (kept if found is None else found) - begin
                if found is not None or last:
                    what = "a block length cannot be right; the bytes up to the next block that can be were passed over"
                    gaps.append(Gap(what, self._lost, taken))
                    self._lost = 0
                if found is None:
                    return Taken(joined(parts), kept, gaps)
                begin = found
            if self._memory[begin : begin + 4] == _SECTION_BYTES and begin + 12 <= end:
                order = _byte_order(self._memory[begin + 8 : begin + 12])
                if order is None:
                    begin, self._lost = begin + 1, 1
                    continue
                self._enter(order, begin)
                self._sections += 1
            part, stop, broken = self._run(begin, end)
            if len(part.starts):
                parts.append(part)
                taken += len(part.starts)
            if broken:
                self._resyncs += 1
                begin, self._lost = stop + 1, 1
                continue
            if stop == begin or self._memory[stop : stop + 4] != _SECTION_BYTES:
                begin = stop
                break
            begin = stop
        if last and begin < end:
            gaps.append(Gap("the last block is cut off", end - begin, taken))
            begin = end
        self._section_begin = -1  # the memory moves on; the header is behind
        return Taken(joined(parts), begin, gaps)

    def _run(self, begin: int, end: int) -> tuple[Records, int, bool]:
        """The blocks of this section from `begin` on, where they stop, and whether something broken is there."""
        offsets, after = self._walk(begin, end)
        lengths = np.diff(offsets, append=after)
        whole = len(offsets)
        stop, broken = after, False
        if whole and after > end:
            whole -= 1
            stop = int(offsets[whole])
            kind, length = self._type_and_length(self._memory, stop)
            broken = not (kind == _SECTION and stop != self._section_begin) and not _BLOCK_MIN <= length <= _BLOCK_MAX
        offsets, lengths = offsets[:whole], lengths[:whole]
        wrong = self._words[offsets + lengths - 4] != self._words[offsets + 4]
        wrong |= lengths > _BLOCK_MAX
        if wrong.any():
            whole = int(wrong.argmax())
            stop, broken = int(offsets[whole]), True
            offsets, lengths = offsets[:whole], lengths[:whole]
        return self._packets(offsets, lengths), stop, broken

    def _walk(self, begin: int, end: int) -> tuple[Offsets, int]:
        if self._sections < 2:
            return walk(self, begin, end)
        near, at = plain_walk(self, begin, min(begin + _SECTION_PROBE_LEN, end) - self.head_len)
        if at > end - self.head_len:
            return near, at
        far, at = walk(self, at, end)
        return np.concatenate([near, far]), at

    def _packets(self, offsets: Offsets, lengths: NDArray[np.int64]) -> Records:
        kinds = self._words[offsets]
        if (kinds == _ENHANCED).all():
            return self._stamped(offsets, lengths, self._words[offsets + 8].astype(np.int64))
        described = kinds == _INTERFACE
        for at, length in zip(offsets[described].tolist(), lengths[described].tolist(), strict=True):
            self._interfaces.add(Interface.read(bytes(self._memory[at : at + length]), self._order))
        runs = []
        if (chosen := kinds == _ENHANCED).any():
            numbers = self._words[offsets[chosen] + 8].astype(np.int64)
            runs.append(self._stamped(offsets[chosen], lengths[chosen], numbers))
        if (chosen := kinds == _OBSOLETE).any():
            numbers = self._words[offsets[chosen] + 8].astype(np.int64)
            numbers = numbers & 0xFFFF if self._order == "<" else numbers >> 16  # the other half counts drops
            runs.append(self._stamped(offsets[chosen], lengths[chosen], numbers))
        if (chosen := kinds == _SIMPLE).any():
            runs.append(self._simple(offsets[chosen], lengths[chosen]))
        if (chosen := np.isin(kinds, _NO_PACKETS)).any():
            starts = offsets[chosen] + self.head_len
            runs.append(Records(starts, np.zeros_like(starts), np.full_like(starts, self._last_ns), NO_PACKET))
        records = joined(runs)
        if len(runs) > 1:
            order = np.argsort(records.starts, kind="stable")
            links = records.links[order] if isinstance(records.links, np.ndarray) else records.links
            records = Records(records.starts[order], records.lengths[order], records.at_ns[order], links)
        return records

    def _stamped(self, offsets: Offsets, lengths: Offsets, numbers: NDArray[np.int64]) -> Records:
        """Enhanced and obsolete packet blocks of interfaces `numbers`: a stamp of 64 bits, a length, the bytes."""
        stamps = self._words[offsets + 12].astype(np.uint64) << np.uint64(32) | self._words[offsets + 16]
        at_ns = self._interfaces.at_ns(numbers, stamps)
        self._last_ns = int(at_ns[-1]) if len(at_ns) else self._last_ns
        captured = np.clip(self._words[offsets + 20].astype(np.int64), 0, np.maximum(lengths - 32, 0))
        return Records(offsets + 28, captured, at_ns, self._interfaces.links(numbers))

    def _simple(self, offsets: Offsets, lengths: Offsets) -> Records:
        """Simple packet blocks: of the first interface, without a clock (section 4.4).

        They take the instant of the last packet before this window that had one.
        """
        captured = np.clip(self._words[offsets + 8].astype(np.int64), 0, np.maximum(lengths - 16, 0))
        if snap_len := self._interfaces.snap_len:
            captured = np.minimum(captured, snap_len)
        at_ns = np.full(len(offsets), self._last_ns, np.int64)
        return Records(offsets + 12, captured, at_ns, self._interfaces.links(np.zeros_like(offsets)))

    def _way_on(self, begin: int, end: int) -> int | None:
        """The first packet block or section header from `begin` on that others do follow."""
        if self._resyncs > _RESYNC_MAX:
            return None
        packet = self._search(self._enhanced, begin, end, end, certain=True)
        section = self._memory.find(_SECTION_BYTES, begin, packet if packet is not None else end)
        while section >= 0 and _byte_order(self._memory[section + 8 : section + 12]) is None:
            section = self._memory.find(_SECTION_BYTES, section + 1, packet if packet is not None else end)
        return section if section >= 0 else packet

    def _search(self, pattern: bytes, begin: int, stop: int, end: int, *, certain: bool = False) -> int | None:
        at = self._memory.find(pattern, begin, stop)
        tries = 0
        while at >= 0 and tries < (self._tries_left if certain else TRIES_MAX):
            if self._likely(at, end, certain=certain):
                return at
            at = self._memory.find(pattern, at + 1, stop)
            tries += 1
        if certain:
            self._tries_left -= tries
        return None

    def _likely(self, at: int, end: int, *, certain: bool) -> bool:
        kind, length = self._type_and_length(self._memory, at)
        if kind != _ENHANCED or not 32 <= length <= _PACKET_BLOCK_MAX:
            return False
        for hop in range(_HOPS):
            if at + 12 > end:
                return not certain or hop > 0
            length = self._word(self._memory, at + 4)[0]
            if not _BLOCK_MIN <= length <= _BLOCK_MAX or length & 3:
                return False
            if at + length > end:
                return not certain or hop > 0
            if self._word(self._memory, at + length - 4)[0] != length:
                return False
            at += length
        return True
