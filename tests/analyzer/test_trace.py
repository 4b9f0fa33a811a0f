"""An incident in one line, as an investigator opens it in a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.trace import Trace
from parsers.errors import FedtraceError
from tests.command import CASES
from tests.packets import pcap

CALLBACK = CASES / "callback-blocked"


@pytest.fixture(scope="module")
def trace() -> Trace:
    """The demo case of the blocked callback."""
    return Trace.read(CALLBACK)


def test_from_the_verdict_to_the_session_that_shows_it(trace: Trace) -> None:
    """The failing pair, its attempts, the ladder of the first with the cross at the firewall."""
    failing = trace.verdicts[trace.verdicts.state == "failing"]
    assert list(failing.index) == [("cupdomain.com", "gmail.com"), ("gmail.com", "cupdomain.com")]

    id = trace.sessions.index[0]
    shown = trace.session(id)
    assert shown.id == id
    assert shown.session.initiator == "cupdomain.com"
    assert "✘" in repr(shown)
    assert repr(shown.findings[0]).startswith("network-callback-blocked   failure   proven   cause")


def test_every_frame_can_be_looked_at(trace: Trace) -> None:
    """And each is made once."""
    for name in ("events", "sessions", "connections", "lookups", "findings", "verdicts", "checklist", "sources"):
        assert len(getattr(trace, name)) > 0
        assert getattr(trace, name) is getattr(trace, name)
    assert len(trace.damage) == len(trace.certificates) == 0


def test_it_shows_itself_in_a_notebook_without_markup_of_the_wire(trace: Trace) -> None:
    """Everything stands in one element, and what looks like a tag is text."""
    for shown in (trace, trace.session(trace.sessions.index[0]), trace.finding(0)):
        page = shown._repr_html_()
        assert page.startswith("<pre>") and page.endswith("</pre>")
        assert "<" not in page[5:-6]


def test_a_session_is_found_by_the_beginning_of_its_id(trace: Trace) -> None:
    """Several or none: one sentence with the ids that there are."""
    assert trace.session(trace.sessions.index[0][:6]).id == trace.sessions.index[0]
    with pytest.raises(FedtraceError, match="no session has this id; these inputs hold 3: "):
        trace.session("zzz")
    with pytest.raises(FedtraceError, match="3 sessions begin so; say one of "):
        trace.session("")
    with pytest.raises(FedtraceError, match="no rule matched under this number; there are"):
        trace.finding(10_000)


def test_a_capture_without_federation_has_empty_frames(tmp_path: Path) -> None:
    """With the right columns; the trace says that nothing was seen."""
    path = tmp_path / "empty.pcap"
    path.write_bytes(pcap([]))
    empty = Trace.read(path)

    assert len(empty.sessions) == len(empty.events) == len(empty.verdicts) == 0
    assert list(empty.sessions.columns[:2]) == ["initiator", "receiver"]
    assert "no attempt to federate was seen" in repr(empty)


def test_what_the_user_knows_is_told_as_on_the_command_line(tmp_path: Path) -> None:
    """The domain that is ours, the year and the zone of a log."""
    path = tmp_path / "prosody.log"
    path.write_text("Sep  6 09:14:03 s2sout55c0\tinfo\tOutgoing s2s connection cupdomain.com->example.net complete\n")
    told = Trace.read(path, local_domains=["cupdomain.com"], zone="+02:00", year=2013)

    assert list(told.sessions.direction) == ["outbound"]
    assert told.sessions.began.iloc[0].isoformat() == "2013-09-06T07:14:03+00:00"


@pytest.mark.needs_tshark
def test_from_a_session_down_to_any_field_of_its_packets(trace: Trace) -> None:
    """Each frame of the timeline once, in order of time, from every capture that shows it."""
    shown = trace.session(trace.sessions.index[0])
    found = shown.packets()
    frames = dict.fromkeys(rung.event.where for rung in shown.ladder.rungs)

    assert len(found) == len(frames)
    assert [packet.sniff_time for packet in found] == sorted(packet.sniff_time for packet in found)
    assert any("XMPP" in packet for packet in found)


@pytest.mark.needs_tshark
def test_the_packets_of_rows(trace: Trace) -> None:
    """Whatever an investigator picked out of a table, in its order."""
    syns = trace.events[trace.events.says.str.startswith("SYN 198.51.100.10:38848")]
    found = trace.packets(syns)

    assert [str(packet.tcp.srcport) for packet in found] == ["38848"] * len(syns)
    assert trace.packets(trace.events.iloc[:0]) == []
