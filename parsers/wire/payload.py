"""One direction of one TCP conversation: XMPP in the clear, then perhaps TLS, or either from the first byte.

Says what was seen at which byte, in the vocabulary's classes; knows no packet, no time and not the other direction.
"""

from __future__ import annotations

from parsers.events import NotXmpp, TlsAlert, TlsCertificate, TlsClientCertificate, TlsData, TlsHello
from parsers.wire import tls
from parsers.wire.xmpp import Seen, XmppStream

_HANDSHAKE = b"\x16\x03"
"""A TLS record of handshake type begins so (RFC 8446 section 5.1)."""
_BARE = (b"<message", b"<presence", b"<iq", b"<db:")
"""What a direction begins with when there is no stream header (XEP-0361): read as in mid stream."""
_CONTENT_TYPES = range(20, 25)
"""Content types of TLS records (RFC 8446 section 5.1, RFC 6520); no XML begins with these bytes."""


class Payload:
    """Decoder of one direction; it begins as what the first bytes look like."""

    def __init__(self, *, midstream: bool = False, at: int = 0, keep_tls: bool = False) -> None:
        """Read from the byte with index `at`; with `midstream`, the capture has missed what was said before.

        With `keep_tls`, TLS bytes are kept in `tls_bytes` for whoever can decrypt them.
        """
        self.tls_bytes: list[bytes] | None = [] if keep_tls else None
        """TLS bytes in order, as they were fed; the caller takes them away."""
        self._midstream = midstream
        self._at = at
        self._held = b""
        self._xmpp: XmppStream | None = None
        self._tls: tls.TlsReader | None = None
        self._tls_at = 0
        self._stanzas = 0
        self._left_behind: list[tuple[str, int]] = []
        self._unreadable = "is no XML that can be read"
        self._told_not_tls = False

    @property
    def stanzas(self) -> int:
        """Stanzas read in the clear."""
        return self._stanzas + (self._xmpp.stanzas if self._xmpp is not None else 0)

    @property
    def idle(self) -> bool:
        """Nothing more will be seen, or only ciphertext: places of past bytes need not be kept."""
        if self._tls is not None:
            return True
        return self._xmpp is not None and self._xmpp.done

    @property
    def held_len(self) -> int:
        """Bytes of memory that wait or are remembered, about, beside what every direction takes."""
        reader = self._xmpp or self._tls
        return 0 if reader is None else reader.held_len

    def let_go(self) -> int:
        """Let memory go, and with it the element or message that is being read: how many bytes of it were lost."""
        reader = self._xmpp or self._tls
        return 0 if reader is None else reader.let_go()

    @property
    def unread(self) -> list[tuple[str, int]]:
        """What was not read, and how many bytes of it: to be told when the conversation ends."""
        found = []
        if self._held:
            found.append(("a direction ends before it can be told what it carries", len(self._held)))
        if self._xmpp is not None and self._xmpp.skipped:
            reason = "is compressed (XEP-0138)" if self._xmpp.compressed else self._unreadable
            found.append((f"part of a stream {reason}", self._xmpp.skipped))
        found += self._left_behind
        if self._tls is not None and self._tls.skipped:
            found.append((f"TLS records could not be followed: {self._tls.broken}", self._tls.skipped))
        return found

    @property
    def pending(self) -> int | None:
        """Index of the first byte of which something may still be told; None when it lies ahead."""
        if self._tls is not None or self._xmpp is None:
            return None
        return self._xmpp.pending

    def feed(self, data: bytes) -> list[Seen]:
        """The next bytes; never raises for what they say."""
        if self._xmpp is None and self._tls is None:
            self._held += data
            if not self._held or (self._held[0] in _CONTENT_TYPES and len(self._held) < len(_HANDSHAKE)):
                return []
            data, self._held = self._held, b""
            self._begin(data)
        if self._tls is not None:
            return self._secured(data)
        assert self._xmpp is not None
        seen = self._xmpp.feed(data)
        if self._xmpp.rest is not None:
            rest = self._xmpp.rest
            self._tls_at = self._xmpp.at
            self._stanzas += self._xmpp.stanzas
            if self._xmpp.skipped:
                self._left_behind.append((f"part of a stream {self._unreadable}", self._xmpp.skipped))
            self._xmpp.close()
            self._xmpp = None
            self._tls = tls.TlsReader()
            seen += self._secured(rest)
        return seen

    def gap(self, missing: int) -> None:
        """Bytes that the capture does not hold."""
        self._unreadable = "was torn by what is missing in it"
        if self._tls is not None:
            self._tls.gap(missing)
        elif self._xmpp is not None:
            self._xmpp.gap(missing)
        else:
            self._at += len(self._held) + missing
            self._held = b""
            self._midstream = True

    def close(self) -> None:
        """Let the parser go: its callbacks are a reference cycle."""
        if self._xmpp is not None:
            self._xmpp.close()

    def _begin(self, data: bytes) -> None:
        """Choose by the first two bytes: content type and version of a TLS record, or else XML."""
        looks_tls = data[:2] == _HANDSHAKE or (self._midstream and data[0] in _CONTENT_TYPES and data[1] == 3)
        if looks_tls:
            self._tls = tls.TlsReader()
            self._tls_at = self._at
        else:
            text = data.lstrip()
            headless = self._midstream and not text.startswith((b"<?xml", b"<stream:stream"))
            midstream = headless or text.startswith(_BARE)
            self._xmpp = XmppStream(midstream=midstream, at=self._at)

    def _secured(self, data: bytes) -> list[Seen]:
        """TLS records."""
        assert self._tls is not None
        if self.tls_bytes is not None and data:
            self.tls_bytes.append(data)
        seen = []
        for at, observation in self._tls.feed(data):
            said = self._tls_event(self._tls_at + at, observation)
            if said is not None:
                seen.append(said)
        return seen

    def _tls_event(self, at: int, observation: tls.Observation) -> Seen | None:
        match observation:
            case tls.Hello():
                return Seen(at, TlsHello, observation._asdict())
            case tls.Certificate():
                return Seen(at, TlsCertificate, observation._asdict())
            case tls.CertificateRequest():
                return Seen(at, TlsClientCertificate, {"word": "requested"})
            case tls.EmptyCertificate():
                return Seen(at, TlsClientCertificate, {"word": "absent"})
            case tls.Alert():
                return Seen(at, TlsAlert, observation._asdict())
            case tls.Ciphertext():
                return Seen(at, TlsData, observation._asdict())
            case tls.NotTls() if not self._told_not_tls:
                self._told_not_tls = True
                return Seen(at, NotXmpp, {"protocol": observation.protocol, "text": ""})
            case _:
                return None
