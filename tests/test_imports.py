"""What starting the program, or importing a package, must not pull in."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


def test_help_starts_without_the_heavy_libraries() -> None:
    """`fedtrace --help` answers at once: it loads no table, plot, capture or batch library."""
    heavy = {"numpy", "pandas", "matplotlib", "pyshark", "dask"}
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from analyzer.cli import main; main(['--help'])"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Usage:" in ran.stdout
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in ran.stderr.splitlines()}
    assert "click" in loaded, "the list of loaded modules was not understood"
    assert loaded & heavy == set()


@pytest.mark.parametrize("package", ["parsers", "analyzer"])
def test_a_package_imports_nothing_by_itself(package: str) -> None:
    """`import analyzer` or `import parsers` costs nothing and closes no circle: its `__init__` is a docstring only."""
    text = (CHECKOUT / package / "__init__.py").read_text(encoding="utf-8")
    (only,) = ast.parse(text).body
    assert isinstance(only, ast.Expr)
    assert isinstance(only.value, ast.Constant)
    assert isinstance(only.value.value, str)
