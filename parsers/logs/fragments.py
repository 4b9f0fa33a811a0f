"""XML that a log quotes becomes what an XMPP server said: the same events that a capture gives.

A log quotes one element, often only its opening tag. What cannot be read so gives nothing: the line itself remains.
Dialback keys are hashed and bodies dropped by the same code that reads captures. Knows no program.
"""

from __future__ import annotations

import re
from functools import lru_cache

from parsers.events import Event, Stanza, StreamHeader
from parsers.names import jid_domain
from parsers.wire.xml_document import DIALBACK, STREAMS
from parsers.wire.xmpp import JID_MAX, TEXT_MAX, Fields, XmppStream

_ROOT = f"<stream:stream xmlns='jabber:server' xmlns:stream='{STREAMS}' xmlns:db='{DIALBACK}'>".encode()
_FIRST_TAG = re.compile(r"<([\w:.-]+)((?:\s+[\w:.-]+\s*=\s*(?:'[^'<]*'|\"[^\"<]*\"))*)\s*(/?)>")
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\")")
_WORTH = re.compile(
    r"<(?:\w+:)?(?:stream|features|error|result|verify|starttls|proceed|failure|auth|success|abort|message|presence|iq)\b"
)
"""Elements of which something can be told."""
_NAME = re.compile(r"<([\w:.?-]+)")
SMALL_MAX = 512
"""Characters of a quotation that is remembered."""
STANZAS = frozenset({"message", "presence", "iq"})
"""What clients send each other; the rest is between servers, or about a stream."""
_BY_CHILDREN = frozenset({"features", "error"})
"""Elements of which an opening tag alone tells nothing: that nothing stands inside would be a guess."""


def element(xml: str) -> str:
    """The name of the element that is quoted, as it is written; "" where there is none."""
    found = _NAME.search(xml)
    return found[1] if found else ""


def quoted(xml: str) -> list[tuple[type[Event], Fields]]:
    """What a quoted element says: event classes with their own fields; empty where it cannot be told."""
    return _small(xml) if len(xml) <= SMALL_MAX else _read(xml)


def _read(xml: str) -> list[tuple[type[Event], Fields]]:
    if _WORTH.search(xml) is None:
        return []
    header = re.search(r"<stream:stream\b[^>]*>?", xml)
    if header is not None:
        return [(StreamHeader, _header(header[0]))]
    start = xml.find("<")
    first = _FIRST_TAG.match(xml, start)
    if first is None:
        return []
    name, attributes = first[1], first[2]
    if name in STANZAS and (head := _stanza(name, attributes)) is not None:
        return [(Stanza, head)]
    quote = xml[start:].rstrip()
    if not first[3] and f"</{name}>" not in quote:
        # Only the opening tag, or a line that was cut: what stands in the tag itself can be told all the same.
        if name.rpartition(":")[2] in _BY_CHILDREN:
            return []
        quote = f"<{name}{attributes}/>"
    stream = XmppStream()
    told = stream.feed(_ROOT + quote.encode("utf-8", "replace"))
    stream.close()
    return [(seen.kind, seen.fields) for seen in told[1:] if seen.kind.__name__ not in ("BadXml", "NotXmpp")]


_small = lru_cache(maxsize=1024)(_read)
"""Of features and of the words of negotiation, many quotations are the same."""


def _stanza(name: str, tag: str) -> Fields | None:
    """A stanza by its opening tag, which is all that it takes; None for an error, whose condition is inside."""
    attributes = {key: one or other for key, one, other in _ATTRIBUTE.findall(tag)}
    type_ = attributes.get("type")
    if type_ == "error" or "&" in tag:
        return None
    sender, receiver = attributes.get("from"), attributes.get("to")
    return {
        "name": name,
        "type": type_ and type_[:TEXT_MAX],
        "from_domain": None if sender is None else jid_domain(sender[:JID_MAX]),
        "to_domain": None if receiver is None else jid_domain(receiver[:JID_MAX]),
        "condition": None,
    }


def _header(tag: str) -> Fields:
    """A stream header by its attributes; loggers print it without the declaration of its own prefix."""
    attributes = {name: one or other for name, one, other in _ATTRIBUTE.findall(tag)}
    namespace = attributes.get("xmlns")
    sender, receiver = attributes.get("from"), attributes.get("to")
    return {
        "from_domain": jid_domain(sender) if sender else None,
        "to_domain": jid_domain(receiver) if receiver else None,
        "id": attributes.get("id") or None,
        "version": attributes.get("version"),
        "namespace": None if namespace == STREAMS else namespace,
        # A logger that leaves declarations out does not tell whether this one stood there.
        "dialback_declared": True,
    }
