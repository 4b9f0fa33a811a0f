"""Chosen packets of a window: columns for as long as possible, `Packet` only at the door.

Knows nothing of why they were chosen.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from parsers.capture.columns import Columns, Indices, Memory
from parsers.capture.packet import TCP, Key, Packet
from parsers.capture.window import Column

ROW_COST = 96
"""Bytes that a packet without payload takes here, about."""
_SOME = 512
"""Rows made packets at once: they are used while the processor's nearest caches still hold them."""
_ADDRESSES_MAX = 1 << 18
"""Addresses whose text is remembered; a scan of the whole internet must not fill the memory."""


class _Text(dict[int | bytes, str]):
    """Address → text, made once: an int is IPv4, 16 bytes are IPv6."""

    def __missing__(self, address: int | bytes) -> str:
        if len(self) >= _ADDRESSES_MAX:
            self.clear()
        if isinstance(address, int):
            text = f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"
        else:
            text = socket.inet_ntop(socket.AF_INET6, address)
        self[address] = text
        return text


_text = _Text()


def address_text(address: bytes) -> str:
    """Canonical text of an address of 4 or 16 bytes."""
    return _text[int.from_bytes(address, "big") if len(address) == 4 else address]


class InWindow(Sequence[bytes]):
    """Payloads that are still in a window's memory: each is copied when it is asked for, before the window moves on."""

    def __init__(self, memory: Memory, begin: Column, end: Column) -> None:
        """Those between the offsets `begin` and `end`."""
        self._view = memory.view
        self._begin: list[int] = begin.tolist()
        self._end: list[int] = end.tolist()

    def __len__(self) -> int:
        return len(self._begin)

    @overload
    def __getitem__(self, which: int) -> bytes: ...

    @overload
    def __getitem__(self, which: slice) -> list[bytes]: ...

    def __getitem__(self, which: int | slice) -> bytes | list[bytes]:
        if isinstance(which, int):
            return self._view[self._begin[which] : self._end[which]].tobytes()
        view = self._view
        spans = zip(self._begin[which], self._end[which], strict=True)
        return [view[begin:end].tobytes() for begin, end in spans]

    def together(self, rows: Sequence[int]) -> bytes:
        """Some of them, one behind the other: a quarter of what it takes to copy each and to join them later."""
        view, begin, end = self._view, self._begin, self._end
        return b"".join([view[begin[row] : end[row]] for row in rows])


class Batch(NamedTuple):
    """Packets as columns."""

    frame: Column
    """Wireshark's number."""
    at_ns: Column
    """When captured."""
    proto: NDArray[np.uint8]
    """6 or 17."""
    six: NDArray[np.bool_]
    """It is IPv6."""
    ends: NDArray[np.uint8]
    """Both addresses, 32 bytes a row: source in the first 16, destination in the rest; IPv4 in the first four each."""
    sport: NDArray[np.uint16]
    """Sender's port."""
    dport: NDArray[np.uint16]
    """Receiver's port."""
    ttl: NDArray[np.uint8]
    """Time to live."""
    length: Column
    """Payload length by the IP header."""
    seq: NDArray[np.uint32]
    """TCP sequence number."""
    ack: NDArray[np.uint32]
    """TCP acknowledgment number."""
    flags: NDArray[np.uint8]
    """TCP control bits."""
    payloads: Sequence[bytes]
    """Payloads as captured."""
    whole: NDArray[np.bool_]
    """The payload is all there."""

    def take(self, chosen: Indices) -> Batch:
        """Those rows only."""
        if len(chosen) == len(self.frame):
            return self
        return Batch(
            frame=self.frame[chosen],
            at_ns=self.at_ns[chosen],
            proto=self.proto[chosen],
            six=self.six[chosen],
            ends=self.ends[chosen],
            sport=self.sport[chosen],
            dport=self.dport[chosen],
            ttl=self.ttl[chosen],
            length=self.length[chosen],
            seq=self.seq[chosen],
            ack=self.ack[chosen],
            flags=self.flags[chosen],
            payloads=[self.payloads[index] for index in chosen.tolist()],
            whole=self.whole[chosen],
        )

    def together(self, rows: Sequence[int]) -> bytes:
        """The payloads of some rows, one behind the other."""
        payloads = self.payloads
        return payloads.together(rows) if isinstance(payloads, InWindow) else b"".join([payloads[row] for row in rows])

    def packets(self) -> Iterator[Packet]:
        """The rows as packets."""
        return chain.from_iterable(map(self._some, range(0, len(self.frame), _SOME)))

    def _some(self, begin: int) -> Iterator[Packet]:
        """A few of the rows as packets."""
        some = slice(begin, begin + _SOME)
        rows = zip(
            self.frame[some].tolist(),
            self.at_ns[some].tolist(),
            self.proto[some].tolist(),
            *self._flow(some),
            self.ttl[some].tolist(),
            self.payloads[some],
            self.length[some].tolist(),
            self.seq[some].tolist(),
            self.ack[some].tolist(),
            self.flags[some].tolist(),
            strict=True,
        )
        return map(tuple.__new__, repeat(Packet), rows)  # a third of what Packet(*row) takes

    def keys(self, chosen: Indices) -> Iterator[Key]:
        """Addresses and ports of some rows, the sender's first."""
        return zip(*self._flow(chosen), strict=True)

    def _flow(self, some: slice | Indices) -> tuple[Iterable[str], list[int], Iterable[str], list[int]]:
        if self.six[some].any():
            sources, targets = self._addresses(some, 0), self._addresses(some, 16)
        else:
            words = self.ends[some].view(">u4")
            sources, targets = words[:, 0].tolist(), words[:, 4].tolist()
        text = _text.__getitem__
        return map(text, sources), self.sport[some].tolist(), map(text, targets), self.dport[some].tolist()

    def _addresses(self, some: slice | Indices, begin: int) -> list[int | bytes]:
        field = np.ascontiguousarray(self.ends[some, begin : begin + 16])
        addresses: list[int | bytes] = field.view(">u4")[:, 0].tolist()
        for index in self.six[some].nonzero()[0].tolist():
            addresses[index] = field[index].tobytes()
        return addresses


