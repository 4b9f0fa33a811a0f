"""The command as a program meets it: exit codes, and where output goes."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

import analyzer.cli
import analyzer.judge
from analyzer.cli import reading, writing
from analyzer.rule import Owner, Rule, Severity
from analyzer.stage import Stage
from tests.analyzer.reports import valid
from tests.command import CASES, FEDTRACE, HEALTHY, fedtrace
from tests.conftest import SHARED
from tests.packets import pcap

# --- what a program may rely on


def test_0_when_all_is_well_1_when_a_pair_fails_3_when_nothing_can_be_judged(
    healthy: Path, refused: Path, tmp_path: Path
) -> None:
    """A script can act on the exit code alone."""
    nothing = tmp_path / "nothing.pcap"
    nothing.write_bytes(pcap([]))

    assert fedtrace("analyze", healthy).exit_code == 0
    assert fedtrace("analyze", refused).exit_code == 1
    assert fedtrace("analyze", healthy, refused).exit_code == 1
    assert fedtrace("analyze", nothing).exit_code == 3


def test_130_when_interrupted(healthy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not 1, which is a verdict."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("parsers.case.read_case", interrupted)
    ended = fedtrace("analyze", healthy)
    assert ended.exit_code == 130
    assert ended.stderr == "fedtrace: interrupted\n" and not ended.stdout


def test_143_when_terminated(healthy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Ctrl-C ends it; and afterwards SIGTERM is again what it was."""
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("parsers.case.read_case", lambda *_, **__: signal.raise_signal(signal.SIGTERM))
    ended = fedtrace("analyze", healthy)
    assert ended.exit_code == 143
    assert ended.stderr == "fedtrace: terminated\n" and not ended.stdout
    assert signal.getsignal(signal.SIGTERM) is before


def test_2_when_the_input_or_the_command_line_is_no_use(tmp_path: Path, healthy: Path) -> None:
    """One sentence each, no traceback."""
    for arguments in (
        ("analyze", tmp_path / "missing.pcap"),
        ("analyze",),
        ("analyze", "--port", "0", healthy),
        ("analyze", "--as", "nonsense", healthy),
        ("explain", "no-such-rule"),
        ("session", "ffffffffffff", healthy),
    ):
        result = fedtrace(*arguments)
        assert result.exit_code == 2, arguments
        assert "Traceback" not in result.output


def test_2_when_there_is_more_than_is_analysed_in_one_go(healthy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded, and whoever has so much is told what cuts it."""
    monkeypatch.setattr(reading, "HELD_MAX", 10)
    ended = fedtrace("analyze", healthy)
    assert ended.exit_code == 2 and not ended.stdout
    assert (
        "more federation in it than is analysed in one go" in ended.stderr and "`fedtrace batch` cuts" in ended.stderr
    )


def test_4_when_a_rule_raises_and_the_others_still_speak(monkeypatch: pytest.MonkeyPatch, refused: Path) -> None:
    """The bug is named with its rule and session, on the report and on stderr."""

    def predicate(session: object, case: object) -> None:
        raise KeyError("surprise")

    broken = Rule(
        title="Always broken",
        stage=Stage.DNS,
        severity=Severity.FAILURE,
        owner=Owner.LOCAL,
        explanation="",
        remedy="",
        sources=(),
        predicate=predicate,
    )
    rules = {**analyzer.judge.all_rules(), "always-broken": broken}
    monkeypatch.setattr(analyzer.judge, "all_rules", lambda: rules)
    result = fedtrace("analyze", refused)

    assert result.exit_code == 4
    assert "stream-host-unknown" in result.stdout
    assert "bug          always-broken failed on session" in result.stdout
    assert "fedtrace: rule always-broken failed on session" in result.stderr
    assert "KeyError: 'surprise'" in result.stderr


def test_4_with_a_traceback_when_we_are_wrong_elsewhere(monkeypatch: pytest.MonkeyPatch, healthy: Path) -> None:
    """The traceback is there to be reported."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("analyzer.analysis.correlate", broken)
    result = fedtrace("analyze", healthy)

    assert result.exit_code == 4
    assert "ZeroDivisionError" in result.stderr
    assert "this is a bug of ours" in result.stderr


@pytest.mark.parametrize("case", sorted(p.name for p in CASES.iterdir() if p.is_dir()))
def test_the_demo_cases_give_a_valid_report_and_twice_the_same(case: str) -> None:
    """JSON by the contract's schema, the same bytes in every run."""
    one, other = (fedtrace("analyze", "--format", "json", CASES / case) for _ in range(2))

    assert valid(one.stdout)["verdicts"]
    assert one.stdout_bytes == other.stdout_bytes


@pytest.mark.needs_shared
@pytest.mark.parametrize("case", sorted(p.name for p in (SHARED / "lab").glob("[0-9]*")) or ["-"])
def test_every_recorded_case_gives_a_valid_report(case: str) -> None:
    """All captures of a case together."""
    assert valid(fedtrace("analyze", "--format", "json", SHARED / "lab" / case).stdout)["sources"]


def test_a_report_is_the_same_in_another_process(healthy: Path) -> None:
    """Ids and order do not hang on hash seeds."""
    outputs = [
        subprocess.run(
            [*FEDTRACE, "analyze", "--format", "json", healthy],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert outputs[0] == outputs[1]
    valid(outputs[0].decode())


# --- where output goes


def test_a_pipe_gets_no_escape_codes(refused: Path) -> None:
    """Text for a ticket is plain."""
    assert "\x1b" not in fedtrace("analyze", refused).stdout


def test_output_goes_to_a_file(refused: Path, tmp_path: Path) -> None:
    """`-o` writes the same as stdout would get, and nothing else."""
    for layout in ("text", "json"):
        out = tmp_path / f"report.{layout}"
        told = fedtrace("analyze", "--format", layout, refused)
        kept = fedtrace("analyze", "--format", layout, refused, "-o", out)

        assert kept.exit_code == told.exit_code == 1
        assert kept.stdout == ""
        assert out.read_bytes() == told.stdout_bytes
    assert sorted(p.name for p in tmp_path.iterdir()) == ["refused.pcap", "report.json", "report.text"]


def test_the_ending_of_the_output_picks_the_layout(refused: Path, tmp_path: Path) -> None:
    """`-o ticket.md` is Markdown; --format goes before it."""
    for name, begins in (
        ("ticket.md", "# Federation report"),
        ("report.json", "{"),
        ("report.sarif", '{\n "$schema"'),
        ("verdicts.csv", '"initiator","receiver"'),
        ("timeline.jsonl", '{"message": '),
        ("report", "sources"),
    ):
        fedtrace("analyze", refused, "-o", tmp_path / name)
        assert (tmp_path / name).read_text().startswith(begins), name
    fedtrace("analyze", refused, "-o", tmp_path / "ticket.md", "--format", "text")
    assert (tmp_path / "ticket.md").read_text().startswith("sources")


def test_a_folder_gets_every_table(refused: Path, tmp_path: Path) -> None:
    """A name that ends in a slash is made; one that is there is filled. One table goes to stdout as well."""
    for target in (f"{tmp_path}/new/", tmp_path / "new"):
        assert fedtrace("analyze", refused, "-o", target).exit_code == 1
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert {"verdicts.csv", "sessions.csv", "findings.csv", "events.csv"} < names
    told = fedtrace("analyze", refused, "--format", "csv", "--table", "sessions")
    assert told.stdout_bytes == (tmp_path / "new" / "sessions.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--table", "sessions"], "add --format csv"),
        (["--format", "csv", "--table", "peers"], "say one of verdicts"),
        (["--format", "csv", "--table", "events", "-o", "out/"], "name a file: out/events.csv"),
        (["--format", "markdown", "-o", "out/"], "name a file in it"),
    ],
)
def test_a_layout_that_cannot_be_written_so_is_one_sentence(refused: Path, arguments: list[str], said: str) -> None:
    """Before anything is read or made."""
    result = fedtrace("analyze", refused, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not Path("out").exists()


def test_a_file_that_cannot_be_written_is_one_sentence(refused: Path, tmp_path: Path) -> None:
    """A folder that is not there, a name that is a folder; nothing is left behind."""
    for target in (tmp_path / "missing" / "report.json", tmp_path / ("y" * 300)):
        result = fedtrace("analyze", "--format", "json", refused, "-o", target)

        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
        assert "name another file" in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["refused.pcap"]


def test_a_pipe_stays_a_pipe(refused: Path, tmp_path: Path) -> None:
    """It is written to, and so is a device: for root, a file would have taken the place of `/dev/null`."""
    pipe = tmp_path / "report.json"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        assert fedtrace("analyze", refused, "-o", pipe).exit_code == 1
        assert valid(reader.communicate()[0].decode())
    assert pipe.is_fifo()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("report")] == ["report.json"]


