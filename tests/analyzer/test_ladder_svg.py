"""A ladder as figures: everything inside the drawing, nothing that proves left out, a sheet for each printed page."""

from __future__ import annotations

from dataclasses import replace

from analyzer.judge import judge
from analyzer.ladder import Ladder, ladder
from analyzer.report.ladder_svg import CHARACTER, RUNGS_A_SHEET, RUNGS_MAX, kept, sheets
from analyzer.report.rows import by_session
from tests import scene

DENIED = """
    0.00  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
    0.02  back   answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.l.google.com + x.l.google.com 198.51.100.10
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
    1.10  same   syn again
    3.10  same   syn again
"""
LOG = "".join(
    f"Sep 06 2013 09:14:0{n}: %ASA-4-106023: Deny tcp src inside:10.0.0.5/40000 dst outside:198.51.100.10/5269 "
    'by access-group "IN" [0x0, 0x0]\n'
    for n in (0, 1, 3)
)


def drawn() -> Ladder:
    """A try that a firewall refuses three times."""
    view = scene.case(scene.tap("cups.pcap", DENIED), scene.log("asa.log", "asa", LOG), local=["cupdomain.com"])
    found = by_session(judge(view))
    return ladder(view.sessions[0], view, found.get(view.sessions[0].id, ()))


def test_what_was_stopped_ends_at_the_firewall_with_a_cross() -> None:
    """And what is refused again and again is one rung, as the SYNs are."""
    (sheet,) = sheets(drawn())
    (wall,) = [head.x for head in sheet.heads if head.wall]
    stopped = [rung for rung in sheet.rungs if rung.kind == "stopped"]

    assert [rung.words.partition(" ")[0] for rung in stopped] == ["3×", "3×"]
    assert {rung.end for rung in stopped} == {wall}
    assert all(rung.proves for rung in stopped)


def test_nothing_leaves_the_drawing() -> None:
    """Words are cut and moved aside; of a place the end is kept, since it holds the frame."""
    long = scene.tap("a-long-name-" * 8 + ".pcap", DENIED.replace("x.l.google.com", "x" * 60 + ".example"))
    view = scene.case(long, local=["cupdomain.com"])
    (sheet,) = sheets(ladder(view.sessions[0], view))

    assert all(0 < head.x < sheet.width for head in sheet.heads)
    for rung in sheet.rungs:
        assert rung.words_x + len(rung.words) * CHARACTER <= sheet.width
        assert rung.y < sheet.height
    assert sheet.rungs[0].place.startswith("…") and sheet.rungs[0].place.endswith(".pcap#2")


def test_a_long_attempt_is_bounded_but_for_what_proves() -> None:
    """Sheets of a page each; the last rung is drawn when it is the evidence."""
    short = drawn()
    plain, proof = replace_proves(short, ()), short.rungs[0]._replace(proves=("some-rule",))
    long = replace(plain, rungs=(*(plain.rungs * RUNGS_MAX), proof))

    assert len(kept(long)) == RUNGS_MAX
    assert kept(long)[-1] is proof
    pages = list(sheets(long))
    assert len(pages) == RUNGS_MAX // RUNGS_A_SHEET
    assert {len(page.rungs) for page in pages} == {RUNGS_A_SHEET}


def replace_proves(ladder: Ladder, names: tuple[str, ...]) -> Ladder:
    """The same ladder, each rung evidence of these."""
    return replace(ladder, rungs=tuple(rung._replace(proves=names) for rung in ladder.rungs))


def test_of_nothing_there_is_no_drawing() -> None:
    """An attempt of which no event can be placed."""
    assert list(sheets(replace(drawn(), lanes=(), rungs=()))) == []
