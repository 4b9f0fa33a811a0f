"""Which domains a certificate is good for (RFC 6120 section 13.7.1.2, RFC 6125 section 6.4).

Knows names only; no dates, no chain and no trust.
"""

from __future__ import annotations

from collections.abc import Iterable

SERVICE = "_xmpp-server."
"""What an SRVName puts before the domain (RFC 4985 section 2)."""


def is_good_for(names: Iterable[str], domain: str) -> bool:
    """Whether one of a certificate's names stands for the domain; `*` stands for exactly the leftmost label."""
    parent = domain.partition(".")[2]
    return any(name.removeprefix(SERVICE) == domain or (bool(parent) and name == f"*.{parent}") for name in names)


def names_text(names: Iterable[str], most: int = 3) -> str:
    """The names for a sentence: the first few, and how many more there are."""
    held = tuple(names)
    if not held:
        return "no name at all"
    return ", ".join(held[:most]) + (f" and {len(held) - most} more" if len(held) > most else "")
