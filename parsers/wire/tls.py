"""The TLS records of one direction of a conversation: what they show before they are ciphertext.

It knows nothing of the other direction and decrypts nothing (RFC 5246 section 6, RFC 8446 section 5):
once ciphertext begins, only record headers are looked at.
Indexes count the bytes of the direction from the first byte fed, with those that a hole swallowed.
"""

from __future__ import annotations

from typing import NamedTuple

from parsers.wire import tls_names
from parsers.wire.first_bytes import TLS_RECORD, protocol
from parsers.wire.tls_handshake import (
    Broken,
    Certificate,
    CertificateRequest,
    EmptyCertificate,
    Hello,
    Message,
    messages,
)

__all__ = [
    "Alert",
    "Broken",
    "Certificate",
    "CertificateRequest",
    "Ciphertext",
    "EmptyCertificate",
    "Hello",
    "NotTls",
    "Observation",
    "TlsReader",
]

HANDSHAKE_MAX = 1 << 17
"""Bytes of one handshake message: OpenSSL takes chains of 100 kB."""

_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _DATA = 20, 21, 22, 23
"""Content types (RFC 8446 section 5.1)."""
_HEADER = 5
"""Bytes before a record's body."""
_RECORD_MAX = (1 << 14) + 2048
"""Bytes of a record's body (RFC 5246 section 6.2.3)."""
_PLAIN_ALERT = 2
"""Bytes of an alert in the clear; encryption makes it longer."""
_MESSAGE_HEADER = 4
"""Bytes before a handshake message's body."""
_LOOKED_AT = 64
"""Bytes looked at to say what is no TLS."""
_HANDSHAKE_TYPES = frozenset({0, 1, 2, 4, 11, 12, 13, 14, 15, 16, 20, 21, 22})
"""Types that a handshake message in the clear may have."""


class Alert(NamedTuple):
    """An alert record; fields as in `events.TlsAlert`."""

    level: str
    """"warning", "fatal" or "encrypted"."""
    description: str
    """Its name, or "encrypted"."""


class Ciphertext(NamedTuple):
    """The first record of ciphertext in this direction."""

    bytes_len: int
    """Length of its body, bytes."""


class NotTls(NamedTuple):
    """The first bytes are no TLS."""

    protocol: str
    """What they seem to be, in the words of `events.NotXmpp`."""


Observation = Message | Alert | Ciphertext | NotTls
"""What the records show."""


