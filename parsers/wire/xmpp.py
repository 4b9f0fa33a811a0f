"""The bytes of one direction become what an XMPP server said: headers, features, dialback, errors, stanza heads.

Each is told as the event's class and its own fields; when and where it was seen, the caller knows.
This file does not know the other direction, so it cannot say whether an answer fits: that is the analyzer's.
Dialback keys are hashed here and go no further; bodies do not even come here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from parsers.events import (
    BadXml,
    Dialback,
    Event,
    NotXmpp,
    Sasl,
    Stanza,
    StartTls,
    StreamEnd,
    StreamError,
    StreamFeatures,
    StreamHeader,
)
from parsers.names import jid_domain
from parsers.wire import first_bytes
from parsers.wire.xml_document import DIALBACK, SASL, STREAMS, Bad, Element, Head, Item, Open, Stanzas
from parsers.wire.xml_plain import Kind
from parsers.wire.xml_stream import XmlStream

TLS = "urn:ietf:params:xml:ns:xmpp-tls"
"""The namespace of STARTTLS (RFC 6120 section 5)."""
DIALBACK_FEATURE = "urn:xmpp:features:dialback"
"""The stream feature of dialback (XEP-0220 section 2.4.2)."""
COMPRESSION = "http://jabber.org/protocol/compress"
"""The namespace of stream compression (XEP-0138)."""

KINDS_MAX = 256
"""Kinds of stanza told in one direction; a stream that serves dozens of domains has some ten for each pair."""
MECHANISMS_MAX = 64
"""SASL mechanisms told of one `<stream:features/>`; IANA registers fewer."""
TEXT_MAX = 1023
"""Characters of wire text in one field: a domain of the greatest length (RFC 7622 section 3.2)."""
KINDS_LEN_MAX = 1 << 16
"""Characters of the kinds that are told in one direction."""
SPELLINGS_MAX = 1024
"""Spellings of kinds that one direction remembers: a domain may be written in upper case, in Unicode, with a dot."""
JID_MAX = 3071
"""Characters of a JID that are looked at: its greatest length in bytes (RFC 7622 section 3.1)."""
FIRST_LINE_MAX = 64
"""Characters told of a protocol that is not XMPP."""

Fields: TypeAlias = dict[str, object]
"""An event's own fields by name."""

_SPELLING_LEN = 300
"""Bytes that a spelling takes beside its characters."""
_STOP_AFTER = frozenset({"starttls", "proceed", "success", "compress", "compressed"})
"""After these, other bytes than XML may follow, or a new document."""
_HEX = re.compile(r"[0-9A-Fa-f]+")
_SPACE = b" \t\r\n"


class Seen(NamedTuple):
    """Something that one side said."""

    at: int
    """Index of its first byte in this direction."""
    kind: type[Event]
    """The event's class."""
    fields: Fields
    """The event's own fields."""


