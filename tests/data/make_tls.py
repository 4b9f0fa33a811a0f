"""How the TLS conversations beside this file were made: `python -m tests.data.make_tls`, once.

Two servers federate by STARTTLS and dialback. TLS is random, so the bytes are kept:
`starttls-1.2.pcap` and `starttls-1.3.pcap`, each with its `.keys`, the key log that Python's ssl wrote.
"""

from __future__ import annotations

import datetime
import ssl
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.packets import FEATURES, header, pcap, talk

HERE = Path(__file__).parent
US, PEER = "cupdomain.com", "peer.example"
STARTTLS = b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"


def certificate(folder: Path) -> Path:
    """A self-signed certificate of the peer and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, PEER)])
    begin = datetime.datetime(2013, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(PEER)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "peer.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def conversation(version: ssl.TLSVersion, keys: Path, folder: Path) -> list[tuple[str, bytes]]:
    """Who said which bytes, in order."""
    contexts = {">": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "<": ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)}
    contexts[">"].check_hostname = False
    contexts[">"].verify_mode = ssl.CERT_NONE
    contexts[">"].keylog_filename = str(keys)
    contexts["<"].load_cert_chain(certificate(folder))
    ends: dict[str, tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]] = {}
    for way, context in contexts.items():
        context.minimum_version = context.maximum_version = version
        read, written = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends[way] = context.wrap_bio(read, written, way == "<", PEER if way == ">" else None), read, written
    said: list[tuple[str, bytes]] = [
        (">", header(US, PEER)),
        ("<", header(PEER, US, "s1") + STARTTLS),
        (">", b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
        ("<", b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
    ]

    def pass_on(way: str) -> None:
        """What one end has written reaches the other."""
        if data := ends[way][2].read():
            said.append((way, data))
            ends["<" if way == ">" else ">"][1].write(data)

    for way in "><><":
        with suppress(ssl.SSLWantReadError):
            ends[way][0].do_handshake()
        pass_on(way)
    for way, text in (
        (">", header(US, PEER)),
        ("<", header(PEER, US, "s2") + FEATURES),
        (">", f"<db:result from='{US}' to='{PEER}'>".encode() + b"5ec4e7" * 8 + b"</db:result>"),
        ("<", f"<db:result from='{PEER}' to='{US}' type='valid'/>".encode()),
        (">", f"<message from='a@{US}' to='b@{PEER}'><body>a secret</body></message></stream:stream>".encode()),
    ):
        ends[way][0].write(text)
        pass_on(way)
    return said


if __name__ == "__main__":
    for name, version in (("1.2", ssl.TLSVersion.TLSv1_2), ("1.3", ssl.TLSVersion.TLSv1_3)):
        keys = HERE / f"starttls-{name}.keys"
        with tempfile.TemporaryDirectory() as folder:
            said = conversation(version, keys, Path(folder))
        (HERE / f"starttls-{name}.pcap").write_bytes(pcap(talk(*said)))
