"""The local domain of a case that is counted: the one that `analyze` finds, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.analysis import analysis
from analyzer.batch.covered import Covered, covered_of, together
from analyzer.batch.heard import Heard
from parsers.case import read_case
from parsers.source import How
from tests.conftest import SHARED

TWO = """\
2014-05-19 00:00:01 s2sout1\tinfo\tOutgoing s2s connection b.example->a.example complete
2014-05-19 00:00:02 s2sout2\tinfo\tOutgoing s2s connection b.example->{other} complete
"""


def heard(*paths: Path) -> Covered:
    """What is kept of inputs that were counted, as it comes back from where it is kept."""
    hold = Heard(1 << 12, How().ports)
    read_case([str(path) for path in paths], How(), hold=hold)
    covered = Covered((), {}, sides=hold.sides)
    return covered_of(covered.plain())


@pytest.mark.needs_shared
@pytest.mark.parametrize("name", ["01-healthy-dialback-plain", "07a-dns-timeout-firewall", "12-inbound-dropped"])
def test_it_is_the_one_that_analyze_finds(name: str) -> None:
    """With all inputs, by our own capture alone, and by the peer's."""
    folder = SHARED / "lab" / name
    for path in (folder, folder / "cups.pcap", folder / "peer.pcap"):
        found = analysis(read_case([str(path)], How())).view.local_domains
        assert (heard(path).local,) == found


@pytest.mark.needs_shared
def test_where_analyze_cannot_tell_neither_is_told() -> None:
    """Both servers' logs, and no address of ours."""
    assert together([heard(SHARED / "lab" / "14a-service-not-listening-cups" / "logs")]).local is None


def test_files_of_one_day_tell_together(tmp_path: Path) -> None:
    """A log is of the server that writes it; of two servers it is who speaks with more."""
    (tmp_path / "a.log").write_text(TWO.replace("b.example->a", "a.example->b").format(other="c.example"))
    (tmp_path / "b.log").write_text(TWO.format(other="c.example"))
    (tmp_path / "d.log").write_text(TWO.format(other="d.example"))
    one, two, more = (heard(tmp_path / f"{name}.log") for name in "abd")

    assert together([two]).local == "b.example"
    assert together([one, two]).local == together([two, one]).local
    assert together([one, two, more]).local == "b.example"
    assert together([]).local is None
