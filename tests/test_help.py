"""The examples of `--help`: each is run as it stands, on a real incident."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from analyzer.cli import main
from analyzer.trace import Trace
from tests.command import CASES

INCIDENT = CASES / "unexpected-callback"


def examples() -> Iterator[tuple[str, str]]:
    """Verb and command line of every example."""
    for name, verb in [("", main), *main.commands.items()]:
        for line in (verb.help or "").splitlines():
            if line.strip().startswith("fedtrace "):
                yield name, re.split(r"  #| \| | > ", line.strip())[0].rstrip()  # the shell's part is the shell's


@pytest.fixture
def incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the examples have it: an incident, some of its files beside it, a report of it."""
    (tmp_path / "incident").symlink_to(INCIDENT)
    shutil.copytree(INCIDENT, tmp_path / "archive" / "one")
    for name, file in (("inside.pcap", "asa-inside.pcap"), ("outside.pcap", "asa-outside.pcap")):
        (tmp_path / name).write_bytes((INCIDENT / file).read_bytes())
    log = "Sep  6 09:14:03 s2sout55c0\tinfo\tOutgoing s2s connection example.com->example.net complete\n"
    (tmp_path / "cups.log").write_text(log)
    (tmp_path / "asa.log").write_text("Sep 06 2013 09:14:05: %ASA-6-302014: Teardown TCP connection 12\n")
    monkeypatch.chdir(tmp_path)
    report = CliRunner().invoke(main, ["analyze", "incident/", "--format", "json"], catch_exceptions=False)
    (tmp_path / "report.json").write_text(report.stdout)
    return tmp_path


@pytest.mark.parametrize(("verb", "line"), list(examples()), ids=lambda text: text)
def test_an_example_works_as_it_stands(verb: str, line: str, incident: Path) -> None:
    """Ids are those of another incident: here they stand for this one's sessions, in order."""
    ids = iter(json.loads((incident / "report.json").read_text())["sessions"])
    typed = shlex.split(re.sub(r"\b[0-9a-f]{8,12}\b", lambda _: next(ids)["id"], line))
    result = CliRunner().invoke(main, typed[1:], catch_exceptions=False)

    assert result.exit_code in (0, 1), result.output
    assert result.output or any(incident.iterdir())


@pytest.mark.parametrize("verb", sorted(main.commands))
def test_every_verb_says_how_it_is_used(verb: str) -> None:
    """With an example that can be copied, and a line for each option."""
    command = main.commands[verb]

    assert "fedtrace " + verb in (command.help or ""), "an example is missing"
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_the_example_of_the_notebook_works_too(incident: Path) -> None:
    """The first lines of README's section."""
    assert len(Trace.read("incident/", local_domains=["example.com"]).verdicts)