class _Kinds(Stanzas):
    """The stanzas of one direction, of which the first of each kind is told."""

    __slots__ = ("_kinds", "_kinds_len", "_spellings", "_spellings_len")

    def __init__(self) -> None:
        super().__init__()
        self._kinds: set[tuple[object, ...]] = set()
        self._kinds_len = self._spellings_len = 0
        self.known = self._spellings = set[Kind]()

    def wanted(self, name: str, attrs: dict[str, str]) -> bool:
        """Count a stanza; False if its like was told before.

        Most are of a kind that is known by the words alone: these two are not put into one spelling, nor is their
        head made. An error has its condition inside.
        """
        self.count += 1
        type_ = attrs.get("type")
        if type_ == "error":
            return True
        sender = attrs.get("from")
        receiver = attrs.get("to")
        # The domain of a JID (RFC 7622 section 3.1) as it is written; an empty address is like any other.
        spelling = (
            name,
            type_,
            sender and sender.partition("/")[0].rpartition("@")[2],
            receiver and receiver.partition("/")[0].rpartition("@")[2],
        )
        if spelling in self._spellings:
            return False
        if len(self._spellings) >= SPELLINGS_MAX:
            self.forget()
        self._spellings.add(spelling)
        self._spellings_len += _SPELLING_LEN + len(type_ or "") + len(sender or "") + len(receiver or "")
        return True

    @property
    def held_len(self) -> int:
        """Bytes of memory that what was told takes, about."""
        return self._spellings_len + self._kinds_len

    def forget(self) -> None:
        """Forget how kinds were spelled; those that come again are looked at again."""
        self._spellings.clear()
        self._spellings_len = 0

    def tell(self, stanza: Head) -> Fields | None:
        """The fields of a wanted stanza; None if its kind was told before, or so many that no more are."""
        attrs = stanza.attrs
        fields: Fields = {
            "name": stanza.name,
            "type": _cut(attrs.get("type")),
            "from_domain": _domain(attrs.get("from")),
            "to_domain": _domain(attrs.get("to")),
            "condition": _error(stanza.children),
        }
        kind = tuple(fields.values())
        if kind in self._kinds or len(self._kinds) >= KINDS_MAX or self._kinds_len >= KINDS_LEN_MAX:
            return None
        self._kinds.add(kind)
        self._kinds_len += len("".join(filter(None, kind)))  # type: ignore[arg-type]  # all are words
        return fields


