"""Words of log lines in one spelling: messages without secrets, domains, addresses. Knows no format and no event."""

from __future__ import annotations

import re
from functools import lru_cache

from parsers.names import domain

TEXT_MAX = 400
"""Characters of a message that are kept."""

_KEY = re.compile(r"\b[0-9A-Fa-f]{32,}\b")
_DIALBACK_KEY = re.compile(r"(<(?:\w+:)?(?:result|verify)\b[^>]*>)[^<]+")
_KEY_WORD = re.compile(r"\b(key:?) (?!is\b|was\b|for\b|that\b|on\b|to\b|from\b|belongs\b)(\S{16,})")
_BODY = re.compile(r"<(body|subject|status|html)\b[^>]*>.*?(?:</\1>|$)", re.S)


def scrubbed(text: str) -> str:
    """A message without dialback keys and without what people wrote, of bounded length, in one line."""
    if "<" in text:
        text = _BODY.sub(r"<\1/>", _DIALBACK_KEY.sub(r"\1…", text))
    text = _KEY.sub("…", text)
    if "key" in text:
        text = _KEY_WORD.sub(r"\1 …", text)
    return _once(" ".join(text[: 4 * TEXT_MAX].split())[:TEXT_MAX])


@lru_cache(maxsize=4096)
def _once(text: str) -> str:
    """The same text, held once: a server says the same of the same peer all day."""
    return text


_NOBODY = frozenset({"", "nil", "(nil)", "(unknown host)", "unknown host", "unknown", "-", "?", "<<>>"})


def domain_named(text: str) -> str | None:
    """A domain as a log names it; None for the words that stand for none."""
    name = text.strip().strip("'\"<>")
    return None if name.lower() in _NOBODY else domain(name.rpartition("@")[2].partition("/")[0])


@lru_cache(maxsize=4096)
def address(text: str) -> str:
    """An address as events spell it: no brackets, IPv4 out of its IPv6 mapping (RFC 4291 section 2.5.5.2)."""
    bare = text.strip("[]").partition("%")[0].lower()
    return bare[7:] if bare.startswith("::ffff:") and "." in bare else bare
