"""The table of layouts: each is found by its name and by the ending of a file."""

from __future__ import annotations

import pytest

from analyzer.report.layouts import LAYOUTS, Layout, layout_named, layout_of


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_layout_is_chosen_by_its_name_and_by_each_of_its_endings(layout: Layout) -> None:
    """`--format NAME` and `-o report.ENDING` are two ways to say one thing, in capitals too."""
    assert layout_named(layout.name) is layout
    for ending in layout.endings:
        assert layout_of(f"case.4711/report{ending}") is layout
        assert layout_of(f"REPORT{ending.upper()}") is layout


@pytest.mark.parametrize("name", ["report", "case.4711", "json", "report.json.gz", ""])
def test_a_file_whose_ending_says_nothing_holds_text(name: str) -> None:
    """As stdout does."""
    assert layout_of(name).name == "text"


def test_no_two_layouts_claim_one_ending() -> None:
    """An ending decides."""
    endings = [ending for layout in LAYOUTS for ending in layout.endings]
    assert len(endings) == len(set(endings))
