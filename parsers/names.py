"""Domain names in one spelling: lower case, A-labels, no trailing dot. Done here, once, at the door.

Knows nothing of DNS messages, and of XMPP only where a JID keeps its domain (RFC 7622 section 3.1)
and under which names a domain publishes its services.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache

SERVICE = r"_(?:xmpps?-(?:server|client)|jabber|sipfederationtls)"
"""The services of RFC 6120 section 3.2.1, XEP-0368, the one that was used before them, and the one by which Lync Server
federates with its own kind, from the same host; a regular expression."""
SERVER_SERVICE = r"_(?:xmpps?-server|jabber)"
"""Those between servers."""

_DOMAIN_MAX = 1023
"""A domainpart may hold 1,023 octets (RFC 7622 section 3.2); longer wire text is cut, not trusted."""


_REMEMBERED_MAX = 4096
"""Characters of a text whose domain is remembered; a JID has 3,071 at most (RFC 7622 section 3.1)."""


def domain(text: str) -> str:
    """`Example.NET.` → `example.net`, `bücher.example` → `xn--bcher-kva.example`.

    Text that IDNA refuses stays as it is in lower case: a broken name must still be shown.
    The root, ".", stays ".".
    """
    return _domain(text if len(text) <= _REMEMBERED_MAX else text.strip()[:_DOMAIN_MAX])


@lru_cache(maxsize=8192)
def _domain(text: str) -> str:
    name = text.strip()[:_DOMAIN_MAX].lower()
    if name != ".":
        name = name.removesuffix(".")
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def jid_domain(jid: str) -> str | None:
    """The domain of `localpart@domain/resource` (RFC 7622), normalised; None when there is none."""
    return _jid_domain(jid if len(jid) <= _REMEMBERED_MAX else jid.split("/", 1)[0][-_DOMAIN_MAX:])


@lru_cache(maxsize=8192)
def _jid_domain(jid: str) -> str | None:
    rest = jid.split("/", 1)[0]
    name = domain(rest.rsplit("@", 1)[-1])
    return name or None


def fitting(patterns: Iterable[str]) -> list[re.Pattern[str]]:
    """Shell patterns of names, as a person writes them, to be matched with names in their one spelling."""
    return [re.compile(translate(pattern.lower().rstrip("."))) for pattern in patterns]
