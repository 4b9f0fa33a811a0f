"""The tables of a case: what is in them, and that every column says what it is."""

from __future__ import annotations

from typing import Any

from analyzer.analysis import Analysis, analysis
from analyzer.report.tables import TABLES
from parsers.case import read_case
from parsers.source import How
from tests.command import CASES

CALLBACK = CASES / "callback-blocked"


def found() -> Analysis:
    """The demo case of the blocked callback."""
    return analysis(read_case([str(CALLBACK)], How()))


def rows(name: str, of: Analysis) -> list[dict[str, Any]]:
    """A table as dicts."""
    table = TABLES[name]
    return [{column.name: column.of(record) for column in table.columns} for record in table.records(of)]


def test_every_column_says_what_it_is() -> None:
    """In a sentence; the key stands first; no name twice."""
    for table in TABLES.values():
        names = [column.name for column in table.columns]
        assert tuple(names[: len(table.key)]) == table.key
        assert len(set(names)) == len(names)
        assert table.says and all(column.says for column in table.columns)
        assert all(bool(column.order) == (column.kind == "ordered") for column in table.columns)


def test_the_blocked_callback_from_verdict_to_frame() -> None:
    """Each table leads to the next: the pair, its attempt, what was found, the conversations, the very frames."""
    case = found()
    verdict = rows("verdicts", case)[0]
    assert (verdict["initiator"], verdict["receiver"]) == ("cupdomain.com", "gmail.com")
    assert (verdict["state"], verdict["cause"]) == ("failing", "network-callback-blocked")
    assert (verdict["sessions"], verdict["failed"], verdict["owner"]) == (2, 1, "firewall")

    attempt = rows("sessions", case)[0]
    assert (attempt["cause"], attempt["reached"]) == ("network-callback-blocked", "auth")
    cause = next(row for row in rows("findings", case) if row["is_cause"])
    assert (cause["session"], cause["rule"]) == (attempt["session"], "network-callback-blocked")
    assert cause["evidence"].startswith("asa-outside.pcap#22, asa-outside.pcap#23")

    callbacks = [row for row in rows("connections", case) if row["callback_of"] == attempt["session"]]
    assert {row["outcome"] for row in callbacks} == {"no-answer"}
    syn = next(row for row in rows("events", case) if (row["source"], row["frame"]) == ("asa-outside.pcap", 22))
    assert syn["says"] == "SYN 198.51.100.10:38848 > 203.0.113.5:5269"
    assert syn["session"] is not None


def test_rules_that_could_not_be_judged_stand_below_those_that_matched() -> None:
    """With the reason, and no severity: silence is never a pass."""
    blind = [row for row in rows("findings", found()) if row["verdict"] == "blind"]

    assert blind
    assert all(row["because"] and row["severity"] is None and not row["is_cause"] for row in blind)


def test_events_stand_in_order_of_time() -> None:
    """Over all sources, each with its number."""
    events = rows("events", found())

    assert [row["event"] for row in events] == list(range(len(events)))
    assert [row["at"] for row in events] == sorted(row["at"] for row in events)
