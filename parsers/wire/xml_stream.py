"""The bytes of one direction of a conversation become XML: where a document begins, stops, is torn or starts anew.

It does not know what is kept of an element (`xml_document`), nor what it means (`xmpp`).
Indexes count the bytes of the direction from its start, with those that a hole swallowed.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from parsers.wire.xml_document import DIALBACK, STREAMS, Bad, Document, Element, Item, Refused, Restarted, Stanzas

SEARCHES_MAX = 1000
"""How often one direction may look for a new beginning; each costs a parser."""

_CHUNK = 1 << 16
"""Bytes given to a document at once: its limits are looked at after each chunk."""
_SPACE = b" \t\r\n"
"""White space between elements, which also keeps streams alive (RFC 6120 section 4.6.1)."""

_BEGINNING = re.compile(
    rb"<(?:(\?xml|stream:stream)|message|presence|iq|db:result|db:verify|stream:features|stream:error|/stream:stream"
    rb"|starttls|proceed|auth|challenge|response|success|failure)(?=[\s/>])"
)
"""Where reading can begin in mid stream; the group says that a whole document begins here."""
_BEGINNING_MAX = len(b"<stream:features")
"""A beginning that lies across two chunks is no longer than this in the first of them."""
_ROOT = f"<stream:stream xmlns='jabber:server' xmlns:stream='{STREAMS}' xmlns:db='{DIALBACK}'>".encode()
"""Stands for a header that was not seen, with the prefixes that all servers use."""

_MISPLACED_DECLARATION = expat.errors.codes[expat.errors.XML_ERROR_MISPLACED_XML_PI]
_UNDEFINED_ENTITY = expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]
_TAG_MISMATCH = expat.errors.codes[expat.errors.XML_ERROR_TAG_MISMATCH]
_UNBOUND_PREFIX = expat.errors.codes[expat.errors.XML_ERROR_UNBOUND_PREFIX]


class XmlStream:
    """One direction of one conversation, from its first byte of XML.

    Until the first stanza a stream may turn into something else after any element, so it is read tag by tag:
    it stops after the elements named in `stop_after`, and a new header on the same bytes begins a new document.
    After the first stanza neither happens any more, and bytes go to expat as they come.
    """

    __slots__ = (
        "_document",
        "_guessed",
        "_searches",
        "_settled",
        "_stanzas",
        "_stop_after",
        "_tag",
        "at",
        "done",
        "rest",
        "searching",
        "skipped",
    )

    def __init__(
        self,
        *,
        midstream: bool = False,
        stop_after: frozenset[str] = frozenset(),
        stanzas: Stanzas | None = None,
        at: int = 0,
    ) -> None:
        """Read from the byte with index `at`; with `midstream`, from the first beginning of an element behind it.

        Of `stanzas` only those are told that are wanted.
        """
        self.at = at
        """Index of the next byte to be read; where reading stopped, of the first byte of `rest`."""
        self.rest: bytes | None = None
        """After an element of `stop_after`: the bytes that follow it, not read yet."""
        self.done = False
        """The stream has ended or is bad: nothing more will be read."""
        self.skipped = 0
        """Bytes not read: in search of a beginning, in an element that a hole tore, after the end."""
        self._stop_after = stop_after
        self._stanzas = stanzas
        self.searching = midstream
        """The next element's beginning is looked for."""
        self._document: Document | None = None
        self._searches = 0
        self._guessed = False
        self._settled = False
        self._tag = b""

    @property
    def pending(self) -> int:
        """Index of the first byte of which something may still be told."""
        read = self.at - len(self._tag)
        return read if self._document is None else min(read, self._document.pending)

    def feed(self, data: bytes) -> list[tuple[int, Item]]:
        """Read the next bytes: what they complete, each with the index of its `<`.

        Never raises for what the bytes say. Not to be called while `rest` holds bytes: see `resume`.
        """
        seen: list[tuple[int, Item]] = []
        at = 0
        while at < len(data):
            if self._settled and self._document is not None:
                at += self._parse(data[at : at + _CHUNK], seen)
            else:
                at += self._step(data, at, seen)
                if self.rest is not None:
                    self.rest = data[at:]
                    break
        return seen

    def resume(self) -> list[tuple[int, Item]]:
        """Go on after all with the bytes of `rest`, in the same document."""
        rest, self.rest = self.rest or b"", None
        return self.feed(rest)

    def gap(self, missing: int) -> None:
        """The next `missing` bytes are not there: the element that they tear is lost, another beginning is sought."""
        if not self.done:
            document = self._document
            torn = document.began if document is not None and document.depth > 1 else self.at - len(self._tag)
            self._search(torn)
        self.at += missing

    @property
    def held_len(self) -> int:
        """Bytes of memory that what is not read to its end takes, and what expat keeps, about."""
        held = len(self._tag) + len(self.rest or b"")
        return held if self._document is None else held + self._document.held_len

    def let_go(self) -> int:
        """Let expat's memory go, and with it the element that is being read: how many bytes of it were lost.

        Another beginning is sought.
        """
        lost = len(self.rest or b"")
        if self.rest is not None:
            self.at += lost
            self.rest = b""
        elif not self.done and self._document is not None:
            lost = self.at - self.pending
            self._search(self.at)
        return lost

    def close(self) -> None:
        """Read nothing more, and let expat's memory go."""
        self.done = True
        if self.searching:
            # What might have been the beginning of a beginning.
            self.skipped += len(self._tag)
            self._tag = b""
        if self._document is not None:
            self._document.close()
            self._document = None

    def _step(self, data: bytes, start: int, seen: list[tuple[int, Item]]) -> int:
        """From `start` on, look for a beginning or read to the end of the next tag; how many bytes were dealt with."""
        if self.done:
            self.skipped += len(data) - start
            self.at += len(data) - start
            return len(data) - start
        if self._document is None:
            chunk = data[start : start + _CHUNK]
            return self._find(chunk) if self.searching else self._begin(chunk)
        part = data[start : data.find(b">", start, start + _CHUNK) + 1 or start + _CHUNK]
        self._tag += part
        count = len(seen)
        read = self._parse(part, seen)
        if part.endswith(b">"):
            self._tag = b""
        for _, item in seen[count:]:
            if isinstance(item, Element) and item.name in self._stop_after:
                self.rest = b""
        return read

    def _begin(self, chunk: bytes) -> int:
        """Begin a document at the first byte that is no white space; how many bytes stand before it."""
        space = len(chunk) - len(chunk.lstrip(_SPACE))
        self.at += space
        if space < len(chunk):
            self._open(self.at, b"")
        return space

    def _find(self, chunk: bytes) -> int:
        """Look for a beginning and make a document there; how many bytes of the chunk stand before it."""
        text = self._tag + chunk
        before = len(self._tag)
        found = _BEGINNING.search(text)
        start = found.start() if found is not None else max(len(text) - _BEGINNING_MAX, 0)
        read = max(start - before, 0) if found is not None else len(chunk)
        document_at = self.at - before + start
        self.skipped += start
        self.at += read
        self._tag = text[start : before + read]
        if found is not None:
            self.searching = False
            self._open(document_at, b"" if found[1] else _ROOT).parse(self._tag)
        return read

    def _open(self, at: int, root: bytes) -> Document:
        """Begin a document at the index `at`, inside `root` if its own header was not seen."""
        self._document = document = Document(at, root, self._stanzas)
        document.settled = self._settled
        self._guessed = bool(root)
        return document

    def _search(self, torn: int) -> None:
        """Leave the document, of which the bytes from the index `torn` on are lost, and look for a new beginning."""
        if self._document is not None:
            self._document.close()
            self._document = None
        self.skipped += self.at - torn
        self._tag = b""
        self.searching = True

    def _parse(self, part: bytes, seen: list[tuple[int, Item]]) -> int:
        """Give bytes to the document; how many of them were dealt with."""
        document = self._document
        assert document is not None
        try:
            document.parse(part)
        except Restarted:
            return self._restart(document, part, seen)
        except Refused as refused:
            return self._refuse(refused.at, refused.bad, document, part, seen)
        except expat.ExpatError as error:
            return self._broken(error.code, document, part, seen)
        self.at += len(part)
        self._settled = document.settled
        if document.seen:
            seen += document.seen
            document.seen.clear()
            if document.ended:
                self.close()
        return len(part)

    def _restart(self, document: Document, part: bytes, seen: list[tuple[int, Item]]) -> int:
        """The tag that was just read begins a new document: read it again, there."""
        document.close()
        tag = self._tag.lstrip(_SPACE)
        self.at += len(part) - len(tag)
        self._open(self.at, b"")
        self._parse(tag, seen)
        return len(part)

    def _refuse(self, at: int, bad: Bad, document: Document, part: bytes, seen: list[tuple[int, Item]]) -> int:
        """End the reading at the index `at`; the bytes after it in `part` count as skipped."""
        seen += document.seen
        seen.append((at, bad))
        self.close()
        self.at += len(part)
        self.skipped += min(self.at - at, len(part))
        return len(part)

    def _broken(self, code: int, document: Document, part: bytes, seen: list[tuple[int, Item]]) -> int:
        """Expat cannot go on: a new document begins, or we began at the wrong place, or it is no XML."""
        # For a wrong end tag expat points behind its `</`.
        at = document.broken_at - (2 if code == _TAG_MISMATCH else 0)
        if code == _MISPLACED_DECLARATION and self._tag.lstrip(_SPACE).startswith(b"<?xml"):
            return self._restart(document, part, seen)
        if document.ended:
            seen += document.seen
            self.close()
            read = at - self.at
            self.at = at
            return read
        # The header was not seen: a prefix may be declared there, and what we began with may have stood deeper.
        ours = code == _UNBOUND_PREFIX or (code == _TAG_MISMATCH and document.depth == 1)
        if self._guessed and ours and self._searches < SEARCHES_MAX:
            seen += document.seen
            self._searches += 1
            read = max(at + 1 - self.at, 0)
            self.at += read
            self._search(document.began if document.depth > 1 else min(at, self.at))
            return read
        return self._refuse(
            at, Bad("restricted-xml" if code == _UNDEFINED_ENTITY else "not-well-formed"), document, part, seen
        )
