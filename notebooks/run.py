"""Runs the notebooks from top to bottom and keeps what they print: `make notebooks`, when what they show changed."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
TIMEOUT_S = 120
"""One cell; the slowest takes a few seconds."""


def notebooks() -> list[Path]:
    """All of them, in order."""
    return sorted(HERE.glob("*.ipynb"))


def executed(path: Path) -> nbformat.NotebookNode:
    """A notebook, run anew. Raises CellExecutionError where a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=TIMEOUT_S, resources={"metadata": {"path": str(HERE)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran says nothing about what it shows
    return notebook


if __name__ == "__main__":
    for path in notebooks():
        nbformat.write(executed(path), path)