class XmppStream:
    """One direction of one conversation, from its first byte of payload, until it ends or turns into TLS."""

    __slots__ = ("_first_line", "_skipped", "_stanzas", "_word", "_xml", "compressed", "rest")

    def __init__(self, *, midstream: bool = False, at: int = 0) -> None:
        """Read from the byte with index `at`; with `midstream`, the capture has missed what was said before."""
        self.rest: bytes | None = None
        """Not None once the bytes are no XML any more: those that follow the last element, TLS by all appearance."""
        self.compressed = False
        """The stream went on compressed (XEP-0138): nothing more will be read."""
        self._stanzas = _Kinds()
        self._xml = XmlStream(midstream=midstream, stop_after=_STOP_AFTER, stanzas=self._stanzas, at=at)
        self._first_line: str | None = "" if midstream else None
        self._word = ""
        self._skipped = 0

    @property
    def stanzas(self) -> int:
        """Stanzas read, of all kinds."""
        return self._stanzas.count

    @property
    def at(self) -> int:
        """Index of the next byte; once there is a `rest`, of its first byte."""
        return self._xml.at

    @property
    def pending(self) -> int:
        """Index of the first byte of which something may still be told."""
        return self._xml.pending

    @property
    def skipped(self) -> int:
        """Bytes that were not read as XML, `rest` apart."""
        return self._skipped + self._xml.skipped

    @property
    def done(self) -> bool:
        """Nothing more will be read: the stream has ended, is bad, compressed, no XMPP, or goes on in `rest`."""
        return self._xml.done

    def feed(self, data: bytes) -> list[Seen]:
        """Read the next bytes; never raises for what they say. Once `rest` is set, nothing more is to be fed.

        A `rest` is set only with the first byte after `<starttls/>` or `<proceed/>` that is no XML:
        a server that refuses goes on in XML, and so does its client.
        """
        said: list[Seen] = []
        if self._first_line is None and not self._begins(data, said):
            return said
        if self._xml.rest is not None:
            self._xml.rest += data
        elif self._xml.searching and first_bytes.TLS_RECORD.match(data):
            self._leave(data)
        else:
            self._tell(self._xml.feed(data), said)
        while self._xml.rest is not None and self._turn(self._xml.rest, said):
            pass
        return said

    def gap(self, missing: int) -> None:
        """The next `missing` bytes are not there: reading goes on with the next element behind them."""
        self._first_line = self._first_line or ""
        self._xml.gap(missing)

    @property
    def held_len(self) -> int:
        """Bytes of memory that wait or are remembered, about, beside what every direction takes."""
        return self._xml.held_len + self._stanzas.held_len

    def let_go(self) -> int:
        """Let memory go, and with it the element that is being read: how many bytes of it were lost."""
        self._stanzas.forget()
        return self._xml.let_go()

    def close(self) -> None:
        """Read nothing more, and let the memory go; to be called when the conversation ends."""
        self._xml.close()

    def _begins(self, data: bytes, said: list[Seen]) -> bool:
        """Whether the first bytes are XML; if not, say what they are."""
        text = data.lstrip(_SPACE)
        if not text:
            self._xml.feed(data)
            return False
        self._first_line = text[: 4 * FIRST_LINE_MAX].splitlines()[0].decode("utf-8", "replace")[:FIRST_LINE_MAX]
        if text.startswith((b"<", b"\xef\xbb\xbf")):
            return True
        protocol = first_bytes.protocol(text)
        first_line = "" if protocol in ("binary", "tls") else self._first_line
        said.append(Seen(self.at + len(data) - len(text), NotXmpp, {"protocol": protocol, "text": first_line}))
        self._xml.close()
        self._xml.feed(data)
        return False

    def _turn(self, rest: bytes, said: list[Seen]) -> bool:
        """Decide how the bytes after a word that turns the stream go on; False to wait for the next byte."""
        text = rest.lstrip(_SPACE)
        if self._word == "success":
            self._xml.close()
            self._skipped += self._xml.skipped
            self._xml = XmlStream(stop_after=_STOP_AFTER, stanzas=self._stanzas, at=self._xml.at)
            self._tell(self._xml.feed(rest), said)
        elif self._word == "compressed":
            self.compressed = True
            self._xml.rest = None
            self._xml.close()
            self._xml.feed(rest)
        elif not text:
            return False
        elif self._word == "" or text.startswith(b"<"):
            self._word = ""
            self._tell(self._xml.resume(), said)
        elif self._word == "compress":
            self._word = "compressed"
        else:
            self._xml.at += len(rest) - len(text)
            self._leave(text)
        return True

    def _leave(self, rest: bytes) -> None:
        """The stream is no XML from here on."""
        self.rest = rest
        self._xml.rest = None
        self._xml.close()

    def _tell(self, items: list[tuple[int, Item]], said: list[Seen]) -> None:
        """Put what was read into words."""
        for at, item in items:
            if isinstance(item, Head):
                if fields := self._stanzas.tell(item):
                    said.append(Seen(at, Stanza, fields))
            elif isinstance(item, Element):
                self._word = _WORDS.get((item.namespace, item.name), "")
                if telling := _TELLINGS.get((item.namespace, item.name)):
                    said.append(Seen(at, *telling(item)))
            elif isinstance(item, Open):
                if item.name == "stream":
                    said.append(Seen(at, *_header(item)))
                else:
                    protocol = "http" if item.name.lower() == "html" else "text"
                    said.append(Seen(at, NotXmpp, {"protocol": protocol, "text": self._first_line}))
                    self._xml.close()
                    return
            elif isinstance(item, Bad):
                said.append(Seen(at, BadXml, {"reason": item.reason}))
            else:
                said.append(Seen(at, StreamEnd, {}))


def _cut(text: str | None) -> str | None:
    """Wire text of bounded length."""
    return None if text is None else text[:TEXT_MAX]


def _domain(jid: str | None) -> str | None:
    """The domain of an address attribute."""
    return None if jid is None else jid_domain(jid[:JID_MAX])


def _condition(children: tuple[Element, ...]) -> str | None:
    """The first child that is no text: the defined condition of an error."""
    return next((child.name[:TEXT_MAX] for child in children if child.name != "text"), None)


def _error(children: tuple[Element, ...]) -> str | None:
    """The condition in the child `error` of a stanza or of dialback (RFC 6120 section 8.3, XEP-0220 section 2.5)."""
    return next((_condition(child.children) for child in children if child.name == "error"), None)


