"""A DNS message of a capture becomes an event. Knows what `wire.dns` read, and where; nothing of what it answers."""

from __future__ import annotations

from parsers.capture.conversation import Place, common_fields
from parsers.events import DnsAnswer, DnsQuery, Flow
from parsers.wire import dns


def dns_event(message: dns.Message, place: Place, flow: Flow) -> DnsQuery | DnsAnswer:
    """The event of a message that a packet at `place` brought."""
    common = common_fields(place, flow)
    if message.response:
        return DnsAnswer(
            txid=message.txid,
            name=message.name,
            rrtype=message.rrtype,
            rcode=message.rcode,
            authoritative=message.authoritative,
            truncated=message.truncated,
            answers=message.records,
            **common,
        )
    return DnsQuery(
        txid=message.txid,
        name=message.name,
        rrtype=message.rrtype,
        checking_disabled=message.checking_disabled,
        **common,
    )
