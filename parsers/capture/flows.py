"""Conversations that are followed for what was in them or for the server they go to, not for their ports alone.

Knows nothing of what made them worth following.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from parsers.capture.batch import end_keys, ends, flow_keys
from parsers.capture.columns import Columns, Indices, Memory

FLOWS_MAX = 262_144
"""Conversations followed at once; a capture with more on odd ports is a scan or an attack."""

NO_FLOWS = np.empty(0, np.uint64)
"""No conversation at all."""


class Flows:
    """Keys of conversations, and their ports as a first, cheap sieve."""

    def __init__(self) -> None:
        """None yet."""
        self.refused = 0
        """Conversations not followed because there were too many."""
        self._keys = NO_FLOWS
        self._port = np.zeros(65_536, bool)

    def add(self, memory: Memory, columns: Columns, chosen: Indices) -> NDArray[np.uint64]:
        """Follow the conversations of these packets. Returns the keys that are new."""
        if not len(chosen):
            return NO_FLOWS
        sport, dport = columns.sport[chosen], columns.dport[chosen]
        keys = np.setdiff1d(flow_keys(ends(memory, columns, chosen), sport, dport), self._keys)
        room = FLOWS_MAX - len(self._keys)
        if len(keys) > room:
            self.refused += len(keys) - room
            keys = keys[:room]
        self._port[sport] = self._port[dport] = True
        self._keys = np.union1d(self._keys, keys)
        return keys

    def among(self, memory: Memory, columns: Columns, candidates: Indices) -> Indices:
        """Those of the candidates that belong to a conversation followed."""
        if not len(self._keys) or not len(candidates):
            return candidates[:0]
        likely = candidates[self._port[columns.sport[candidates]] & self._port[columns.dport[candidates]]]
        if not len(likely):
            return likely
        keys = flow_keys(ends(memory, columns, likely), columns.sport[likely], columns.dport[likely])
        return likely[np.isin(keys, self._keys)]

    def holds(self, src: str, sport: int, dst: str, dport: int) -> bool:
        """Whether the conversation between these two ends is followed."""
        if not self._port[sport] or not self._port[dport]:
            return False
        return bool(np.isin(flow_keys(*row(src, sport, dst, dport)), self._keys)[0])


class Servers:
    """Federation servers on ports that are far more often something else's: port 443 of one address, not of all."""

    def __init__(self) -> None:
        """None yet."""
        self._keys = NO_FLOWS
        self._port = np.zeros(65_536, bool)

    def add(self, servers: Iterable[tuple[bytes, int]]) -> None:
        """Addresses, of 4 or 16 bytes, and ports."""
        addresses, ports = zip(*servers, strict=True)
        rows = np.frombuffer(b"".join(address.ljust(16, b"\0") for address in addresses), np.uint8).reshape(-1, 16)
        self._keys = np.union1d(self._keys, end_keys(rows, np.array(ports, np.uint16)))
        self._port[list(ports)] = True

    def among(self, memory: Memory, columns: Columns, candidates: Indices) -> Indices:
        """Those of the candidates that go to such a server, or come from it."""
        if not len(self._keys):
            return candidates[:0]
        likely = candidates[self._port[columns.sport[candidates]] | self._port[columns.dport[candidates]]]
        both = ends(memory, columns, likely)
        return likely[self.match(both, columns.sport[likely], columns.dport[likely])]

    def match(self, both: NDArray[np.uint8], sport: NDArray[np.uint16], dport: NDArray[np.uint16]) -> NDArray[np.bool_]:
        """Which packets with these ends (as `Batch.ends` has them) are such a server's."""
        found: NDArray[np.bool_] = np.isin(end_keys(both[:, :16], sport), self._keys)
        return found | np.isin(end_keys(both[:, 16:], dport), self._keys)

    def holds(self, src: str, sport: int, dst: str, dport: int) -> bool:
        """Whether one of these two ends is such a server."""
        return bool((self._port[sport] or self._port[dport]) and self.match(*row(src, sport, dst, dport))[0])


def row(src: str, sport: int, dst: str, dport: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16], NDArray[np.uint16]]:
    """One packet's ends as columns of one row."""
    both = np.frombuffer(_packed(src) + _packed(dst), np.uint8).reshape(1, 32)
    return both, np.array([sport], np.uint16), np.array([dport], np.uint16)


def _packed(address: str) -> bytes:
    """An address as `batch.ends` has it."""
    if ":" in address:
        return socket.inet_pton(socket.AF_INET6, address)
    return socket.inet_aton(address).ljust(16, b"\0")
