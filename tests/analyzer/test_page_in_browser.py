"""The page of a case in a real browser: nothing runs, nothing is fetched, and everybody can read it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import main
from analyzer.report.page import page
from tests import scene
from tests.analyzer.reports import analysed
from tests.analyzer.test_page import EVIL, EXPIRED, crowd, hostile, refused
from tests.chromium import CONTRAST, HEADINGS, WIDE, Browser
from tests.conftest import SHARED


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pages."""
    folder = tmp_path_factory.mktemp("pages")
    expired = analysed(scene.tap("cups.pcap", EXPIRED), local=("cupdomain.com",))
    for name, html in (
        ("refused", page(refused())),
        ("expired", page(expired)),
        ("hostile", page(hostile())),
        ("crowded", page(crowd())),
    ):
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return folder


@pytest.mark.needs_chromium
def test_the_browser_tells_when_something_is_wrong(browser: Browser, tmp_path: Path) -> None:
    """What the tests below find missing would be seen if it were there."""
    path = tmp_path / "wrong.html"
    policy = "<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\">"
    path.write_text(f"<!DOCTYPE html>{policy}<img src=nothing.png><script>1</script><p style='color: #999'>pale")
    with browser.page(path) as opened:
        assert [url.rpartition("/")[2] for url in opened.requests] == ["nothing.png"]
        assert "script-src" in "".join(opened.complaints)
        assert "pale" in "".join(opened.run(CONTRAST))


PAGES = ("refused", "expired", "hostile")
VISIBLE = "document.body.innerText"


@pytest.mark.needs_chromium
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
@pytest.mark.parametrize("name", PAGES)
def test_a_browser_has_nothing_to_complain_of_and_nothing_to_fetch(
    browser: Browser, shelf: Path, name: str, script: bool
) -> None:
    """No error, no warning, no violation of the policy, no request."""
    with browser.page(shelf / f"{name}.html", script=script) as opened:
        assert opened.run("document.querySelector('h1').getBoundingClientRect().height") > 0
        assert "FAILING" in opened.run(VISIBLE)
        assert opened.requests == []
        assert opened.complaints == []


@pytest.mark.needs_chromium
def test_a_browser_runs_nothing_of_what_was_read(browser: Browser, shelf: Path) -> None:
    """The text is there as text, the title is ours, and no element was made of it."""
    with browser.page(shelf / "hostile.html") as opened:
        assert opened.run("document.title") == "Federation report: cupdomain.com"
        assert opened.run("document.querySelectorAll('script, img, iframe, object, [onerror]').length") == 0
        assert opened.run("document.querySelectorAll('a[href^=javascript]').length") == 0
        assert EVIL in opened.run(VISIBLE)
        assert "<script>document.title='owned'</script>" in opened.run("document.body.textContent")


@pytest.mark.needs_chromium
@pytest.mark.parametrize("width", [320, 360, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_the_page_never_scrolls_sideways(browser: Browser, shelf: Path, name: str, width: int) -> None:
    """What is wide scrolls in its own box."""
    with browser.page(shelf / f"{name}.html", width=width) as opened:
        opened.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        opened.run("document.querySelectorAll('section, article').forEach((s) => s.scrollIntoView())")
        assert opened.run(WIDE) <= 0


@pytest.mark.needs_chromium
@pytest.mark.parametrize("name", PAGES)
def test_who_does_not_see_it_finds_the_way(browser: Browser, shelf: Path, name: str) -> None:
    """One h1, no level left out; landmarks; a name for each drawing; headers that say of what they are."""
    with browser.page(shelf / f"{name}.html", width=360) as opened:
        levels = opened.run(HEADINGS)
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in zip([0, *levels], levels, strict=False))
        assert opened.run("document.documentElement.lang") == "en"
        assert opened.run("document.querySelectorAll('th:not([scope])').length") == 0
        tree = opened.ask("Accessibility.getFullAXTree")["nodes"]
        roles = {}
        for node in tree:
            name_of = node.get("name", {}).get("value", "")
            roles.setdefault(node.get("role", {}).get("value"), []).append(name_of)
        assert {"banner", "navigation", "main", "contentinfo", "article", "region"} <= set(roles)
        assert roles["navigation"] == ["Contents"]
        # A narrow window shows rows as paragraphs; to a screen reader they are rows all the same.
        assert "columnheader" in roles and "rowheader" in roles and "cell" in roles
        drawings = [n for n in (*roles.get("image", ()), *roles.get("img", ())) if n.startswith("Ladder of attempt")]
        assert drawings


@pytest.mark.needs_chromium
def test_the_keyboard_gets_everywhere(browser: Browser, shelf: Path) -> None:
    """The first stop skips to the verdicts; a stop is seen, and a box that scrolls is one."""
    with browser.page(shelf / "refused.html", width=360) as opened:
        for kind in ("keyDown", "keyUp"):
            opened.ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        assert opened.run("document.activeElement.textContent") == "Skip to the verdicts"
        assert opened.run("document.activeElement.getBoundingClientRect().left") >= 0
        assert opened.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        assert opened.run("document.querySelectorAll('.scroll:not([tabindex=\"0\"][aria-label])').length") == 0


@pytest.mark.needs_chromium
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_all_text_can_be_told_from_its_ground(browser: Browser, shelf: Path, name: str, dark: bool) -> None:
    """4.5 to 1, as WCAG 2.2 section 1.4.3 wants it for AA, in both schemes."""
    with browser.page(shelf / f"{name}.html", dark=dark) as opened:
        assert opened.run("getComputedStyle(document.body).backgroundColor") == (
            "rgb(18, 22, 27)" if dark else "rgb(255, 255, 255)"
        )
        assert opened.run(CONTRAST) == []


@pytest.mark.needs_chromium
def test_two_thousand_attempts_open_within_seconds(browser: Browser, shelf: Path) -> None:
    """And the last of them can be reached."""
    began = time.monotonic()
    with browser.page(shelf / "crowded.html", width=360) as opened:
        opened.run("document.getElementById('damage').scrollIntoView()")
        assert opened.run(WIDE) <= 0
    assert time.monotonic() - began < 10


@pytest.mark.needs_chromium
@pytest.mark.parametrize("name", PAGES)
def test_it_prints_on_a4(browser: Browser, shelf: Path, name: str) -> None:
    """Every page of it, also for who reads it in the dark."""
    with browser.page(shelf / f"{name}.html", dark=True) as opened:
        printed = opened.print()
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)

    assert boxes
    assert all(abs(float(w) - 595) < 1 and abs(float(h) - 842) < 1 for w, h in boxes)


@pytest.mark.needs_chromium
@pytest.mark.needs_shared
@pytest.mark.parametrize("case", ["09-outbound-dropped", "15e-unexpected-callback-google", "30-many-domains-one-fails"])
def test_a_recorded_case_reads_well_on_a_telephone(browser: Browser, tmp_path: Path, case: str) -> None:
    """With captures, logs and transcripts: nothing to complain of, and nothing beyond the edge."""
    path = tmp_path / "report.html"
    CliRunner().invoke(main, ["analyze", str(SHARED / "lab" / case), "-o", str(path)])
    with browser.page(path, width=360) as opened:
        assert opened.run(WIDE) <= 0
        assert opened.run(CONTRAST) == []
        assert (opened.requests, opened.complaints) == ([], [])
