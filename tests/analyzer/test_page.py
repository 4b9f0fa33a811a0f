"""The report as a web page: whole without network and script, harmless, and readable by everybody.

What only a browser can tell is asked of a real one.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.analysis import Analysis, analysis
from analyzer.cli import main
from analyzer.report.page import EVIDENCE_SHOWN, PAIRS_IN_FULL, page
from parsers.case import read_case
from parsers.source import How
from tests import scene
from tests.analyzer.reports import analysed
from tests.chromium import Browser
from tests.conftest import SHARED
from tests.packets import header, pcap, talk
from tests.test_cli import CASES

REFUSED = """
    0.00  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
    0.02  back   answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.l.google.com + x.l.google.com 198.51.100.10
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.20  back   rst
"""
EXPIRED = """
    0.00  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.02  back                                 syn-ack
    0.03  back                                 StreamHeader from=cupdomain.com to=gmail.com
    0.05  back                                 StreamHeader from=gmail.com to=cupdomain.com id=s1
    0.06  same                                 StreamFeatures starttls=offered
    0.07  back                                 StartTls word=starttls
    0.09  back                                 StartTls word=proceed
    0.10  back                                 TlsHello side=client
    0.12  back                                 TlsHello side=server
    0.13  same   TlsCertificate names=gmail.com not_before_ns=2012-01-01 not_after_ns=2013-01-01 subject=CN=gmail.com
    0.14  back                                 TlsAlert description=certificate_expired
    0.15  same                                 fin
"""
EVIL = "<img src=x onerror=alert(1)>"
EVIL_END = "\"'></td></svg></style></title><script>document.title='owned'</script><a href=javascript:alert(1)>"
HOSTILE = f"""
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.11  back   syn-ack
    0.13  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to="{EVIL}"
    0.14  back   StreamHeader from="{EVIL}" to=cupdomain.com id="{EVIL}"
    0.15  back   StreamError condition=undefined-condition text="{EVIL}\u202e\x1b[31m{EVIL_END.replace('"', "")}"
"""
HOSTILE_LOG = (
    "Sep 06 09:14:00 s2sout55c0\tinfo\tOutgoing s2s stream cupdomain.com->gmail.com closed: host-unknown "
    f"({{{{ 7*7 }}}}{EVIL}{EVIL_END}\u202e)\n"
)


def refused() -> Analysis:
    """A case whose peer refuses the connection."""
    return analysed(scene.tap("cups.pcap", REFUSED), local=("cupdomain.com",))


def hostile() -> Analysis:
    """A case in which the wire, a log and the names of files hold markup, and marks that turn text round."""
    log = scene.log(f"{EVIL}.log", "prosody", HOSTILE_LOG)
    return analysed(scene.tap(f"</script>{EVIL}\u202e.pcap", HOSTILE), log, local=("cupdomain.com",))


def crowd() -> Analysis:
    """Two thousand attempts to reach two thousand domains, none of which exists."""
    lines = "".join(
        f"{n}.00  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.d{n}.example #{n}\n"
        f"{n}.10  back  answer SRV _xmpp-server._tcp.d{n}.example NXDOMAIN #{n}\n"
        for n in range(2000)
    )
    return analysed(scene.tap("cups.pcap", lines), local=("cupdomain.com",))


class Elements(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        """Of that text."""
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.found.append((tag, dict(attrs)))


def text_of(html: str) -> str:
    """What stands between the tags, blanks folded."""
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.S)).split())


# --- what it says


def test_the_verdict_comes_with_all_that_is_needed_to_end_the_argument() -> None:
    """State as a word, cause, confidence, whose turn it is, remedy, evidence and the conversation's filter."""
    told = text_of(page(refused()))

    assert "cupdomain.com → gmail.com ✘ failing" in told
    assert "Cause network-connection-refused" in told
    assert "Confidence likely" in told
    assert "Owner for the peer's administrator to mend" in told
    assert "cups.pcap#5 09:14:00.200 RST 198.51.100.10:5269 > 10.0.0.5:40000" in told
    assert "ip.addr == 10.0.0.5 && tcp.port == 40000 && ip.addr == 198.51.100.10 && tcp.port == 5269" in told
    assert told.index("✘ failing") < told.index("Remedy See") < told.index("Evidence Where") < told.index("Step Answer")