def _header(header: Open) -> tuple[type[Event], Fields]:
    return StreamHeader, {
        "from_domain": _domain(header.attrs.get("from")),
        "to_domain": _domain(header.attrs.get("to")),
        "id": _cut(header.attrs.get("id")),
        "version": _cut(header.attrs.get("version")),
        "namespace": _cut(header.namespaces.get("")),
        "dialback_declared": DIALBACK in header.namespaces.values(),
    }


def _features(features: Element) -> tuple[type[Event], Fields]:
    starttls: Literal["absent", "offered", "required"] = "absent"
    mechanisms: list[str] = []
    dialback = errors = False
    for child in features.children:
        inside = {grandchild.name for grandchild in child.children}
        feature = (child.namespace, child.name)
        if feature == (TLS, "starttls"):
            starttls = "required" if "required" in inside else "offered"
        elif feature == (SASL, "mechanisms"):
            mechanisms += [each.text.strip()[:TEXT_MAX] for each in child.children if each.name == "mechanism"]
        elif feature == (DIALBACK_FEATURE, "dialback"):
            dialback = True
            errors = "errors" in inside
    sasl = tuple(mechanisms[:MECHANISMS_MAX])
    return StreamFeatures, {"starttls": starttls, "sasl": sasl, "dialback": dialback, "dialback_errors": errors}


def _starttls(element: Element) -> tuple[type[Event], Fields]:
    return StartTls, {"word": element.name}


def _sasl(element: Element) -> tuple[type[Event], Fields]:
    condition = _condition(element.children) if element.name == "failure" else None
    return Sasl, {"word": element.name, "mechanism": _cut(element.attrs.get("mechanism")), "condition": condition}


def _dialback(element: Element) -> tuple[type[Event], Fields]:
    """A `type` that XEP-0220 does not know makes no verdict; whether a key was sent, `key_digest` tells."""
    verdict = element.attrs.get("type")
    key = element.text.strip()
    return Dialback, {
        "word": element.name,
        "verdict": verdict if verdict in ("valid", "invalid", "error") else None,
        "from_domain": _domain(element.attrs.get("from")),
        "to_domain": _domain(element.attrs.get("to")),
        "id": _cut(element.attrs.get("id")),
        "key_digest": hashlib.sha256(key.encode()).hexdigest()[:12] if key else None,
        "key_form": _key_form(key) if key else None,
        "condition": _error(element.children),
    }


def _key_form(key: str) -> str:
    return f"{len(key)} hex" if len(key) in (40, 64) and _HEX.fullmatch(key) else "other"


def _stream_error(error: Element) -> tuple[type[Event], Fields]:
    """Servers before RFC 3920 put plain text into the element: then the condition is empty."""
    text = next((child.text for child in error.children if child.name == "text"), error.text)
    return StreamError, {"condition": _condition(error.children) or "", "text": text.strip()[:TEXT_MAX]}


_TELLINGS: dict[tuple[str, str], Callable[[Element], tuple[type[Event], Fields]]] = {
    (STREAMS, "features"): _features,
    (STREAMS, "error"): _stream_error,
    (DIALBACK, "result"): _dialback,
    (DIALBACK, "verify"): _dialback,
    (TLS, "starttls"): _starttls,
    (TLS, "proceed"): _starttls,
    (TLS, "failure"): _starttls,
    (SASL, "auth"): _sasl,
    (SASL, "success"): _sasl,
    (SASL, "failure"): _sasl,
    (SASL, "abort"): _sasl,
}
"""How each element is told."""
_WORDS = {
    (TLS, "starttls"): "starttls",
    (TLS, "proceed"): "proceed",
    (SASL, "success"): "success",
    (COMPRESSION, "compress"): "compress",
    (COMPRESSION, "compressed"): "compressed",
}
"""Elements that turn the stream into something else. One of the same name in another namespace does not."""
