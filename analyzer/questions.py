"""DNS questions that several places saw, each as one lookup.

Packets carry the question's own number; a log seldom tells it, and is joined by who asked for what, and when.
Knows no attempt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from analyzer.lookup import Lookup
from analyzer.spans import Spans
from analyzer.stage import is_told
from analyzer.vantage import SAME_MOMENT_NS, Joined, shifted_lookup

_Question = tuple[str, str]
"""Name and type."""
_WIDTHS_NS = tuple(10**n for n in range(9, 20))
"""Steps by which lookups are sorted that are told as sharply as one another."""


def one_each(asked: Mapping[str, Sequence[Lookup]], joined: Joined) -> list[Lookup]:
    """One lookup for each question, over all taps that saw it, in order of time; the tap with most to tell gives its
    steps.
    """
    unnumbered: list[Lookup] = []
    by_name: dict[_Question, list[Lookup]] = defaultdict(list)
    for lookup in _numbered(asked, joined, unnumbered):
        by_name[(lookup.name, lookup.rrtype)].append(lookup)
    told_by: dict[_Question, set[str]] = {}
    known: dict[_Question, _Known] = {}
    for lookup in sorted(unnumbered, key=lambda k: (k.asked_ns, k.taps, k.id)):
        question, at_ns = (lookup.name, lookup.rrtype), lookup.asked_ns
        held = by_name[question]
        if question not in known:
            told_by[question], known[question] = {tap for k in held for tap in k.taps}, _Known(held)
        tellers, places = told_by[question], known[question]
        # A log alone asks the same thing all day: nothing of it can be another source's.
        near = places.near(lookup) if tellers - {*lookup.taps} else ()
        tellers.update(lookup.taps)
        fitting = [i for i in near if _is_one_question(held[i], lookup, joined.nat)]
        nearest = min(fitting, key=lambda i: (abs(held[i].asked_ns - at_ns), i), default=None)
        if nearest is None:
            places.add(lookup, len(held))
            held.append(lookup)
        else:
            held[nearest] = _both(held[nearest], lookup)
    found = [lookup for held in by_name.values() for lookup in held]
    return sorted(found, key=lambda k: (k.asked_ns, k.client, k.name, k.rrtype, k.id))


class _Known:
    """The lookups of one question by when they were asked; those of which that is hardly known by themselves, since
    each of the others would have to be held against all of them else.
    """

    def __init__(self, numbered: Sequence[Lookup] = ()) -> None:
        """`numbered` are the first in the list; what is added afterwards comes in order of time."""
        ordered = sorted(enumerate(numbered), key=lambda place: place[1].asked_ns)
        self._spans: list[dict[int, Spans[int]]] = [{}, {}]
        for place, lookup in ordered:
            self._add(0, lookup, place)

    def add(self, lookup: Lookup, place: int) -> None:
        """One more, at a place of the list."""
        self._add(1, lookup, place)

    def near(self, lookup: Lookup) -> list[int]:
        """Places of those that may have been asked at the same moment."""
        found = []
        for spans in self._spans:
            for widest_ns, those in spans.items():
                # What two sources disagree about, a lookup that they share may have moved by.
                apart_ns = 2 * (SAME_MOMENT_NS + widest_ns + lookup.width_ns)
                found += those.touching(lookup.asked_ns - apart_ns, lookup.asked_ns + apart_ns)
        return found

    def _add(self, which: int, lookup: Lookup, place: int) -> None:
        # By powers of ten: a log tells seconds, a transcript perhaps the day.
        width_ns = next(w for w in _WIDTHS_NS if lookup.width_ns <= w)
        self._spans[which].setdefault(width_ns, Spans()).add(lookup.asked_ns, lookup.asked_ns, place)


def _numbered(asked: Mapping[str, Sequence[Lookup]], joined: Joined, unnumbered: list[Lookup]) -> Iterator[Lookup]:
    """The questions whose number is told, joined by it; the others are put into `unnumbered`."""
    merged: dict[tuple[object, ...], list[Lookup]] = defaultdict(list)
    for tap in sorted(asked):
        own: dict[tuple[object, ...], list[Lookup]] = defaultdict(list)
        for question in asked[tap]:
            lookup = shifted_lookup(question, joined.clocks.get(tap))
            txid = getattr(lookup.steps[0].event, "txid", 0)
            if txid < 0:
                unnumbered.append(lookup)
            else:
                own[(lookup.client, lookup.resolver, lookup.name, lookup.rrtype, txid)].append(lookup)
        for key, lookups in own.items():
            held = merged[key]
            if not held:
                held += lookups
                continue
            known = Spans((k.asked_ns, k.asked_ns, i) for i, k in enumerate(held))
            for lookup in lookups:
                near = known.touching(lookup.asked_ns - SAME_MOMENT_NS, lookup.asked_ns + SAME_MOMENT_NS)
                place = next((i for i in near if tap not in held[i].taps), None)
                if place is None:
                    held.append(lookup)
                else:
                    held[place] = _both(held[place], lookup)
    for held in merged.values():
        yield from held


def _is_one_question(other: Lookup, lookup: Lookup, nat: Mapping[str, frozenset[str]]) -> bool:
    """Whether a question that a log tells without its number can be the one that another source saw."""
    if set(lookup.taps) & set(other.taps):
        return False
    width = max(lookup.width_ns, other.width_ns)
    if not -SAME_MOMENT_NS - width <= other.asked_ns - lookup.asked_ns <= SAME_MOMENT_NS + width:
        return False
    if is_told(lookup.resolver) and is_told(other.resolver) and lookup.resolver != other.resolver:
        return False
    if lookup.client != other.client and lookup.client not in nat.get(other.client, ()):
        return False
    mine, theirs = lookup.answer, other.answer
    if mine is None or theirs is None or not mine.records_told or not theirs.records_told:
        return mine is None or theirs is None or mine.rcode == theirs.rcode
    return lookup.outcome == other.outcome and {r.data for r in mine.answers} <= {r.data for r in theirs.answers}


def _both(one: Lookup, other: Lookup) -> Lookup:
    """Two sightings of one question as one lookup, and the taps that saw no answer although there was one."""
    best = max(one, other, key=lambda k: (k.answer is not None, k.numbered, len(k.steps)))
    # A log leaves answers out, and a server's own resolver makes some up: only captures show what did not come.
    deaf = (*one.unanswered_at, *(t for k in (one, other) if k.outcome == "unanswered" and k.captured for t in k.taps))
    return replace(best, taps=(*one.taps, *other.taps), unanswered_at=deaf if best.answer and best.captured else ())
