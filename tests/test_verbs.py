"""The verbs as a user meets them: what each says, and what it says of no use."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import main
from tests.analyzer.reports import valid
from tests.command import CASES, DATA, FEDTRACE, HEALTHY, REFUSED, fedtrace, session_id
from tests.packets import pcap, talk

VERBS = (
    "analyze",
    "batch",
    "session",
    "compare",
    "extract",
    "filter",
    "verify",
    "events",
    "sniff",
    "explain",
    "rules",
    "formats",
)


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_says_what_it_does(verb: str) -> None:
    """`--help` and `-h`, a usage line and a sentence."""
    for option in ("--help", "-h"):
        result = fedtrace(verb, option)

        assert result.exit_code == 0
        assert result.stdout.startswith(f"Usage: main {verb} ")
        assert len(result.stdout.splitlines()) > 4
    assert f"\n  {verb} " in fedtrace("--help").stdout


def test_the_version_is_said() -> None:
    """`--version` tells what to put in a bug report."""
    assert "version 0." in fedtrace("--version").stdout


def test_a_session_by_the_beginning_of_its_id(refused: Path, healthy: Path) -> None:
    """Any beginning that is unique will do; else the ids to choose from are told."""
    report = valid(fedtrace("analyze", "--format", "json", refused).stdout)
    (session,) = report["sessions"]
    found = fedtrace("session", session["id"][:5], refused)

    assert found.exit_code == 0
    assert found.stdout.startswith(f"session {session['id']}   cupdomain.com → gmail.com")
    assert "<stream:error> host-unknown" in found.stdout
    assert "stream-host-unknown" in found.stdout

    unknown = fedtrace("session", "nonsense", refused)
    assert unknown.exit_code == 2
    assert f"these inputs hold 1: {session['id']}" in unknown.stderr

    ambiguous = fedtrace("session", "", refused, healthy)
    assert ambiguous.exit_code == 2
    assert "2 sessions begin so; say one of" in ambiguous.stderr


def test_the_frames_of_a_session_go_into_a_file(refused: Path, tmp_path: Path) -> None:
    """`extract` writes the file and says on stderr what is in it; stdout stays empty."""
    out = tmp_path / "attempt.pcapng"
    found = fedtrace("extract", session_id(refused), refused, "-o", out)

    assert found.exit_code == 0
    assert found.stdout == ""
    assert found.stderr == f"12 frames of 1 capture in {out}\n"
    (verdict,) = valid(fedtrace("analyze", "--format", "json", out).stdout)["verdicts"]
    assert verdict["cause"] == "stream-host-unknown"


def test_what_two_captures_show_is_explained(tmp_path: Path) -> None:
    """Wireshark would call it a retransmission, and it is none."""
    case = CASES / "unexpected-callback"
    id = valid(fedtrace("analyze", "--format", "json", case).stdout)["sessions"][0]["id"]
    found = fedtrace("extract", id, case, "-o", tmp_path / "attempt.pcapng")

    assert found.exit_code == 0
    assert "`frame.interface_id == 0` filters the first" in found.stderr


def test_a_redacted_session_is_known_by_either_id(refused: Path, tmp_path: Path) -> None:
    """That of the report it is seen in, and that of the plain report; the file is the same."""
    plain = session_id(refused)
    (shown,) = valid(fedtrace("analyze", "--redact", "--format", "json", refused).stdout)["sessions"]
    assert plain != shown["id"]
    one, other = tmp_path / "one.pcapng", tmp_path / "other.pcapng"
    for id, out in ((plain, one), (shown["id"][:6], other)):
        found = fedtrace("extract", "--redact", id, refused, "-o", out)
        assert (found.exit_code, found.stdout) == (0, "")
        assert found.stderr == f"12 frames of 1 capture in {out}\n"

    assert one.read_bytes() == other.read_bytes()
    assert b"cupdomain" not in one.read_bytes()
    assert plain.encode() not in one.read_bytes(), "it is made of the names"
    assert (
        fedtrace("session", "--redact", plain, refused).stdout
        == fedtrace("session", "--redact", shown["id"], refused).stdout
    )
    again = fedtrace("analyze", one)
    assert again.exit_code == 3, "what its stream said is cut, and so nothing is judged"
    assert "no pair      1 conversation of which the two domains are not known" in again.stdout
    unknown = fedtrace("extract", "--redact", "nonsense", refused, "-o", one)
    assert unknown.exit_code == 2
    assert f"these inputs hold 1: {shown['id']}" in unknown.stderr
    itself = fedtrace("extract", "--redact", plain, refused, "-o", refused)
    assert "this is one of the inputs; name another file" in itself.stderr
    assert refused.read_bytes() == REFUSED


def test_what_cannot_be_extracted_is_one_sentence(refused: Path, tmp_path: Path) -> None:
    """A session that only a log tells of, a pipe, an output that is an input; nothing is written."""
    log = tmp_path / "xcp.jsonl"
    log.write_text(fedtrace("events", "--jsonl", refused).stdout)
    out = tmp_path / "attempt.pcapng"
    id = session_id(refused)
    told = fedtrace("extract", session_id(log), log, "-o", out)
    piped = subprocess.run([*FEDTRACE, "extract", id, "-", "-o", out], input=REFUSED, capture_output=True, timeout=60)
    itself = fedtrace("extract", id, refused, "-o", refused)

    assert told.exit_code == piped.returncode == itself.exit_code == 2
    assert "no capture shows a frame of this session; only logs tell of it" in told.stderr
    assert b"-: a pipe cannot be read a second time; save it to a file, and name that\n" in piped.stderr
    assert "this is one of the inputs; name another file" in itself.stderr
    assert refused.read_bytes() == REFUSED
    assert sorted(p.name for p in tmp_path.iterdir()) == ["refused.pcap", "xcp.jsonl"]


def test_a_filter_for_a_session_and_for_a_finding(refused: Path, healthy: Path, tmp_path: Path) -> None:
    """A line for each capture that shows it; of what only a log tells there is none."""
    report = valid(fedtrace("analyze", "--format", "json", refused, healthy).stdout)
    finding = next(f for f in report["findings"] if f["rule"] == "stream-host-unknown")
    log = tmp_path / "xcp.jsonl"
    log.write_text(fedtrace("events", "--jsonl", refused).stdout)

    assert fedtrace("filter", session_id(refused)[:6], refused).stdout == (
        "refused.pcap: (ip.addr == 10.0.0.6 && tcp.port == 40000 && ip.addr == 198.51.100.10 && tcp.port == 5269)\n"
    )
    assert fedtrace("filter", finding["id"], refused, healthy).stdout == "refused.pcap: frame.number in {4, 8}\n"
    named = f"`fedtrace filter {finding['id']} …` finds these frames in Wireshark"
    assert named in fedtrace("analyze", refused).stdout
    assert "fedtrace filter" not in fedtrace("analyze", "--redact", refused).stdout, "its names are not the file's"
    assert "fedtrace filter" not in fedtrace("analyze", log).stdout, "no capture shows what a log tells"
    assert f"stream-host-unknown   failure   likely   cause   finding {finding['id']}" in (
        fedtrace("session", finding["session"], refused).stdout
    )
    assert fedtrace("filter", "nonsense", refused).exit_code == 2
    told = fedtrace("filter", session_id(log), log)
    assert told.exit_code == 2
    assert "no capture shows a frame of it; only logs tell of it" in told.stderr


def test_two_sessions_are_compared(refused: Path, healthy: Path) -> None:
    """A good one and a bad one of the same inputs; one beside itself is refused."""
    good, bad = (
        next(s["id"] for s in valid(fedtrace("analyze", "--format", "json", path).stdout)["sessions"])
        for path in (healthy, refused)
    )
    told = fedtrace("compare", good, bad, healthy, refused)

    assert told.exit_code == 0
    assert "only the good one has ← stream features" in told.stdout
    assert "→ SYN, from: good 10.0.0.5, bad 10.0.0.6" in told.stdout
    poor = {**os.environ, "PYTHONIOENCODING": "ascii"}
    plain = subprocess.run([*FEDTRACE, "compare", good, bad, healthy, refused], env=poor, capture_output=True)
    assert b"only the good one has < stream features" in plain.stdout
    assert b"\\u" not in plain.stdout
    same = fedtrace("compare", good, good[:6], healthy)
    assert same.exit_code == 2
    assert "this is one session; name two" in same.stderr


def test_what_needs_the_inputs_as_they_are_is_not_redacted(refused: Path, tmp_path: Path) -> None:
    """One sentence, and nothing is written."""
    report = tmp_path / "report.json"
    fedtrace("analyze", "--format", "json", refused, "-o", report)
    for arguments in (
        ("filter", "a", refused),
        ("verify", report),
    ):
        result = fedtrace(arguments[0], "--redact", *arguments[1:])
        assert result.exit_code == 2
        assert "fedtrace: --redact: " in result.stderr
    fedtrace("analyze", "--redact", "--format", "json", refused, "-o", report)
    redacted = fedtrace("verify", report)
    assert redacted.exit_code == 2
    assert "it has no fingerprint of its inputs" in redacted.stderr


def test_a_report_is_proven_or_not(refused: Path, tmp_path: Path) -> None:
    """0 while its evidence stands, 1 when the capture is another, 2 when there is nothing to hold it against."""
    report = tmp_path / "report.json"
    fedtrace("analyze", "--format", "json", refused, "-o", report)

    stands = fedtrace("verify", report)
    assert stands.exit_code == 0
    assert "pieces of evidence stand" in stands.stdout.splitlines()[-1]
    refused.write_bytes(HEALTHY)
    changed = fedtrace("verify", report)
    assert changed.exit_code == 1
    assert "refused.pcap  changed" in changed.stdout
    unheard, write = os.pipe()
    os.close(unheard)
    piped = subprocess.run([*FEDTRACE, "verify", report], stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert (piped.returncode, piped.stderr) == (1, b"")
    refused.unlink()
    assert fedtrace("verify", report).exit_code == 2
    assert fedtrace("verify", tmp_path / "missing.json").exit_code == 2


def test_a_session_where_there_is_none(tmp_path: Path) -> None:
    """A capture without federation."""
    path = tmp_path / "nothing.pcap"
    path.write_bytes(pcap([]))

    assert "these inputs hold 0: none" in fedtrace("session", "a", path).stderr


def test_events_are_told_in_order_with_their_frames(refused: Path) -> None:
    """One line for each: instant, place, words."""
    lines = fedtrace("events", refused).stdout.splitlines()

    assert lines[0].startswith("2013-09-06T09:14:00.000000000Z  refused.pcap#1          SYN 10.0.0.6:40000 >")
    assert any(line.endswith("<stream:error> host-unknown") for line in lines)
    assert lines == sorted(lines, key=lambda line: line[:30])


def test_events_are_an_input_again(refused: Path, tmp_path: Path) -> None:
    """`events --jsonl` into a file, and `analyze` says of it what it says of the capture."""
    river = tmp_path / "river.jsonl"
    river.write_text(fedtrace("events", "--jsonl", refused).stdout)
    from_capture, from_river = (
        valid(fedtrace("analyze", "--format", "json", path).stdout) for path in (refused, river)
    )

    assert from_river["sources"][0]["format"] == "jsonl"
    for told in (from_capture, from_river):
        (verdict,) = told["verdicts"]
        assert (verdict["state"], verdict["cause"]) == ("failing", "stream-host-unknown")


def test_sniff_says_what_a_file_is_and_why(refused: Path, tmp_path: Path) -> None:
    """Format, score and reason; what no format recognises is said so, and only when none is known the code is 2."""
    notes = tmp_path / "notes.txt"
    notes.write_text("Dear TAC\n")
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(b"")
    both = fedtrace("sniff", refused, notes, empty)

    assert both.exit_code == 0
    assert "refused.pcap: capture 100" in both.stdout or "refused.pcap: pcap 100" in both.stdout
    assert "notes.txt: no format recognises it" in both.stdout
    assert "empty.pcap: the file is empty" in both.stdout
    assert fedtrace("sniff", notes).exit_code == 2


def test_the_rules_and_formats_are_listed_and_explained() -> None:
    """Each rule that is listed has a page."""
    lines = fedtrace("rules").stdout.splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("  ")]
    about = next(line for line in lines if "dns-srv-nxdomain " in line)

    assert lines[0] == "dialback"
    assert about.split()[1:3] == ["dns", "dns"]

    assert "dns-srv-nxdomain" in listed
    assert listed == sorted(listed)
    page = fedtrace("explain", "dns-srv-nxdomain")
    assert page.exit_code == 0
    assert "dns-srv-nxdomain" in page.stdout
    assert "jsonl" in fedtrace("formats").stdout


def test_a_further_port_and_further_names(tmp_path: Path) -> None:
    """`--port` reads a port that nothing announces; `--as` decides on the format."""
    path = tmp_path / "odd.pcap"
    path.write_bytes(pcap(talk((">", b"HELO nobody\r\n"), server=("198.51.100.10", 6000))))

    assert ":6000" not in fedtrace("events", path).stdout
    assert ":6000" in fedtrace("events", "--port", "6000", path).stdout


def test_local_domain_is_taken_as_it_is_typed(refused: Path) -> None:
    """Upper case and a dot at the end are the same domain."""
    report = valid(fedtrace("analyze", "--format", "json", "--local-domain", "CupDomain.COM.", refused).stdout)

    assert report["local_domains"] == ["cupdomain.com"]
    assert report["assumed"] == []
    assert report["sessions"][0]["direction"] == "outbound"


def test_what_takes_long_shows_its_progress_on_a_terminal() -> None:
    """A pipe that is still open: name and frames on stderr, wiped in the end; stdout gets none of it."""
    ours, theirs = pty.openpty()
    command = subprocess.Popen(
        [*FEDTRACE, "analyze", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    assert command.stdin is not None
    command.stdin.write(HEALTHY[:500])
    command.stdin.flush()
    told = os.read(ours, 1000)
    out, _ = command.communicate(HEALTHY[500:], timeout=60)
    while True:
        try:
            told += os.read(ours, 1000)
        except OSError:  # Linux tells the end of a terminal so
            break
    os.close(ours)

    assert told.startswith(b"\r\x1b[K-: ")
    assert told.endswith(b"\r\x1b[K")
    assert b"HEALTHY" in out
    assert b"\r" not in out


@pytest.mark.parametrize("verb", ["analyze", "sniff"])
def test_events_are_an_input_again_through_a_pipe(refused: Path, verb: str) -> None:
    """`fedtrace events --jsonl X | fedtrace analyze -`: what the first bytes are decides, not that it is a pipe."""
    lines = subprocess.run([*FEDTRACE, "events", "--jsonl", str(refused)], capture_output=True, timeout=60).stdout
    again = subprocess.run([*FEDTRACE, verb, "-"], input=lines, capture_output=True, timeout=60)

    assert lines.startswith(b"{")
    assert again.stderr == b""
    assert (b"FAILING" if verb == "analyze" else b"jsonl 95") in again.stdout


def test_the_examples_of_the_help_stand_on_lines_of_their_own() -> None:
    """Each can be copied."""
    lines = [line.strip() for line in fedtrace("--help").stdout.splitlines()]

    assert "fedtrace analyze incident/" in lines
    assert not any("\\b" in line or "\b" in line for line in lines)


@pytest.mark.parametrize("layout", ["text", "json"])
@pytest.mark.parametrize("case", ["healthy", "refused"])
def test_a_closed_pipe_leaves_the_exit_code_as_it_is(case: str, layout: str, request: pytest.FixtureRequest) -> None:
    """`fedtrace analyze X | head -1`: nobody reads the rest, and the verdict is the same."""
    read, write = os.pipe()
    os.close(read)
    command = [*FEDTRACE, "analyze", "--format", layout, str(request.getfixturevalue(case))]
    ended = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)

    assert ended.stderr == b""
    assert ended.returncode == (0 if case == "healthy" else 1)


@pytest.mark.parametrize("name", ["", " ", "a.example,b.example", "a..example", "two words"])
def test_a_local_domain_that_is_none_is_refused(refused: Path, name: str) -> None:
    """One sentence that says how to name several."""
    result = fedtrace("analyze", "--local-domain", name, refused)

    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "this is no domain name; repeat the option for each domain" in result.stderr


def test_every_page_can_be_written_at_once(tmp_path: Path) -> None:
    """Rules, formats and tables below a folder; a name and a folder together make no sense."""
    assert fedtrace("explain", "--all", tmp_path).exit_code == 0
    assert (tmp_path / "rules" / "dns-srv-nxdomain.md").read_text(encoding="utf-8").startswith("# ")
    assert fedtrace("explain").exit_code == 2
    assert fedtrace("explain", "asa", "--all", tmp_path).exit_code == 2


def test_a_shell_completes_what_can_be_explained() -> None:
    """As bash asks for it."""
    asked = {"_FEDTRACE_COMPLETE": "bash_complete", "COMP_WORDS": "fedtrace explain dns-srv-nx", "COMP_CWORD": "2"}
    told = CliRunner().invoke(main, [], prog_name="fedtrace", env=asked)

    assert "plain,dns-srv-nxdomain" in told.output


@pytest.mark.needs_tshark
def test_a_key_log_shows_what_tls_hides() -> None:
    """With it the pair is healthy; without it, or with another's, nothing can be judged, and why is said."""
    capture, keys = DATA / "starttls-1.3.pcap", DATA / "starttls-1.3.keys"
    opened = fedtrace("analyze", capture, "--keylog", keys)
    assert opened.exit_code == 0
    assert "the key log opens 1 of its 1 TLS conversations" in opened.output
    wrong = fedtrace("analyze", capture, "--keylog", DATA / "starttls-1.2.keys")
    assert wrong.exit_code == fedtrace("analyze", capture).exit_code == 3
    assert "the key log fits none of its 1 TLS conversations" in wrong.output


@pytest.mark.needs_tshark
def test_either_engine_gives_the_same_events(healthy: Path) -> None:
    """tshark by name, from a file or a pipe."""
    own, other = (fedtrace("events", healthy, "--engine", engine) for engine in ("own", "tshark"))
    assert own.output == other.output
    assert "<db:result> valid" in own.output
    piped = subprocess.run(
        [*FEDTRACE, "events", "-", "--engine", "tshark"], input=HEALTHY, capture_output=True, check=True
    )
    assert piped.stdout.count(b"\n") == own.output.count("\n")


@pytest.mark.parametrize("option", [("--engine", "tshark"), ("--keylog", "starttls-1.3.keys")])
def test_2_when_tshark_is_wanted_and_missing(
    option: tuple[str, str], healthy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence says what to install; without the option all is as ever."""
    monkeypatch.setenv("PATH", str(tmp_path))
    name, value = option
    asked = fedtrace("analyze", healthy, name, DATA / value if value.endswith("keys") else value)
    assert asked.exit_code == 2
    assert asked.output.startswith(
        "fedtrace: Wireshark: tshark is not installed; install Wireshark's command line tools"
    )
    assert asked.output.count("\n") == 1
    assert fedtrace("analyze", healthy).exit_code == 0
