"""Segments of one conversation that simply follow each other, taken together: most of a long one's, and told at once.

A run holds nothing but acknowledgments, and data that is the next of its direction; nothing else of its conversation
lies between. So whoever knows where both directions stand need not look at its segments one by one.
Knows the columns of packets, and nothing of what was held of their conversations before.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from parsers.capture.batch import Batch, end_keys
from parsers.capture.columns import Indices
from parsers.capture.packet import ACK, FIN, RST, SYN, TCP, Key, Packet
from parsers.capture.window import Column

BATCH_MIN = 256
"""Packets of a batch; of fewer it takes longer to find the runs than to tell all segments one by one."""
RUN_MIN = 8
"""Fewer segments are quicker one by one."""
RUN_MAX = 64
"""Segments of one run: some 90 kB wait for its last one."""
SILENCE_NS = 60 * 10**9
"""A run ends before a longer silence, so that within it there is none that is told."""
_APART = 33
"""Bits by which the bytes of one direction are kept apart from those of the next."""
_HALF = np.uint32(0x8000_0000)
"""An acknowledgment number that is further ahead is behind (RFC 9293 section 3.4)."""


class Half(NamedTuple):
    """One direction of a run."""

    data: bytes
    """Its data, the segments one behind the other, each whole."""
    places: Column
    """Three rows: where each of these segments begins, bytes from anywhere, its instant, and its frame."""
    seq: int
    """Sequence number of the first."""
    last: tuple[int, int]
    """Instant and frame of the last of them."""
    last_len: int
    """Bytes of that."""
    ack: int
    """The highest acknowledgment number, that of the last segment."""
    acked: tuple[int, int]
    """Instant and frame of the segment that brought it first."""
    pure: tuple[tuple[int, int], int] | None
    """Instant and frame of the first acknowledgment without data, and its time to live."""

    def segments(self) -> Iterator[tuple[int, bytes]]:
        """Frame and data of each segment that carries some."""
        if self.data:
            begins, _, frames = self.places
            edges = [*(begins - begins[0]).tolist(), len(self.data)]
            yield from zip(frames.tolist(), (self.data[at:end] for at, end in pairwise(edges)), strict=True)


class Run(NamedTuple):
    """Segments of one conversation, to be told when the last of them is due."""

    frame: int
    """Wireshark's number of the last segment."""
    key: Key
    """Addresses and ports of the first segment, its sender's first."""
    there: Half | None
    """What that sender sent."""
    back: Half | None
    """What the other sent, if anything."""
    first_ns: int
    """Instant of the first segment."""
    at_ns: int
    """Instant of the last."""
    batch: Batch
    """The columns in which they lie, without payloads."""
    rows: Indices
    """Their rows."""

    def packets(self) -> Iterator[Packet]:
        """The segments one by one, in the order of the capture."""
        data = {frame: some for half in (self.there, self.back) if half for frame, some in half.segments()}
        for packet in self.batch.take(self.rows).packets():
            yield packet._replace(payload=data.get(packet.frame, b""))


def runs(batch: Batch) -> Iterator[Packet | Run]:
    """The packets of a batch: runs, each at the place of its last segment, and one by one those that are in none."""
    if len(batch.frame) < BATCH_MIN:
        return batch.packets()
    ways = _ways(batch)
    begins, ends = _cut(_joined(batch, ways))
    if not len(begins):
        return batch.packets()
    edges = np.zeros(len(batch.frame) + 1, np.int64)
    edges[begins] = 1
    number = np.cumsum(edges[:-1]) - 1
    edges[ends] -= 1
    inside = np.cumsum(edges[:-1]) > 0
    rows = ways.rows
    singles = np.sort(rows[~inside])
    last = rows[ends - 1]
    bare = batch._replace(payloads=[b""] * len(batch.frame))
    found = (
        Run(frame, key, there, back, first_ns, at_ns, bare, rows[of])
        for frame, key, (there, back), first_ns, at_ns, of in zip(
            batch.frame[last].tolist(),
            batch.keys(rows[begins]),
            _halves(batch, ways, np.where(inside, number, -1), begins),
            batch.at_ns[rows[begins]].tolist(),
            batch.at_ns[last].tolist(),
            map(slice, begins.tolist(), ends.tolist()),
            strict=True,
        )
    )
    items: list[Packet | Run] = [*batch.take(singles).packets(), *found]
    return map(items.__getitem__, np.argsort(np.concatenate([singles, last])).tolist())


class _Ways(NamedTuple):
    """The rows of a batch, conversation by conversation and, in each, direction by direction."""

    rows: Indices
    """Rows, those of one conversation together, in the order of the capture."""
    way: Indices
    """By place in `rows`: a number for each direction of each conversation; the two of one differ in their last bit."""
    sorted: Indices
    """Places in `rows`, those of one direction together, in the order of the capture."""


