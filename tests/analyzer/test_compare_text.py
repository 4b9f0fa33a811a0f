"""A comparison as a person reads it, on 80 columns."""

from __future__ import annotations

from analyzer.judge import judge
from analyzer.report.compare_text import lines
from analyzer.report.rows import by_session
from tests import scene
from tests.analyzer.test_compare import KEY, LOOKUP, OPENED, _later, compare, held

REFUSED = """
0.05  10.0.0.5:40000 > 198.51.100.10:5269  syn
0.06  back                                 rst
"""


def test_the_page_says_who_where_what_and_step_by_step() -> None:
    """Verdict first: both attempts, the parting with its places, differences, then the table."""
    bad = "\n".join(_later(line, 600) for line in (LOOKUP + REFUSED).splitlines() if line.strip())
    view = scene.case(scene.tap("cups.pcap", LOOKUP + OPENED + KEY + bad), local=("cupdomain.com",))
    first, second = view.sessions
    found = by_session(judge(view))
    told = list(lines(compare(first, second), found.get(first.id, ()), found.get(second.id, ()), 80))

    assert told[0] == f"good         {first.id}  cupdomain.com → gmail.com  ESTABLISHED"
    assert told[1] == "             2013-09-06 09:14:00.000 UTC, outbound, reached auth"
    assert told[2].startswith(f"bad          {second.id}  cupdomain.com → gmail.com  FAILED")
    assert "             network-connection-refused" in told[4]
    text = "\n".join(told)
    assert "they part    after 5 steps that both took: only the good one has ← SYN-ACK" in text
    assert "  good       +0.060  cups.pcap#8  SYN-ACK 198.51.100.10:5269 > 10.0.0.5:40000" in text
    assert "  bad        before it  +0.050  cups.pcap#19  SYN 10.0.0.5:41000 >" in text
    assert "             then  +0.060  cups.pcap#20  RST 198.51.100.10:5269 > 10.0.0.5:41000" in text
    assert "differed     nothing before it" in text
    assert "       good        bad    step" in told
    assert "     +0.000     +0.000  → SRV _xmpp-server?" in told
    assert "✘    +0.060             ← SYN-ACK" in told
    assert "                +0.060  ← RST" in told
    assert all(len(line) <= 80 for line in told[:-1])


def test_what_is_alike_is_said_to_be() -> None:
    """No parting, no difference."""
    told = "\n".join(lines(held(LOOKUP + OPENED + KEY, LOOKUP + OPENED + KEY), (), (), 80))

    assert "they part    nowhere: both took the same steps, as far as the sources show them" in told
    assert "differed     nothing\n" in told
    assert "✘" not in told


def test_hostile_words_come_out_harmless() -> None:
    """What a peer sent stands escaped, and a key is never there."""
    bad = OPENED.replace("StreamFeatures", "StreamFeatures sasl=\x9b2J\u202e")
    told = "\n".join(lines(held(LOOKUP + OPENED + KEY, LOOKUP + bad + KEY), (), (), 80))

    assert r"← stream features, SASL: good none, bad \x9b2J\u202e" in told
    assert "\x9b" not in told and "\u202e" not in told
    assert "secret" not in told
