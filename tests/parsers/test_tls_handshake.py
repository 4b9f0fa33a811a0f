"""Handshake messages of TLS: hellos and certificates."""

from __future__ import annotations

import hashlib

import pytest

from parsers.wire.tls_handshake import (
    CHAIN_MAX,
    Broken,
    Certificate,
    CertificateRequest,
    EmptyCertificate,
    Hello,
    messages,
)
from tests.parsers.test_certificate import made

RANDOM = bytes(range(32))
RETRY = hashlib.sha256(b"HelloRetryRequest").digest()


def vector(length_bytes: int, body: bytes) -> bytes:
    """A part behind its length."""
    return len(body).to_bytes(length_bytes, "big") + body


def extension(kind: int, body: bytes) -> bytes:
    """One extension of a hello."""
    return kind.to_bytes(2, "big") + vector(2, body)


def client_hello(version: int = 0x0303, *extensions: bytes, sni: str | None = None) -> bytes:
    """A whole ClientHello message."""
    if sni is not None:
        extensions = (*extensions, extension(0, vector(2, b"\0" + vector(2, sni.encode()))))
    body = version.to_bytes(2, "big") + RANDOM + vector(1, b"session") + vector(2, b"\x13\x01\xc0\x2f") + b"\x01\x00"
    return b"\x01" + vector(3, body + (vector(2, b"".join(extensions)) if extensions else b""))


def server_hello(version: int = 0x0303, cipher: int = 0x1301, *extensions: bytes, random: bytes = RANDOM) -> bytes:
    """A whole ServerHello message."""
    body = version.to_bytes(2, "big") + random + vector(1, b"") + cipher.to_bytes(2, "big") + b"\x00"
    return b"\x02" + vector(3, body + (vector(2, b"".join(extensions)) if extensions else b""))


def told(message: bytes) -> list[object]:
    """What a whole message shows."""
    return list(messages(message[0], message[4:]))


DIGEST = hashlib.sha256(RANDOM).hexdigest()[:12]


def test_a_client_hello_of_tls_1_3() -> None:
    """The highest version offered counts, whatever stands in the old field; GREASE values are none."""
    versions = extension(43, vector(1, b"\x7a\x7a\x03\x04\x03\x03"))
    alpn = extension(16, vector(2, vector(1, b"xmpp-server") + vector(1, b"h2")))
    hello = client_hello(0x0303, versions, alpn, extension(10, b"??"), sni="Gmail.COM")
    assert told(hello) == [Hello("client", "TLS 1.3", "gmail.com", ("xmpp-server", "h2"), None, DIGEST)]


@pytest.mark.parametrize(
    ("version", "text"), [(0x0300, "SSL 3.0"), (0x0301, "TLS 1.0"), (0x0302, "TLS 1.1"), (0x7F1C, "0x7f1c")]
)
def test_an_old_client_hello(version: int, text: str) -> None:
    """No extension: the old field tells."""
    assert told(client_hello(version)) == [Hello("client", text, None, (), None, DIGEST)]


def test_a_server_name_of_another_type_is_none() -> None:
    """Only host names are defined (RFC 6066 section 3)."""
    [hello] = told(client_hello(0x0303, extension(0, vector(2, b"\x07" + vector(2, b"x")))))
    assert hello.sni is None


def test_a_server_hello_tells_what_was_chosen() -> None:
    """Version and suite, by name or by number."""
    chosen = server_hello(0x0303, 0x1302, extension(43, b"\x03\x04"), extension(16, vector(2, vector(1, b"x"))))
    assert told(chosen) == [Hello("server", "TLS 1.3", None, ("x",), "TLS_AES_256_GCM_SHA384", DIGEST)]
    assert told(server_hello(0x0301, 0xFF85, extension(0, b"")))[0].cipher == "0xff85"


def test_a_hello_retry_request_has_no_random() -> None:
    """Its random is the same for all, so it must not join conversations."""
    [hello] = told(server_hello(0x0303, 0x1301, extension(43, b"\x03\x04"), random=RETRY))
    assert (hello.side, hello.random_digest) == ("server", "")


def test_a_chain_of_certificates() -> None:
    """Each is told with its place; one that cannot be read is broken and hides no other."""
    first, last = made("cup1.cupdomain.com"), made("Lab CA")
    body = vector(3, vector(3, first) + vector(3, b"junk") + vector(3, last))
    server, broken, ca = told(b"\x0b" + vector(3, body))
    assert isinstance(server, Certificate) and isinstance(ca, Certificate)
    assert (server.position, server.names, server.chain_len) == (0, ("cup1.cupdomain.com",), 3)
    assert server.sha256 == hashlib.sha256(first).hexdigest()
    assert (ca.position, ca.subject) == (2, "CN=Lab CA")
    assert broken == Broken("a certificate of 4 bytes cannot be read: ValueError")


def test_a_chain_is_told_up_to_a_bound() -> None:
    """Hundreds of certificates are an attack."""
    body = vector(3, vector(3, b"junk") * (CHAIN_MAX + 10))
    assert len(told(b"\x0b" + vector(3, body))) == CHAIN_MAX


def test_a_client_certificate_may_be_asked_for_and_missing() -> None:
    """RFC 5246 sections 7.4.4 and 7.4.6."""
    assert told(b"\x0d" + vector(3, b"\x01\x01\x00\x00")) == [CertificateRequest()]
    assert told(b"\x0b" + vector(3, vector(3, b""))) == [EmptyCertificate()]


def test_other_messages_say_nothing() -> None:
    """ServerHelloDone, key exchanges."""
    assert told(b"\x0e\x00\x00\x00") == []


@pytest.mark.parametrize("message", [client_hello(sni="a.example"), server_hello(), b"\x0b\0\0\5\0\0\\9xx"])
def test_a_message_that_ends_too_early_is_broken(message: bytes) -> None:
    """Wherever it is cut, except at a place where an old hello may end."""
    for cut in range(4, 36):
        [observation] = messages(message[0], message[4 : min(cut, len(message))])
        assert isinstance(observation, Broken)
