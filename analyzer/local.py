"""Which domains the case is seen from: given by the user, or found and said.

Knows addresses and taps; no session and no rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from analyzer.addresses import is_private
from analyzer.lookup import Lookup
from analyzer.naming import Directory, spoken
from analyzer.side import Side, likeliest
from analyzer.sighting import Sighting
from analyzer.view import Coverage
from parsers.names import domain

SEEN_SHOWN = 6
"""Domains named to a user whose own was not seen, the most frequent first."""


def find_local(
    given: Sequence[str],
    groups: Iterable[Sequence[Sighting]],
    client_streams: Iterable[Sighting],
    lookups: Iterable[Lookup],
    where: Directory,
    coverage: Mapping[str, Coverage],
    tellers: Collection[str] = (),
    elsewhere: str | None = None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The local domains and what was assumed to find them; `tellers` are domains whose servers' logs are there.

    `elsewhere` is the domain that all of a case shows as the local one, where this is a part of it.
    """
    homes = frozenset().union(*(c.home for c in coverage.values())) if coverage else frozenset()
    pairs: Counter[str] = Counter()
    partners: dict[str, set[str]] = {}
    served_here: set[str] = set()
    for group in groups:
        (a, b), _ = spoken(group[0])
        if a and b:
            pairs.update((a, b))
            partners.setdefault(a, set()).add(b)
            partners.setdefault(b, set()).add(a)
    for sighting in client_streams:
        (_, served), _ = spoken(sighting)
        if served:
            served_here.add(served)
            pairs[served] += 1
            partners.setdefault(served, set())
    if given:
        told = tuple(dict.fromkeys(domain(d) for d in given))
        return told, tuple(_unheard_of(told, pairs, lookups))
    if elsewhere is not None:
        return (elsewhere,), (
            f"the local domain is {elsewhere}: all of the case shows it; --local-domain says otherwise",
        )
    if not pairs:
        return (), ("no domain could be taken for the local one: name it with --local-domain",)

    speaks_from: dict[str, set[str]] = {}
    for address, spoken_there in (*where.spoke.items(), *where.claimed.items()):
        for name in spoken_there:
            speaks_from.setdefault(name, set()).update((address, *where.nat.get(address, ())))

    def side(name: str) -> Side:
        at = speaks_from.get(name, set())
        inside, written = any(map(is_private, at)), name in tellers
        return Side(inside, name in served_here, written, len(partners[name]), bool(at & homes), pairs[name])

    sides = {name: side(name) for name in pairs}
    best, *rivals = likeliest(sides)
    if rivals:
        return (), (f"{best} and {rivals[0]} look alike as the local domain: say which with --local-domain",)
    return (best,), (f"the local domain is {best}: {sides[best].because}; --local-domain says otherwise",)


def _unheard_of(told: Sequence[str], spoken_of: Counter[str], lookups: Iterable[Lookup]) -> Iterator[str]:
    """What to think of a given domain that nothing names, where streams name others: most likely it is misspelt."""
    asked = [k.name for k in lookups]
    for name in told:
        if spoken_of and name not in spoken_of and not any(f".{a}".endswith(f".{name}") for a in asked):
            seen = [other for other, _ in spoken_of.most_common(SEEN_SHOWN)]
            more = f" and {len(spoken_of) - len(seen)} more" if len(spoken_of) > len(seen) else ""
            yield f"no traffic of {name} was seen; seen are {', '.join(seen)}{more}"