class TlsReader:
    """One direction of one conversation, after STARTTLS or from the first byte.

    An SSL 2.0 ClientHello that offers TLS (RFC 5246 appendix E.2) is a hello of the version that it offers.
    """

    __slots__ = (
        "_at",
        "_begun",
        "_body",
        "_ciphertext",
        "_handshake",
        "_header",
        "_kind",
        "_left",
        "_message_at",
        "_record_at",
        "_sealed",
        "_wanted",
        "broken",
        "skipped",
    )

    def __init__(self) -> None:
        """Nothing read yet."""
        self.broken: str | None = None
        """Why nothing more is read."""
        self.skipped = 0
        """Bytes not read because of `broken`."""
        self._at = 0
        self._begun = False
        self._header = b""
        self._record_at = 0
        self._kind = 0
        self._left = 0
        self._wanted = False
        self._body = bytearray()
        self._handshake = b""
        self._message_at = 0
        self._sealed = False
        self._ciphertext = False

    def feed(self, data: bytes) -> list[tuple[int, Observation]]:
        """Read the next bytes: what they complete, each with the index of the record in which it began.

        Never raises for what the bytes say.
        """
        seen: list[tuple[int, Observation]] = []
        start = 0
        while start < len(data):
            if self.broken is not None:
                self.skipped += len(data) - start
                break
            if not self._left:
                part = data[start : start + _HEADER - len(self._header)]
                self._header += part
                self._at += len(part)
                start += len(part)
                if len(self._header) == _HEADER:
                    self._begin(data[start:], seen)
                    self._header = b""
                continue
            read = min(self._left, len(data) - start)
            if self._wanted:
                self._body += data[start : start + read]
            self._left -= read
            self._at += read
            start += read
            if not self._left and self._wanted:
                self._end(bytes(self._body), seen)
        return seen

    def gap(self, missing: int) -> None:
        """The next `missing` bytes are not there.

        Inside one record, reading goes on after it; beyond its end, with the next bytes fed, if a record begins there.
        """
        self._at += missing
        self._begun = True
        self._wanted = False
        self._handshake = self._header = b""
        self._left = max(self._left - missing, 0)

    @property
    def held_len(self) -> int:
        """Bytes of records and messages that are not there to their end."""
        return len(self._body) + len(self._handshake)

    def let_go(self) -> int:
        """Let these bytes go, if there are any, and read no more: how many they were."""
        lost = self.held_len
        if lost:
            self.broken = "more waited for its end than is held at once"
            self._body.clear()
            self._handshake = b""
        return lost

    def _begin(self, following: bytes, seen: list[tuple[int, Observation]]) -> None:
        """A record's header is complete: decide what is wanted of its body."""
        header = self._header
        length = int.from_bytes(header[3:5], "big")
        self._record_at = self._at - _HEADER
        if not TLS_RECORD.match(header) or length > _RECORD_MAX:
            self._no_record(following, seen)
            return
        self._begun = True
        self._kind = header[0]
        self._left = length
        self._body.clear()
        self._wanted = False
        if self._kind == _CHANGE_CIPHER_SPEC:
            self._sealed = True
        elif self._kind == _ALERT and (self._ciphertext or length != _PLAIN_ALERT):
            seen.append((self._record_at, Alert("encrypted", "encrypted")))
        elif self._kind == _DATA:
            self._conceal(length, seen)
        elif self._kind in (_ALERT, _HANDSHAKE):
            self._wanted = length > 0 and not self._ciphertext

    def _no_record(self, following: bytes, seen: list[tuple[int, Observation]]) -> None:
        """The five bytes are no record header; an SSL 2.0 hello may stand first (RFC 5246 appendix E.2)."""
        header = self._header
        number = int.from_bytes(header[3:5], "big")
        if self._begun:
            self.broken = "no TLS record begins where one must"
        elif header[0] & 0x80 and header[2] == 1 and number in tls_names.VERSIONS:
            self._begun = True
            self._left = max((int.from_bytes(header[:2], "big") & 0x7FFF) - 3, 0)
            self._wanted = False
            seen.append((self._record_at, Hello("client", tls_names.version(number), None, (), None, "")))
        else:
            self.broken = "the bytes are no TLS"
            seen.append((self._record_at, NotTls(protocol(header + following[:_LOOKED_AT]))))

    def _end(self, body: bytes, seen: list[tuple[int, Observation]]) -> None:
        """A record in the clear is complete."""
        if self._kind == _ALERT:
            level = tls_names.LEVELS.get(body[0], f"level {body[0]}")
            seen.append((self._record_at, Alert(level, tls_names.alert(body[1]))))
        elif self._sealed and not _is_hello(body):
            self._conceal(len(body), seen)
        else:
            self._assemble(body, seen)

    def _conceal(self, length: int, seen: list[tuple[int, Observation]]) -> None:
        """Ciphertext: of this record and all that follow, only headers are read."""
        if not self._ciphertext:
            self._ciphertext = True
            self._handshake = b""
            seen.append((self._record_at, Ciphertext(length)))

    def _assemble(self, body: bytes, seen: list[tuple[int, Observation]]) -> None:
        """Take the messages that are complete now; they may span records, and a record may hold several."""
        if not self._handshake:
            self._message_at = self._record_at
        text = self._handshake + body
        start = 0
        while len(text) - start >= _MESSAGE_HEADER:
            kind = text[start]
            end = start + _MESSAGE_HEADER + int.from_bytes(text[start + 1 : start + _MESSAGE_HEADER], "big")
            if kind not in _HANDSHAKE_TYPES or end - start > HANDSHAKE_MAX:
                seen.append((self._message_at, Broken("a handshake message of no known type or possible length")))
                start = len(text)
            elif end > len(text):
                break
            else:
                for message in messages(kind, text[start + _MESSAGE_HEADER : end]):
                    seen.append((self._message_at, message))
                start = end
                self._message_at = self._record_at
        self._handshake = text[start:]


def _is_hello(body: bytes) -> bool:
    """Holds the record exactly one hello? After a HelloRetryRequest one comes in the clear (RFC 8446 appendix D.4)."""
    return len(body) > 5 and body[0] in (1, 2) and int.from_bytes(body[1:4], "big") == len(body) - 4 and body[4] == 3
