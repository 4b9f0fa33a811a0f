"""The report as a web page: whole without network and script, harmless, and readable by everybody.

What only a browser can tell is asked of a real one.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
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
from tests.command import CASES
from tests.packets import header, pcap, talk

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
