"""A DNS message from the event that tells of one (RFC 1035 section 4).

It holds the question and the records that the event holds, and nothing else: no authority section, no EDNS.
The other way is `parsers.wire.dns`.
"""

from __future__ import annotations

from collections.abc import Iterator

import dns.exception
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from parsers.events import DnsAnswer, DnsQuery, DnsRecord

_NAMED = ("CNAME", "DNAME", "NS", "PTR")
"""Types whose data is a name."""
_TYPES = ("A", "AAAA", "SRV", *_NAMED)
"""Types of which an event holds all that a record has; others are left out."""


def message(event: DnsQuery | DnsAnswer, wire: bytes) -> bytes | None:
    """The message of an event, with the flags of `wire`, which is the one that it was read from.

    None where its question cannot be asked: names may be broken.
    """
    made = dns.message.Message(id=max(event.txid, 0))
    made.flags = int.from_bytes(wire[2:4], "big")
    try:
        if event.rrtype:
            rrtype = dns.rdatatype.from_text(event.rrtype)
            made.question.append(dns.rrset.RRset(_name(event.name), dns.rdataclass.IN, rrtype))
        if isinstance(event, DnsAnswer):
            for record, told in _records(event.answers):
                (made.answer if record.section == "answer" else made.additional).append(told)
        return made.to_wire(max_size=0xFFFF)
    except (dns.exception.DNSException, UnicodeError, ValueError):
        return None


def _records(records: tuple[DnsRecord, ...]) -> Iterator[tuple[DnsRecord, dns.rrset.RRset]]:
    """Each record that can be written, a set of its own so that the order stays."""
    for record in records:
        if record.rrtype not in _TYPES:
            continue
        data = record.data
        if record.rrtype == "SRV":
            data = f"{record.priority} {record.weight} {record.port} {_name(data)}"
        elif record.rrtype in _NAMED:
            data = str(_name(data))
        try:
            yield record, dns.rrset.from_text(_name(record.name), record.ttl_s or 0, "IN", record.rrtype, data)
        except (dns.exception.DNSException, ValueError):
            continue


def _name(text: str) -> dns.name.Name:
    """A name that begins at the root. Raises DNSException for one that no message can hold."""
    return dns.name.from_text(text)
