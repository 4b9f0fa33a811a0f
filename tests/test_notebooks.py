"""Each notebook runs from top to bottom and prints what it was committed with."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from notebooks.run import executed, notebooks


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_shows_what_a_reader_of_the_forge_sees(path: Path) -> None:
    """Text by text; pictures by their number, as each has a test of its own."""
    kept = nbformat.read(path, as_version=4)
    for cell, again in zip(kept.cells, executed(path).cells, strict=True):
        assert shown(cell) == shown(again), f"{cell.source}\nif the new output is right: make notebooks"


def shown(cell: nbformat.NotebookNode) -> list[str]:
    """What a cell printed."""
    told = []
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        told.append("a picture" if "image/png" in data else output.get("text") or data.get("text/plain", ""))
    return told


def test_prose_stands_between_the_cells() -> None:
    """Each begins with a heading, and three cells of code never follow one another without a word."""
    for path in notebooks():
        kinds = [cell.cell_type for cell in nbformat.read(path, as_version=4).cells]
        assert kinds[0] == "markdown"
        assert "code code code" not in " ".join(kinds)
