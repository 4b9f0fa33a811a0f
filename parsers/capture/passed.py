"""Conversations of a capture that are passed over: which packets belong to them, and nothing of what these carry."""

from __future__ import annotations

from parsers.capture.packet import ACK, FIN, RST, SYN, Key, Packet


class _Conversation:
    __slots__ = ("closed_ns", "ended", "in_vain_ns", "left_out", "number")

    def __init__(self, number: int, in_vain_ns: int | None, left_out: bool) -> None:
        self.number = number
        """Sequence number of its SYN; -1 where none was seen."""
        self.in_vain_ns = in_vain_ns
        """Instant of the last SYN, while nothing else was sent."""
        self.left_out = left_out
        """It was wanted, and there was no room for it."""
        self.ended: tuple[str, int] | None = None
        """The end that has sent a FIN."""
        self.closed_ns: int | None = None


class Passed:
    """Knows the conversations by their ends, as `frames.Reader` knows those that it reads."""

    def __init__(self) -> None:
        self._known: dict[Key, _Conversation] = {}
        self.left_out = 0
        """Frames for which there was no room."""

    def __len__(self) -> int:
        """Twice the number of conversations."""
        return len(self._known)

    def __contains__(self, ends: object) -> bool:
        """Whether the conversation between these ends is passed over."""
        return ends in self._known

    def add(self, packet: Packet, *, left_out: bool = False) -> None:
        """A conversation begins with this packet; it is not wanted, or left out for want of room."""
        number, in_vain_ns = -1, None
        if packet.flags & SYN:
            number = (packet.ack - 1) & 0xFFFF_FFFF if packet.flags & ACK else packet.seq
            in_vain_ns = None if packet.flags & ACK else packet.at_ns
        self.left_out += left_out
        conversation = _Conversation(number, in_vain_ns, left_out)
        self._known[packet.src, packet.sport, packet.dst, packet.dport] = conversation
        self._known[packet.dst, packet.dport, packet.src, packet.sport] = conversation

    def takes(self, packet: Packet) -> bool:
        """Whether a packet belongs to one of them; a SYN with another number begins a new one."""
        known = self._known.get((packet.src, packet.sport, packet.dst, packet.dport))
        if known is None:
            return False
        flags = packet.flags
        if flags & SYN and not flags & ACK and packet.seq != known.number:
            del self._known[packet.src, packet.sport, packet.dst, packet.dport]
            self._known.pop((packet.dst, packet.dport, packet.src, packet.sport), None)
            return False
        self.left_out += known.left_out
        if known.in_vain_ns is not None:
            known.in_vain_ns = packet.at_ns if flags & SYN and not flags & ACK else None
        if flags & RST:
            known.closed_ns = packet.at_ns
        elif flags & FIN:
            sender = (packet.src, packet.sport)
            if known.ended not in (None, sender):
                known.closed_ns = packet.at_ns
            known.ended = sender
        return True

    def forget(self, until_ns: int) -> None:
        """Those that closed before that instant, or that nobody has answered since."""
        over = [k for k, c in self._known.items() if (c.closed_ns or c.in_vain_ns or until_ns) < until_ns]
        for key in over:
            del self._known[key]
