"""The page over many cases: what it says, that it stays whole whatever was read, and what a browser makes of it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analyzer import trends
from analyzer.frames import framed
from analyzer.report.summary import (
    CASES_OPEN,
    CASES_SHOWN,
    CHANGES_SHOWN,
    HEAT_COLUMNS,
    HEAT_ROWS,
    Asked,
    Previous,
    heat,
    summary,
)
from analyzer.report.tables import CERTIFICATES, SESSIONS, VERDICTS
from analyzer.trace import Trace
from analyzer.trends import by_day
from tests.analyzer.test_page import EVIL, EVIL_END, Elements, text_of
from tests.analyzer.test_trends import TWO_MONTHS, certificate, sessions, verdict
from tests.chromium import CONTRAST, HEADINGS, WIDE, Browser

NOTHING = pd.DataFrame({"case": [], "state": [], "problem": [], "page": []})


def case(name: str, state: str, problem: str | None = None, page: str | None = None) -> dict[str, Any]:
    """A row of `cases`."""
    return {"case": name, "state": state, "problem": problem, "page": page}


def before(verdicts: pd.DataFrame) -> Previous:
    """A run of three cases, some days before."""
    causes = trends.causes(verdicts).to_numpy().tolist()
    return Previous(cases=3, lost=0, last_ns=pd.Timestamp("2014-05-30", tz="UTC").value, causes=causes)


@pytest.fixture(scope="module")
def two_months() -> str:
    """The page of two months, the run before them having known of one pair; one further case is broken."""
    trace = Trace.read(TWO_MONTHS, year=2014, local_domains=["cupdomain.com"])
    verdicts = trace.verdicts.assign(case="two-months")
    cases = [
        case("two-months", "failing", "cups.log: it breaks off", "pages/two-months.html")
        | {"unknown": "holiday.jpg: no format recognises it", "pairs": 5, "failing": 2}
        | {"first_seen": pd.Timestamp("2014-04-09 08:00", tz="UTC")},
        case("half", "unreadable", "half.pcap: it ends in the middle of its header"),
    ]
    shown = [
        certificate("2014-06-20", seen="2014-05-30", names="gmail.com", case="two-months"),
        certificate("2014-06-03", seen="2014-05-30", subject="CN=old.example", case="half"),
    ]
    tried = trace.sessions.assign(case="two-months")
    return summary(tried, verdicts, pd.DataFrame(cases), pd.DataFrame(shown), before(verdicts.iloc[:1]))


def hostile() -> str:
    """Names, causes, summaries, cases and reasons that hold markup, and marks that turn text round."""
    evil = f"{EVIL}{EVIL_END}\u202e\x1b[31m"
    tried = sessions("gggbbb", receiver=evil, cause=evil).assign(case=evil)
    found = pd.DataFrame([verdict(evil, evil, evil, summary=evil, confidence=evil)])
    cases = [case(evil, "failing", evil, "javascript:alert(1)"), case("up", "failing", evil, "pages/../../etc/passwd")]
    shown = [certificate("2014-04-20", seen="2014-04-02", subject=evil, issuer=evil, names=evil, case=evil)]
    return summary(tried, found, pd.DataFrame(cases), pd.DataFrame(shown), before(found.iloc[:0]))


def crowd() -> str:
    """Two thousand pairs over two years, each of which began to fail and recovered once."""
    days = pd.date_range("2013-01-01", periods=730, freq="D", tz="UTC")[::10]
    rows = []
    for pair in range(2000):
        bad = range(pair % 40, pair % 40 + 20)
        for number, began in enumerate(days):
            outcome = "failed" if number in bad else "established"
            rows.append((f"{pair}-{number}", f"d{pair}.example", outcome, began))
    tried = pd.DataFrame(rows, columns=["session", "receiver", "outcome", "began"])
    tried = tried.assign(initiator="cupdomain.com", ended=tried.began, case="all")
    tried = tried.assign(cause=tried.outcome.map({"failed": "dns-srv-nxdomain"}))
    found = [verdict(f"c{n}", f"d{n}.example", "dns-srv-nxdomain") for n in range(2000)]
    cases = [case(f"c{n}", "unreadable", "it is empty") for n in range(2000)]
    return summary(tried, pd.DataFrame(found), pd.DataFrame(cases), None, before(pd.DataFrame(found[:1])))


# --- what it says


def test_the_change_is_a_sentence(two_months: str) -> None:
    """Who, what, when, since when for sure, why, and how much."""
    assert (
        "cupdomain.com → gmail.com began to fail on 2014-05-19 ; 2014-05-18 was the last good day. "
        "Cause: tls-cert-untrusted The certificate is not trusted . Since then 40 of 40 attempts failed, on 20 days."
    ) in text_of(two_months)


def test_the_archive_is_told_at_its_head(two_months: str) -> None:
    """Its span, what it holds, and that it knows nothing of today."""
    told = text_of(two_months)

    assert told.startswith("Federation summary, 2014-04-09 to 2014-06-07 Skip")
    assert "2 cases, of which 1 could not be read. 5 pairs of domains, 3 with failed attempts." in told
    assert "600 attempts, of which 116 failed." in told
    assert "The last thing that this archive saw was at 2014-06-07 15:04:00.000 ; of what was since" in told


def test_each_part_is_told(two_months: str) -> None:
    """New, worth a look, flapping, certificates by the archive's end, and what could not be read with its reason."""
    told = text_of(two_months)

    assert "cupdomain.com → webexcust.com ✘ failing tls-cert-untrusted The certificate is not trusted likely" in told
    assert "new since the previous run, 36 of 120 attempts in this case failed, no other case has this cause." in told
    assert "cupdomain.com → example.net 19 times 40 of 120 attempts" in told
    assert "2013-05-01 to 2014-06-20 ! expires in 12 days" in told
    assert "2013-05-01 to 2014-06-03 ✘ expired 4 days before" in told
    assert "half could not be read half.pcap: it ends in the middle of its header" in told
    assert '<a href="pages/two-months.html">two-months</a>' in two_months


