"""TLS records: what they show before they are ciphertext, in any chunks, with holes, and from hostile bytes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.wire import tls
from parsers.wire.tls import Alert, Broken, Ciphertext, Hello, NotTls, TlsReader
from tests.parsers.test_tls_handshake import client_hello, server_hello

CLIENT_HELLO = client_hello(sni="gmail.com")
SERVER_HELLO = server_hello(version=0x0303, cipher=0xC02F)
CHANGE = b"\x14\x03\x03\x00\x01\x01"
FINISHED = b"\x16\x03\x03\x00\x28" + b"\x00" * 40


def record(kind: int, body: bytes) -> bytes:
    """One record of TLS 1.2."""
    return bytes([kind, 3, 3]) + len(body).to_bytes(2, "big") + body


def seen(data: bytes) -> list[tuple[int, object]]:
    """What a direction shows."""
    return list(TlsReader().feed(data))


def kinds(data: bytes) -> list[str]:
    """The names of what a direction shows."""
    return [type(observation).__name__ for _, observation in TlsReader().feed(data)]


def test_a_handshake_of_tls_1_2() -> None:
    """A hello, then ciphertext with the record after ChangeCipherSpec; the alert at the end cannot be read."""
    hello = record(22, CLIENT_HELLO)
    text = hello + CHANGE + FINISHED + record(23, b"x" * 100) + record(21, b"y" * 26)
    first, ciphertext, alert = seen(text)
    assert first[0] == 0 and isinstance(first[1], Hello)
    assert ciphertext == (len(hello + CHANGE), Ciphertext(40))
    assert alert == (len(text) - 31, Alert("encrypted", "encrypted"))


def test_ciphertext_of_tls_1_3() -> None:
    """It is application data, and what it holds is not seen; the first record only is told."""
    text = record(22, SERVER_HELLO) + CHANGE + record(23, b"x" * 23) + record(23, b"x" * 800)
    assert kinds(text) == ["Hello", "Ciphertext"]


def test_hellos_in_the_clear_after_change_cipher_spec() -> None:
    """After a HelloRetryRequest TLS 1.3 sends ChangeCipherSpec first (RFC 8446 appendix D.4)."""
    text = record(22, CLIENT_HELLO) + CHANGE + record(22, CLIENT_HELLO) + record(23, b"x" * 50)
    assert kinds(text) == ["Hello", "Hello", "Ciphertext"]


@pytest.mark.parametrize(
    ("body", "alert"),
    [
        (b"\x02\x28", Alert("fatal", "handshake_failure")),
        (b"\x02\x30", Alert("fatal", "unknown_ca")),
        (b"\x01\x00", Alert("warning", "close_notify")),
        (b"\x07\xff", Alert("level 7", "alert 255")),
        (b"x" * 26, Alert("encrypted", "encrypted")),
    ],
)
def test_alerts(body: bytes, alert: Alert) -> None:
    """Named while they are in the clear; one that is longer than two bytes is not."""
    assert seen(record(21, body)) == [(0, alert)]


def test_after_ciphertext_no_alert_can_be_read() -> None:
    """Not even one of two bytes."""
    assert seen(record(23, b"x") + record(21, b"\x02\x28"))[-1] == (6, Alert("encrypted", "encrypted"))


def test_messages_may_span_records_and_share_them() -> None:
    """Each is told at the record in which it began."""
    both = CLIENT_HELLO + b"\x0d\x00\x00\x00" + CLIENT_HELLO
    first = record(22, both[:30])
    second = record(22, both[30 : len(both) - 20])
    third = record(22, both[len(both) - 20 :])
    assert [(at, type(what).__name__) for at, what in seen(first + second + third)] == [
        (0, "Hello"),
        (len(first), "CertificateRequest"),
        (len(first), "Hello"),
    ]


def test_an_impossible_message_is_broken_and_the_next_record_is_read() -> None:
    """A type that nobody knows, and a length that no handshake has."""
    for body in (b"\x63\x00\x00\x01x", b"\x0b\x7f\xff\xff"):
        assert kinds(record(22, body) + record(22, CLIENT_HELLO)) == ["Broken", "Hello"]


def test_empty_records_are_nothing() -> None:
    """Some old clients send them between others."""
    assert kinds(record(22, b"") + record(22, CLIENT_HELLO) + record(24, b"beat") + record(20, b"")) == ["Hello"]


def test_an_ssl_2_hello_tells_the_version_that_it_offers() -> None:
    """RFC 5246 appendix E.2; records of TLS follow it."""
    hello = b"\x80\x2e\x01\x03\x01" + b"x" * 43
    assert seen(hello + record(21, b"\x02\x46")) == [
        (0, Hello("client", "TLS 1.0", None, (), None, "")),
        (48, Alert("fatal", "protocol_version")),
    ]


def test_what_is_no_tls() -> None:
    """A server that never heard of STARTTLS goes on in XML; the bytes are counted."""
    reader = TlsReader()
    assert reader.feed(b"<str") == []
    assert reader.feed(b"eam:error>") == [(0, NotTls("text"))]
    assert reader.broken == "the bytes are no TLS" and reader.skipped == 9
    assert reader.feed(b"more") == [] and reader.skipped == 13
    assert seen(b"HTTP/1.1 400 Bad Request\r\n") == [(0, NotTls("http"))]


@pytest.mark.parametrize("header", [b"\x16\x07\x03\x00\x10", b"\x16\x03\x03\x48\x01", b"<iq/>"])
def test_a_record_that_is_none_ends_the_reading(header: bytes) -> None:
    """A wrong version, an impossible length, clear text amid TLS."""
    reader = TlsReader()
    assert [type(what) for _, what in reader.feed(record(22, CLIENT_HELLO) + header + b"x")] == [Hello]
    assert reader.broken is not None and reader.skipped == 1


def test_a_gap_inside_a_record_loses_that_record() -> None:
    """Its length is known, so the next one is found; indexes count the missing bytes."""
    hello = record(22, CLIENT_HELLO)
    reader = TlsReader()
    reader.feed(hello[:20])
    reader.gap(len(hello) - 30)
    assert reader.feed(hello[-10:] + record(21, b"\x02\x28")) == [(len(hello), Alert("fatal", "handshake_failure"))]
    assert reader.broken is None


def test_a_gap_beyond_a_record() -> None:
    """Reading goes on when a record begins right after it, and is broken when none does."""
    hello = record(22, CLIENT_HELLO)
    whole, torn = TlsReader(), TlsReader()
    for reader in (whole, torn):
        reader.feed(hello[:20])
        reader.gap(len(hello))
    assert whole.feed(record(21, b"\x02\x28")) == [(20 + len(hello), Alert("fatal", "handshake_failure"))]
    assert torn.feed(b"middle of a record") == [] and torn.broken == "no TLS record begins where one must"


def test_a_gap_before_the_first_record() -> None:
    """What follows is not called another protocol."""
    reader = TlsReader()
    reader.gap(100)
    assert reader.feed(b"whatever") == [] and reader.broken == "no TLS record begins where one must"


def test_a_gap_drops_the_message_that_it_tears() -> None:
    """The rest of a torn message is no message."""
    reader = TlsReader()
    reader.feed(record(22, CLIENT_HELLO[:30]))
    reader.gap(50)
    assert [type(what) for _, what in reader.feed(record(22, b"\xff" * 20))] == [Broken]


STREAM = (
    record(22, CLIENT_HELLO[:50])
    + record(22, CLIENT_HELLO[50:])
    + CHANGE
    + FINISHED
    + record(23, b"data" * 30)
    + record(21, b"z" * 26)
)


@given(cuts=st.sets(st.integers(1, len(STREAM) - 1), max_size=30))
def test_chunks_make_no_difference(cuts: set[int]) -> None:
    """The same observations at the same places."""
    reader = TlsReader()
    found = []
    for start, end in pairwise([0, *sorted(cuts), len(STREAM)]):
        found += reader.feed(STREAM[start:end])
    assert found == TlsReader().feed(STREAM)
    assert [type(what) for _, what in found] == [Hello, Ciphertext, Alert]


@given(data=st.binary(max_size=200), kind=st.integers(0, 30), gap=st.integers(0, 40))
def test_no_bytes_raise(data: bytes, kind: int, gap: int) -> None:
    """Random bytes as a stream, as a record, as a handshake message, with a hole."""
    length = len(data).to_bytes(3, "big")
    for text in (data, record(kind, data), record(22, bytes([kind]) + length + data)):
        reader = TlsReader()
        for at, _ in reader.feed(text):
            assert 0 <= at < len(text)
        reader.gap(gap)
        reader.feed(data)
        assert reader.skipped <= len(text + data)


def test_a_message_has_a_greatest_length() -> None:
    """A chain of a hundred kilobytes is waited for, sixteen megabytes are not."""
    reader = TlsReader()
    body = b"\x0b" + (tls.HANDSHAKE_MAX + 1).to_bytes(3, "big")
    assert [type(what) for _, what in reader.feed(record(22, body))] == [Broken]


def test_a_message_that_is_let_go_ends_the_reading() -> None:
    """Nothing after it can be followed; before anything was there, nothing is let go."""
    reader = TlsReader()
    assert reader.let_go() == 0 and reader.broken is None
    reader.feed(record(22, b"\x0b\0\x40\0" + b"x" * 996) + record(22, b"y" * 500)[:-100])
    assert reader.held_len == 1_400

    assert reader.let_go() == 1_400 and reader.held_len == 0
    assert reader.feed(record(22, b"z" * 50)) == []
    assert (reader.broken, reader.skipped) == ("more waited for its end than is held at once", 55)
