"""One TCP conversation, both sides, with the small mishaps of a real network: odd segment sizes, repetitions, disorder.

Knows segments and time; nothing of what is said.
"""

from __future__ import annotations

from random import Random

from benchmarks.frames import ACK, FIN, PSH, RST, SYN, End, tcp

SEGMENT = 1448
"""Payload of a full segment: 1500 less IPv4, TCP and timestamps."""

Frame = tuple[int, bytes]
"""Microseconds since 1970, and the bytes of the frame."""

CLIENT, SERVER = 0, 1


class Conversation:
    """Frames go to `frames`, not always in order of time. `at_us` is where the conversation stands."""

    def __init__(self, luck: Random, frames: list[Frame], at_us: int, client: End, server: End) -> None:
        """Nothing is sent yet."""
        self.at_us = at_us
        self.round_trip_us = luck.randint(4_000, 120_000)
        self._luck = luck
        self._frames = frames
        self._ends = (client, server)
        self._seq = [luck.getrandbits(32), luck.getrandbits(32)]

    def _put(self, side: int, flags: int, payload: bytes = b"", *, ahead: int = 0, later_us: int = 0) -> None:
        """One segment of `side`, `ahead` bytes after its next one."""
        at_us = self.at_us + later_us
        ack = self._seq[1 - side] if flags & ACK else 0
        seq = self._seq[side] + ahead
        frame = tcp(self._ends[side], self._ends[1 - side], seq, ack, flags, at_us // 1000, payload)
        self._frames.append((at_us, frame))

    def ask(self) -> None:
        """A SYN, and nothing more."""
        self._put(CLIENT, SYN)
        self._seq[CLIENT] += 1

    def refused(self) -> None:
        """A SYN, answered by a reset."""
        self.ask()
        self.at_us += self.round_trip_us
        self._put(SERVER, RST | ACK)

    def opened(self) -> None:
        """The handshake."""
        self.ask()
        self.at_us += self.round_trip_us
        self._put(SERVER, SYN | ACK)
        self._seq[SERVER] += 1
        self.at_us += 200
        self._put(CLIENT, ACK)

    def says(self, side: int, octets: bytes, after_us: int = 1_000) -> None:
        """Send it in segments; of a hundred, one is repeated and one comes after its successor."""
        luck = self._luck
        self.at_us += after_us
        segments = 0
        while octets:
            size = SEGMENT if luck.random() < 0.92 or len(octets) < 200 else luck.randrange(1, len(octets))
            first, octets = octets[:size][:SEGMENT], octets[min(size, SEGMENT) :]
            mishap = luck.random()
            if mishap < 0.01:
                self._put(side, PSH | ACK, first, later_us=210_000)
            elif mishap < 0.02 and octets:
                second, octets = octets[:SEGMENT], octets[SEGMENT:]
                self._put(side, PSH | ACK, second, ahead=len(first))
                self._put(side, PSH | ACK, first, later_us=300)
                self._seq[side] += len(first) + len(second)
                self.at_us += 350
                first = b""
            if first:
                self._put(side, PSH | ACK, first)
                self._seq[side] += len(first)
            segments += 1
            self.at_us += 50
            if segments % 2 == 0:
                self._put(1 - side, ACK)
        if segments % 2 and luck.random() < 0.8:
            self._put(1 - side, ACK, later_us=400)
            self.at_us += 400

    def closed(self) -> None:
        """Both sides end it, the client first."""
        self.at_us += 10_000
        self._put(CLIENT, FIN | ACK)
        self._seq[CLIENT] += 1
        self.at_us += self.round_trip_us
        self._put(SERVER, FIN | ACK)
        self._seq[SERVER] += 1
        self.at_us += 200
        self._put(CLIENT, ACK)