def test_the_frames_of_the_evidence_can_be_typed_into_wireshark() -> None:
    """For each capture that shows some."""
    told = text_of(page(analysis(read_case([str(CASES / "callback-blocked")], How()))))

    assert "asa-outside.pcap the evidence frame.number in {22, 23, 24, 25, 27, 31, 34}" in told
    assert "cups.pcap the evidence frame.number in {55, 64}" in told


def test_a_certificate_is_told_with_its_dates() -> None:
    """In words too: the bar is not for everybody."""
    told = text_of(page(analysed(scene.tap("cups.pcap", EXPIRED), local=("cupdomain.com",))))

    assert "CN=gmail.com shown by gmail.com ; for gmail.com; issued by CN=CA; 1 of 1 in its chain" in told
    assert "2012-01-01 to 2013-01-01 ✘ expired 248 days before it was shown" in told


def test_each_input_is_told_with_its_sha256_and_what_it_covers(tmp_path: Path) -> None:
    """Whoever gets the page can tell whether the files are the same."""
    data = pcap(talk((">", header("cupdomain.com", "gmail.com"))))
    (tmp_path / "cups.pcap").write_bytes(data)
    (tmp_path / "holiday.jpg").write_bytes(b"\xff\xd8\xff")
    CliRunner().invoke(main, ["analyze", "--format", "html", str(tmp_path), "-o", str(tmp_path / "report.html")])
    told = text_of((tmp_path / "report.html").read_text(encoding="utf-8"))

    assert hashlib.sha256(data).hexdigest() in told
    assert "cups.pcap 2013-09-06 09:14:00.000 70 ms" in told
    assert "1 input not read" in told
    assert "holiday.jpg no format recognises it" in told


def test_the_ending_of_the_output_picks_the_page(tmp_path: Path) -> None:
    """`-o report.html` is enough."""
    (tmp_path / "cups.pcap").write_bytes(pcap(talk((">", header("cupdomain.com", "gmail.com")))))
    CliRunner().invoke(main, ["analyze", str(tmp_path / "cups.pcap"), "-o", str(tmp_path / "report.html")])

    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_same_case_gives_the_same_bytes() -> None:
    """No clock and no luck in it."""
    assert page(hostile()) == page(hostile())


def test_the_same_story_of_many_pairs_is_told_once() -> None:
    """Further pairs with the same evidence lead to it."""
    told = refused()
    verdict = told.judgement.verdicts[0]
    twice = (verdict, replace(verdict, receiver="example.net"))
    text = text_of(page(told._replace(judgement=replace(told.judgement, verdicts=twice))))

    assert text.count("Remedy See whether") == 1
    assert "cupdomain.com → example.net ✘ failing" in text
    assert "Evidence and remedy are the same as of pair 1 ." in text


# --- what it withstands


def test_what_was_read_stays_text() -> None:
    """Markup of the wire, of logs and of file names makes no element and no attribute, and steers no reader."""
    html = page(hostile())
    elements = Elements(html).found
    ours = {"section", "article", "table", "svg", "text", "details", "style", "bdi", "code", "a"}

    assert ours <= {tag for tag, _ in elements}
    assert not {"img", "script"} & {tag for tag, _ in elements}
    assert not [name for _, attributes in elements for name in attributes if name.startswith("on")]
    assert all(str(a["href"]).startswith(("#", "https://")) for tag, a in elements if tag == "a")
    assert f"cupdomain.com → {EVIL} ✘ failing" in text_of(html)
    assert f"closed: host-unknown ({{{{ 7*7 }}}}{EVIL}{EVIL_END}" in text_of(html)
    assert "\\u202e\\x1b[31m" in html
    assert all(c == "\n" or c.isprintable() for c in html)


