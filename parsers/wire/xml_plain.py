"""Plain stanzas: of such simple markup that a regular expression proves them well-formed, in half of expat's time.

Most of what servers send each other is plain: elements without prefix, a few levels deep, attributes and text.
A match is a proof (XML 1.0 section 2.1, Namespaces in XML 1.0): tags nest, no attribute stands twice, no namespace is
a reserved one, and characters and references are those that need no declaration.
What does not match may be well-formed all the same: that is for expat.
This file does not know what stands before a stanza, nor in which default namespace it is.
"""

from __future__ import annotations

import re
from collections.abc import Set
from itertools import pairwise
from typing import NamedTuple

Kind = tuple[str, str | None, str | None, str | None]
"""What is told of a stanza, as it is spelled: its name, its type, and the domains of its sender and its receiver."""

_LEVELS = 4
"""Levels of elements inside a stanza: an encrypted message has three."""
_INNER_ATTRIBUTES = 4
"""Attributes of one of these."""

_CONTROLS = bytes(byte for byte in range(0x20) if byte not in b"\t\n\r")
"""The control characters that XML does not have (XML 1.0 section 2.2)."""
_REFERENCES = ("&amp;", "&lt;", "&gt;", "&quot;", "&apos;")
"""The references that need no declaration (XML 1.0 section 4.6)."""
_NO_CHARACTERS = ("\ufffe", "\uffff")
"""UTF-8 has them, XML has not (XML 1.0 section 2.2)."""
_W3C = "http://www.w3.org/"
_RESERVED = re.compile(rf"xmlns=.{re.escape(_W3C)}(?:XML|2000/xmlns)")
"""Namespaces that none may declare (Namespaces in XML 1.0 section 3)."""


def _but(those: str) -> str:
    """A set of all characters but `those`: it takes the engine less than one that it has to negate."""
    edges = (-1, *sorted(map(ord, those)), 256)
    return "[" + "".join(rf"\x{before + 1:02x}-\x{after - 1:02x}" for before, after in pairwise(edges)) + "]"


# Sets of plain ranges: a class as `\w` among them takes a quarter longer. And `(?:…|)`, since `(?:…)?` counts.
_SPACE = r"[ \t\r\n]"
_NAME = r"[A-Z_a-z][-.0-9A-Z_a-z]*+"
_VALUE = rf"""(?:'{_but("'<}")}*+'|"{_but('"<}')}*+")"""
"""Without the `}` that separates a namespace from a name for expat, which refuses it in one."""


def _attributes(element: str) -> str:
    """The attributes of an element inside a stanza, none of them twice."""
    pattern = ""
    for number in reversed(range(_INNER_ATTRIBUTES)):
        others = "".join(f"(?!(?P={element}{other})=)" for other in range(number))
        pattern = rf"(?:{_SPACE}++{others}(?P<{element}{number}>xml:lang|{_NAME})={_VALUE}{pattern}|)"
    return pattern


def _element(levels: int) -> str:
    """An element inside a stanza, with so many levels of elements in it; one without is tried first."""
    name = "abcdefgh"[levels]
    end = f"</(?P={name})>"
    deeper = f"|>[^<]*+(?:{_element(levels - 1)}[^<]*+)+{end}" if levels else ""
    return rf"<(?P<{name}>{_NAME}){_attributes(name)}{_SPACE}*+(?:/>|>[^<]*+{end}{deeper})"


def _own(name: str, group: int, value: str) -> str:
    """An attribute of the stanza itself, which stands once: the group of that number holds its quotation mark."""
    return rf"""{name}=(?({group})(?!))(['"]){value}\{group}"""


_ANY = _but("'\"<") + "*+"
_USER = _but("'\"/<@") + "*+@"
_ADDRESS = rf"""(?:{_USER}|)([-.0-9:A-Z\[\]_a-z]*+)(?![^/'"]){_ANY}"""
"""An address and its domain (RFC 7622 section 3.1)."""
_OWN = (
    _own("from", 2, _ADDRESS),
    _own("to", 4, _ADDRESS),
    _own("type", 6, r"([-0-9A-Z_a-z]*+)"),
    _own("id", 8, _ANY),
    _own("xml:lang", 9, _ANY),
)
_PLAIN = re.compile(
    rf"{_SPACE}*+<(message|presence|iq)(?:{_SPACE}++(?:{'|'.join(_OWN)}))*{_SPACE}*+"
    rf"(?:/>|>[^<]*+(?:{_element(_LEVELS - 1)}[^<]*+)*</\1>)",
    re.ASCII,
)


class Text(NamedTuple):
    """Bytes of a stream without control characters, as Latin-1: a character is a byte."""

    text: str
    """The characters."""
    simple: bool
    """They are ASCII, without references, `]` and names of the W3C: nothing in them is to be looked at twice."""

    def plain(self, at: int, known: Set[Kind]) -> tuple[int, int]:
        """How many plain stanzas of known kinds follow each other from `at` on, and where the last of them ends."""
        text, simple, match = self.text, self.simple, _PLAIN.match
        count = 0
        while (
            (found := match(text, at)) is not None
            and found.group(1, 7, 3, 5) in known  # those of a `Kind`
            and (simple or _harmless(found[0]))
        ):
            at = found.end()
            count += 1
        return count, at


def text_of(data: bytes) -> Text | None:
    """Bytes as text; None if there are control characters among them."""
    if any(control in data for control in _CONTROLS):
        return None
    text = data.decode("latin-1")
    return Text(text, text.isascii() and not any(part in text for part in ("&", "]", _W3C)))


def _harmless(text: str) -> bool:
    """Whether the characters are those of XML, and references, `]` and namespaces stand as they may."""
    if "]]>" in text or _RESERVED.search(text) or text.count("&") != sum(map(text.count, _REFERENCES)):
        return False
    if text.isascii():
        return True
    try:
        characters = text.encode("latin-1").decode()
    except UnicodeDecodeError:
        return False
    return not any(each in characters for each in _NO_CHARACTERS)
