"""How much memory expat takes for one document: it keeps names, prefixes, and room for the longest tag to the end.

Estimated from the bytes that it is given, for it does not tell. Knows nothing of what they mean.
"""

from __future__ import annotations

from itertools import islice

TAG_SHORT = 1 << 9
"""Bytes of a tag of which what expat keeps is not worth counting. Where there was a longer one, it is given no more at
once: the namespace that it declares may be part of a hundred names in so many bytes."""
NAMES_FREE = 64
"""Names that every document has: of elements, attributes and what they stand for."""
_TAG_COST, _NAME_COST, _PREFIX_COST = 4, 260, 100
"""Bytes of memory for each byte of the longest tag, for each name, and for each prefix that is declared; as measured
with expat 2.5."""


class Weight:
    """Of one document."""

    __slots__ = ("_counted", "_names", "_names_len", "_prefixes", "longest")

    def __init__(self, names: dict[str, str]) -> None:
        """`names` are those that expat has been given by now."""
        self.longest = 0
        """Bytes of the longest tag, as far as more than `TAG_SHORT`."""
        self._names = names
        self._names_len = self._counted = self._prefixes = 0

    def note(self, data: bytes) -> None:
        """More than `TAG_SHORT` bytes are about to be given to expat."""
        parts = data.split(b"<")
        if max(map(len, parts)) > TAG_SHORT:
            self.longest = max(self.longest, *(part.rfind(b">") + 1 for part in parts))
        self._prefixes += data.count(b"xmlns:")

    @property
    def names_len(self) -> int:
        """Characters of all names, each of which has its namespace before it."""
        if len(self._names) > self._counted:
            self._names_len += len("".join(filter(None, islice(self._names, self._counted, None))))
            self._counted = len(self._names)
        return self._names_len

    @property
    def held_len(self) -> int:
        """Bytes of memory, about, beside what every document takes."""
        names = max(len(self._names) - NAMES_FREE, 0)
        held = _TAG_COST * self.longest + _NAME_COST * names + _PREFIX_COST * self._prefixes
        return held if self.longest <= TAG_SHORT else held + self.names_len
