"""One XML document of a stream: expat reads, this file decides what is kept and what is refused (RFC 6120).

Kept are the root's start tag, the elements one level below it, and the end.
Of a stanza only the head is kept, and its error where there is one; text only in the few elements of `_KEEP`.
It does not know where in a conversation a document begins (`xml_stream`), nor what an element means (`xmpp`).
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Literal, NamedTuple
from xml.parsers import expat

from parsers.wire.xml_plain import Kind, text_of
from parsers.wire.xml_weight import TAG_SHORT, Weight

STREAMS = "http://etherx.jabber.org/streams"
"""The stream namespace (RFC 6120 section 4.8.1)."""
DIALBACK = "jabber:server:dialback"
"""The namespace of server dialback (XEP-0220 section 2)."""
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
"""The namespace of the SASL negotiation (RFC 6120 section 6)."""
CONTENT = ("jabber:server", "jabber:client", "jabber:component:accept")
"""The content namespaces (RFC 6120 section 4.8.3, XEP-0114)."""

TAG_MAX = 1 << 16
"""Bytes of one tag: twenty JIDs of the greatest length, 3,071 bytes (RFC 7622 section 3.1), fit."""
ELEMENT_MAX = 10 << 20
"""Bytes of one element: twenty times what Prosody takes from a server by default; next to nothing of it is held."""
KEPT_MAX = 1 << 17
"""Bytes of an element whose text is kept: an error with a long explanation fits many times."""
NODES_MAX = 1000
"""Elements held inside one that is kept: stream features have some dozens."""
DEPTH_MAX = 128
"""Levels of nesting: a forwarded pubsub item with formatted text has some twenty."""
NAMES_MAX = 1 << 16
"""Different names of elements and attributes in one document: expat holds each that it is given to the end."""
ODD_MAX = 16
"""Stanzas for expat in one piece after each of which a plain one is looked for; it costs half of what expat does."""

NAMES_LEN_MAX = 1 << 22
"""Characters of these, where tags are long: each has its namespace before it."""
_NODE_COST = 12
"""Bytes of memory for each byte of an element that is kept."""

_STANZAS = {f"{namespace}}}{name}": name for namespace in CONTENT for name in ("message", "presence", "iq")}
_KEEP: dict[str, Literal["tree", "text"]] = {
    f"{STREAMS}}}features": "text",
    f"{STREAMS}}}error": "text",
    f"{DIALBACK}}}result": "text",
    f"{DIALBACK}}}verify": "text",
    f"{SASL}}}failure": "tree",
}
"""What is kept of which element besides its head: "tree" the elements inside, "text" their text too."""


class Element(NamedTuple):
    """A complete element one level below the root, stanzas apart; or one inside of it."""

    name: str
    """Local name."""
    namespace: str
    """Namespace name; "" for none."""
    attrs: dict[str, str]
    """Attributes; one with a namespace is called `namespace}name`."""
    children: tuple[Element, ...] = ()
    """Elements inside, as far as they are kept."""
    text: str = ""
    """Text directly inside, where it is kept."""


class Head(NamedTuple):
    """What is kept of a complete stanza (RFC 6120 section 8)."""

    name: str
    """ "message", "presence" or "iq"."""
    attrs: dict[str, str]
    """Attributes; one with a namespace is called `namespace}name`."""
    children: tuple[Element, ...] = ()
    """The element `error`, where the stanza is of type "error"."""


class Open(NamedTuple):
    """The start tag of the root: a stream header, if it is one."""

    name: str
    """Local name."""
    namespace: str
    """Namespace name; "" for none."""
    attrs: dict[str, str]
    """Attributes; one with a namespace is called `namespace}name`."""
    namespaces: dict[str, str]
    """What the tag declares: prefix ("" for the default) to namespace name."""


class Close(NamedTuple):
    """The end tag of the root."""


class Bad(NamedTuple):
    """Nothing from here on was read."""

    reason: Literal["not-well-formed", "restricted-xml", "too-big", "too-deep"]
    """Why, in the words of `events.BadXml`; "restricted-xml" is what RFC 6120 section 11.1 forbids."""


Item = Element | Head | Open | Close | Bad
"""What a stream is made of."""

_STANZA_END = re.compile("</(?:message|presence|iq)>")
"""Where a stanza may end; only a guess, for the same may stand deeper."""


class Stanzas:
    """The stanzas of one direction: how many they are, and of which the heads are to be told. Here, of all."""

    __slots__ = ("count", "known")

    def __init__(self) -> None:
        """None yet."""
        self.count = 0
        """Complete stanzas, those that are not told too."""
        self.known: Set[Kind] | None = None
        """Kinds that are not told again; None where each stanza is told."""

    def wanted(self, name: str, attrs: dict[str, str]) -> bool:
        """Count a complete stanza, by local name and attributes: whether its head is to be told."""
        self.count += 1
        return True


class Refused(Exception):
    """The document holds what is not read, at the index `at`."""

    def __init__(self, at: int, bad: Bad) -> None:
        super().__init__(bad.reason)
        self.at = at
        self.bad = bad


class Restarted(Exception):
    """A stream header stands where a first stanza might: the stream begins anew (RFC 6120 section 4.3.3)."""


class _Node:
    """A kept element that is not complete yet."""

    __slots__ = ("attrs", "children", "name", "text")

    def __init__(self, name: str, attrs: dict[str, str]) -> None:
        self.name = name
        self.attrs = attrs
        self.children: list[Element] = []
        self.text: list[str] = []

    def element(self) -> Element:
        """The element, complete."""
        namespace, _, name = self.name.rpartition("}")
        return Element(name, namespace, self.attrs, tuple(self.children), "".join(self.text))


class Document:
    """One document, read as its bytes come.

    Public fields change with `parse`; the owner reads them and empties `seen`.
    """

    __slots__ = (
        "_head",
        "_limit",
        "_marked",
        "_names",
        "_namespaces",
        "_nodes",
        "_nodes_left",
        "_only_error",
        "_origin",
        "_parser",
        "_stanzas",
        "_weight",
        "began",
        "depth",
        "ended",
        "fed",
        "seen",
        "settled",
    )

    def __init__(self, at: int, root: bytes = b"", stanzas: Stanzas | None = None) -> None:
        """Begin with the byte of index `at`, as if the start tag `root` stood before it; tell wanted `stanzas`."""
        self.seen: list[tuple[int, Item]] = []
        """What was read, each with the index of its `<`."""
        self.fed = at
        """Index of the next byte."""
        self.depth = 0
        """Elements that are open."""
        self.began = at
        """Index of the element that was opened last, one level below the root."""
        self.settled = False
        """A stanza has begun: no new header is looked for any more."""
        self.ended = False
        """The root was closed."""
        self._names: dict[str, str] = {}
        self._namespaces: dict[str, str] = {}
        self._head: tuple[str, dict[str, str]] = ("", {})
        self._limit = ELEMENT_MAX
        self._nodes: list[_Node] = []
        self._nodes_left = 0
        self._only_error = False
        self._origin = at - len(root)
        self._stanzas = Stanzas() if stanzas is None else stanzas
        self._marked = False
        self._weight = Weight(self._names)
        # RFC 6120 section 11.6: UTF-8, whatever a declaration says.
        self._parser = parser = expat.ParserCreate("UTF-8", "}", self._names)
        if hasattr(parser, "SetReparseDeferralEnabled"):  # pragma: no cover - Python 3.11.8 and later
            # An element must come out with its last byte; TAG_MAX bounds the cost that expat 2.6 defers.
            parser.SetReparseDeferralEnabled(False)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartNamespaceDeclHandler = self._declare
        parser.StartDoctypeDeclHandler = self._restricted
        parser.StartCdataSectionHandler = self._mark
        parser.CommentHandler = self._restricted
        parser.ProcessingInstructionHandler = self._restricted
        if root:
            parser.Parse(root)
            self.seen.clear()

    def parse(self, data: bytes) -> None:
        """Read the next bytes. At most some 64 KiB at once: limits are looked at afterwards.

        Raises `Refused`, `Restarted` or `expat.ExpatError`, and is of no use then.
        """
        parser = self._parser
        if self.settled and (known := self._stanzas.known) is not None:
            data = self._pass_over(data, known)
        if len(data) > TAG_SHORT:
            self._weight.note(data)
            if self._weight.longest > TAG_SHORT:
                for at in range(0, len(data), TAG_SHORT):
                    self.parse(data[at : at + TAG_SHORT])
                return
        parser.Parse(data)
        self.fed = fed = self.fed + len(data)
        unread = fed - self._origin - parser.CurrentByteIndex
        if unread > TAG_SHORT:
            self._weight.longest = max(self._weight.longest, unread)
        if unread > TAG_MAX:
            raise Refused(self._index(), Bad("too-big"))
        if (self.depth > 1 and fed - self.began > self._limit) or len(self._names) > NAMES_MAX:
            raise Refused(self.began, Bad("too-big"))
        if self._weight.longest > TAG_SHORT and self._weight.names_len > NAMES_LEN_MAX:
            raise Refused(self.began, Bad("too-big"))

    @property
    def pending(self) -> int:
        """Index of the first byte of which something may still be told."""
        return self.began if self.depth > 1 else self._index()

    @property
    def held_len(self) -> int:
        """Bytes of memory that the document takes beside what each takes, about."""
        return self._weight.held_len + (_NODE_COST * (self.fed - self.began) if self._nodes else 0)

    @property
    def broken_at(self) -> int:
        """Index at which expat could not go on."""
        return self._origin + self._parser.ErrorByteIndex

    def close(self) -> None:
        """Let the handlers go: parser and document hold each other, and 13 KiB would wait for garbage collection."""
        parser = self._parser
        parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None
        parser.StartNamespaceDeclHandler = parser.StartDoctypeDeclHandler = None
        parser.CommentHandler = parser.ProcessingInstructionHandler = parser.StartCdataSectionHandler = None
        self._nodes.clear()

    def _index(self) -> int:
        """Index of the tag that expat reads just now."""
        return self._origin + self._parser.CurrentByteIndex

    def _pass_over(self, data: bytes, known: Set[Kind]) -> bytes:
        """Count plain stanzas of kinds that are known, without expat; what is left of the bytes, for expat.

        Between them expat reads what is none, stanza by stanza. Where one ends is a guess that nothing depends on.
        """
        if self._marked or self._namespaces.get("") not in CONTENT or (text := text_of(data)) is None:
            return data
        at = 0
        for _ in range(ODD_MAX):
            # A CDATA section may have begun since: what looks like a stanza may be its text.
            if self.depth == 1 and self._index() == self.fed and not self._marked:
                count, end = text.plain(at, known)
                self._stanzas.count += count
                self.fed += end - at
                self._origin += end - at  # expat counts only what it is given
                at = end
            if (odd := _STANZA_END.search(text.text, at)) is None:
                break
            self._parser.Parse(data[at : odd.end()])
            self.fed += odd.end() - at
            at = odd.end()
        return data[at:]

    # The next two run for every tag that expat reads: below a stanza's head they only count levels.

    def _start(self, name: str, attrs: dict[str, str]) -> None:
        self.depth = depth = self.depth + 1
        if depth > 2:
            if depth > DEPTH_MAX:
                raise Refused(self._index(), Bad("too-deep"))
            if self._nodes:
                self._inside(name, attrs)
            return
        at = self._origin + self._parser.CurrentByteIndex
        if depth == 1:
            self._parser.StartNamespaceDeclHandler = None
            namespace, _, local = name.rpartition("}")
            self.seen.append((at, Open(local, namespace, attrs, self._namespaces)))
            return
        self.began = at
        self._head = (name, attrs)
        if name in _STANZAS:
            self.settled = True
            self._limit = ELEMENT_MAX
            if attrs.get("type") == "error":
                self._keep(only_error=True)
        elif name == f"{STREAMS}}}stream" and not self.settled:
            raise Restarted
        elif keep := _KEEP.get(name):
            self._limit = KEPT_MAX
            self._keep(only_error=False)
            if keep == "text":
                self._parser.CharacterDataHandler = self._text
        else:
            self._limit = ELEMENT_MAX

    def _end(self, name: str) -> None:
        self.depth = depth = self.depth - 1
        if depth > 1:
            if self._nodes and len(self._nodes) == depth:
                element = self._nodes.pop().element()
                self._nodes[-1].children.append(element)
            return
        if depth == 0:
            self.ended = True
            self.seen.append((self._index(), Close()))
            return
        name, attrs = self._head
        if stanza := _STANZAS.get(name):
            children = tuple(self._nodes.pop().children) if self._nodes else ()
            if self._stanzas.wanted(stanza, attrs):
                self.seen.append((self.began, Head(stanza, attrs, children)))
        elif self._nodes:
            self._parser.CharacterDataHandler = None
            self.seen.append((self.began, self._nodes.pop().element()))
        else:
            namespace, _, local = name.rpartition("}")
            self.seen.append((self.began, Element(local, namespace, attrs)))

    def _keep(self, *, only_error: bool) -> None:
        """Keep what is inside the element that was just opened."""
        self._nodes.append(_Node(*self._head))
        self._nodes_left = NODES_MAX
        self._only_error = only_error

    def _inside(self, name: str, attrs: dict[str, str]) -> None:
        """Keep an element inside one that is kept; of a stanza, only the element `error` with all that is in it."""
        if len(self._nodes) < self.depth - 2 or (self._only_error and self.depth == 3 and not name.endswith("}error")):
            return
        if not self._nodes_left:
            raise Refused(self.began, Bad("too-big"))
        self._nodes_left -= 1
        self._nodes.append(_Node(name, attrs))

    def _text(self, text: str) -> None:
        self._nodes[-1].text.append(text)

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._namespaces[prefix or ""] = uri or ""

    def _mark(self) -> None:
        """A CDATA section begins: from now on what looks like a tag may be text."""
        self._marked = True

    def _restricted(self, *_: object) -> None:
        raise Refused(self._index(), Bad("restricted-xml"))
