"""Runs of records put together."""

from __future__ import annotations

import numpy as np

from parsers.capture.window import Records, joined, no_records


def run(start: int, links: int | list[int]) -> Records:
    """Two records of one link type, or of two."""
    column = np.array([start, start + 1])
    return Records(column, column * 2, column * 3, links if isinstance(links, int) else np.array(links))


def test_runs_of_one_link_type_keep_it_as_one_number() -> None:
    """A column of equal numbers would only cost time."""
    both = joined([run(0, 1), run(5, 1)])
    assert (both.starts.tolist(), both.at_ns.tolist(), both.links) == ([0, 1, 5, 6], [0, 3, 15, 18], 1)


def test_runs_of_several_link_types_have_a_column() -> None:
    """Each record its own."""
    both = joined([run(0, 1), run(5, [101, 113])])
    assert np.asarray(both.links).tolist() == [1, 1, 101, 113]


def test_no_run_is_no_record() -> None:
    """And one run is itself."""
    assert len(joined([]).starts) == len(no_records().starts) == 0
    one = run(0, 1)
    assert joined([one]) is one
