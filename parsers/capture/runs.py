"""Runs: plain TCP segments of one conversation, each direction's in order, found by columns and taken at one stroke.

Most segments of most captures bring the next bytes, or acknowledge some, and need not be looked at one by one.
Knows nothing of what came before a batch: whoever takes a run sees whether it follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from parsers.capture.batch import Batch, end_keys
from parsers.capture.columns import Indices
from parsers.capture.conversation import Conversation, File, Place, Side
from parsers.capture.packet import ACK, FIN, RST, SYN, TCP, Packet

RUN_MIN = 3
"""Fewer segments are sooner taken one by one."""
_HALF = 1 << 31
"""An acknowledgment number further ahead than this is behind (RFC 9293 section 3.4)."""


class Half(NamedTuple):
    """What one end sent in a run."""

    pieces: list[bytes]
    """Payloads that are not empty, each the next."""
    places: list[Place]
    """Those of their packets."""
    seq: int
    """Sequence number of the first of them; -1 where there is none."""
    length: int
    """Bytes of all of them."""
    ack: int
    """The last acknowledgment number; -1 where nothing was sent."""
    acked: Place | None
    """Of the first packet that said it."""
    bare: int | None
    """Row of the first segment without payload."""


class Run(NamedTuple):
    """Segments that follow each other in one conversation."""

    batch: Batch
    """The packets …"""
    rows: Indices
    """… and which of them."""
    began_ns: int
    """Instant of the first."""
    ended_ns: int
    """Instant of the last."""
    there: Half
    """Of the end that sent the first …"""
    back: Half
    """… and of the other."""

    def follows(self, conversation: Conversation, mine: Side, other: Side, silence_ns: int) -> bool:
        """Whether it simply goes on with a conversation; `mine` is the side that sent the first segment."""
        return (
            self.began_ns - conversation.seen_ns < silence_ns
            and mine.messages is None
            and mine.order.takes(self.there.seq)
            and other.order.takes(self.back.seq)
        )

    def packets(self) -> Iterator[Packet]:
        """The segments, one by one."""
        return self.batch.take(self.rows).packets()

    def packet(self, row: int) -> Packet:
        """One of them."""
        return next(self.batch.take(np.array([row])).packets())


def runs(batch: Batch, file: File, silence_ns: int) -> Iterator[Packet | Run]:
    """All packets: conversation by conversation, in order within each; a silence of `silence_ns` ends a run."""
    tcp = batch.proto == TCP
    if not tcp.all():
        yield from batch.take(np.flatnonzero(~tcp)).packets()
        batch = batch.take(np.flatnonzero(tcp))
    if not len(batch.frame):
        return
    rows, forth, begins, plain = _sorted(batch, silence_ns)
    # A run begins where a conversation does, at what is not plain, and behind that.
    begins |= ~plain
    begins[1:] |= ~plain[:-1]
    first = np.flatnonzero(begins)
    count = np.diff(first, append=len(rows))
    alone = batch.take(rows[np.repeat(count < RUN_MIN, count)]).packets()
    halves = _Halves(
        batch, file, rows, np.repeat(forth[first], count) != forth, np.repeat(np.arange(len(first)), count)
    )
    at_ns = batch.at_ns[rows]
    began, ended = at_ns[first].tolist(), at_ns[first + count - 1].tolist()
    for number, (begin, length) in enumerate(zip(first.tolist(), count.tolist(), strict=True)):
        if length < RUN_MIN:
            for _ in range(length):
                yield next(alone)
        else:
            there, back = halves.half(2 * number), halves.half(2 * number + 1)
            yield Run(batch, rows[begin : begin + length], began[number], ended[number], there, back)


class _Halves:
    """The columns of a batch by runs: first those of the first sender, with payload before bare, then the other's."""

    def __init__(
        self, batch: Batch, file: File, rows: Indices, back: NDArray[np.bool_], number: NDArray[np.int64]
    ) -> None:
        bare = batch.length[rows] == 0
        key = number * 4 + back * 2 + bare
        rows = rows[np.argsort(key, kind="stable")]
        self._border: list[int] = [0, *np.cumsum(np.bincount(key, minlength=4)).tolist(), len(rows)]
        self._row: list[int] = rows.tolist()
        self._payload = list(map(batch.payloads.__getitem__, self._row))
        self._place = list(zip(batch.at_ns[rows].tolist(), batch.frame[rows].tolist(), repeat(file), strict=False))
        self._seq: list[int] = batch.seq[rows].tolist()
        self._ack: list[int] = batch.ack[rows].tolist()
        self._sum: list[int] = [0, *np.cumsum(batch.length[rows]).tolist()]

    def half(self, number: int) -> Half:
        """The first sender's of the first run is number 0, the other's 1, of the second run 2 and 3."""
        begin, middle, end = (self._border[min(at, len(self._border) - 1)] for at in range(2 * number, 2 * number + 3))
        ack, acked = self._acked(begin, middle, end)
        return Half(
            self._payload[begin:middle],
            self._place[begin:middle],
            self._seq[begin] if begin < middle else -1,
            self._sum[middle] - self._sum[begin],
            ack,
            acked,
            self._row[middle] if middle < end else None,
        )

    def _acked(self, begin: int, middle: int, end: int) -> tuple[int, Place | None]:
        """The last acknowledgment number, and who said it first."""
        last = [self._row[stop - 1] for start, stop in ((begin, middle), (middle, end)) if start < stop]
        if not last:
            return -1, None
        ack = self._ack[middle - 1] if end == middle or (middle > begin and last[0] > last[1]) else self._ack[end - 1]
        said = [
            self._ack.index(ack, start, stop)
            for start, stop in ((begin, middle), (middle, end))
            if start < stop and self._ack[stop - 1] == ack
        ]
        return ack, self._place[min(said, key=self._row.__getitem__)]


