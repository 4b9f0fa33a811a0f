"""TCP segments of one direction, in any order, become contiguous bytes and holes (RFC 9293 section 3.4).

It knows sequence numbers and nothing else: not what the bytes mean, not whose they are, not when they came.
The caller gives each segment a token (a frame number, say) and gets tokens back.
A second conversation between the same two ports is the caller's to notice: it wants a new `Direction`.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

_SEQ = 0xFFFF_FFFF
"""Sequence numbers are taken modulo 2**32 (RFC 9293 section 3.4)."""
_HALF = 0x8000_0000
"""What is further ahead than this is behind."""

WAITING_BYTES_MAX = 1 << 20
"""Bytes that may wait behind a hole: 1 MiB of window fills 80 Mbit/s over 100 ms, more than stanzas need."""

LATE_SEGMENTS = 16
"""So many segments may come before one that was sent before them: what is behind a hole that was acknowledged waits for
them. A capture from several queues or a mirror port shows an acknowledgement before the data that it is of."""

WAITING_SEGMENTS_MAX = 1024
"""Segments that may wait behind a hole: `WAITING_BYTES_MAX` of full Ethernet segments is 718."""


class Piece(NamedTuple):
    """Bytes that follow all bytes given before."""

    data: bytes
    """The bytes, never empty."""
    token: object
    """Token of the segment that made them readable: its own, or that of a later one that filled the hole before it."""


class Hole(NamedTuple):
    """Bytes that were sent and that the capture does not hold."""

    missing: int
    """How many bytes."""
    token: object
    """Token of the segment that was cut, that stands after the hole, or that acknowledged it at the end."""


class _Waiting(NamedTuple):
    """A part of a segment that nothing before it overlaps."""

    seq: int
    """Sequence number of its first byte."""
    data: bytes
    """What the capture holds of it."""
    length: int
    """Its bytes on the wire."""
    order: int
    """How many segments had come when it came."""
    token: object
    """Token of its segment."""


def _ahead(seq: int, of: int) -> int:
    """How far `seq` is ahead of `of`, bytes; negative when it is behind."""
    distance = (seq - of) & _SEQ
    return distance if distance < _HALF else distance - 0x1_0000_0000


class Direction:
    """One direction of one conversation.

    The first segment seen defines the start, unless a SYN did before.
    What comes before the start, or after its hole was given up, counts as repeated: the two cannot be told apart.
    """

    __slots__ = (
        "_acked_token",
        "_last_len",
        "_latest_order",
        "_latest_token",
        "_next",
        "_waiting",
        "_waiting_len",
        "acked",
        "bytes_len",
        "repeats",
        "retransmitted",
        "segments",
    )

    def __init__(self) -> None:
        """Nothing sent yet."""
        self._next = -1
        self._acked_token: object = None
        self._last_len = 0
        self._waiting: list[_Waiting] = []
        self._waiting_len = 0
        self._latest_order = -1
        self._latest_token: object = None
        self.acked = -1
        """The highest acknowledgment number of the other side, which tells nothing when it comes again; -1 before."""
        self.bytes_len = 0
        """Payload bytes seen on the wire, each counted once; with those that the snap length cut off, without holes."""
        self.segments = 0
        """Segments with payload, keep-alive probes apart."""
        self.retransmitted = 0
        """Of these, those that brought nothing new."""
        self.repeats = False
        """Whether the segment given last to `segment` brought nothing new."""

    def syn(self, seq: int) -> None:
        """A SYN numbered `seq`: data begins at `seq + 1`, also the data that the SYN itself may carry (RFC 7413)."""
        if self._next < 0:
            self._next = (seq + 1) & _SEQ

    def segment(self, seq: int, data: bytes, length: int, token: object) -> list[Piece | Hole]:
        """A segment of `length` payload bytes of which the capture holds `data`; gives what can be read now.

        A keep-alive probe, one byte that was sent already (RFC 9293 section 3.8.4), is no data and is not counted.
        """
        self.repeats = False
        if length == len(data) and self.in_order(seq, length):
            return [Piece(data, token)]
        return self._out_of_line(seq, data[:length], length, token)

    def in_order(self, seq: int, length: int) -> bool:
        """A whole segment of `length` payload bytes: whether it is simply the next one, and is taken.

        The short way for most segments of most captures, whose bytes need not pass through here.
        One that is not taken, or that the capture cut, goes to `segment`.
        """
        if seq != self._next or self._waiting or length <= 0:
            return False
        self.follow(1, length, length)
        return True

    @property
    def expected(self) -> int | None:
        """Sequence number of the segment that would simply be the next one; None while any waits behind a hole."""
        return None if self._waiting else self._next

    def follow(self, segments: int, length: int, last_length: int) -> None:
        """So many whole segments, `length` bytes in all, come one after the other, the first as it was expected."""
        self._next = (self._next + length) & _SEQ
        self._last_len = last_length
        self.segments += segments
        self.bytes_len += length

    def acknowledged(self, ack: int, token: object = None) -> list[Piece | Hole]:
        """The other side acknowledged all bytes before `ack`: those that are not here, the capture has lost.

        `token` is the acknowledging segment's, the only sign of bytes lost behind all others.

        A hole is declared only once something stands behind it and `LATE_SEGMENTS` more came.
        """
        if self._next < 0:
            return []
        # `_ahead` written out: most segments of most captures come here.
        if self.acked < 0 or 0 < (ack - self.acked) & _SEQ < _HALF:
            self.acked, self._acked_token = ack, token
        return self._readable() if self._waiting else []

    def flush(self) -> list[Piece | Hole]:
        """The capture ends: gives what waits behind holes, and a last hole if bytes were acknowledged that never came.

        One missing byte at the end is the sequence number of a FIN and no byte.
        """
        out: list[Piece | Hole] = []
        while self._waiting:
            self._skip(self._waiting[0].seq, out)
        missing = _ahead(self.acked, self._next) if self.acked >= 0 else 0
        if missing > 1:
            out.append(Hole(missing, self._acked_token))
            self._next = self.acked
        return out

    @property
    def highest(self) -> int:
        """Sequence number after the highest byte sent; -1 before anything was seen."""
        if self._waiting:
            last = self._waiting[-1]
            return (last.seq + last.length) & _SEQ
        return self._next

    @property
    def unacknowledged_len(self) -> int:
        """Bytes sent that the other side has not acknowledged; 0 where no acknowledgement was seen."""
        return max(_ahead(self.highest, self.acked), 0) if self.acked >= 0 else 0

    @property
    def waiting_len(self) -> int:
        """Bytes held behind holes."""
        return self._waiting_len

    @property
    def waiting(self) -> int:
        """Segments held behind holes, those in parts counted by their parts."""
        return len(self._waiting)

    def _out_of_line(self, seq: int, data: bytes, length: int, token: object) -> list[Piece | Hole]:
        """The way of every segment that is not simply the next one."""
        if length <= 0:
            return []
        if self._next < 0:
            self._next = seq
        start = _ahead(seq, self._next)
        if length == 1 and start == -1 and self._last_len != 1:
            return []
        self._last_len = length
        order = self.segments
        self.segments += 1
        fresh = self._fresh(max(start, 0), start + length)
        if not fresh:
            self.repeats = True
            self.retransmitted += 1
            return []
        for at, end in fresh:
            part = _Waiting((self._next + at) & _SEQ, data[at - start : end - start], end - at, order, token)
            self._waiting.insert(self._place(at), part)
            self._waiting_len += len(part.data)
            self.bytes_len += part.length
        return self._readable()

    def _place(self, at: int) -> int:
        """Index in `_waiting` of the first part that begins more than `at` bytes ahead of what was read."""
        read = self._next
        return bisect_right(self._waiting, at, key=lambda part: (part.seq - read) & _SEQ)

    def _fresh(self, start: int, end: int) -> list[tuple[int, int]]:
        """The stretches of `[start, end)`, bytes ahead of what was read, that nothing waiting covers."""
        stretches = []
        for part in self._waiting[max(self._place(start) - 1, 0) :]:
            at = (part.seq - self._next) & _SEQ
            if at >= end:
                break
            if start < at:
                stretches.append((start, at))
            start = max(start, at + part.length)
        if start < end:
            stretches.append((start, end))
        return stretches

    def _readable(self) -> list[Piece | Hole]:
        """What stands next, and what stands behind holes that need not be waited for."""
        out: list[Piece | Hole] = []
        self._read(out)
        while self._waiting:
            first = self._waiting[0].seq
            lost = _ahead(self.acked, self._next) if self.acked >= 0 else 0
            if self._waiting_len > WAITING_BYTES_MAX or len(self._waiting) > WAITING_SEGMENTS_MAX:
                self._skip(first, out)
            elif lost > 0 and self.segments - self._waiting[0].order > LATE_SEGMENTS:
                self._skip(self.acked if lost < _ahead(first, self._next) else first, out)
            else:
                break
        return out

    def _read(self, out: list[Piece | Hole]) -> None:
        """Take from the waiting parts as long as the next one follows at once."""
        taken = 0
        for part in self._waiting:
            if part.seq != self._next:
                break
            taken += 1
            self._next = (part.seq + part.length) & _SEQ
            self._waiting_len -= len(part.data)
            token = self._token(part)
            if part.data:
                out.append(Piece(part.data, token))
            if part.length > len(part.data):
                out.append(Hole(part.length - len(part.data), token))
        del self._waiting[:taken]

    def _skip(self, to: int, out: list[Piece | Hole]) -> None:
        """Give up the bytes before `to` and read what stands there."""
        out.append(Hole((to - self._next) & _SEQ, self._token(self._waiting[0])))
        self._next = to
        self._read(out)

    def _token(self, part: _Waiting) -> object:
        """The part's token or that of a later segment already read: tokens come out in the order in which they came."""
        if part.order > self._latest_order:
            self._latest_order, self._latest_token = part.order, part.token
        return self._latest_token
