"""XML that a log quotes becomes what an XMPP server said: the same events that a capture gives.

A log quotes one element, often only its opening tag. What cannot be read so gives nothing: the line itself remains.
Dialback keys are hashed and bodies dropped by the same code that reads captures. Knows no program.
"""

from __future__ import annotations

import re

from parsers.events import Event, StreamHeader
from parsers.names import jid_domain
from parsers.wire.xml_document import DIALBACK, STREAMS
from parsers.wire.xmpp import Fields, XmppStream

_ROOT = f"<stream:stream xmlns='jabber:server' xmlns:stream='{STREAMS}' xmlns:db='{DIALBACK}'>".encode()
_FIRST_TAG = re.compile(r"<([\w:.-]+)((?:\s+[\w:.-]+\s*=\s*(?:'[^'<]*'|\"[^\"<]*\"))*)\s*(/?)>")
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\")")
_WORTH = re.compile(
    r"<(?:\w+:)?(?:stream|features|error|result|verify|starttls|proceed|failure|auth|success|abort|message|presence|iq)\b"
)
"""Elements of which something can be told."""


def quoted(xml: str) -> list[tuple[type[Event], Fields]]:
    """What a quoted element says: event classes with their own fields; empty where it cannot be told."""
    if not _WORTH.search(xml):
        return []
    header = re.search(r"<stream:stream\b[^>]*>?", xml)
    if header is not None:
        return [(StreamHeader, _header(header[0]))]
    start = xml.find("<")
    first = _FIRST_TAG.match(xml, start)
    if first is None:
        return []
    element = xml[start:].rstrip()
    if not first[3] and f"</{first[1]}>" not in element:
        # Only the opening tag, or a line that was cut: what stands in the tag itself can be told all the same.
        element = f"<{first[1]}{first[2]}/>"
    stream = XmppStream()
    told = stream.feed(_ROOT + element.encode("utf-8", "replace"))
    stream.close()
    return [(seen.kind, seen.fields) for seen in told[1:] if seen.kind.__name__ not in ("BadXml", "NotXmpp")]


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
