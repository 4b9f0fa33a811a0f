"""A ladder in characters: at every width, and on a terminal that knows ASCII only."""

from __future__ import annotations

import pytest

from analyzer.ladder import ladder
from analyzer.report.ladder_text import rungs
from tests import scene

REFUSED = """
    0.00  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
    0.02  back   answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.l.google.com + x.l.google.com 198.51.100.10
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.20  back   rst
"""


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_every_line_keeps_to_the_width(width: int) -> None:
    """And is cut with an ellipsis; the place at its end is whole, so that it can be pasted."""
    view = scene.case(scene.tap("cups.pcap", REFUSED), local=["cupdomain.com"])
    drawn = list(rungs(ladder(view.sessions[0], view), width))

    assert max(len(line.text) for line in drawn) <= width
    assert drawn[-1].text.endswith("cups.pcap#5")


def test_ascii_alone_reads_too() -> None:
    """Arrows, lanes and cuts have ASCII of their own; a name that has none is the terminal's to escape."""
    view = scene.case(scene.tap("cups.pcap", REFUSED), local=["cupdomain.com"])
    text = "\n".join(line.text for line in rungs(ladder(view.sessions[0], view), 80, ascii_only=True))

    assert text.isascii()
    assert "09:14:00.100  |-------------->|  SYN 40000 > 5269" in text
