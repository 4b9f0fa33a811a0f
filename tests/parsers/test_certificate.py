"""Certificates: whose, by whom, for which names, valid when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

from parsers import jsonl
from parsers.wire import certificate

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


@cache
def made(common_name: str, *names: x509.GeneralName, end: datetime = BEGIN + timedelta(days=30)) -> bytes:
    """A certificate, DER, valid for November 2026."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lab CA")]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(BEGIN)
        .not_valid_after(end)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def other(oid: str, value: bytes) -> x509.OtherName:
    """A name of another form."""
    return x509.OtherName(ObjectIdentifier(oid), value)


def test_the_names_of_a_server() -> None:
    """DNS, SRVName and XmppAddr (RFC 6120 section 13.7.1.2), each once, in one spelling."""
    der = made(
        "not told",
        x509.DNSName("Gmail.com"),
        x509.DNSName("*.gmail.com"),
        x509.IPAddress(ip_address("192.0.2.1")),
        other("1.3.6.1.5.5.7.8.7", b"\x16\x16_xmpp-server.gmail.com"),
        other("1.3.6.1.5.5.7.8.5", b"\x0c\x09gmail.com"),
        other("1.3.6.1.5.5.7.8.5", b"\x0c\x81\x8a" + b"a" * 138),
        other("1.3.6.1.5.5.7.8.5", b"\x04\x01x"),
        other("1.3.6.1.4.1.311.20.2.3", b"\x0c\x01x"),
    )
    assert certificate.fields(der)["names"] == ("gmail.com", "*.gmail.com", "_xmpp-server.gmail.com", "a" * 138)


def test_the_common_name_stands_in() -> None:
    """Where there is no other name; a certificate may also have none at all."""
    assert certificate.fields(made("CUP1.cupdomain.com"))["names"] == ("cup1.cupdomain.com",)
    assert certificate.fields(made(""))["names"] == ()


def test_whose_and_when() -> None:
    """Subject and issuer in RFC 4514 form, instants in nanoseconds, the fingerprint."""
    told = certificate.fields(made("cup1.cupdomain.com"))
    assert told["subject"] == "CN=cup1.cupdomain.com"
    assert told["issuer"] == "O=Lab CA"
    assert told["not_before_ns"] == 1793491200 * 10**9
    assert told["not_after_ns"] == (1793491200 + 30 * 86400) * 10**9
    assert len(str(told["sha256"])) == 64


def test_a_certificate_without_an_end() -> None:
    """99991231235959Z says so (RFC 5280 section 4.1.2.5); it lies beyond the numbers of JSON lines."""
    der = made("cup1.cupdomain.com", end=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert certificate.fields(der)["not_after_ns"] == jsonl.INT_MAX


@pytest.mark.parametrize("der", [b"", b"\x30\x03\x02\x01\x01", b"not a certificate"])
def test_what_is_no_certificate(der: bytes) -> None:
    """One sentence, whatever cryptography calls it."""
    with pytest.raises(ValueError, match="cannot be read"):
        certificate.fields(der)