def _sorted(batch: Batch, silence_ns: int) -> tuple[Indices, NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Rows by conversation; and for each: its direction, whether it begins one, whether it simply follows.

    The first that are seen of a conversation are taken to follow.
    """
    mine, other = end_keys(batch.ends[:, :16], batch.sport), end_keys(batch.ends[:, 16:], batch.dport)
    rows = np.argsort(mine + other, kind="stable")
    forth = (mine < other)[rows]
    begins = _begins(batch, rows, forth)
    captured = np.fromiter(map(len, batch.payloads), np.int64, len(rows))
    plain = ((batch.flags & (SYN | FIN | RST | ACK)) == ACK) & (captured == batch.length) & (mine != other)
    plain = plain[rows]
    seq, ack = batch.seq[rows].astype(np.int64), batch.ack[rows].astype(np.int64)
    length = batch.length[rows]
    places = np.arange(len(rows))
    began = np.maximum.accumulate(np.where(begins, places, 0))
    for way in (forth, ~forth):
        for sent, number, follows in ((way & (length > 0), seq, length), (way, ack, None)):
            here = np.flatnonzero(sent)
            before, after = here[:-1], here[1:]
            ahead = (number[after] - number[before]) & 0xFFFF_FFFF
            good = ahead < _HALF if follows is None else ahead == follows[before]
            plain[after] &= good | (before < began[after])
    plain[1:] &= begins[1:] | (np.diff(batch.at_ns[rows]) < silence_ns)
    return rows, forth, begins, plain


def _begins(batch: Batch, rows: Indices, forth: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where another conversation begins: by the ends themselves, since an attacker can make keys that are equal."""
    words = np.ascontiguousarray(batch.ends[rows]).view("<u8")
    ports = batch.sport[rows].astype(np.uint32) << np.uint32(16) | batch.dport[rows]
    turned = batch.dport[rows].astype(np.uint32) << np.uint32(16) | batch.sport[rows]
    begins = np.zeros(len(rows), np.bool_)
    begins[0] = True
    columns = [np.where(forth, ports, turned)]
    columns += [np.where(forth, words[:, index], words[:, (index + 2) % 4]) for index in range(4)]
    for column in columns:
        begins[1:] |= column[1:] != column[:-1]
    return begins
