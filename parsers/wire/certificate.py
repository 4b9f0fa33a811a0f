"""One X.509 certificate becomes what an administrator asks of it: whose, by whom, for which names, valid when.

cryptography reads (RFC 5280); whether the certificate is any good is not judged here.
"""

from __future__ import annotations

import hashlib
import warnings
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID, ObjectIdentifier

from parsers.names import domain

NAMES_MAX = 200
"""Names told of one certificate; a hosting provider's certificate holds at most a hundred by the CAs' rules."""
TEXT_MAX = 1024
"""Characters told of a subject or issuer."""

NS_MAX = 2**63 - 1
"""The latest instant that JSON lines carry, in the year 2262."""

_XMPP_ADDR = ObjectIdentifier("1.3.6.1.5.5.7.8.5")
"""id-on-xmppAddr, a UTF8String (RFC 6120 section 13.7.1.4)."""
_SRV_NAME = ObjectIdentifier("1.3.6.1.5.5.7.8.7")
"""id-on-dnsSRV, an IA5String (RFC 4985)."""
_STRINGS = b"\x0c\x16"
"""DER tags of UTF8String and IA5String."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=256)
def fields(der: bytes) -> dict[str, object]:
    """The fields of `events.TlsCertificate` that the certificate itself tells.

    Raises ValueError, with one sentence, for what cryptography refuses.
    """
    try:
        with warnings.catch_warnings():
            # A certificate that merely breaks a recommendation is read without a word on stderr.
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(der)
            return {
                "subject": certificate.subject.rfc4514_string()[:TEXT_MAX],
                "issuer": certificate.issuer.rfc4514_string()[:TEXT_MAX],
                "names": _names(certificate),
                "not_before_ns": _ns(certificate.not_valid_before_utc),
                "not_after_ns": _ns(certificate.not_valid_after_utc),
                "sha256": hashlib.sha256(der).hexdigest(),
            }
    except Exception as error:
        # cryptography has many classes of refusal, and no common one.
        raise ValueError(f"a certificate of {len(der)} bytes cannot be read: {type(error).__name__}") from error


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names it is for: those of the extension, or the common name where it has none (RFC 6125 section 6.4.4)."""
    found: list[str] = []
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        pass
    else:
        assert isinstance(extension.value, x509.SubjectAlternativeName)
        for name in extension.value:
            if isinstance(name, x509.DNSName):
                found.append(name.value)
            elif isinstance(name, x509.OtherName) and name.type_id in (_XMPP_ADDR, _SRV_NAME):
                found.append(_der_string(name.value))
    if not found:
        found = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return tuple(dict.fromkeys(domain(name) for name in found[:NAMES_MAX] if name))


def _der_string(value: bytes) -> str:
    """The text of a DER string (ITU-T X.690 section 8.1.3); "" for anything else."""
    if len(value) < 2 or value[0] not in _STRINGS:
        return ""
    length_bytes = value[1] & 0x7F if value[1] & 0x80 else 0
    return value[2 + length_bytes :].decode("utf-8", "replace")


def _ns(instant: datetime) -> int:
    """Nanoseconds since 1970, without a float between; of 99991231235959Z, "no end" (RFC 5280 section 4.1.2.5), all."""
    return min((instant - _EPOCH) // timedelta(microseconds=1) * 1000, NS_MAX)
