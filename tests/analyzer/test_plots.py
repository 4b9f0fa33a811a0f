"""Pictures: each as it was looked at and found good, and one that says so where there is nothing to draw.

`pytest --update-goldens tests/analyzer/test_plots.py` draws the references anew; open each before you commit it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copy

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.testing.compare import compare_images

from analyzer import plots
from analyzer.frames import series
from analyzer.ladder import ladder
from analyzer.report.tables import TABLES
from analyzer.trace import Trace
from tests import scene
from tests.command import CASES

REFERENCES = Path(__file__).parents[1] / "data" / "plots"
PIXELS = 600
"""Width at which a picture must read well."""
TOLERANCE = 8
"""Root mean square of the difference, of 255: another build of the same font draws edges a little otherwise."""

pytestmark = pytest.mark.usefixtures("closed")

DAY_NS = 86_400 * 10**9


@pytest.fixture
def closed() -> Iterator[None]:
    """No figure outlives its test, and no window opens."""
    plt.switch_backend("Agg")
    yield
    plt.close("all")


@pytest.fixture
def looks(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Axes, str], None]:
    """Holds a picture against its reference."""

    def look(ax: Axes, name: str) -> None:
        drawn, reference = tmp_path / f"{name}.png", REFERENCES / f"{name}.png"
        ax.figure.savefig(drawn, dpi=PIXELS / plots.WIDTH_IN)
        if request.config.getoption("--update-goldens"):
            REFERENCES.mkdir(parents=True, exist_ok=True)
            copy(drawn, reference)
        difference = compare_images(str(reference), str(drawn), tol=TOLERANCE)
        assert difference is None, f"{difference}\nif the new one is right: pytest --update-goldens {Path(__file__)}"

    return look


@pytest.fixture(scope="module")
def trace() -> Trace:
    """The demo case of the blocked callback."""
    return Trace.read(CASES / "callback-blocked")


def months() -> pd.DataFrame:
    """Attempts to four peers on ten days, made up: what `sessions` of a batch holds of them."""
    told = [
        (f"{n:012x}", f"peer{(0, 0, 0, 1, 2)[n % 5]}.example", day, *sort)
        for day in range(10)
        for n, sort in enumerate(
            [("established", None, "traffic")] * (day < 5)
            + [("failed", "dns-srv-nxdomain", "dns")] * (3 * (day % 3))
            + [("failed", "network-callback-blocked", "auth")] * (2 * (day >= 5))
            + [("unfinished", None, "tls")] * (day == 7)
        )
    ]
    values = {
        "session": [t[0] for t in told],
        "initiator": ["cupdomain.com"] * len(told),
        "receiver": [t[1] for t in told],
        "began": [scene.BEGIN_NS + t[2] * DAY_NS for t in told],
        "ended": [scene.BEGIN_NS + t[2] * DAY_NS + 30 * 10**9 for t in told],
        "outcome": [t[3] for t in told],
        "cause": [t[4] for t in told],
        "reached": [t[5] for t in told],
    }
    columns = [c for c in TABLES["sessions"].columns if c.name in values]
    return pd.DataFrame({c.name: series(c, values[c.name]) for c in columns}).set_index("session")


def test_a_ladder_with_a_cross_at_the_firewall(trace: Trace, looks: Callable[[Axes, str], None]) -> None:
    """The callback's SYNs end there; the ten seconds that they took are told."""
    looks(plots.ladder(trace.session(trace.sessions.index[0]).ladder), "ladder")


def test_a_timeline_with_what_each_source_covered(trace: Trace, looks: Callable[[Axes, str], None]) -> None:
    """Failed attempts are hatched, coverage is shaded."""
    looks(plots.timeline(trace.sessions, trace.sources), "timeline")


def test_how_far_attempts_came(looks: Callable[[Axes, str], None]) -> None:
    """Each stage with how many reached it and how many failed there."""
    looks(plots.stages(months()), "stages")


def test_causes_by_peer(looks: Callable[[Axes, str], None]) -> None:
    """Told apart by hatches, with a legend."""
    looks(plots.causes(months()), "causes")


def test_where_the_seconds_went(trace: Trace, looks: Callable[[Axes, str], None]) -> None:
    """The wait for the callback lies within the wait for dialback."""
    looks(plots.waits(trace.sessions), "waits")


def test_peer_by_day_by_cause(looks: Callable[[Axes, str], None]) -> None:
    """Darker for more failures, with the number and a letter for the commonest cause."""
    looks(plots.heatmap(months()), "heatmap")


@pytest.mark.parametrize("plot", [plots.timeline, plots.stages, plots.causes, plots.waits, plots.heatmap])
def test_nothing_to_draw_is_said(plot: Callable[[pd.DataFrame], Axes]) -> None:
    """In a sentence, instead of empty axes."""
    ax = plot(months().iloc[:0].assign(**{c: pd.Series(dtype="timedelta64[ns]") for c in plots.WAITS}))

    assert ax.texts[0].get_text().startswith("no attempt")


def test_an_axes_of_the_caller_is_drawn_on() -> None:
    """Two pictures in one figure; the same Axes comes back."""
    _, axes = plt.subplots(2)

    assert plots.stages(months(), ax=axes[0]) is axes[0]
    assert plots.causes(months(), by="initiator", ax=axes[1]) is axes[1]


def test_more_than_can_be_read_is_counted() -> None:
    """Forty lanes, and how many are left out."""
    many = pd.concat([months().assign(receiver=f"d{n}.example") for n in range(50)])
    many["receiver"] = many["receiver"].astype("string")

    assert "and 10 more" in plots.causes(many).get_title(loc="right")


def test_names_off_the_wire_are_no_formulas_and_need_no_font() -> None:
    """Dollar signs stay, what the font lacks becomes an escape, and drawing it warns of nothing."""
    tap = scene.tap(
        "$a$ 漢.pcap",
        """
        0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
        0.11  back   syn-ack
        0.13  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=$\\frac{$.example to=漢字.example
        0.14  back   StreamError condition=host-unknown text=$x^2$
        """,
    )
    view = scene.case(tap)
    ax = plots.ladder(ladder(view.sessions[0], view))
    ax.figure.canvas.draw()

    told = " ".join(text.get_text() for text in ax.texts)
    assert "\\u6f22\\u5b57.example" in told
    assert "\\$x^2\\$" in told
