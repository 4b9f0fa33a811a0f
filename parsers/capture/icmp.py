"""ICMP errors and the packets that they quote (RFC 792, RFC 4443).

Knows nothing of which of them matter.
"""

from __future__ import annotations

import socket
from typing import NamedTuple

from parsers.capture.conversation import File
from parsers.capture.packet import TCP, IcmpError
from parsers.events import Flow, Unreachable, Where

UNREACHABLE, TIME_EXCEEDED = 3, 11
"""ICMP types of IPv4 that are errors about a packet's way."""
UNREACHABLE6, TOO_BIG6, TIME_EXCEEDED6 = 1, 2, 3
"""Those of IPv6."""
_CODES = {0: "net", 1: "host", 3: "port", 4: "fragmentation-needed", 6: "net", 7: "host", 11: "net", 12: "host"}
_CODES |= dict.fromkeys((9, 10, 13), "admin")
"""Codes of type 3 (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1)."""
_CODES6 = {0: "net", 1: "admin", 3: "host", 4: "port", 5: "admin", 6: "admin"}
"""Codes of type 1 (RFC 4443 section 3.1)."""
_EXTENSIONS = (0, 43, 44, 60)


QUOTE_MAX = 1_280
"""Bytes of an error that are looked at; more is never needed to find the ports of the packet it quotes."""


def is_error(kind: int, *, six: bool) -> bool:
    """Whether an ICMP message of this type tells of a packet that did not arrive."""
    if six:
        return kind in (UNREACHABLE6, TOO_BIG6, TIME_EXCEEDED6)
    return kind in (UNREACHABLE, TIME_EXCEEDED)


class Quote(NamedTuple):
    """What an error says, and about which packet."""

    code: str
    """As in `IcmpError.code`."""
    proto: int
    """IP protocol of the quoted packet."""
    src: str
    """Its sender."""
    sport: int
    """Its sender's port."""
    dst: str
    """Its receiver."""
    dport: int
    """Its receiver's port."""


def quote(message: bytes, *, six: bool) -> Quote | None:
    """Read an ICMP message; None when it is no error, or quotes too little to know the ports."""
    if len(message) < 8:
        return None
    code = _code6(message[0], message[1]) if six else _code(message[0], message[1])
    quoted = message[8:]
    if code is None or not quoted:
        return None
    return _quoted6(code, quoted) if quoted[0] >> 4 == 6 else _quoted4(code, quoted)


def _code(kind: int, code: int) -> str | None:
    if kind == UNREACHABLE:
        return _CODES.get(code, "other")
    return "ttl-exceeded" if kind == TIME_EXCEEDED else None


def _code6(kind: int, code: int) -> str | None:
    if kind == UNREACHABLE6:
        return _CODES6.get(code, "other")
    return {TOO_BIG6: "fragmentation-needed", TIME_EXCEEDED6: "ttl-exceeded"}.get(kind)


def _quoted4(code: str, quoted: bytes) -> Quote | None:
    transport = (quoted[0] & 15) * 4
    if transport < 20 or len(quoted) < transport + 4 or int.from_bytes(quoted[6:8], "big") & 0x1FFF:
        return None
    src, dst = socket.inet_ntoa(quoted[12:16]), socket.inet_ntoa(quoted[16:20])
    return _with_ports(code, quoted[9], src, dst, quoted[transport:])


def _quoted6(code: str, quoted: bytes) -> Quote | None:
    if len(quoted) < 44:
        return None
    proto, at = quoted[6], 40
    while proto in _EXTENSIONS and at + 8 <= len(quoted):
        proto, at = quoted[at], at + (8 if proto == 44 else (quoted[at + 1] + 1) * 8)
    if len(quoted) < at + 4:
        return None
    src, dst = (socket.inet_ntop(socket.AF_INET6, quoted[begin : begin + 16]) for begin in (8, 24))
    return _with_ports(code, proto, src, dst, quoted[at:])


def _with_ports(code: str, proto: int, src: str, dst: str, transport: bytes) -> Quote:
    return Quote(code, proto, src, int.from_bytes(transport[:2], "big"), dst, int.from_bytes(transport[2:4], "big"))


def unreachable(error: IcmpError, file: File, flow: Flow | None) -> Unreachable:
    """The event of an error; `flow` is the conversation's that it is about, where it is under way."""
    if flow is None:
        ends = {"src_ip": error.src, "src_port": error.sport, "dst_ip": error.dst, "dst_port": error.dport}
        flow = Flow(**ends, proto="tcp" if error.proto == TCP else "udp")  # type: ignore[arg-type]
    return Unreachable(
        at_ns=error.at_ns,
        width_ns=file.reading.resolution_ns,
        where=Where(source=file.name, frame=error.frame),
        flow=flow,
        code=error.code,
        reporter_ip=error.reporter,
    )
