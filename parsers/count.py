"""What would be held of a case, by the time: counted, so that memory does not grow with the input.

Beside it which lines of its logs tell of which hours, and who dialback proved to live where. Holds no event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from sys import getsizeof

from parsers.events import Dialback, Event
from parsers.hold import AT_ONCE_MAX, CONVERSATION_WEIGHT, SLOT_NS, Hold

SLOTS_MAX = 1 << 18
"""Slots that are counted apart: two and a half years without a gap."""
LINES_SLOTS = 12
"""Slots whose lines are noted together: of ten years of a log, an hour's each take 20 MB, five minutes' 250 MB."""
LINES_MAX = 1 << 17
"""Hours whose lines are noted, those of all logs of a case together: fifteen years without a gap."""
WIDER = 12
"""So many become one where there would be more: of five minutes an hour, half a day, six days, and so on."""
PROVED_LEN_MAX = 32 << 20
"""Bytes of what is remembered of dialback keys, which domains sent them from which addresses, and which were valid:
some 80,000 pairs of domains, fewer of long names."""
_PROVED_LEN = 200
"""What one takes beside its names."""


def wider(slots: Mapping[int, int], grain: int) -> Counter[int]:
    """Weights of slots as those of `grain` slots together, each under the first of them."""
    found: Counter[int] = Counter()
    for slot, weight in slots.items():
        found[slot - slot % grain] += weight
    return found


class Count(Hold):
    """Holds nothing, or no more than few events, and reads all."""

    def __init__(self, at_once: int = AT_ONCE_MAX, keep: int = 0) -> None:
        """Nothing counted yet. The events of an input stay where there are no more than `keep` of them, else none."""
        super().__init__(at_once=at_once)
        self.keeps = keep > 0
        """Whether all events that were counted are still there."""
        self._keep = keep
        self._counted: tuple[list[Event] | None, int] = None, 0
        self.slots: Counter[int] = Counter()
        """Weight of what began in each slot of `SLOT_NS` since 1970, or in `grain` of them, under the first."""
        self.grain = 1
        """Slots that are counted together."""
        self.lines: dict[str, dict[int, tuple[int, int]]] = {}
        """By source and first slot, the first and the last line that tells something in `lines_grain` slots; nothing
        at all where one input tells of too many sources."""
        self.lines_grain = LINES_SLOTS
        """Slots whose lines are noted together."""
        self._noted = 0
        self._sent: Counter[tuple[str, str, str]] = Counter()
        """Address, its domain and the other's, of dialback keys that were sent."""
        self._valid: Counter[tuple[str, str, str]] = Counter()
        """The same of those that were found valid; which direction is read first is chance."""
        self._proved_len = 0

    @property
    def proved(self) -> dict[tuple[str, str], int]:
        """Address and domain, of those that dialback proved to live there, and how often (XEP-0220)."""
        found: Counter[tuple[str, str]] = Counter()
        for address, domain, other in self._valid.keys() & self._sent:
            found[address, domain] += self._valid[address, domain, other]
        return dict(sorted(found.items()))

    def begins(self, at_ns: int, weight: int = CONVERSATION_WEIGHT) -> bool:
        """A conversation begins, and is read to be counted."""
        self._add(at_ns, weight)
        return True

    def look(self, events: list[Event], began_ns: Callable[[Event], int]) -> None:
        """Count the events and let them go."""
        for event in self._new(events):
            self._add(began_ns(event), self.weight(event))
            if event.where.line is not None:
                self._note(event.where.source, event.at_ns, event.where.line)
            if type(event) is Dialback and event.word == "result":
                self._key(event)
        if len(events) > self._keep:
            events.clear()
            self.keeps, self._keep = False, 0
        self._counted = events, len(events)

    def _new(self, events: list[Event]) -> list[Event]:
        """Those that are not counted yet; a capture that tshark reads as well has others then."""
        known, count = self._counted
        return events[count:] if events is known else events

    def _add(self, at_ns: int, weight: int) -> None:
        slot = at_ns // SLOT_NS
        self.slots[slot - slot % self.grain] += weight
        while len(self.slots) > SLOTS_MAX:
            self.grain *= WIDER
            self.slots = wider(self.slots, self.grain)

    def _note(self, source: str, at_ns: int, line: int) -> None:
        """A line tells something of then."""
        if self._noted < 0:
            return
        lines, slot = self.lines.setdefault(source, {}), at_ns // SLOT_NS
        slot -= slot % self.lines_grain
        self._noted += slot not in lines
        first, last = lines.get(slot, (line, line))
        lines[slot] = (min(first, line), max(last, line))
        if self._noted > LINES_MAX:
            self._note_wider()

    def _note_wider(self) -> None:
        """Halve what is noted at least. Of sources that are too many for that nothing is: all their lines are read."""
        if len(self.lines) > LINES_MAX // 4:
            self.lines, self._noted = {}, -1
        while self._noted > LINES_MAX // 2:
            self.lines_grain *= WIDER
            for source, lines in self.lines.items():
                found: dict[int, tuple[int, int]] = {}
                for slot, (first, last) in lines.items():
                    slot -= slot % self.lines_grain
                    known = found.get(slot, (first, last))
                    found[slot] = (min(first, known[0]), max(last, known[1]))
                self.lines[source] = found
            self._noted = sum(map(len, self.lines.values()))

    def _key(self, event: Dialback) -> None:
        """A key goes to whom a domain wants to be let in by, and the answer comes back."""
        flow, one, other = event.flow, event.from_domain, event.to_domain
        if flow is None or one is None or other is None:
            return
        if event.verdict is None:
            self._remember(self._sent, (flow.src_ip, one, other))
        elif event.verdict == "valid":
            self._remember(self._valid, (flow.dst_ip, other, one))

    def _remember(self, keys: Counter[tuple[str, str, str]], key: tuple[str, str, str]) -> None:
        if key not in keys:
            if self._proved_len > PROVED_LEN_MAX:
                return
            self._proved_len += _PROVED_LEN + sum(map(getsizeof, key))
        keys[key] += 1
