"""From one record to the next: the chain of length fields that every capture format is, walked many lanes at a time.

A window of a capture is cut into lanes.
Each lane guesses a record start near its cut, then all lanes step together in numpy.
The guess is not trusted: a lane counts only when the lane before it, itself certain, ends exactly on its start;
where not, that stretch is walked record by record.
So the answer is always the one that a plain walk gives, and only the time differs.
Knows nothing of what a record holds: a `Chain` knows where the next one begins.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Offsets = NDArray[np.int64]

FAR = 1 << 40
"""Added by a chain to say that no record can follow: beyond the end of every window."""
_LANE_LEN = 65_536
"""Bytes of a lane: some hundred records, so that a step of all lanes pays for its Python."""
_LANES_MIN = 16
"""Below this many lanes a plain walk is as fast."""
TRIES_MAX = 64
"""Places that `Chain.find` looks at before it gives up: zeros look like the clock of a capture that has none."""


class Chain(Protocol):
    """One capture format's knowledge of where records begin."""

    head_len: int
    """Bytes at the front of a record that must be there to know its length."""

    def after(self, at: int) -> int:
        """Where the record after the one at `at` begins; `at + FAR` when its length cannot be."""

    def after_all(self, at: Offsets) -> Offsets:
        """The same for many records at once."""

    def find(self, begin: int, end: int) -> int | None:
        """The first place from `begin` on that looks like a record; a guess."""


def walk(chain: Chain, begin: int, end: int) -> tuple[Offsets, int]:
    """Records that begin in `[begin, end - head_len]`, from a certain one at `begin`, and where the next one begins.

    The last record may reach beyond `end`, or be absurd: the caller compares.
    """
    last = end - chain.head_len
    lanes = (end - begin) // _LANE_LEN
    if lanes < _LANES_MIN:
        return plain_walk(chain, begin, last)
    starts = [begin]
    for cut in range(begin + _LANE_LEN, begin + lanes * _LANE_LEN, _LANE_LEN):
        if cut > starts[-1] and (found := chain.find(cut, end)) is not None and starts[-1] < found <= last:
            starts.append(found)
    if len(starts) < _LANES_MIN:
        return plain_walk(chain, begin, last)
    return _certified(chain, np.array(starts, np.int64), last)


def plain_walk(chain: Chain, begin: int, last: int) -> tuple[Offsets, int]:
    """The same, record by record, for those that begin at `last` or before."""
    offsets = []
    after = chain.after
    at = begin
    while at <= last:
        offsets.append(at)
        at = after(at)
    return np.array(offsets, np.int64), at


def _certified(chain: Chain, starts: Offsets, last: int) -> tuple[Offsets, int]:
    limits = np.append(starts[1:], last + 1)
    ends, lanes = _step(chain, starts, limits)
    if np.array_equal(ends[:-1], starts[1:]):
        return np.concatenate(lanes), int(ends[-1])
    parts = []
    at = int(starts[0])
    for start, limit, lane_end, lane in zip(starts.tolist(), limits.tolist(), ends.tolist(), lanes, strict=True):
        if at == start:
            parts.append(lane)
            at = lane_end
        elif at < limit:
            repaired, at = plain_walk(chain, at, limit - 1)
            parts.append(repaired)
    return np.concatenate(parts), at


def _step(chain: Chain, starts: Offsets, limits: Offsets) -> tuple[Offsets, list[Offsets]]:
    """Step every lane until it reaches its limit. Returns where each ended, and the records of each."""
    count = len(starts)
    ends = np.empty(count, np.int64)
    steps = np.zeros(count, np.int64)
    live = np.arange(count)
    at, limit = starts, limits
    rows, owners = [], []
    while len(at) >= _LANES_MIN // 2:
        rows.append(at)
        owners.append(live)
        following = chain.after_all(at)
        running = following < limit
        if running.all():
            at = following
            continue
        done = live[~running]
        ends[done] = following[~running]
        steps[done] = len(rows)
        at, live, limit = following[running], live[running], limit[running]
    steps[live] = len(rows)
    base = np.zeros(count + 1, np.int64)
    np.cumsum(steps, out=base[1:])
    offsets = np.empty(base[-1], np.int64)
    for step, (row, owner) in enumerate(zip(rows, owners, strict=True)):
        offsets[base[owner] + step] = row
    found = np.split(offsets, base[1:-1])
    # A few lanes that are longer than all others are walked plainly: numpy does not pay for them.
    for lane, place, stop in zip(live.tolist(), at.tolist(), limit.tolist(), strict=True):
        rest, ends[lane] = plain_walk(chain, place, stop - 1)
        found[lane] = np.concatenate([found[lane], rest])
    return ends, found