def test_a_report_is_written_whole_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, refused: Path, tmp_path: Path
) -> None:
    """The disk fills while the report is put in place: the older report stays, no part is left."""
    out = tmp_path / "report.json"
    out.write_text("older")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    result = fedtrace("analyze", "--format", "json", refused, "-o", out)

    assert result.exit_code == 2
    assert "no space left on device" in result.stderr
    assert out.read_text() == "older"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["refused.pcap", "report.json"]


def test_whoever_has_seen_enough_may_hang_up(healthy: Path) -> None:
    """`| head -1` ends quietly."""
    for verb in ("analyze", "events", "rules"):
        paths = [] if verb == "rules" else [str(healthy)] * 3
        command = subprocess.Popen([*FEDTRACE, verb, *paths], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        assert command.stdout is not None and command.stderr is not None
        command.stdout.close()
        assert command.stderr.read() == b"", verb
        command.stderr.close()
        command.wait(timeout=60)


def test_a_name_that_is_no_utf8_is_told_all_the_same(tmp_path: Path) -> None:
    """A capture from an old disk: its name comes out escaped, in every layout."""
    path = tmp_path / os.fsdecode(b"caf\xe9.pcap")
    path.write_bytes(HEALTHY)
    for arguments in (["analyze"], ["analyze", "--format", "json"], ["events"], ["events", "--jsonl"], ["sniff"]):
        result = subprocess.run([*FEDTRACE, *arguments, path], capture_output=True, check=False)

        assert result.returncode == 0, result.stderr
        assert "caf\\udce9.pcap" in result.stdout.decode("utf-8")


def test_a_terminal_that_knows_only_ascii_gets_escapes(healthy: Path) -> None:
    """An arrow that cannot be shown is no reason to fail."""
    result = subprocess.run(
        [*FEDTRACE, "analyze", healthy], env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True
    )

    assert result.returncode == 0, result.stderr
    assert b"cupdomain.com \\u2192 gmail.com   HEALTHY" in result.stdout


def test_a_full_disk_is_no_bug_of_ours(monkeypatch: pytest.MonkeyPatch, refused: Path) -> None:
    """What is shown goes to a file on it: one sentence, and no traceback."""

    def full(text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "_to_stdout", full)
    monkeypatch.setattr(analyzer.cli, "say_no_more", lambda: None)  # the runner has no stdout to close
    result = fedtrace("analyze", "--format", "json", refused)
    assert result.exit_code == 2
    assert result.stderr == "fedtrace: output cannot be written: no space left on device; make room\n"
