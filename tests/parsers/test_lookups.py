"""Tests of what is told of a busy resolver's log: bounded, counted, and no question without the answer that it had.

The same of what a firewall's log tells of DNS.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from parsers import ingest
from parsers.events import Damage, DnsAnswer, DnsQuery, Event
from parsers.logs import asa, lookups, passing
from parsers.source import How, Reading, Source

SERVER = "203.0.113.1"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three lookups of one question, eight of a log."""
    monkeypatch.setattr(lookups, "REPEATS_MAX", 3)
    monkeypatch.setattr(lookups, "LOOKUPS_MAX", 8)


def asked(second: int, name: str, client: str = SERVER, rrtype: str = "SRV") -> str:
    """A question in BIND's query log."""
    return f"22-Nov-2026 11:09:{second:02}.000 client {client}#4{second:04}: query: {name} IN {rrtype} + (192.0.2.53)"


def answered(second: int, name: str) -> str:
    """The line of `responses` about it."""
    return f"22-Nov-2026 11:09:{second:02}.500 client {SERVER}#4{second:04}: response: {name} IN SRV NXDOMAIN 0 1 0"


def read(tmp_path: Path, lines: list[str], how: How | None = None, form: str = "bind") -> tuple[list[Event], Reading]:
    """The events of a log, and what reading it came to."""
    path = tmp_path / "named.log"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    reading = Reading()
    return list(ingest.read(Source(name="named.log", path=path, format=form), how or How(), reading)), reading


def test_a_question_asked_all_day_is_told_so_often(tmp_path: Path) -> None:
    """What is left out is said, with the first line of it, and is not among the lines that tell nothing."""
    lines = [asked(second, "_xmpp-server._tcp.gone.example") for second in range(5)]
    events, reading = read(tmp_path, [*lines, asked(9, "_xmpp-server._tcp.example.net"), asked(10, "www.example.org")])

    told, (damage,) = [e for e in events if isinstance(e, DnsQuery)], [e for e in events if isinstance(e, Damage)]
    assert [e.where.line for e in told] == [1, 2, 3, 6], "another question is told all the same"
    assert (damage.where.line, damage.lost, damage.unit) == (4, 2, "lines")
    assert damage.what == "lookups not told: more than 3 of one question, or 8 in all"
    assert reading.other == 1


def test_an_answer_is_told_where_its_question_is(tmp_path: Path) -> None:
    """No question of a log with answers looks as if it had none, and no answer stands there without its question."""
    name = "_xmpp-server._tcp.gone.example"
    lines = [line for second in range(6) for line in (asked(second, name), answered(second, name))]
    events, _ = read(tmp_path, lines)

    assert [e.where.line for e in events if isinstance(e, DnsQuery)] == [1, 3, 5]
    assert [e.where.line for e in events if isinstance(e, DnsAnswer)] == [2, 4, 6]
    assert [(e.where.line, e.lost) for e in events if isinstance(e, Damage)] == [(7, 6)]


def test_what_all_others_ask_about_a_name_leaves_room_for_the_server(tmp_path: Path) -> None:
    """A name that everybody asks for is told of the server that looks for it, however busy the others are."""
    others = [asked(second, "example.net", f"10.0.0.{second}", "A") for second in range(1, 6)]
    own = asked(9, "example.net", SERVER, "A")
    events, _ = read(tmp_path, [asked(0, "_xmpp-server._tcp.example.net"), *others, own])

    assert [e.where.line for e in events if isinstance(e, DnsQuery)] == [1, 2, 3, 4, 7]


def test_a_log_is_told_to_its_limit(tmp_path: Path) -> None:
    """A census of names is cut as well."""
    events, reading = read(tmp_path, [asked(n, f"_xmpp-server._tcp.d{n}.example") for n in range(12)])

    assert sum(isinstance(e, DnsQuery) for e in events) == 8
    assert [(e.where.line, e.lost) for e in events if isinstance(e, Damage)] == [(9, 4)]
    assert (reading.lines, reading.other) == (12, 0)


def test_who_asks_for_everything_gets_it(tmp_path: Path) -> None:
    """`--dns-names '*'` is not bounded."""
    lines = [asked(second, "_xmpp-server._tcp.gone.example") for second in range(5)]
    events, _ = read(tmp_path, lines, How(dns_names=("*",)))

    assert len(events) == 5


PASSED = "Nov 22 11:08:11 fw PASS IN=in OUT=out SRC=10.0.0.5 DST=192.0.2.53 LEN=60 PROTO=UDP SPT=40000 DPT=53 LEN=40"
DENIED = (
    "Nov 22 2026 11:08:11: %ASA-2-106007: Deny inbound UDP from 192.0.2.53/53 to 10.0.0.53/40000 due to DNS Response"
)


@pytest.mark.parametrize(
    ("form", "line", "said"),
    [
        ("netfilter", PASSED, "lines of DNS not told: more than 3"),
        ("asa", DENIED, "refusals of DNS not told: more than 3"),
    ],
)
def test_what_a_firewall_tells_of_dns_beyond_the_limit_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, line: str, said: str
) -> None:
    """A resolver lives behind it, or the internet before it."""
    monkeypatch.setattr(passing, "DNS_MAX", 3)
    monkeypatch.setattr(asa, "REFUSED_DNS_MAX", 3)
    events, reading = read(tmp_path, [line] * 5, How(year=2026), form)

    assert len(events) == 4
    assert [(e.what, e.lost, e.unit) for e in events if isinstance(e, Damage)] == [(said, 2, "lines")]
    assert reading.other == 0
