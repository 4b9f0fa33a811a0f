"""Packets that may turn out to matter: the latest of them, in bounded memory.

Which port or conversation is federation may be learnt after its first packets went by.
Knows nothing of how it is learnt.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from parsers.capture.batch import ROW_COST, Batch, flow_keys
from parsers.capture.dns_names import Names
from parsers.capture.flows import NO_FLOWS, Servers
from parsers.capture.packet import Packet


class Ring:
    """Batches, the oldest forgotten when there is no room."""

    def __init__(self, bytes_max: int) -> None:
        """Hold about `bytes_max` bytes."""
        self.forgotten = 0
        """Packets that were dropped to make room."""
        self._bytes_max = bytes_max
        self._bytes = 0
        self._held: deque[tuple[Batch, NDArray[np.uint64], int]] = deque()

    def add(self, batch: Batch) -> None:
        """Hold these packets for as long as there is room."""
        if not len(batch.frame):
            return
        cost = len(batch.frame) * ROW_COST + sum(map(len, batch.payloads))
        self._held.append((batch, flow_keys(batch.ends, batch.sport, batch.dport), cost))
        self._bytes += cost
        while self._bytes > self._bytes_max and len(self._held) > 1:
            oldest, _, freed = self._held.popleft()
            self.forgotten += len(oldest.frame)
            self._bytes -= freed

    def release(
        self, ports: Iterable[int] = (), flows: NDArray[np.uint64] = NO_FLOWS, servers: Servers | None = None
    ) -> list[Packet]:
        """Take out the packets of these ports, conversations and servers, in the order of their frames."""
        found: list[Packet] = []
        numbers = np.array(list(ports), np.uint16)
        if not len(numbers) and not len(flows) and not servers:
            return found
        kept: deque[tuple[Batch, NDArray[np.uint64], int]] = deque()
        for batch, keys, cost in self._held:
            hit = np.isin(batch.sport, numbers) | np.isin(batch.dport, numbers) | np.isin(keys, flows)
            if servers:
                hit |= servers.match(batch.ends, batch.sport, batch.dport)
            if hit.any():
                found.extend(batch.take(np.flatnonzero(hit)).packets())
                rest = np.flatnonzero(~hit)
                batch, keys = batch.take(rest), keys[rest]
            kept.append((batch, keys, cost))
        self._held = kept
        return found


class MessageRing:
    """The latest DNS messages about names that did not matter when they went by."""

    def __init__(self, bytes_max: int) -> None:
        """Hold about `bytes_max` bytes."""
        self._bytes_max = bytes_max
        self._bytes = 0
        self._held: deque[tuple[Batch, list[bytes], int]] = deque()

    def add(self, batch: Batch, questions: list[bytes]) -> None:
        """Hold these messages, whose question names are `questions`, for as long as there is room."""
        if not questions:
            return
        cost = len(questions) * 2 * ROW_COST + sum(map(len, batch.payloads)) + sum(map(len, questions))
        self._held.append((batch, questions, cost))
        self._bytes += cost
        while self._bytes > self._bytes_max and len(self._held) > 1:
            self._bytes -= self._held.popleft()[2]

    def release(self, names: Names) -> list[Packet]:
        """Take out the messages about names that matter by now."""
        found: list[Packet] = []
        for place, (batch, questions, cost) in enumerate(self._held):
            if wanted := names.wanted(questions):
                hit = np.zeros(len(questions), bool)
                hit[wanted] = True
                found.extend(batch.take(np.flatnonzero(hit)).packets())
                rest = np.flatnonzero(~hit)
                self._held[place] = (batch.take(rest), [questions[index] for index in rest.tolist()], cost)
        return found
