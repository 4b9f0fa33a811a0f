"""Streams of frames in order of time: nothing but federation, or a busy network with a little federation in it.

The same seed gives the same frames. Memory does not grow with the number of frames.
"""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterator
from random import Random

from benchmarks.conversation import SEGMENT, Frame
from benchmarks.federation import Attempt
from benchmarks.frames import ACK, ICMP, ICMPV6, PSH, SYN, TCP, UDP, checksum

BEGIN_US = 1_700_000_000_000_000
"""14 November 2023, as good a day as any."""

HOUR_US = 3_600_000_000

FEDERATION_SHARE = 0.005
"""Of the frames of a needle capture."""

FRAMES_EACH = 84
"""Frames of an attempt with some 40 stanzas, on average."""

OPEN_FLOWS = 20_000
"""Flows that are open at once on the busy network."""

FRAMES_A_FLOW = 9
"""Frames of a flow there, on average; a few flows carry most of them."""

_PORTS = (443,) * 20 + (80,) * 5 + (8080, 8443, 22, 25, 993, 3478, 123, 51820)
_TLS_PORTS = {443, 993, 8443}
_POOL = 1 << 20
"""Bytes of payload to cut from: much more than a compressor's window, so that gzip finds nothing to save."""


def federation(seed: int, attempts: int, mean_stanzas: int, span_us: int = HOUR_US) -> Iterator[Frame]:
    """Frames of so many attempts, begun at random moments of the span."""
    luck = Random(seed)
    begins = sorted(luck.randrange(span_us) for _ in range(attempts))
    waiting: list[Frame] = []
    for begin in begins:
        while waiting and waiting[0][0] < BEGIN_US + begin:
            yield heapq.heappop(waiting)
        stanzas = max(3, int(luck.lognormvariate(0, 1) * mean_stanzas / 1.65))
        for frame in Attempt(luck, BEGIN_US + begin, stanzas).frames:
            heapq.heappush(waiting, frame)
    while waiting:
        yield heapq.heappop(waiting)


class Flow:
    """One flow of the busy network; its bytes are made to be passed over."""

    def __init__(self, luck: Random) -> None:
        """Draw its ends, its protocol and what it carries."""
        self.protocol = luck.choices((TCP, UDP, ICMP), cum_weights=(72, 99, 100))[0]
        self.six = luck.random() < 0.18
        self.frames = 0
        self.service = luck.choice(_PORTS)
        self.readable = luck.random() < 0.3 and self.service not in _TLS_PORTS
        vlan = b"\x81\0\0\x05" if luck.random() < 0.02 else b""
        self._ether = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01" + vlan + (b"\x86\xdd" if self.six else b"\x08\0")
        near = luck.getrandbits(24) | 0x0A800000
        far = luck.randrange(0x2D000000, 0xBFFFFFFF)
        grow = bytes.fromhex("20010db8") + bytes(8) if self.six else b""
        self._addresses = [grow + address.to_bytes(4, "big") for address in (near, far)]
        self._ports = (luck.randrange(1024, 5000), self.service)
        self._seq = [luck.getrandbits(31), luck.getrandbits(31)]

    def frame(self, side: int, size: int, payload: bytes, clock_ms: int) -> bytes:
        """The next frame of one side, with `size` bytes of payload unless it is one of the handshake."""
        other = 1 - side
        if self.protocol == TCP:
            flags = ACK if not size else PSH | ACK
            if self.frames < 2:
                side, other = self.frames, 1 - self.frames
                flags, payload = (SYN, SYN | ACK)[side], b""
            elif self.service in _TLS_PORTS and size > 5:
                payload = b"\x17\x03\x03" + (size - 5).to_bytes(2, "big") + payload[5:]
            ack = self._seq[other] if flags & ACK else 0
            body = struct.pack(
                "!HHIIBBHIIII",
                self._ports[side], self._ports[other], self._seq[side] & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x80, flags,
                501, 0, 0x0101080A, clock_ms & 0xFFFFFFFF, clock_ms & 0xFFFFFFFF,
            )  # fmt: skip
            self._seq[side] += len(payload) + (flags & SYN > 0)
        elif self.protocol == UDP:
            body = struct.pack("!HHHH", self._ports[side], self._ports[other], 8 + len(payload), 0)
        else:
            kind = (128 + side) if self.six else (8, 0)[side]
            body = struct.pack("!BBHHH", kind, 0, 0, self._ports[0], self.frames & 0xFFFF)
        self.frames += 1
        source, target = self._addresses[side], self._addresses[other]
        length = len(body) + len(payload)
        if self.six:
            protocol = ICMPV6 if self.protocol == ICMP else self.protocol
            head = struct.pack("!IHBB", 0x60000000, length, protocol, 60) + source + target
        else:
            head = struct.pack("!BBHIBBH", 0x45, 0, 20 + length, 0x4000, 60, self.protocol, 0) + source + target
            head = head[:10] + checksum(head).to_bytes(2, "big") + head[12:]
        return b"".join((self._ether, head, body, payload))


def _pools(luck: Random) -> tuple[bytes, bytes]:
    """Bytes that look encrypted, and bytes that a person could read."""
    lines = (
        f"GET /pages/{luck.getrandbits(40):x}.html HTTP/1.1\r\nHost: www{luck.randrange(99)}.example\r\n"
        f"Accept: text/html\r\nX-Trace: {luck.getrandbits(64):016x}\r\n\r\n"
        f"<html><body><p>{luck.random()}</p></body></html>"
        for _ in range(_POOL // 150)
    )
    return luck.randbytes(_POOL), "".join(lines).encode()


def busy_network(seed: int, frames: int, span_us: int = HOUR_US) -> Iterator[Frame]:
    """So many frames of web, mail, calls and pings: no DNS, no federation."""
    luck = Random(seed)
    chance = luck.random
    encrypted, readable = _pools(luck)
    flows = [Flow(luck) for _ in range(OPEN_FLOWS)]
    opened = 0
    for number in range(frames):
        at_us = BEGIN_US + number * span_us // frames
        if chance() < 1 / FRAMES_A_FLOW:
            flows[opened % OPEN_FLOWS] = flow = Flow(luck)
            opened += 1
        else:
            flow = flows[int(chance() ** 3 * OPEN_FLOWS)]
        kind = chance()
        size = 0 if kind < 0.34 else SEGMENT if kind < 0.71 else 20 + int(chance() * 680)
        if flow.protocol != TCP:
            size = 56 if flow.protocol == ICMP else size or 60
        pool = readable if flow.readable else encrypted
        place = int(chance() * (len(pool) - SEGMENT))
        yield at_us, flow.frame(int(chance() < 0.55), size, pool[place : place + size], at_us // 1000)


def needle(seed: int, frames: int) -> Iterator[Frame]:
    """A busy network with half a percent of federation in it; ten times the frames are ten times the hours."""
    span_us = max(HOUR_US, frames * HOUR_US // 1_780_000)
    sought = int(frames * FEDERATION_SHARE)
    wanted = federation(seed + 1, max(3, sought // FRAMES_EACH), 40, span_us - HOUR_US // 9)
    return heapq.merge(wanted, busy_network(seed, frames - sought, span_us))
