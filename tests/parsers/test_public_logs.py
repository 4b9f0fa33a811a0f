"""Every file of the public logs beside this checkout: taken for what it is, and each of its lines accounted for.

Prints a table with `pytest -s`. Skipped where these logs are not there.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from parsers import ingest
from parsers.errors import FedtraceError
from parsers.events import Damage
from parsers.source import How, Reading, Source

LOGS = Path(__file__).resolve().parents[3] / "shared" / "logs"
FILES = sorted(p for p in LOGS.rglob("*") if p.is_file()) if LOGS.is_dir() else []
pytestmark = pytest.mark.needs_shared

FORMATS = {
    "asa": {"asa"},
    "ftd": {"asa"},
    "asa-cli": {"asa_cli", "asa"},
    "bind": {"bind"},
    "cisco-cli": {"cisco_cli"},
    "cisco-xcp": {"cisco_xcp", "expressway", "cisco_sip_proxy"},
    "cli": {"dig", "host", "nslookup", "openssl", "telnet"},
    "cli-dns": {"dig", "nslookup", "transcript"},  # one holds both dig and host
    "cli-net": {"openssl", "telnet"},
    "coredns": {"coredns"},
    "dnsmasq": {"dnsmasq"},
    "ejabberd": {"ejabberd"},
    "jabberd2": {"jabberd2"},
    "metronome": {"metronome"},
    "openfire": {"openfire"},
    "other": {"tigase", "vines"},
    "powerdns": {"powerdns"},
    "prosody": {"prosody"},
    "tigase": {"tigase"},
    "unbound": {"unbound"},
    "windns": {"windns"},
}
"""Which formats the files of a folder may have, its version left out."""
NO_LOGS = {
    "SOURCES.tsv": "a list of where the files come from",
    "zone-and-host-map.txt": "the plan of a laboratory",
    "bounced-stanzas.txt": "XML of stanzas alone, which no server writes to a file",
    "xmpp-ping-results.txt": "the notes of whoever recorded the logs beside it",
    "dns-wire": "bytes of DNS messages, without a capture around them",
    "node-xmpp": "a client library that prints what its program likes",
}
"""What is no log of any format, and why."""


def reason(path: Path) -> str | None:
    """Why a file is no log; None for one that is."""
    return next((why for name, why in NO_LOGS.items() if any(name in part for part in path.parts)), None)


def folder(path: Path) -> str:
    """The folder of a file without the version that wrote it."""
    name = path.parent.name
    return "bind" if name.startswith("named-") else re.sub(r"-[0-9].*", "", name)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LOGS)))
def test_every_line_is_an_event_or_accounted_for(path: Path) -> None:
    """By the right format; lines that are neither events nor of the format are counted as damage."""
    source = Source(name=path.name, path=path, format=None)
    if why := reason(path):
        with pytest.raises(FedtraceError):
            ingest.choose(ingest.head_of(source))
        print(f"\n{path.relative_to(LOGS)!s:70} {why}")  # noqa: T201 (the table)
        return
    known, _ = ingest.choose(ingest.head_of(source))
    assert known.name in FORMATS[folder(path)]
    reading, told, lost = Reading(), set(), 0
    for event in known.read(source, How(near_ns=1795345689 * 10**9), reading):
        if isinstance(event, Damage):
            lost += event.lost if event.unit == "lines" else 0
        else:
            told.add(event.where.line)
    assert reading.lines is not None
    understood = reading.lines - reading.other - lost
    print(  # noqa: T201 (the table)
        f"\n{path.relative_to(LOGS)!s:70} {known.name:15} {reading.lines:6} lines {understood:6} understood "
        f"{reading.other:6} other {lost:4} damaged"
    )
    assert reading.other + lost <= reading.lines
    assert len(told) <= reading.lines - lost