def test_what_was_read_in_part_stands_apart_from_what_was_not(two_months: str) -> None:
    """Of the one much is told on the page, of the other nothing."""
    _, lost = text_of(two_months).rsplit("Cases that could not be read", 1)
    lost, partly = lost.rsplit("Cases read in part", 1)

    assert "half could not be read half.pcap: it ends in the middle of its header" in lost
    assert "two-months" not in lost and "half" not in partly
    partly, unknown = partly.split("Files that no format knows")
    assert "two-months cups.log: it breaks off" in partly
    assert "two-months holiday.jpg: no format recognises it" in unknown


def test_what_breaks_off_stands_before_what_is_empty_and_no_capture_comes_last() -> None:
    """Whatever the cases are called."""
    cases = [
        case("a", "healthy", "error.log: the file is empty") | {"damage": 0},
        case("b", "healthy", "b.pcap#7: the last record is cut off") | {"damage": 1},
        case("c", "unreadable", "no format recognises it") | {"unknown": "no format recognises it", "damage": 0},
        case("d", "unreadable", "the file is empty") | {"damage": 0},
    ]
    told = text_of(summary(sessions("g"), framed(VERDICTS, []), pd.DataFrame(cases)))
    lost, partly = told.rsplit("Cases that could not be read", 1)[1].split("Cases read in part")
    assert lost.index("d could not be read the file is empty") < lost.index("c could not be read no format")
    assert partly.index("b b.pcap#7: the last record is cut off") < partly.index("a error.log: the file is empty")
    assert "Files that no format knows" not in partly


def test_every_case_is_listed_by_its_state(two_months: str) -> None:
    """With what fails of it, since when and until when, and its page; those of which nothing is known have a list."""
    _, listed = text_of(two_months).rsplit("All cases", 1)
    listed, _ = listed.split("Cases that could not be read")
    assert "✘ failing : 1 case Case Pairs that fail From To two-months 2 of 5 2014-04-09 08:00:00.000" in listed
    assert listed.strip().endswith("1 case could not be read .")
    assert two_months.count('<a href="pages/two-months.html">two-months</a>') > 1


def test_thousands_of_cases_are_listed_within_bounds() -> None:
    """The worst are shown, those of a state with many when they are asked for; the others are counted."""
    cases = [case(f"h{n}", "healthy") for n in range(10_000)]
    cases += [case(f"f{n}", "failing", None, f"pages/f{n}.html") for n in range(CASES_OPEN)]
    html = summary(sessions("g"), framed(VERDICTS, []), pd.DataFrame(cases))
    told = text_of(html)
    assert f"✘ failing : {CASES_OPEN} cases" in told and "✔ healthy : 10,000 cases" in told
    assert f"and {10_000 + CASES_OPEN - CASES_SHOWN:,} cases more; the data sets beside this page have all" in told
    assert all(f'<a href="pages/f{n}.html">f{n}</a>' in html for n in range(CASES_OPEN))
    assert [("open" in a) for tag, a in Elements(html).found if tag == "details"] == [True, False]
    assert len(html) < 500_000


