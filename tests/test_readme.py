"""README's first screen: what it says that a command prints, the command prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import main

CHECKOUT = Path(__file__).parents[1]
DEMO = re.compile(r"<!-- demo:.*?-->\n\n```\n(?P<shown>.*?)```\n\n<!-- /demo -->", re.S)


def test_the_demo_prints_what_the_readme_shows(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """`make demo`, line by line; `--update-goldens` writes the page anew."""
    monkeypatch.chdir(CHECKOUT)
    monkeypatch.setenv("COLUMNS", "120")
    printed = CliRunner().invoke(main, ["analyze", "notebooks/cases/unexpected-callback"]).stdout
    page = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    shown = DEMO.search(page)
    assert shown is not None
    if request.config.getoption("--update-goldens"):
        begin, end = shown.span("shown")
        (CHECKOUT / "README.md").write_text(page[:begin] + printed + page[end:], encoding="utf-8")
        return

    assert printed == shown["shown"], "if this is right: pytest --update-goldens tests/test_readme.py"


def test_the_first_screen_has_both_commands() -> None:
    """A newcomer sees how to try it and how to test it before anything scrolls away."""
    first = (CHECKOUT / "README.md").read_text(encoding="utf-8").splitlines()[:12]

    assert any("make demo" in line for line in first)
    assert any("make test" in line for line in first)
