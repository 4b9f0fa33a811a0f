"""Spans: what overlaps a stretch of time is found in order, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.spans import Spans

INSTANTS = st.integers(0, 30)
STRETCHES = st.lists(st.tuples(INSTANTS, st.integers(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1])))


def test_what_began_before_and_ended_after_is_found_in_order_of_time() -> None:
    """However early it began."""
    known = Spans([(50, 60, "late"), (0, 100, "all day"), (10, 20, "early")])
    assert known.touching(15, 55) == ["all day", "early", "late"]
    assert known.touching(21, 49) == ["all day"]
    assert known.touching(101, 200) == []


def test_with_the_instants_turned_round_only_what_lasted_all_the_time() -> None:
    """Both instants lie within it."""
    known = Spans([(0, 100, "all day"), (10, 20, "early"), (20, 30, "then")])
    assert known.touching(20, 12) == ["all day", "early"]


@given(STRETCHES, INSTANTS, INSTANTS)
def test_it_finds_what_a_look_at_each_finds(stretches: list[tuple[int, int]], one: int, other: int) -> None:
    """The same, faster."""
    known = Spans((began, ended, number) for number, (began, ended) in enumerate(stretches))
    expected = [n for n, (began, ended) in enumerate(stretches) if began <= other and ended >= one]
    assert known.touching(one, other) == sorted(expected, key=lambda n: stretches[n][0])
