"""The machine of one TCP conversation at one place (RFC 9293 section 3.3.2, as far as a bystander sees it).

Knows no payload, no other place and no timeouts: a conversation that ends in SYN_SENT *is* the evidence of silence.
"""

from __future__ import annotations

from analyzer.machines.table import Machine, direction
from parsers.events import CaptureGap, Event, Idle, Retransmission, Tally, TcpMark, Unreachable

_COUNTS = (Retransmission, Tally, Idle)
_CLOSING = {
    "data": "CLOSING",
    "gap": "CLOSING",
    "ack>": "CLOSING",
    "ack<": "CLOSING",
    "fin>": "CLOSED",
    "fin<": "CLOSED",
    "rst>": "RESET",
    "rst<": "RESET",
}


class FlowMachine(Machine):
    """Key: the two ends, client first, and the instant of the first SYN."""

    NAME = "flow"
    TABLE = {
        "IDLE": {
            "syn>": "SYN_SENT",
            "syn-ack<": "SYN_ACKED",
            "data": "MIDSTREAM",
            "gap": "MIDSTREAM",
            "ack>": "MIDSTREAM",
            "ack<": "MIDSTREAM",
            "fin>": "CLOSING",
            "fin<": "CLOSING",
            "rst>": "RESET",
            "rst<": "RESET",
            "unreachable<": "UNREACHABLE",
        },
        "SYN_SENT": {
            "syn>": "SYN_SENT",
            "syn-ack<": "SYN_ACKED",
            "rst<": "REFUSED",
            "rst>": "RESET",
            "unreachable<": "UNREACHABLE",
            "ack>": "MIDSTREAM",
            "data": "MIDSTREAM",
        },
        "UNREACHABLE": {
            "syn>": "UNREACHABLE",
            "syn-ack<": "SYN_ACKED",
            "unreachable<": "UNREACHABLE",
            "rst<": "REFUSED",
        },
        "REFUSED": {"rst<": "REFUSED", "syn>": "REFUSED"},
        "SYN_ACKED": {
            "syn>": "SYN_ACKED",
            "syn-ack<": "SYN_ACKED",
            "ack>": "OPEN",
            "ack<": "OPEN",
            "data": "OPEN",
            "gap": "OPEN",
            "fin>": "CLOSING",
            "fin<": "CLOSING",
            "rst>": "RESET",
            "rst<": "RESET",
        },
        "MIDSTREAM": {
            "data": "MIDSTREAM",
            "gap": "MIDSTREAM",
            "ack>": "MIDSTREAM",
            "ack<": "MIDSTREAM",
            "fin>": "CLOSING",
            "fin<": "CLOSING",
            "rst>": "RESET",
            "rst<": "RESET",
        },
        "OPEN": {
            "data": "OPEN",
            "gap": "OPEN",
            "ack>": "OPEN",
            "ack<": "OPEN",
            "fin>": "CLOSING",
            "fin<": "CLOSING",
            "rst>": "RESET",
            "rst<": "RESET",
        },
        "CLOSING": _CLOSING,
        "CLOSED": {
            "ack>": "CLOSED",
            "ack<": "CLOSED",
            "rst>": "CLOSED",
            "rst<": "CLOSED",
            "fin>": "CLOSED",
            "fin<": "CLOSED",
        },
        "RESET": {"rst>": "RESET", "rst<": "RESET"},
    }
    ANYWHERE = {"repeat": "", "counted": "", "unreachable<": "", "unreachable>": ""}


def signal(event: Event, client: tuple[str, int]) -> str:
    """The event in the table's words; `client` is the end that opened the conversation."""
    if isinstance(event, TcpMark):
        return "repeat" if event.repeat else event.mark + direction(event, client)
    if isinstance(event, CaptureGap):
        return "gap"
    if isinstance(event, Unreachable):
        # The event's flow is the packet that the error quotes; the error itself comes back the other way.
        return "unreachable<" if direction(event, client) == ">" else "unreachable>"
    if isinstance(event, _COUNTS):
        return "counted"
    return "data"