def _ways(batch: Batch) -> _Ways:
    sender, receiver = end_keys(batch.ends[:, :16], batch.sport), end_keys(batch.ends[:, 16:], batch.dport)
    upward = sender < receiver
    rows = np.argsort(sender + receiver, kind="stable")
    # Two conversations may share a number, so their ends are compared as well.
    words = np.ascontiguousarray(batch.ends).view("<u8")
    lower = np.where(upward[:, None], words, words[:, [2, 3, 0, 1]])[rows]
    ports = np.where(upward, batch.sport, batch.dport)[rows], np.where(upward, batch.dport, batch.sport)[rows]
    other = np.ones(len(rows), bool)
    other[1:] = (lower[1:] != lower[:-1]).any(1)
    for port in ports:
        other[1:] |= port[1:] != port[:-1]
    way = 2 * np.cumsum(other) + upward[rows]
    return _Ways(rows, way, np.argsort(way, kind="stable"))


def _joined(batch: Batch, ways: _Ways) -> NDArray[np.bool_]:
    """By place in `_Ways.rows`: it is plain and follows a plain one; in between nothing is missing, and no silence."""
    plain = (batch.proto == TCP) & (batch.flags & (SYN | FIN | RST | ACK) == ACK)
    plain = (plain & batch.whole)[ways.rows]
    sent = ways.rows[ways.sorted]
    seq, ack, way = batch.seq[sent], batch.ack[sent], ways.way[ways.sorted]
    length = batch.length[sent]
    begins = np.append(True, way[1:] != way[:-1])
    follows = np.ones(len(sent), bool)
    after = seq + length.astype(np.uint32)
    follows[ways.sorted[1:]] = begins[1:] | ((seq[1:] == after[:-1]) & (ack[1:] - ack[:-1] < _HALF))
    # What was sent before begins no run: what comes behind it would not be taken either.
    number = np.cumsum(begins) - 1
    ahead = (seq - seq[begins][number]).view(np.int32) + (number << _APART)
    reach = np.maximum.accumulate(ahead + length)
    plain[ways.sorted[1:]] &= ahead[1:] >= reach[:-1]
    at_ns = batch.at_ns[ways.rows]
    joined: NDArray[np.bool_] = plain & follows
    joined[1:] &= plain[:-1] & (ways.way[1:] >> 1 == ways.way[:-1] >> 1) & (at_ns[1:] - at_ns[:-1] < SILENCE_NS)
    joined[0] = False
    return joined


def _cut(joined: NDArray[np.bool_]) -> tuple[Indices, Indices]:
    """Where runs that are worth it begin, and where they end."""
    place = np.arange(len(joined))
    begin = np.maximum.accumulate(np.where(joined, 0, place))
    begins = np.flatnonzero((place - begin) % RUN_MAX == 0)
    ends = np.append(begins[1:], len(joined))
    worth = ends - begins >= RUN_MIN
    return begins[worth], ends[worth]


def _halves(batch: Batch, ways: _Ways, number: Indices, runs_begin: Indices) -> list[list[Half | None]]:
    """Both directions of each run, that of its first segment first; `number` is by place in `_Ways.rows` its run."""
    those = ways.sorted[number[ways.sorted] >= 0]
    run = number[those]
    half = 2 * run + ((ways.way[those] ^ ways.way[runs_begin][run]) & 1)
    sent = ways.rows[those]
    begins = np.flatnonzero(np.append(True, half[1:] != half[:-1]))
    ends = np.append(begins[1:], len(sent))
    ack, carries = batch.ack[sent], batch.length[sent] > 0
    news = np.append(True, ack[1:] != ack[:-1])
    news[begins] = True
    bringing = sent[np.maximum.accumulate(np.where(news, np.arange(len(sent)), 0))[ends - 1]]
    pure = np.minimum.reduceat(np.where(carries, len(batch.frame), sent), begins)
    is_pure, pure = pure < len(batch.frame), np.minimum(pure, len(batch.frame) - 1)
    carried = sent[carries]
    before = np.append(0, np.cumsum(carries))
    bytes_before = np.append(0, np.cumsum(batch.length[carried]))
    places = np.stack([bytes_before[:-1], batch.at_ns[carried], batch.frame[carried]])
    carriers = carried.tolist()
    latest = np.append(carried, 0)[before[ends] - 1]
    columns = (
        half[begins],
        before[begins],
        before[ends],
        np.append(batch.seq[carried], 0)[before[begins]],
        batch.length[latest],
        ack[ends - 1],
        batch.ttl[pure],
        is_pure,
    )
    rows = (latest, bringing, pure)
    whens = (list(zip(batch.at_ns[some].tolist(), batch.frame[some].tolist(), strict=True)) for some in rows)
    found: list[list[Half | None]] = [[None, None] for _ in runs_begin]
    for which, begin, end, first, last_len, acked, ttl, has_pure, last, by, alone in zip(
        *(column.tolist() for column in columns), *whens, strict=True
    ):
        found[which >> 1][which & 1] = Half(
            batch.together(carriers[begin:end]),
            # A copy: a view would keep all of the columns, as long as one of its places may be asked for.
            places[:, begin:end].copy(),
            first,
            last,
            last_len,
            acked,
            by,
            (alone, ttl) if has_pure else None,
        )
    return found
