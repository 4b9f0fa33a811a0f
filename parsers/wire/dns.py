"""One DNS message becomes its question and its records (RFC 1035 section 4).

dnspython reads names and records, and refuses compression loops; what nobody asks for is passed over by its length.
Names, addresses and SRV records as nearly all are do not go through it: that saves a third of the time.
This file knows no transport but the framing over TCP, and does not pair answers with questions.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

import dns.exception
import dns.ipv4
import dns.ipv6
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
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
_HEAD = struct.Struct("!6H")
"""The header: id, flags, and how many records the four sections have."""
_QUESTION = struct.Struct("!HH")
"""What stands behind the name of a question: type and class."""
_RESOURCE = struct.Struct("!HHIH")
"""What stands behind the owner of a record: type, class, time to live, length of its data (RFC 1035 section 3.2.1)."""
_SRV = struct.Struct("!HHH")
"""What stands before the target of an SRV record: priority, weight, port (RFC 2782)."""
_LENGTH = 2
"""Bytes of the length before a message over TCP (RFC 1035 section 4.2.2)."""
_QR, _AA, _TC, _CD = 0x8000, 0x0400, 0x0200, 0x0010
"""Bits of the flags, as plain numbers: with those of `dns.flags` each test takes a microsecond."""
_LABEL_MAX = 63
"""Octets of a label; a greater length is a pointer, or nothing that is known (RFC 1035 section 4.1.4)."""
_NAME_MAX = 255
"""Octets of a name (RFC 1035 section 3.1)."""
_PLAIN = re.compile(rb"[-0-9A-Z_a-z]+")
"""Octets of labels of which none needs an escape."""
_TTL_MAX = 0x7FFF_FFFF
"""A greater time to live counts as 0 (RFC 2181 section 8)."""
_Section: TypeAlias = Literal["answer", "authority", "additional"]
_SECTIONS: tuple[_Section, ...] = ("answer", "authority", "additional")
"""The sections behind the question."""
_ADDRESSES: dict[int, int] = {dns.rdatatype.A: 4, dns.rdatatype.AAAA: 16}
"""What is told of the additional section, and the octets of each."""
_TO_QUESTION = (0xC000 | _HEADER).to_bytes(2, "big")
"""A compressed name that is the question's (RFC 1035 section 4.1.4): most owners are."""
_DELETED = (dns.rdataclass.NONE, dns.rdataclass.ANY)
"""With these an update puts a condition, not a record (RFC 2136 section 2.4)."""
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
    # By place: `_replace` would take three times as long.
    return Message(txid, *read(wire[_ID:])[1:])


class TcpMessages:
    """The messages of one direction of a conversation over TCP, each behind its length (RFC 1035 section 4.2.2).

    It holds at most one message, 65,535 bytes. After a hole in the bytes, a new one is needed.
    """

    __slots__ = ("_held", "_passing", "passed")

    def __init__(self) -> None:
        """Nothing read yet."""
        self._held = b""
        self._passing = 0
        self.passed = 0
        """Bytes passed over so far: the rest of messages that were let go."""

    @property
    def held_len(self) -> int:
        """Bytes of the message that is not there to its end."""
        return len(self._held)

    def let_go(self) -> int:
        """Let a message go of which something is there: how many bytes of it. Its rest will be passed over."""
        lost = len(self._held)
        if lost < _LENGTH:
            return 0
        self._passing = _LENGTH + int.from_bytes(self._held[:_LENGTH], "big") - lost
        self._held = b""
        return lost

    def feed(self, data: bytes) -> list[bytes]:
        """Read the next bytes; the messages that they complete."""
        passed = min(self._passing, len(data))
        self._passing -= passed
        self.passed += passed
        held = self._held + data[passed:]
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
        return _message(b"\0" * _ID + after_id)
    except Exception as error:
        # Hostile bytes reach code of dnspython for a hundred record types: whatever it raises, it is no message.
        raise ValueError(f"a DNS message cannot be read: {error or type(error).__name__}") from error


_remembered = lru_cache(maxsize=16384)(_read)
"""All but the id is often the same, and reading costs fifty times a look-up."""


def _message(wire: bytes) -> Message:
    """Read a message; `dns.message` takes five times as long, for sets of records and sections not told."""
    _, flags, questions, *counts = _HEAD.unpack_from(wire)
    at = _HEADER
    asked: list[tuple[str, str]] = []
    records: list[DnsRecord] = []
    extension = 0
    try:
        for _ in range(questions):
            name, at = _name(wire, at)
            rrtype, _ = _QUESTION.unpack_from(wire, at)
            at += _QUESTION.size
            asked.append((name, _mnemonic(rrtype)))
        question = asked[0][0] if asked else None
        # Of a query nothing but the question is told.
        for section, count in zip(_SECTIONS, counts if flags & _QR else (), strict=False):
            for _ in range(count):
                more, at = _resource(wire, at, section, records, question)
                extension |= more
    except dns.name.BadPointer:
        # It does not point backward (RFC 1035 section 4.1.4): no cut makes one.
        raise
    except (dns.exception.FormError, struct.error):
        # A cut: what stands before it is told, if that is a question at least.
        if not asked:
            raise
    name, kind = asked[0] if asked else ("", "")
    return Message(
        txid=0,
        response=bool(flags & _QR),
        name=name,
        rrtype=kind,
        rcode=flags & 0xF | extension >> 20 & 0xFF0,
        authoritative=bool(flags & _AA),
        truncated=bool(flags & _TC),
        records=tuple(records[:RECORDS_MAX]),
        checking_disabled=bool(flags & _CD),
    )