def test_anchors_are_our_own() -> None:
    """An id holds numbers and words of ours, never a name of the wire; each is there once."""
    ids = [a["id"] for _, a in Elements(page(hostile())).found if "id" in a]

    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z0-9-]+", str(i)) for i in ids)


def test_the_policy_lets_nothing_in() -> None:
    """Only the page's own style, by its hash; no script, no picture, no form, no frame."""
    html = page(refused())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)

    assert policy is not None
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/]{43}='; base-uri 'none'; form-action 'none'", policy[1]
    )
    assert "style=" not in html
    assert "<script" not in html
    assert not re.search(r"""\b(src|srcset|action)=|@import|url\(""", html)


# --- many


@pytest.fixture(scope="module")
def crowded() -> str:
    """The page of two thousand attempts."""
    return page(crowd())


def test_two_thousand_attempts_are_told_within_bounds(crowded: str) -> None:
    """Some in full, the others a row each."""
    elements = [tag for tag, _ in Elements(crowded).found]

    assert elements.count("article") == PAIRS_IN_FULL
    assert "d1999.example" in crowded
    assert len(elements) < 60_000
    assert len(crowded) < 3_000_000


def test_evidence_without_end_is_counted() -> None:
    """And the page says where all of it is."""
    told = refused()
    finding = told.judgement.findings[0]
    much = replace(finding, match=replace(finding.match, events=finding.match.events[:1] * (EVIDENCE_SHOWN + 7)))
    verdict = replace(told.judgement.verdicts[0], cause=much)
    text = text_of(page(told._replace(judgement=replace(told.judgement, verdicts=(verdict,)))))

    assert "and 7 pieces more; --format json has all" in text


@pytest.mark.needs_tshark
def test_wireshark_knows_the_filters(tmp_path: Path) -> None:
    """Each shows the frames that it should."""
    path = tmp_path / "cups.pcap"
    path.write_bytes(pcap(talk((">", header("cupdomain.com", "gmail.com")))))
    CliRunner().invoke(main, ["analyze", str(path), "-o", str(tmp_path / "report.html")])
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    filters = [unescape(f) for f in re.findall(r'<code class="copy">((?:frame|ip)[^<]*)</code>', html)]

    assert filters
    for shown in filters:
        run = ["tshark", "-r", str(path), "-Y", shown]
        assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip(), shown


# --- what a browser makes of it


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all tests of this file."""
    running = Browser(tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, crowded: str) -> Path:
    """A folder with pages."""
    folder = tmp_path_factory.mktemp("pages")
    expired = analysed(scene.tap("cups.pcap", EXPIRED), local=("cupdomain.com",))
    for name, html in (
        ("refused", page(refused())),
        ("expired", page(expired)),
        ("hostile", page(hostile())),
        ("crowded", crowded),
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
HEADINGS = "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])"
WIDE = "document.documentElement.scrollWidth - innerWidth"
CONTRAST = """
(() => {
  const number = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = (c) => number(c).slice(0, 3)
    .map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (number(c)[3] !== 0) return c;
    }
    return 'rgb(255, 255, 255)';
  };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const drawn = e.namespaceURI.endsWith('svg');
    if (drawn && e.tagName !== 'text') continue;
    const proves = drawn && e.closest('.proves');
    const ink = getComputedStyle(e)[drawn ? 'fill' : 'color'];
    const paper = proves ? getComputedStyle(document.querySelector('.band')).fill : behind(e.closest('div, body'));
    const [a, b] = [light(ink), light(drawn ? paper : behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(`${e.tagName} ${e.textContent.trim().slice(0, 40)} ${ink} ${paper}`);
  }
  return poor;
})()
"""


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
