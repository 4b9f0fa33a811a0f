"""Some frames of a capture, read again as they lie in the file: by their numbers, and by their conversations.

What an event leaves out is all here: whole frames, their length on the wire, the interface that saw them,
and every fragment of a datagram. Knows nothing of why they are wanted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from parsers.capture import columns as kinds
from parsers.capture.batch import columns_of, ends, flow_keys
from parsers.capture.clocks import Interface
from parsers.capture.columns import BLOCK_LEN, Columns, Memory, decode
from parsers.capture.container import windows
from parsers.capture.flows import NO_FLOWS, row
from parsers.capture.fragments import AGE_NS, behind_extensions, read_fragment, transport_packet
from parsers.capture.packet import TCP, Lost, Packet
from parsers.capture.window import Records, Window
from parsers.source import Reading

End = tuple[str, int]
"""An address and a port."""
LAST = 1 << 62
"""The number of the last frame, whichever that is."""
FRAGMENTS_MAX = 4_096
"""Frames with a fragment that wait for the one that tells whether they are wanted."""


class Stretch(NamedTuple):
    """Every frame of one TCP conversation between two frames of a file: ports are used again."""

    one: End
    """One end."""
    other: End
    """The other; both directions are meant."""
    first: int = 1
    """Number of the first frame that may belong to it."""
    last: int = LAST
    """Number of the last."""


class Frame(NamedTuple):
    """A frame as its file has it."""

    number: int
    """Wireshark's number of it in its file."""
    at_ns: int
    """When it was captured, ns since 1970 UTC."""
    wire_len: int
    """Its length on the wire, bytes; `data` is shorter where the snap length cut it."""
    interface: Interface
    """What saw it."""
    data: bytes
    """Its bytes, from the link layer on."""
    network: int | None
    """Where in these its IP header begins; None where fedtrace reads no IP packet in it."""


def frames(path: Path | str, numbers: Collection[int], stretches: Sequence[Stretch]) -> Iterator[Frame]:
    """The frames of these numbers and conversations, in the order of the file but for fragments.

    Raises `SourceUnreadable` when the file is no capture. What is damaged in it was told when it was read first.
    """
    wanted = _Wanted(numbers, stretches)
    memory: Memory | None = None
    for window in windows(path, Reading()):
        if isinstance(window, Lost):
            continue
        memory = memory or Memory(window.memory)
        starts, lengths, at_ns, links = window.records
        for begin in range(0, len(starts), BLOCK_LEN):
            some = slice(begin, begin + BLOCK_LEN)
            link = links[some] if isinstance(links, np.ndarray) else links
            columns = decode(memory, Records(starts[some], lengths[some], at_ns[some], link))
            chosen, fragments = wanted.among(memory, columns, window.first_frame + begin, at_ns[some])
            for index in chosen:
                frame = _frame(window, begin + index, _network(columns, index))
                if index in fragments:
                    packet = bytes(memory.view[int(columns.network[index]) : int(columns.end[index])])
                    yield from wanted.fragment(frame, packet, six=bool(columns.six[index]))
                else:
                    yield frame


def _network(columns: Columns, index: int) -> int | None:
    """Where the IP header of a packet begins in memory; None where it has none that is read."""
    return None if columns.kind[index] == kinds.OTHER else int(columns.network[index])


def _frame(window: Window, index: int, network: int | None) -> Frame:
    """A record of a window, copied; `network` is where in memory its IP header begins."""
    starts, lengths, at_ns, _ = window.records
    start = int(starts[index])
    interface, wire_len = window.heads.described(start)
    data = bytes(window.memory[start : start + int(lengths[index])])
    network = None if network is None else network - start
    return Frame(window.first_frame + index, int(at_ns[index]), wire_len, interface, data, network)


class _Wanted:
    """Which frames are wanted, as far as is known."""

    def __init__(self, numbers: Collection[int], stretches: Sequence[Stretch]) -> None:
        self._numbers = np.array(sorted(numbers), np.int64)
        self._stretches: dict[frozenset[End], list[Stretch]] = {}
        for stretch in stretches:
            self._stretches.setdefault(frozenset((stretch.one, stretch.other)), []).append(stretch)
        keys = [flow_keys(*row(*s.one, *s.other)) for s in stretches]
        self._keys: NDArray[np.uint64] = np.concatenate(keys) if keys else NO_FLOWS
        self._waiting: OrderedDict[tuple[bytes, int, int], list[Frame]] = OrderedDict()
        self._waiting_count = 0
        self._datagrams: dict[tuple[bytes, int, int], int] = {}

    def among(
        self, memory: Memory, columns: Columns, first_frame: int, at_ns: NDArray[np.int64]
    ) -> tuple[list[int], frozenset[int]]:
        """Indices of what is wanted in a block or may be, in order, and of these the fragments."""
        fragments = np.flatnonzero(columns.kind == kinds.FRAGMENT)
        tcp = np.flatnonzero(columns.kind == TCP)
        likely = tcp[np.isin(flow_keys(ends(memory, columns, tcp), columns.sport[tcp], columns.dport[tcp]), self._keys)]
        packets = columns_of(memory, columns, likely, first_frame, at_ns).packets() if len(likely) else ()
        chosen = [packet.frame - first_frame for packet in packets if self._has(packet)]
        numbered = self._numbers[(self._numbers >= first_frame) & (self._numbers < first_frame + len(columns.kind))]
        every = {*chosen, *(numbered - first_frame).tolist(), *fragments.tolist()}
        return sorted(every), frozenset(fragments.tolist())

    def _has(self, packet: Packet) -> bool:
        """Whether a packet belongs to a conversation that is wanted."""
        held = self._stretches.get(frozenset(((packet.src, packet.sport), (packet.dst, packet.dport))), ())
        return any(stretch.first <= packet.frame <= stretch.last for stretch in held)

    def fragment(self, frame: Frame, packet: bytes, *, six: bool) -> Iterator[Frame]:
        """A fragment, when its datagram is wanted, and those that waited for it."""
        read = read_fragment(packet, six=six)
        if read is None:
            return
        part, ttl = read
        datagram = part.key
        wanted = frame.number in self._numbers
        if part.offset == 0:
            body = behind_extensions(datagram[1], part.body)
            whole = transport_packet(frame.number, frame.at_ns, ttl, datagram[0], *body)
            wanted |= whole is not None and whole.proto == TCP and self._has(whole)
        # The number of a datagram comes again, when nobody can be waiting for this one any more.
        wanted |= frame.at_ns - self._datagrams.get(datagram, -AGE_NS - 1) <= AGE_NS
        if wanted:
            self._datagrams[datagram] = frame.at_ns
            waiting = self._waiting.pop(datagram, [])
            self._waiting_count -= len(waiting)
            yield from (earlier for earlier in waiting if frame.at_ns - earlier.at_ns <= AGE_NS)
            yield frame
            return
        self._waiting.setdefault(datagram, []).append(frame)
        self._waiting_count += 1
        while self._waiting_count > FRAGMENTS_MAX:
            self._waiting_count -= len(self._waiting.popitem(last=False)[1])