def _resource(
    wire: bytes, at: int, section: _Section, records: list[DnsRecord], question: str | None
) -> tuple[int, int]:
    """Read a resource record and keep what is told of it: the flags of an OPT record, 0 of any other, and its end."""
    name, at = _name(wire, at, question)
    rrtype, rrclass, ttl_s, length = _RESOURCE.unpack_from(wire, at)
    at += _RESOURCE.size
    end: int = at + length
    if end > len(wire):
        raise dns.exception.FormError
    if rrtype == dns.rdatatype.OPT:
        return ttl_s, end
    address = rrclass == dns.rdataclass.IN and rrtype in _ADDRESSES
    if rrclass not in _DELETED and (section == "answer" or (section == "additional" and address)):
        try:
            told = _told(wire, at, end, rrclass, rrtype)
            ttl_s = ttl_s if ttl_s <= _TTL_MAX else 0
            records.append(DnsRecord(name=name, rrtype=_mnemonic(rrtype), ttl_s=ttl_s, section=section, **told))
        except (dns.exception.FormError, struct.error) as error:
            # One record that cannot be read does not spoil the next, but a loop does.
            if isinstance(error, dns.name.BadPointer):
                raise
    return 0, end


def _told(wire: bytes, at: int, end: int, rrclass: int, rrtype: int) -> dict[str, Any]:
    """What is told of the data of a record, which stands between the two offsets."""
    if rrclass == dns.rdataclass.IN and rrtype == dns.rdatatype.SRV:
        priority, weight, port = _SRV.unpack_from(wire[:end], at)
        target, after = _name(wire[:end], at + _SRV.size)
        if after != end:
            raise dns.exception.FormError
        return {"data": target, "priority": priority, "weight": weight, "port": port}
    if rrclass == dns.rdataclass.IN and rrtype in _ADDRESSES and end - at == _ADDRESSES[rrtype]:
        return {"data": _address(wire[at:end])}
    kind = dns.rdataclass.RdataClass(rrclass), dns.rdatatype.RdataType(rrtype)
    rdata = dns.rdata.from_wire(*kind, wire, at, end - at)
    return {"data": _spelled(rdata.target.labels) if isinstance(rdata, NSBase) else rdata.to_text()[:TEXT_MAX]}


@lru_cache(maxsize=8192)
def _address(octets: bytes) -> str:
    """The text of an IPv4 or IPv6 address."""
    return dns.ipv4.inet_ntoa(octets) if len(octets) == _ADDRESSES[dns.rdatatype.A] else dns.ipv6.inet_ntoa(octets)


def _name(wire: bytes, at: int, question: str | None = None) -> tuple[str, int]:
    """The name at an offset, normalised, and its end. `question` is the name behind the header, if it is known."""
    if question is not None and wire.startswith(_TO_QUESTION, at):
        return question, at + len(_TO_QUESTION)
    end = wire.find(b"\0", at) + 1
    if end and (name := _uncompressed(wire[at:end])) is not None:
        return name, end
    spelled, size = dns.name.from_wire(wire, at)
    return _spelled(spelled.labels), at + size


@lru_cache(maxsize=8192)
def _uncompressed(octets: bytes) -> str | None:
    """The name of these octets, which end with the first that is zero; None if it is compressed, or none."""
    if (plain := _plain(octets)) is not None:
        return domain(plain)
    try:
        return _spelled(dns.name.from_wire(octets, 0)[0].labels)
    except dns.exception.DNSException:
        return None


def _plain(octets: bytes) -> str | None:
    """The name, where its labels are of letters, digits, `-` and `_`, as nearly all are: none needs an escape."""
    labels = []
    at = 0
    while length := octets[at]:
        labels.append(octets[at + 1 : at + 1 + length])
        at += 1 + length
        if length > _LABEL_MAX or at >= len(octets):
            return None
    fits = len(octets) <= _NAME_MAX and _PLAIN.fullmatch(b"".join(labels))
    return b".".join(labels).decode() if fits else None


@lru_cache(maxsize=8192)
def _spelled(labels: tuple[bytes, ...]) -> str:
    """The name of these labels, normalised; most names stand in several messages."""
    return domain(dns.name.Name(labels).to_text())


@lru_cache(maxsize=256)
def _mnemonic(rrtype: int) -> str:
    """The type as it is written: "SRV", "TYPE65280"."""
    return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rrtype))