def columns_of(memory: Memory, columns: Columns, chosen: Indices, first_frame: int, at_ns: Column) -> Batch:
    """Chosen TCP and UDP packets of a block, whose first packet is number `first_frame`; payloads are not copied."""
    rows = columns.rows[chosen]
    six = columns.six[chosen]
    proto = columns.kind[chosen]
    begin, end, length = columns.payload(chosen)
    tcp = proto == TCP
    numbers = np.ascontiguousarray(rows[:, 38:46]).view(">u4").astype(np.uint32)
    flags = rows[:, 47]
    if not tcp.all():
        numbers[~tcp] = 0
        flags = np.where(tcp, flags, 0).astype(np.uint8)
    return Batch(
        frame=chosen + first_frame,
        at_ns=at_ns[chosen],
        proto=proto,
        six=six,
        ends=ends(memory, columns, chosen),
        sport=columns.sport[chosen],
        dport=columns.dport[chosen],
        ttl=np.where(six, rows[:, 21], rows[:, 22]),
        length=length,
        seq=numbers[:, 0],
        ack=numbers[:, 1],
        flags=flags,
        payloads=InWindow(memory, begin, end),
        whole=end - begin == length,
    )


def payloads(memory: Memory, begin: Column, end: Column) -> list[bytes]:
    """The bytes between offsets, copied."""
    if (begin >= end).all():
        return [b""] * len(begin)
    view = memory.view
    return [view[first:after].tobytes() for first, after in zip(begin.tolist(), end.tolist(), strict=True)]


def ends(memory: Memory, columns: Columns, chosen: Indices) -> NDArray[np.uint8]:
    """Both addresses of chosen packets, in the form of `Batch.ends`."""
    both = np.zeros((len(chosen), 32), np.uint8)
    both[:, 0:4] = columns.rows[chosen, 26:30]
    both[:, 16:20] = columns.rows[chosen, 30:34]
    six = columns.six[chosen].nonzero()[0]
    if len(six):
        both[six] = memory.rows(columns.network[chosen[six]] + 8, 32)
    return both


def flow_keys(both: NDArray[np.uint8], sport: NDArray[np.uint16], dport: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """One number for each packet's conversation, the same in both directions.

    Two conversations may share a number: then one that does not matter is read too, which costs time and nothing else.
    """
    return end_keys(both[:, :16], sport) + end_keys(both[:, 16:], dport)


def end_keys(addresses: NDArray[np.uint8], ports: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """One number for each end of a conversation: an address of 16 bytes, as in `Batch.ends`, and a port."""
    words = np.ascontiguousarray(addresses).view("<u8")
    return _mix(_mix(words[:, 0] ^ ports.astype(np.uint64) << np.uint64(40)) ^ words[:, 1])


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of MurmurHash3, shortened: every bit of the input moves half of the output's."""
    value = value ^ (value >> np.uint64(33))
    value = value * np.uint64(0xFF51AFD7ED558CCD)
    return value ^ (value >> np.uint64(29))
