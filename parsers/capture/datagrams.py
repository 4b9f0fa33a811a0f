"""A DNS message or an ICMP error as an event. Knows nothing of the conversation around it."""

from __future__ import annotations

from typing import Literal

from parsers.capture.conversation import Place, common_fields
from parsers.capture.packet import TCP, IcmpError
from parsers.events import DnsAnswer, DnsQuery, Flow, Unreachable
from parsers.wire import dns


def lookup(wire: bytes, place: Place, flow: Flow) -> DnsQuery | DnsAnswer:
    """A question or an answer. Raises ValueError for what is neither."""
    message = dns.message(wire)
    if message.response:
        return DnsAnswer(
            txid=message.txid,
            name=message.name,
            rrtype=message.rrtype,
            rcode=message.rcode,
            authoritative=message.authoritative,
            truncated=message.truncated,
            answers=message.records,
            **common_fields(place, flow),
        )
    return DnsQuery(
        txid=message.txid,
        name=message.name,
        rrtype=message.rrtype,
        checking_disabled=message.checking_disabled,
        **common_fields(place, flow),
    )


def quoted(error: IcmpError) -> Flow:
    """The flow of the packet that an error is about."""
    proto: Literal["tcp", "udp"] = "tcp" if error.proto == TCP else "udp"
    return Flow(src_ip=error.src, src_port=error.sport, dst_ip=error.dst, dst_port=error.dport, proto=proto)


def unreachable(error: IcmpError, place: Place, flow: Flow) -> Unreachable:
    """What a router or a host says of a packet of that flow."""
    return Unreachable(code=error.code, reporter_ip=error.reporter, **common_fields(place, flow))