def test_what_was_asked_for_is_told_at_the_head() -> None:
    """Which attempts the page is of, and of whom it says nothing."""
    asked = Asked(only=("a.example", "b.example", "c.example"), since_ns=10**18, nobody=("b.example",))
    told = text_of(summary(sessions("g"), framed(VERDICTS, []), NOTHING, asked=asked))
    assert "Only attempts from or to a.example , b.example or c.example that began on 2001-09-09 or later; all" in told
    assert "No attempt from or to b.example was seen. Nothing is said of it, neither good nor bad." in told
    assert "Only attempts" not in text_of(summary(sessions("g"), framed(VERDICTS, []), NOTHING))


def test_one_day_is_one_day() -> None:
    """In the title as in the tables."""
    told = text_of(summary(sessions("b"), pd.DataFrame([verdict("c", "gmail.com", "c")]), NOTHING))
    assert told.startswith("Federation summary, 2014-04-01 Skip")
    assert "Federation summary : 2014-04-01 0 cases" in told
    assert "2014-04-01 to 2014-04-01" not in told


def test_certificates_that_were_not_seen_are_not_said_to_be_well() -> None:
    """None about to expire is one thing, none seen another."""
    tried, verdicts = sessions("g"), framed(VERDICTS, [])
    unseen = text_of(summary(tried, verdicts, NOTHING, framed(CERTIFICATES, [])))
    well = text_of(summary(tried, verdicts, NOTHING, pd.DataFrame([certificate("2015-01-01", seen="2014-04-01")])))

    assert "Not known: no certificate was seen." in unseen
    assert "None: each that was seen and is still in use has more than 30 days left." in well


def test_it_is_said_what_is_counted() -> None:
    """A cell leaves out what came to no end, which the words beside it count."""
    tried = sessions("b").assign(case="c")
    tried = pd.concat([tried, tried.assign(outcome="unknown", cause=None)])
    told = text_of(summary(tried, pd.DataFrame([verdict("c", "gmail.com", "c", sessions=2)]), NOTHING))

    assert "1 of 2 attempts in this case failed" in told and "✘1" in told
    assert (
        "A cell counts the attempts of that day in all cases that got through or failed; those of which no end" in told
    )


def test_a_cell_says_in_signs_and_numbers_what_its_colour_says() -> None:
    """All failed, half, fewer, none, not to an end, no attempt."""
    drawn = heat(by_day(sessions("bhwgo.g")))

    assert [(c.kind, c.says) for _, _, cells in drawn.sheets[0].rows for c in cells] == [
        ("bad", "✘1"),
        ("bad", "✘2/4"),
        ("some", "1/4"),
        ("good", "1"),
        ("open", "?1"),
        ("none", ""),
        ("good", "1"),
    ]


@pytest.mark.parametrize(
    ("days", "step", "columns"),
    [(1, 1, [1]), (62, 1, [31, 31]), (63, 7, [9]), (730, 28, [27]), (40_000, 646, [31, 31])],
)
def test_a_longer_archive_has_wider_columns(days: int, step: int, columns: list[int]) -> None:
    """Never more of them than two months have days."""
    began = pd.to_datetime(["2013-01-01", pd.Timestamp("2013-01-01") + pd.Timedelta(days=days - 1)], utc=True)
    tried = pd.DataFrame({"initiator": "a", "receiver": "b", "outcome": "failed", "began": began})
    drawn = heat(by_day(tried))

    assert drawn.step == step
    assert [len(sheet.days) for sheet in drawn.sheets] == columns
    assert [sum(n for _, n in sheet.heads) for sheet in drawn.sheets] == columns
    assert sum(columns) <= HEAT_COLUMNS


def test_a_quiet_time_before_a_change_is_told() -> None:
    """The day is then only the latest that it can have been."""
    told = text_of(summary(sessions("ggg.....bbb"), framed(VERDICTS, []), NOTHING))

    assert "began to fail on 2014-04-09 at the latest: it was not tried for 5 days before; 2014-04-03 was" in told


def test_an_archive_without_anything_is_told_as_such() -> None:
    """No column, no row, no error."""
    for empty in (pd.DataFrame(), framed(SESSIONS, [])):
        told = text_of(summary(empty, framed(VERDICTS, []), NOTHING, framed(CERTIFICATES, [])))
        assert "0 cases. 0 pairs of domains" in told
        assert "No attempt between two named domains was seen." in told
        assert "No earlier run is known to compare with." in told
        assert "None: something of every case was read." in told
    assert "No table of certificates was given." in text_of(summary(empty, empty, pd.DataFrame()))


