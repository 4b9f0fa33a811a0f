"""SARIF 2.1.0: valid, at the right line, and stable from run to run.

`sarif-2.1.0-rtm.5.json` beside this file is the schema as SchemaStore publishes it (OASIS; from the npm package
@microsoft/jest-sarif 1.0.0-beta.0, MIT).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema

from analyzer.judge import all_rules
from analyzer.report.sarif import sarif
from tests import scene
from tests.analyzer.reports import analysis_of

SCHEMA = json.loads((Path(__file__).parent / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
REFUSED = """
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.11  back   syn-ack
    0.13  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
    0.14  back   StreamHeader from=gmail.com to=cupdomain.com id=1
    0.15  back   StreamError condition=host-unknown text="[here](http://evil.example) {0}"
"""
PROSODY = """\
Sep  6 09:14:00 s2sout55c0\tinfo\tBeginning new connection attempt to gmail.com ([198.51.100.10]:5269)
Sep  6 09:14:01 s2sout55c0\tinfo\tOutgoing s2s stream cupdomain.com->gmail.com closed: host-unknown (not served here)
"""


def run_of(*taps: scene.Tap) -> dict[str, Any]:
    """The one run of a report, which the schema holds for valid."""
    report = json.loads(sarif(analysis_of(*taps, local=("cupdomain.com",))))
    assert [f"{e.json_path}: {e.message}" for e in jsonschema.Draft4Validator(SCHEMA).iter_errors(report)] == []
    (run,) = report["runs"]
    assert isinstance(run, dict)
    return run


def test_a_finding_of_a_capture_names_its_frame() -> None:
    """SARIF knows lines only: the frame stands in the message and in a property."""
    run = run_of(scene.tap("in side/cups#1.pcap", REFUSED))
    result = run["results"][0]
    (location,) = result["locations"]
    assert result["ruleId"] == "stream-host-unknown"
    assert result["level"] == "error"
    assert "in side/cups#1.pcap#6" in result["message"]["text"]
    assert location["properties"] == {"frame": 6}
    assert location["physicalLocation"]["artifactLocation"] == {"uri": "in%20side/cups%231.pcap", "index": 0}
    assert "region" not in location["physicalLocation"]


def test_a_finding_of_a_log_stands_at_its_line() -> None:
    """A viewer opens the file there."""
    run = run_of(scene.log("prosody.log", "prosody", PROSODY))
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert run["results"][0]["ruleId"] == "stream-host-unknown"
    assert place == {"artifactLocation": {"uri": "prosody.log", "index": 0}, "region": {"startLine": 2}}


def test_a_result_leads_to_its_rule_with_help() -> None:
    """By index, as viewers look it up."""
    run = run_of(scene.tap("cups.pcap", REFUSED))
    for result in run["results"]:
        rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert all_rules()[rule["id"]].title in rule["shortDescription"]["text"]
        assert "What to do" in rule["help"]["text"]


def test_nothing_of_the_wire_becomes_a_link_or_a_placeholder() -> None:
    """Braces are doubled, and no bracket is followed by a target (sections 3.11.5 and 3.11.6)."""
    told = json.dumps(run_of(scene.tap("cups.pcap", REFUSED))["results"])
    assert "evil.example" in told
    assert "](" not in told
    assert re.search(r"(?<!\{)\{0\}(?!\})", told) is None


def test_tomorrow_the_same_fault_has_the_same_fingerprint() -> None:
    """Another capture, other ports and hours: a viewer sees that it is known."""
    later = REFUSED.replace("40000", "41111").replace("0.1", "7.1")
    one, other = (run_of(scene.tap("cups.pcap", text))["results"][0] for text in (REFUSED, later))
    assert one["properties"]["session"] != other["properties"]["session"]
    assert one["partialFingerprints"] == other["partialFingerprints"]
