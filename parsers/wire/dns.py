"""One DNS message becomes its question and its records (RFC 1035 section 4).

dnspython reads, and refuses compression loops.
This file knows no transport but the framing over TCP, and does not pair answers with questions.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.SRV import SRV
from dns.rdtypes.nsbase import NSBase

from parsers.events import DnsRecord
from parsers.names import domain

RECORDS_MAX = 64
"""Records told of one message; the SRV records of a federating domain and their addresses are some twenty."""
TEXT_MAX = 1024
"""Characters told of a record that is neither address nor name."""
_ID = 2
"""Bytes of the message id."""
_HEADER = 12
"""Bytes of a message's header (RFC 1035 section 4.1.1)."""
_LENGTH = 2
"""Bytes of the length before a message over TCP (RFC 1035 section 4.2.2)."""
_QR = 0x80
"""The response bit, in the first byte after the id."""
_REMEMBERED_MAX = 512
"""Bytes of a message that is remembered: 8 MiB for all of them."""


class Message(NamedTuple):
    """A query or a response, as far as it could be read."""

    txid: int
    """Message id."""
    response: bool
    """The QR bit."""
    name: str
    """Question name, normalised; "" when there is no question."""
    rrtype: str
    """Question type, "SRV"; "" when there is no question."""
    rcode: int
    """Response code, with its extension (RFC 6891 section 6.1.3)."""
    authoritative: bool
    """The AA bit."""
    truncated: bool
    """The TC bit."""
    records: tuple[DnsRecord, ...]
    """Records of the answer section, then the addresses of the additional section."""
    checking_disabled: bool = False
    """The CD bit (RFC 4035 section 3.2.2)."""


def message(wire: bytes) -> Message:
    """Read a message. Of one that is cut, by TC or by the snap length, what stands before the cut.

    Raises ValueError, with one sentence, for what is no DNS message.
    """
    if len(wire) < _HEADER:
        raise ValueError(f"{len(wire)} bytes are no DNS message: its header alone has {_HEADER}")
    txid = int.from_bytes(wire[:_ID], "big")
    read = _remembered if len(wire) <= _REMEMBERED_MAX else _read
    return read(wire[_ID:])._replace(txid=txid)


class TcpMessages:
    """The messages of one direction of a conversation over TCP, each behind its length (RFC 1035 section 4.2.2).

    It holds at most one message, 65,535 bytes. After a hole in the bytes, a new one is needed.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        """Nothing read yet."""
        self._held = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Read the next bytes; the messages that they complete."""
        held = self._held + data
        complete = []
        start = 0
        while (end := start + _LENGTH + int.from_bytes(held[start : start + _LENGTH], "big")) <= len(held):
            complete.append(held[start + _LENGTH : end])
            start = end
        self._held = held[start:]
        return complete


def _read(after_id: bytes) -> Message:
    """Read a message but for its id."""
    try:
        read = dns.message.from_wire(
            b"\0" * _ID + after_id,
            # Of a query nothing but the question is told.
            question_only=after_id[0] & _QR == 0,
            # A signature is passed over: the key is not ours to have, and the message is read all the same.
            keyring=False,
            one_rr_per_rrset=True,
            ignore_trailing=True,
            continue_on_error=True,
        )
        _refuse_loops(read.errors)
        if not read.question and read.errors:
            raise read.errors[0].exception
        return _told(read)
    except Exception as error:
        # Hostile bytes reach code of dnspython for a hundred record types: whatever it raises, it is no message.
        raise ValueError(f"a DNS message cannot be read: {error or type(error).__name__}") from error


_remembered = lru_cache(maxsize=16384)(_read)
"""All but the id is often the same, and reading costs a hundred times a look-up."""


def _refuse_loops(errors: list[dns.message.MessageError]) -> None:
    """Raise for a compression pointer that does not point backward (RFC 1035 section 4.1.4): no cut makes one."""
    for error in errors:
        if isinstance(error.exception, dns.name.BadPointer):
            raise error.exception


def _told(read: dns.message.Message) -> Message:
    """The message in our words."""
    question = read.question[0] if read.question else None
    # A question is an empty set of records, and so is not "true".
    return Message(
        txid=0,
        response=bool(read.flags & dns.flags.QR),
        name=domain(question.name.to_text()) if question is not None else "",
        rrtype=dns.rdatatype.to_text(question.rdtype) if question is not None else "",
        rcode=int(read.rcode()),
        authoritative=bool(read.flags & dns.flags.AA),
        truncated=bool(read.flags & dns.flags.TC),
        records=tuple(_records(read))[:RECORDS_MAX],
        checking_disabled=bool(read.flags & dns.flags.CD),
    )


def _records(read: dns.message.Message) -> Iterator[DnsRecord]:
    """The records of the answer, then the addresses of the additional section."""
    for records in read.answer:
        for record in records:
            yield _record(records.name, records.ttl, record, "answer")
    for records in read.additional:
        for record in records:
            if isinstance(record, A | AAAA):
                yield _record(records.name, records.ttl, record, "additional")


def _record(
    owner: dns.name.Name, ttl_s: int, record: dns.rdata.Rdata, section: Literal["answer", "additional"]
) -> DnsRecord:
    name = domain(owner.to_text())
    rrtype = dns.rdatatype.to_text(record.rdtype)
    if isinstance(record, SRV):
        return DnsRecord(
            name=name,
            rrtype=rrtype,
            ttl_s=ttl_s,
            data=domain(record.target.to_text()),
            priority=record.priority,
            weight=record.weight,
            port=record.port,
            section=section,
        )
    data = domain(record.target.to_text()) if isinstance(record, NSBase) else record.to_text()[:TEXT_MAX]
    return DnsRecord(name=name, rrtype=rrtype, ttl_s=ttl_s, data=data, section=section)
