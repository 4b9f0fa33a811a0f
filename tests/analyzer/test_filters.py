"""Display filters: what they say, and that Wireshark selects with them what the session is."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from analyzer.excerpt import Excerpt, Question, excerpts
from analyzer.report.filters import frames_filter, session_filter
from parsers.capture.excerpt import Stretch, frames
from parsers.source import Source
from tests.analyzer.test_excerpt import TALK, analysed, asked, later
from tests.conftest import SHARED
from tests.packets import header, ip, pcap, talk, tcp
from tests.parsers.packets import answer, question, srv

OURS = Stretch(("10.0.0.5", 40000), ("198.51.100.10", 5269))
CASES = sorted(p.name for p in (SHARED / "lab").glob("[0-9]*")) or ["-"]


def excerpt(*stretches: Stretch, **more: object) -> Excerpt:
    """What a file called inside.pcap holds."""
    return Excerpt(Source(name="inside.pcap", path=Path("inside.pcap"), format="capture"), list(stretches), **more)  # type: ignore[arg-type]


def selected(path: Path, text: str) -> list[int]:
    """The frames that Wireshark shows with a filter."""
    command = ["tshark", "-r", str(path), "-Y", text, "-T", "fields", "-e", "frame.number"]
    return [int(word) for word in subprocess.run(command, capture_output=True, check=True).stdout.split()]


def exact(*paths: Path) -> int:
    """Hold every session's filter beside its frames; how many there were."""
    case, count = analysed(*paths), 0
    for session in case.view.sessions:
        for one in excerpts(session, case):
            own = sorted(f.number for f in frames(one.source.file, one.numbers, one.stretches))
            assert selected(one.source.file, session_filter(one)) == own, (session.id, session_filter(one))
            count += 1
    return count


def test_it_reads_as_a_person_would_type_it() -> None:
    """Ends of conversations, names of lookups, then numbers."""
    ours = "ip.addr == 10.0.0.5 && tcp.port == 40000 && ip.addr == 198.51.100.10 && tcp.port == 5269"
    six = Stretch(("2001:db8::5", 40000), ("2001:db8:1::10", 5269), 12, 80)
    name = Question("_xmpp-server._tcp.gmail.com", {3, 4}, {7})

    assert session_filter(excerpt(OURS)) == f"({ours})"
    assert session_filter(excerpt(six)) == (
        "(ipv6.addr == 2001:db8::5 && tcp.port == 40000 && ipv6.addr == 2001:db8:1::10 && tcp.port == 5269"
        " && frame.number >= 12 && frame.number <= 80)"
    )
    assert session_filter(excerpt(OURS, questions={name.name: name}, frames={9, 2})) == (
        f'({ours}) || lower(dns.qry.name) == "_xmpp-server._tcp.gmail.com" || frame.number in {{2, 9}}'
    )
    name.alone, name.ids = False, {7, 0x1234}
    assert session_filter(excerpt(questions={name.name: name})) == (
        '(lower(dns.qry.name) == "_xmpp-server._tcp.gmail.com" && dns.id in {0x0007, 0x1234})'
    )
    assert frames_filter([5]) == "frame.number == 5"


def test_a_hostile_name_does_not_get_into_a_filter() -> None:
    """Quotes in a question's name: its frames go by number."""
    name = Question('a" || frame || "', {3, 4}, {7})

    assert session_filter(excerpt(questions={name.name: name})) == "frame.number in {3, 4}"


@pytest.mark.needs_tshark
def test_ipv6_icmp_ports_used_again_and_dns_over_tcp(tmp_path: Path) -> None:
    """Wireshark takes each, and selects exactly the session."""
    six = list(talk(*TALK, client=("2001:db8::5", 40000), server=("2001:db8:1::10", 5269)))
    (tmp_path / "six.pcap").write_bytes(pcap([*asked(7), *six]))
    one = list(talk(*TALK))
    (tmp_path / "again.pcap").write_bytes(pcap([*asked(7), *one, *asked(8), *map(later, one)], step_ms=8_000))
    name = "_xmpp-server._tcp.gmail.com"
    messages = (question(name), answer(name, (name, 33, srv(5269, "xmpp.gmail.com"))))
    said = zip("><", (struct.pack(">H", len(m)) + m for m in messages), strict=True)
    dns = list(talk(*said, server=("10.0.0.53", 53)))
    syn = tcp("10.0.0.5", 40001, "198.51.100.10", 5269, 2, 1)
    error = ip("198.51.100.1", "10.0.0.5", 1, struct.pack(">BBHI", 3, 13, 0, 0) + syn[14:])
    opened = list(talk((">", header("cupdomain.com", "gmail.com")), client=("10.0.0.5", 40002)))
    (tmp_path / "refused.pcap").write_bytes(pcap([*dns, syn, error, *opened]))

    assert exact(tmp_path / "six.pcap") == 1
    assert exact(tmp_path / "again.pcap") == 2
    assert exact(tmp_path / "refused.pcap") >= 1


@pytest.mark.needs_shared
@pytest.mark.needs_tshark
@pytest.mark.parametrize("name", CASES[::4])
def test_wireshark_selects_every_recorded_session(name: str) -> None:
    """At every vantage, no frame more and none less."""
    assert exact(SHARED / "lab" / name)
