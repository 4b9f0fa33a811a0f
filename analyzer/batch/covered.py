"""What the inputs of a case cover, how much would have to be held of it by the time, who was proved to live where, and
which domain it is seen from.

Plain data, kept as JSON.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from analyzer.side import Side, likeliest
from parsers.count import LINES_SLOTS, SLOTS_MAX, WIDER, wider
from parsers.hold import SLOT_NS

Proved = tuple[tuple[str, str, int], ...]
"""Address, domain that dialback proved to live there, or that answered there, and how often; in order."""
PROVED_MAX = 1 << 17
"""Addresses and domains that are remembered of several inputs together, some 20 MB, and …"""
SIDES_MAX = 1 << 16
"""… domains that may be the local one: further names are made up."""
UNDER_WAY_NS = 86_400 * 10**9
"""A log is read from a day before a window, for the streams under way, to a day after it, in which others end."""


class Span(NamedTuple):
    """What one input covers."""

    path: str
    """The file; of a member of an archive, its path in it."""
    first_ns: int
    """Its first instant, ns since 1970 UTC."""
    last_ns: int
    """Its last."""
    name: str = ""
    """How its case calls it."""
    lines: tuple[tuple[int, int, int], ...] = ()
    """Of a log: the first slot of an hour, and the first and last line that tell something in it; in order of time."""
    grain: int = LINES_SLOTS
    """Slots whose lines are told together: those of an hour, or more where there are too many."""

    def touches(self, window_ns: tuple[int, int], margin_ns: int) -> bool:
        """Whether it covers a part of a window, or of what is near it."""
        return self.first_ns < window_ns[1] + margin_ns and self.last_ns >= window_ns[0] - margin_ns

    def read_for(self, window_ns: tuple[int, int]) -> tuple[int, int, int] | None:
        """Of a log: the first and last line that may bear on what began in a window, and when the first was written.

        None where all lines are to be read.
        """
        slots = [(window_ns[0] - UNDER_WAY_NS) // SLOT_NS, (window_ns[1] + UNDER_WAY_NS) // SLOT_NS]
        slots[0] -= slots[0] % self.grain
        near = [each for each in self.lines if slots[0] <= each[0] <= slots[1]]
        if not near:
            return None
        return min(first for _, first, _ in near), max(last for _, _, last in near), near[0][0] * SLOT_NS


class Covered(NamedTuple):
    """What all inputs of a case cover."""

    spans: tuple[Span, ...]
    """Those inputs of which some instant is known."""
    slots: Mapping[int, int]
    """Weight of what began in each slot of `SLOT_NS` since 1970, or in `grain` of them: see `parsers.count`."""
    proved: Proved = ()
    """Who was proved to live where: what one part shows, the others know."""
    unread: tuple[str, ...] = ()
    """Names of inputs that could not be read: the first part tells of them."""
    sides: Mapping[str, Side] = {}
    """What speaks for which domain as the local one: a part of a case may not show it."""
    grain: int = 1
    """Slots that were counted together, under the first of them."""

    @property
    def local(self) -> str | None:
        """The local domain; None where the inputs do not tell."""
        best = likeliest(self.sides)
        return best[0] if len(best) == 1 else None

    def plain(self) -> dict[str, Any]:
        """As JSON can say it."""
        slots = sorted(self.slots.items())
        return self._asdict() | {"slots": slots}

    def json(self) -> str:
        """The same as a text."""
        return json.dumps(self.plain())


def covered_of(told: Mapping[str, Any]) -> Covered:
    """What `plain` said."""
    spans = (Span(*span)._replace(lines=tuple(map(tuple, span[4]))) for span in told["spans"])
    proved = ((address, domain, often) for address, domain, often in told["proved"])
    sides = {name: Side(*signs) for name, signs in told["sides"].items()}
    return Covered(tuple(spans), dict(told["slots"]), tuple(proved), tuple(told["unread"]), sides, told["grain"])


def together(found: Iterable[Covered]) -> Covered:
    """What several inputs cover together, but for their spans, which may be a million."""
    slots: Counter[int] = Counter()
    proved: Counter[tuple[str, str]] = Counter()
    sides: dict[str, Side] = {}
    grain = 1
    for each in found:
        if each.grain > grain:
            grain = each.grain
            slots = wider(slots, grain)
        slots.update(wider(each.slots, grain))
        while len(slots) > SLOTS_MAX:
            grain *= WIDER
            slots = wider(slots, grain)
        for address, domain, often in each.proved:
            if (address, domain) in proved or len(proved) < PROVED_MAX:
                proved[address, domain] += often
        for name, side in each.sides.items():
            if name in sides:
                sides[name] = side.together(sides[name])
            elif len(sides) < SIDES_MAX:
                sides[name] = side
    told = tuple((address, domain, often) for (address, domain), often in sorted(proved.items()))
    return Covered((), slots, told, (), sides, grain)
