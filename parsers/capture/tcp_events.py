"""What comes again and again, and is told only so often: repetitions of segments, and long silences.

Knows no payload.
"""

from __future__ import annotations

from parsers.capture.conversation import Conversation, Place, Side, common_fields
from parsers.capture.packet import Packet
from parsers.events import Idle, Retransmission

RETRANSMISSIONS_MAX = 16
"""Retransmissions of one direction that become events; `Tally` counts them all."""
IDLES_MAX = 64
"""Silences of one conversation that are told: five hours of them."""


def repeated(side: Side, packet: Packet, place: Place) -> Retransmission | None:
    """A data segment was sent again."""
    attempt = side.sent.get(packet.seq, 1) + 1
    if attempt == 2 and len(side.sent) >= RETRANSMISSIONS_MAX:
        return None
    side.sent[packet.seq] = attempt
    if attempt > RETRANSMISSIONS_MAX:
        return None
    return Retransmission(bytes_len=packet.length, attempt=attempt, **common_fields(place, side.flow))


def idle(conversation: Conversation, side: Side, place: Place) -> Idle | None:
    """The end of a long silence."""
    conversation.idles += 1
    if conversation.idles > IDLES_MAX:
        return None
    return Idle(duration_ns=place[0] - conversation.seen_ns, **common_fields(place, side.flow))
