"""What was seen as Timesketch reads it: one JSON object a line, with the fields that it demands, in order of time.

The events that belong to an attempt are joined with it and with the rules that they prove. Knows no rule.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from analyzer.analysis import Analysis
from analyzer.ladder import moments
from analyzer.report.tables import EVENTS
from analyzer.report.words import escape, place, says
from parsers.events import Event, Where

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_US = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
"""The last microsecond that ISO 8601 has a year of four digits for."""


def timesketch(analysis: Analysis) -> str:
    """Every event, a line each."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(analysis))


def _rows(analysis: Analysis) -> Iterator[dict[str, Any]]:
    sessions = {s.id: s for s in analysis.view.sessions}
    steps = {(s.id, *_same(seen)): step for s in analysis.view.sessions for seen, step, _ in moments(s)}
    proves: dict[tuple[Where, type], dict[str, None]] = defaultdict(dict)
    for finding in analysis.judgement.findings:
        for proof in finding.match.events:
            proves[_same(proof)][finding.rule] = None
    for record in EVENTS.records(analysis):
        event: Event = record.event
        where, session = event.where, sessions.get(record.session)
        # A shift of clocks may lead out of the calendar; the order stays.
        at_us = min(max(record.at_ns // 1000, 0), _LAST_US)
        row = {
            "message": says(event),
            "datetime": (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds"),
            "timestamp": at_us,
            "width_ns": event.width_ns,
            "timestamp_desc": "Frame captured" if where.frame is not None else "Line written",
            "data_type": f"fedtrace:{type(event).__name__}",
            "place": place(where),
            "source": escape(where.source),
            "frame": where.frame,
            "line": where.line,
            "src_ip": event.flow.src_ip if event.flow else None,
            "src_port": event.flow.src_port if event.flow else None,
            "dst_ip": event.flow.dst_ip if event.flow else None,
            "dst_port": event.flow.dst_port if event.flow else None,
            "session": session.id if session else None,
            "initiator": escape(session.initiator) if session else None,
            "receiver": escape(session.receiver) if session else None,
            "step": steps.get((session.id, *_same(event))) if session else None,
            "tag": list(proves.get(_same(event), ())),
        }
        yield {key: value for key, value in row.items() if value is not None}


def _same(event: Event) -> tuple[Where, type]:
    """What an event keeps when clocks are corrected: its place and its class."""
    return event.where, type(event)
