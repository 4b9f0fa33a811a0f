"""Parts of one case know from each other who lives where, and which domain is ours: one alone may show neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.batch import parts
from analyzer.batch.cases import Options
from analyzer.batch.run import batch
from tests import packets
from tests.analyzer.test_page import text_of
from tests.analyzer.test_parts import MAY_19_NS, cases, day, dialogue, records, rows, together, told
from tests.packets import ACK, FEATURES, RST, SYN, header, pcap, talk, tcp

__all__ = ["day"]


def caller(verdict: str, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A server from outside asks to be let in, and is answered; in the evening it is refused before a word."""
    address, name, ours = "203.0.113.7", "partner.example", ("10.0.0.5", 5269)
    said = (
        (">", header(name, "cupdomain.com")),
        ("<", header("cupdomain.com", name, "id-1") + FEATURES),
        (">", f"<db:result from='{name}' to='cupdomain.com'>secret-key</db:result>".encode()),
        ("<", f"<db:result type='{verdict}' from='cupdomain.com' to='{name}'/>".encode()),
    )
    monkeypatch.setattr(packets, "BEGIN_S", MAY_19_NS // 10**9 + 1800)
    morning = pcap(talk(*said, client=(address, 50_000), server=ours))
    monkeypatch.setattr(packets, "BEGIN_S", MAY_19_NS // 10**9 + 19 * 3600)
    evening = pcap((tcp(address, 50_001, *ours, SYN, 1), tcp(*ours, address, 50_001, RST | ACK, 0, 2)))
    return [*records(morning), *records(evening)]


@pytest.mark.parametrize("place", ["cups/a.pcap", "cups.pcap"])
def test_what_one_part_proves_the_others_know(
    place: str, day: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part of the evening knows who lives at the address, and tells the same attempts as the whole."""
    options = Options(local_domains=("cupdomain.com",))
    (tmp_path / "archive" / place).parent.mkdir(parents=True)
    (tmp_path / "archive" / place).write_bytes(together([*records(day), *caller("valid", monkeypatch)]))
    batch(str(tmp_path / "archive"), str(tmp_path / "whole"), options, map)
    monkeypatch.setattr(parts, "HELD_MAX", 60)
    batch(str(tmp_path / "archive"), str(tmp_path / "parts"), options, map)

    assert len(cases(tmp_path / "parts")) > 5
    assert told(tmp_path / "parts") == told(tmp_path / "whole")
    refused = rows(tmp_path / "parts", "sessions", "initiator", "receiver", "began")[-1]
    assert refused == ("partner.example", "cupdomain.com", "2014-05-19 19:00:00+00:00")


def test_who_answered_as_a_domain_is_known_to_all_parts(
    day: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without dialback: a server that we called in the morning is refused when it calls in the evening."""
    theirs = ("203.0.113.7", 5269)
    said = (
        (">", header("cupdomain.com", "partner.example")),
        ("<", header("partner.example", "cupdomain.com", "id-1") + FEATURES),
    )
    monkeypatch.setattr(packets, "BEGIN_S", MAY_19_NS // 10**9 + 1800)
    morning = records(pcap(talk(*said, client=("10.0.0.5", 39_999), server=theirs)))
    evening = caller("valid", monkeypatch)[-2:]
    (tmp_path / "archive" / "cups").mkdir(parents=True)
    (tmp_path / "archive" / "cups" / "a.pcap").write_bytes(together([*records(day), *morning, *evening]))
    batch(str(tmp_path / "archive"), str(tmp_path / "whole"), Options(), map)
    monkeypatch.setattr(parts, "HELD_MAX", 60)
    batch(str(tmp_path / "archive"), str(tmp_path / "parts"), Options(), map)

    assert told(tmp_path / "parts") == told(tmp_path / "whole")
    refused = rows(tmp_path / "parts", "sessions", "initiator", "receiver", "began")[-1]
    assert refused == ("partner.example", "cupdomain.com", "2014-05-19 19:00:00+00:00")


def test_a_name_that_was_claimed_proves_nothing(day: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was not let in under it is nobody in another part: it may be somebody else's."""
    options = Options(local_domains=("cupdomain.com",))
    (tmp_path / "archive" / "cups").mkdir(parents=True)
    (tmp_path / "archive" / "cups" / "a.pcap").write_bytes(together([*records(day), *caller("invalid", monkeypatch)]))
    monkeypatch.setattr(parts, "HELD_MAX", 60)
    batch(str(tmp_path / "archive"), str(tmp_path / "out"), options, map)

    called = rows(tmp_path / "out", "connections", "began", "initiator")
    assert ("2014-05-19 00:30:00+00:00", "partner.example") in called
    assert ("2014-05-19 19:00:00+00:00", "<NA>") in called


@pytest.mark.parametrize("place", ["cups/a.pcap", "cups.pcap"])
def test_which_domain_is_ours_is_found_for_all_parts(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two domains that speak with each other all of a part, it is the one that speaks with others in other parts."""
    found = []
    for number in range(6):
        monkeypatch.setattr(packets, "BEGIN_S", MAY_19_NS // 10**9 + number * 7200)
        frames = dialogue(f"d{number % 3}.example", 40_000 + number, host="192.0.2.5")
        found += records(pcap(frames if number else frames[:-1]))
    (tmp_path / "archive" / place).parent.mkdir(parents=True)
    (tmp_path / "archive" / place).write_bytes(together(found))
    batch(str(tmp_path / "archive"), str(tmp_path / "whole"), Options(), map)
    monkeypatch.setattr(parts, "HELD_MAX", 30)
    batch(str(tmp_path / "archive"), str(tmp_path / "parts"), Options(), map)

    assert len(cases(tmp_path / "parts")) == 6
    summary = text_of((tmp_path / "parts" / "summary.html").read_text())
    assert "1 case of more than can be read at once is told as 6 parts. A verdict is of its part" in summary
    assert "than can be read at once" not in (tmp_path / "whole" / "summary.html").read_text()
    assert set(rows(tmp_path / "parts", "cases", "part_of")) == {
        (place.partition("/")[0].replace("cups.pcap", "loose"),)
    }
    for out in ("whole", "parts"):
        assert set(rows(tmp_path / out, "sessions", "initiator", "direction")) == {("cupdomain.com", "outbound")}
