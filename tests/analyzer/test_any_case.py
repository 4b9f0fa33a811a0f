"""A case made of anything: whatever two captures show, it is judged, checked and told without an exception."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from analyzer.checklist import STEPS, checklist
from analyzer.correlator import correlate
from analyzer.judge import judge
from analyzer.ladder import ladder
from analyzer.report.rows import by_session, report
from analyzer.report.terminal import Terminal
from parsers.case import Case
from parsers.events import EVENT_TYPES, Event, Flow, Where
from parsers.source import Reading, Source
from tests.any_event import anything

LAST_NS = 10**11
ENDS = [("10.0.0.5", 5269), ("10.0.0.5", 40000), ("10.0.0.53", 53), ("198.51.100.10", 5269), ("198.51.100.10", 50000)]
"""Few ends and few names, so that what is drawn has to do with each other."""
NAMES = ["a.example", "b.example", "_xmpp-server._tcp.a.example", "_xmpp-server._tcp.b.example", "", None]
FLOWS = st.builds(
    lambda src, dst, proto: Flow(src_ip=src[0], src_port=src[1], dst_ip=dst[0], dst_port=dst[1], proto=proto),
    st.sampled_from(ENDS),
    st.sampled_from(ENDS),
    st.sampled_from(["tcp", "udp"]),
)


def placed(event: Event, flow: Flow, at_ns: int, sender: str | None, target: str | None) -> Event:
    """The event between known ends, about known names, within the time of the captures."""
    known = {f.name for f in dataclasses.fields(event)}
    fields = {"flow": flow, "at_ns": at_ns, "from_domain": sender, "to_domain": target}
    if "rrtype" in known:
        fields["name"] = target or "a.example"
    return dataclasses.replace(event, **{name: value for name, value in fields.items() if name in known})


EVENTS = st.builds(
    placed,
    st.sampled_from(EVENT_TYPES).flatmap(anything),
    FLOWS,
    st.integers(0, LAST_NS),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(EVENTS, max_size=25), st.lists(EVENTS, max_size=10), st.sampled_from([(), ("a.example",)]))
def test_no_case_upsets_the_analysis(inside: list[Event], outside: list[Event], local: tuple[str, ...]) -> None:
    """No rule breaks, every step of the guide is answered, each finding has evidence,
    and all of it can be told.
    """
    taps = {"inside": inside, "outside": outside}
    rivers = {
        tap: [
            dataclasses.replace(event, where=Where(source=tap, frame=number))
            for number, event in enumerate(sorted(events, key=lambda e: e.at_ns), start=1)
        ]
        for tap, events in taps.items()
    }
    sources = [Source(name=tap, path=Path(tap), format="drawn") for tap in taps]
    readings = {tap: Reading(frames=len(rivers[tap]), first_ns=0, last_ns=LAST_NS) for tap in taps}
    case = correlate(rivers, sources, readings, local)
    judgement = judge(case)
    assert judgement.broken == ()
    assert all(finding.match.events for finding in judgement.findings)
    items = checklist(case, judgement)
    assert [item.step for item in items] == [step.name for step in STEPS]
    assert all(item.because for item in items)
    assert all(item.events for item in items if item.state in ("pass", "fail"))
    files = Case(sources=sources, readings=readings, events=rivers)
    assert json.loads(json.dumps(report(files, case, judgement, items)))
    terminal = Terminal(Console(file=io.StringIO()))
    terminal.report(files, case, judgement, items)
    for session in case.sessions:
        findings = by_session(judgement).get(session.id, ())
        for steps in (False, True):
            terminal.session(ladder(session, case, findings), findings, steps=steps)
