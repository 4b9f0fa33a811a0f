"""Which of several domains is the local one, by the signs that speak for each. Knows not where signs come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Side(NamedTuple):
    """What speaks for a domain as the local one, the strongest sign first: of two, the greater is taken."""

    inside: bool
    """It speaks from an inside address, so it was captured at its own site; what DNS publishes would not prove that."""
    served: bool
    """Its clients were captured."""
    written: bool
    """The log of its server is there."""
    partners: int
    """Domains that it speaks with."""
    at_home: bool
    """It speaks from an address of the network that was captured."""
    spoken: int
    """How often it is named."""

    @property
    def because(self) -> str:
        """Which sign it is taken by."""
        return (
            "its server speaks from an inside address"
            if self.inside
            else "its clients were captured"
            if self.served
            else "the log of its server is there"
            if self.written
            else "it takes part in most of what was seen"
        )

    def together(self, other: Side) -> Side:
        """What two inputs say of the same domain; a partner that both show counts twice."""
        return Side(
            self.inside or other.inside,
            self.served or other.served,
            self.written or other.written,
            self.partners + other.partners,
            self.at_home or other.at_home,
            self.spoken + other.spoken,
        )


def likeliest(sides: Mapping[str, Side]) -> tuple[str, ...]:
    """The domain that is taken for the local one; two where these look alike, none where none is known."""
    ranked = sorted(sorted(sides), key=lambda name: sides[name], reverse=True)
    return tuple(ranked[: 2 if len(ranked) > 1 and sides[ranked[1]] == sides[ranked[0]] else 1])
