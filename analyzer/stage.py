"""The smallest words of the analyzer: an end, how far an attempt came, and why two things were joined."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b

End = tuple[str, int]
"""An address and a port; port 0 where only the address is known, and words for an address that no source tells."""


class Stage(IntEnum):
    """How far an attempt came, in order."""

    DNS = 0
    CONNECT = 1
    STREAM = 2
    TLS = 3
    AUTH = 4
    TRAFFIC = 5

    @property
    def word(self) -> str:
        """As reports say it: "dns", "connect", …"""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A join of two things, and why they were joined."""

    kind: str
    """Which join: "dns → flow", "callback → stream", …"""
    a: str
    """Id of the one."""
    b: str
    """Id of the other."""
    because: str
    """One sentence."""
    strength: str
    """"exact" or "likely"."""


def end_text(end: End) -> str:
    """`ADDRESS:PORT`, IPv6 in brackets; the address alone, or the words for it, where no port is known."""
    address, port = end
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def untold(domain: str | None) -> End:
    """The words for the end of a domain's server of which a log tells no address."""
    return (f"server of {domain}" if domain else "a server", 0)


def is_told(address: str) -> bool:
    """Whether this is an address, and no words for one that is not known."""
    return bool(address) and " " not in address


def digest(*parts: str) -> str:
    """12 hex of BLAKE2b over the parts: an id that is the same in every run and on every machine."""
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
