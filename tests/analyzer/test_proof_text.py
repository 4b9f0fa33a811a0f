"""A proof as a person reads it."""

from __future__ import annotations

import json
from pathlib import Path

from analyzer.report.proof_text import lines
from tests.analyzer.test_proof import CAPTURE, made, proven


def test_inputs_findings_and_what_fell(tmp_path: Path) -> None:
    """One piece of evidence says something else, in words that would steer a terminal."""
    (tmp_path / "cups.pcap").write_bytes(CAPTURE)
    path, rows = made(tmp_path, tmp_path / "cups.pcap")
    whole = list(lines(proven(path)))
    finding = next(f for f in rows["findings"] if f["rule"] == "stream-host-unknown")
    finding["evidence"][0]["says"] = "\x1b[2Jall is well"
    rows["fedtrace"] = "9.9"
    path.write_text(json.dumps(rows))
    told = list(lines(proven(path)))
    n = int(whole[-1].split()[1])

    assert whole[0] == "report       by fedtrace 0.1.0"
    assert whole[1] == f"inputs       ✔ cups.pcap  same  {n} of {n} stand"
    assert whole[-1] == f"verdict      {n} of {n} pieces of evidence stand"
    assert not any(line.startswith("fallen") for line in whole)
    assert told[0] == "report       by fedtrace 9.9"
    assert "it may say the same in other words" in told[1]
    assert any(line.startswith(f"findings     ✘ stream-host-unknown  {finding['id']}  ") for line in told)
    at = next(i for i, line in enumerate(told) if line.startswith("fallen"))
    assert told[at] == r"fallen       cups.pcap#6  \x1b[2Jall is well"
    assert told[at + 1].startswith("               there stands: ")
    assert "\x1b" not in "".join(told)


def test_a_missing_file_is_told_once(tmp_path: Path) -> None:
    """Not for each of its pieces."""
    for name in ("cups.pcap", "other.pcap"):
        (tmp_path / name).write_bytes(CAPTURE if name == "cups.pcap" else CAPTURE[:24])
    path, _ = made(tmp_path, tmp_path / "cups.pcap", tmp_path / "other.pcap")
    (tmp_path / "cups.pcap").unlink()
    told = list(lines(proven(path, tmp_path / "other.pcap")))

    assert told[1].startswith(f"inputs       ✘ cups.pcap  missing ({tmp_path}/cups.pcap is not there)  0 of ")
    assert told[2] == "             ✔ 1 input of which nothing is evidence, the same"
    assert not any(line.startswith("fallen") for line in told)