# --- what it withstands


def test_what_was_read_stays_text() -> None:
    """No element, no attribute and no link is made of it; a page outside of the folder is not linked."""
    html = hostile()
    elements = Elements(html).found

    assert not {"img", "script"} & {tag for tag, _ in elements}
    assert not [name for _, attributes in elements for name in attributes if name.startswith("on")]
    assert all(str(a["href"]).startswith("#") for tag, a in elements if tag == "a")
    assert f"cupdomain.com → {EVIL}" in text_of(html)
    assert all(c == "\n" or c.isprintable() for c in html)
    ids = [a["id"] for _, a in elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert "style=" not in html


def test_the_name_of_a_page_is_quoted() -> None:
    """A link leads to the very file, whatever it is called."""
    found = pd.DataFrame([verdict("a?b", "gmail.com", "tls-cert-expired")])
    html = summary(sessions("b"), found, pd.DataFrame([case("a?b", "failing", None, "pages/a?b#c.html")]))

    assert '<a href="pages/a%3Fb%23c.html">a?b</a>' in html


def test_the_same_rows_give_the_same_bytes() -> None:
    """No clock and no luck in it."""
    assert hostile() == hostile()


@pytest.fixture(scope="module")
def crowded() -> str:
    """Two thousand pairs over two years."""
    return crowd()


def test_two_thousand_pairs_over_two_years_are_told_within_bounds(crowded: str) -> None:
    """What is left out is counted."""
    elements = [tag for tag, _ in Elements(crowded).found]

    # A pair that was bad within its first three days was never good before: it only recovered.
    changes = 2 * 2000 - 3 * 2000 // 40
    assert f"and {changes - CHANGES_SHOWN:,} changes more; the data sets beside this page have all" in text_of(crowded)
    assert f"and {2000 - HEAT_ROWS:,} pairs more" in text_of(crowded)
    assert "Pair 2013 2014 01- 01 01- 29 02- 26" in text_of(crowded)
    assert len(elements) < 20_000
    assert len(crowded) < 1_500_000


# --- what a browser makes of it


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, two_months: str, crowded: str) -> Path:
    """A folder with pages."""
    folder = tmp_path_factory.mktemp("summaries")
    for name, html in (("two-months", two_months), ("hostile", hostile()), ("crowded", crowded)):
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return folder


@pytest.mark.needs_chromium
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("name", ["two-months", "hostile", "crowded"])
def test_it_fits_every_window(browser: Browser, shelf: Path, name: str, width: int, dark: bool) -> None:
    """Nothing beyond the edge, nothing to fetch or to complain of, and all text can be told from its ground."""
    began = time.monotonic()
    with browser.page(shelf / f"{name}.html", width=width, dark=dark) as opened:
        opened.run("document.querySelectorAll('section').forEach((s) => s.scrollIntoView())")
        assert opened.run(WIDE) <= 0
        assert opened.run(CONTRAST) == []
        assert (opened.requests, opened.complaints) == ([], [])
        assert opened.run("document.querySelectorAll('script, img, iframe, [onerror]').length") == 0
    assert time.monotonic() - began < 20


@pytest.mark.needs_chromium
def test_who_does_not_see_it_finds_the_way(browser: Browser, shelf: Path) -> None:
    """One h1, no level left out, a header for each row and column, and a name for each box that scrolls."""
    with browser.page(shelf / "two-months.html", width=390) as opened:
        levels = opened.run(HEADINGS)
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in zip([0, *levels], levels, strict=False))
        assert opened.run("document.querySelectorAll('th:not([scope])').length") == 0
        assert opened.run("document.querySelectorAll('.scroll:not([tabindex=\"0\"][aria-label])').length") == 0
        roles = {n.get("role", {}).get("value") for n in opened.ask("Accessibility.getFullAXTree")["nodes"]}
        assert {"banner", "navigation", "main", "contentinfo", "columnheader", "rowheader", "cell"} <= roles


@pytest.mark.needs_chromium
def test_it_prints_on_a4(browser: Browser, shelf: Path) -> None:
    """Every page of it."""
    with browser.page(shelf / "two-months.html") as opened:
        printed = opened.print()
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)

    assert boxes
    assert all(abs(float(w) - 595) < 1 and abs(float(h) - 842) < 1 for w, h in boxes)
