"""What the inputs of a case are taken for, where they say nothing. The machines' cases are in tests/sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.correlator import correlate
from analyzer.view import CaseView
from parsers.source import Reading, Source
from tests.command import fedtrace
from tests.conftest import SHARED

LOGS = SHARED / "lab/04a-srv-nxdomain-peer/logs"


def silent(name: str, reading: Reading) -> CaseView:
    """A case of one input without any event."""
    return correlate({name: ()}, [Source(name=name, path=Path(name), format="drawn")], {name: reading})


def test_a_log_that_says_nothing_covers_nothing() -> None:
    """A capture without federation shows that there was none; a log without does not."""
    assert silent("bind.log", Reading(lines=13, first_ns=0, last_ns=10**9)).coverage == {}
    assert list(silent("cups.pcap", Reading(frames=5, first_ns=0, last_ns=10**9)).coverage) == ["cups.pcap"]


@pytest.mark.needs_shared
@pytest.mark.parametrize("beside", [[], ["pdns-bind.log"]])
def test_a_log_that_says_nothing_changes_no_verdict(beside: list[str]) -> None:
    """A server's log tells who asked for what: one of a name server that was only started hides none of it."""
    logs = ["cups-prosody-debug.log", "google-ejabberd/ejabberd.log", *beside]
    said = fedtrace("analyze", *map(LOGS.joinpath, logs)).output
    assert "cupdomain.com → gmail.com   FAILING   dns-srv-nxdomain" in said
