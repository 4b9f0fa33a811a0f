"""Handshake messages of TLS that are sent in the clear: hellos and certificates.

One whole message in (RFC 5246 section 7.4, RFC 8446 section 4), plain observations out.
It knows no records and no direction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Literal, NamedTuple

from parsers.names import domain
from parsers.wire import tls_names

CHAIN_MAX = 32
"""Certificates told of one message; chains have two to five."""
_PROTOCOLS_MAX = 16
"""Application protocols told of one hello."""

_HELLO_RETRY = hashlib.sha256(b"HelloRetryRequest").digest()
"""The random that makes a ServerHello a HelloRetryRequest (RFC 8446 section 4.1.3)."""
_SERVER_NAME, _ALPN, _SUPPORTED_VERSIONS = 0, 16, 43
"""Extensions (RFC 6066 section 3, RFC 7301, RFC 8446 section 4.2.1)."""


class Hello(NamedTuple):
    """A hello; fields as in `events.TlsHello`. Of a HelloRetryRequest the random says nothing, so its digest is ""."""

    side: Literal["client", "server"]
    """Whose hello."""
    version: str
    """The highest version offered, or the one chosen."""
    sni: str | None
    """Server name asked for."""
    alpn: tuple[str, ...]
    """Protocols offered, or the one chosen."""
    cipher: str | None
    """The suite chosen."""
    random_digest: str
    """First 12 hex of SHA-256 of the random."""


class Certificate(NamedTuple):
    """One certificate of a chain; fields as in `events.TlsCertificate`."""

    position: int
    """0 for the end entity."""
    subject: str
    """Subject in RFC 4514 form."""
    issuer: str
    """Issuer in RFC 4514 form."""
    names: tuple[str, ...]
    """The names it is for."""
    not_before_ns: int
    """Start of validity, ns since 1970 UTC."""
    not_after_ns: int
    """End of validity, ns since 1970 UTC."""
    sha256: str
    """Fingerprint, hex."""
    chain_len: int
    """How many certificates the message held."""


class CertificateRequest(NamedTuple):
    """The server asks for a certificate."""


class EmptyCertificate(NamedTuple):
    """A certificate message without a certificate: asked, and has none."""


class Broken(NamedTuple):
    """A message or certificate that cannot be read."""

    reason: str
    """Why, in one sentence."""


Message = Hello | Certificate | CertificateRequest | EmptyCertificate | Broken
"""What a handshake message shows."""


class _Cut(Exception):
    """A length points behind the end of the message."""


class _Bytes:
    """A message read from its start."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        """The next bytes; raises `_Cut` when there are fewer."""
        if length > len(self._data) - self._at:
            raise _Cut
        self._at += length
        return self._data[self._at - length : self._at]

    def number(self, length: int) -> int:
        """The next bytes as a number, the highest first."""
        return int.from_bytes(self.take(length), "big")

    def vector(self, length_bytes: int) -> _Bytes:
        """A part that is preceded by its length."""
        return _Bytes(self.take(self.number(length_bytes)))

    @property
    def left(self) -> int:
        """Bytes not taken yet."""
        return len(self._data) - self._at


def messages(kind: int, body: bytes) -> list[Message]:
    """What the handshake message of type `kind` shows; of the types that say nothing to us, nothing."""
    try:
        if kind == 1:
            return [_client_hello(_Bytes(body))]
        if kind == 2:
            return [_server_hello(_Bytes(body))]
        if kind == 11:
            return list(_certificates(_Bytes(body)))
        return [CertificateRequest()] if kind == 13 else []
    except _Cut:
        return [Broken(f"a handshake message of type {kind} ends before its parts do")]


def _client_hello(hello: _Bytes) -> Hello:
    version = hello.number(2)
    random = hello.take(32)
    hello.vector(1)
    hello.vector(2)
    hello.vector(1)
    sni: str | None = None
    alpn: tuple[str, ...] = ()
    for kind, extension in _extensions(hello):
        if kind == _SERVER_NAME:
            sni = _server_name(extension)
        elif kind == _ALPN:
            alpn = _protocols(extension)
        elif kind == _SUPPORTED_VERSIONS:
            versions = extension.vector(1)
            offered = [versions.number(2) for _ in range(versions.left // 2)]
            # Numbers without a name are GREASE (RFC 8701).
            version = max((number for number in offered if number in tls_names.VERSIONS), default=version)
    return Hello("client", tls_names.version(version), sni, alpn, None, _digest(random))


def _server_hello(hello: _Bytes) -> Hello:
    version = hello.number(2)
    random = hello.take(32)
    hello.vector(1)
    cipher = hello.number(2)
    hello.number(1)
    alpn: tuple[str, ...] = ()
    for kind, extension in _extensions(hello):
        if kind == _ALPN:
            alpn = _protocols(extension)
        elif kind == _SUPPORTED_VERSIONS:
            version = extension.number(2)
    digest = "" if random == _HELLO_RETRY else _digest(random)
    return Hello("server", tls_names.version(version), None, alpn, tls_names.cipher(cipher), digest)


def _extensions(hello: _Bytes) -> Iterator[tuple[int, _Bytes]]:
    """The extensions; old hellos end before them."""
    if hello.left:
        extensions = hello.vector(2)
        while extensions.left:
            yield extensions.number(2), extensions.vector(2)


def _server_name(extension: _Bytes) -> str | None:
    """The first host name; a server that acknowledges the name sends an empty extension."""
    names = extension.vector(2)
    while names.left:
        kind, name = names.number(1), names.vector(2)
        if kind == 0:
            return domain(name.take(name.left).decode("ascii", "replace"))
    return None


def _protocols(extension: _Bytes) -> tuple[str, ...]:
    names = extension.vector(2)
    found: list[str] = []
    while names.left and len(found) < _PROTOCOLS_MAX:
        name = names.vector(1)
        found.append(name.take(name.left).decode("ascii", "replace"))
    return tuple(found)


def _certificates(body: _Bytes) -> Iterator[Message]:
    """The chain of RFC 5246 section 7.4.2."""
    # Reading certificates takes 40 ms to import: only captures that show one pay for it.
    from parsers.wire import certificate

    listed = body.vector(3)
    chain = []
    while listed.left:
        one = listed.vector(3)
        chain.append(one.take(one.left))
    if not chain:
        yield EmptyCertificate()
    for position, der in enumerate(chain[:CHAIN_MAX]):
        try:
            told = certificate.fields(der)
        except ValueError as error:
            yield Broken(str(error))
        else:
            yield Certificate(position=position, chain_len=len(chain), **told)  # type: ignore[arg-type]


def _digest(random: bytes) -> str:
    return hashlib.sha256(random).hexdigest()[:12]
