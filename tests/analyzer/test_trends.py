"""What months say: each frame is told as days of one pair, and the answers as an engineer would give them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import trends
from analyzer.frames import framed
from analyzer.report.tables import CERTIFICATES, SESSIONS, VERDICTS
from analyzer.trace import Trace
from tests.command import CASES

TWO_MONTHS = CASES / "two-months"
BEGIN = datetime(2014, 4, 1, 9, tzinfo=UTC)


def sessions(days: str, receiver: str = "gmail.com", cause: str | None = "tls-cert-untrusted") -> pd.DataFrame:
    """Attempts of cupdomain.com; a letter for each day: `g` one that went well, `b` one that failed, `h` two of each,
    `w` three well and one failed, `o` one that was cut off, `.` none.
    """
    outcomes = {"g": "e", "b": "f", "h": "effe", "w": "efee", "o": "u", ".": ""}
    rows = []
    for day, letter in enumerate(days):
        for number, outcome in enumerate(outcomes[letter]):
            began = pd.Timestamp(BEGIN) + pd.Timedelta(days=day, minutes=number)
            row = {column.name: None for column in SESSIONS.columns}
            row |= {"session": f"{receiver}-{day}-{number}", "initiator": "cupdomain.com", "receiver": receiver}
            row |= {"outcome": {"e": "established", "f": "failed", "u": "unfinished"}[outcome]}
            row |= {"cause": cause if outcome == "f" else None, "case": f"day-{day:03d}", "day": f"{began:%Y-%m-%d}"}
            rows.append(row | {"began": began, "ended": began + pd.Timedelta(seconds=1)})
    frame = pd.DataFrame(rows, columns=[*(c.name for c in SESSIONS.columns), "case", "day"])
    return frame.set_index("session")


def verdict(case: str, receiver: str, cause: str | None, **known: Any) -> dict[str, Any]:
    """A verdict on cupdomain.com's way to a domain."""
    state = "healthy" if cause is None else "failing"
    told = {"initiator": "cupdomain.com", "receiver": receiver, "state": state, "cause": cause, "case": case}
    told |= {"confidence": "likely", "sessions": 10, "failed": 1, "summary": "it is so"}
    return told | {"first_seen": pd.Timestamp(BEGIN), "last_seen": pd.Timestamp(BEGIN)} | known


def certificate(until: str, *, seen: str, last_seen: str | None = None, **known: Any) -> dict[str, Any]:
    """A certificate that gmail.com shows."""
    instants = {"not_before": "2013-05-01", "not_after": until, "seen": seen, "last_seen": last_seen or seen}
    told: dict[str, Any] = {name: pd.Timestamp(at, tz="UTC") for name, at in instants.items()}
    told |= {"case": "c", "domain": "gmail.com", "subject": "CN=gmail.com", "issuer": "CN=CA", "sha256": until}
    return told | known


def told(days: str) -> list[str]:
    """The changes of one pair, the latest first."""
    return [f"{row.change} {row.day:%m-%d}" for row in trends.changes(sessions(days)).itertuples()]


# --- change points


def test_the_day_from_which_on_a_pair_fails() -> None:
    """With the last day on which it was well, the cause, and how many attempts were made since."""
    found = trends.changes(sessions("gggggbbbb"))

    assert list(found.itertuples(index=False, name=None)) == [
        (
            *("cupdomain.com", "gmail.com", "began to fail"),
            *(pd.Timestamp("2014-04-06", tz="UTC"), pd.Timestamp("2014-04-05", tz="UTC")),
            *("tls-cert-untrusted", 4, 4, 4),
        )
    ]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("gggggbggggg", []),  # a reboot
        ("gggggbbgggggg", []),  # a weekend
        ("gggggbbgbbb", ["began to fail 04-09"]),
        ("gggbbbgbbbgbbb", ["began to fail 04-04"]),  # single good days end nothing
        ("gggbbbbggg", ["recovered 04-08", "began to fail 04-04"]),
        ("ggg....bbb", ["began to fail 04-08"]),  # days without attempts are no days
        ("gggb.b..b", ["began to fail 04-04"]),
        ("gggbobob", ["began to fail 04-04"]),  # what was cut off says nothing
        ("ggghhh", ["began to fail 04-04"]),  # half of the attempts
        ("gggwww", []),  # a fourth of them
        ("bbbbbb", []),  # what it was from the start is no change
        ("gggbb", []),  # not yet: two days may be a weekend
        ("gbgbgbgbgb", []),
        ("", []),
    ],
)
def test_single_days_change_nothing(days: str, expected: list[str]) -> None:
    """Three days in succession make a state, of those with attempts that came to an end."""
    assert told(days) == expected


def test_what_it_recovered_from_is_told() -> None:
    """The cause of the bad time before, also of one that reaches back to the beginning."""
    assert list(trends.changes(sessions("bbbggg")).cause) == ["tls-cert-untrusted"]
    assert list(trends.changes(sessions("gggbbbggg")).cause) == ["tls-cert-untrusted"] * 2


def test_a_failure_that_no_rule_explains_is_a_change_without_a_cause() -> None:
    """Nothing is made up."""
    assert list(trends.changes(sessions("gggbbb", cause=None)).cause.isna()) == [True]


def test_a_quiet_time_before_the_change_is_told() -> None:
    """`before` is the last good day: it may have begun at any time since."""
    found = trends.changes(sessions("ggg" + "." * 20 + "bbb"))
    assert (found.day[0] - found.before[0]).days == 21


def test_the_two_months_of_a_server() -> None:
    """gmail.com began to fail on 19 May; one that is down each third day, and one on two days a week, flap."""
    trace = Trace.read(TWO_MONTHS, year=2014, local_domains=["cupdomain.com"])
    found = trace.sessions.assign(case="two-months", day=trace.sessions.began.dt.strftime("%Y-%m-%d"))
    changed, flaps = trends.changes(found), trends.flapping(found)

    assert [(r.receiver, r.change, f"{r.day:%Y-%m-%d}", r.cause) for r in changed.itertuples()] == [
        ("gmail.com", "began to fail", "2014-05-19", "tls-cert-untrusted")
    ]
    assert list(zip(flaps.receiver, flaps.flaps, strict=True)) == [("example.net", 19), ("webexcust.com", 8)]


# --- counts


def test_which_domains_nobody_has() -> None:
    """On neither side, in no attempt."""
    names = ("cupdomain.com", "example.net", "gmail.com", "gmial.com")
    assert trends.unmet(sessions("gb"), names) == ("example.net", "gmial.com")
    assert trends.unmet(pd.DataFrame(), names[:1]) == ("cupdomain.com",)
    assert trends.unmet(sessions("gb"), ()) == ()


def test_pairs_and_days_and_causes() -> None:
    """Each pair has its own; an attempt that was cut off is counted, and is neither."""
    both = pd.concat([sessions("gbo"), sessions(".bb", "example.net", "dns-srv-nxdomain")])
    days = trends.by_day(both)
    causes = trends.by_cause(both)

    assert [(r.receiver, r.day.day, r.attempts, r.well, r.failed) for r in days.itertuples()] == [
        ("example.net", 2, 1, 0, 1),
        ("example.net", 3, 1, 0, 1),
        ("gmail.com", 1, 1, 1, 0),
        ("gmail.com", 2, 1, 0, 1),
        ("gmail.com", 3, 1, 0, 0),
    ]
    assert list(trends.by_cause_and_day(both).attempts) == [1, 1, 1]
    assert [(r.receiver, r.cause, r.attempts, r.days, r.cases) for r in causes.itertuples()] == [
        ("example.net", "dns-srv-nxdomain", 2, 2, 2),
        ("gmail.com", "tls-cert-untrusted", 1, 1, 1),
    ]
    assert causes.first_seen[0] == pd.Timestamp("2014-04-02 09:00", tz="UTC")
    assert causes.last_seen[0] == pd.Timestamp("2014-04-03 09:00:01", tz="UTC")


@pytest.mark.parametrize(
    ("days", "flaps"), [("gbgbgbg", 3), ("bgbgbgbgb", 3), ("gbbbg.b.gobg", 3), ("gbgbg", None), ("gggbbb", None)]
)
def test_flapping_is_from_good_to_bad_and_back(days: str, flaps: int | None) -> None:
    """Bad times before the first good attempt and after the last are none; twice is not yet a habit."""
    assert list(trends.flapping(sessions(days)).flaps) == ([] if flaps is None else [flaps])


# --- since the previous run


def test_what_the_previous_run_did_not_know() -> None:
    """A pair with a further cause is new; one that goes on as before is not, nor one that is healthy."""
    before = pd.DataFrame([verdict("mon", "gmail.com", "dns-srv-nxdomain")])
    now = [
        verdict("mon", "gmail.com", "dns-srv-nxdomain"),
        verdict("tue", "gmail.com", "tls-cert-expired", failed=4),
        verdict("wed", "gmail.com", "tls-cert-expired", failed=3),
        verdict("wed", "example.net", None),
    ]
    found = trends.new_since(pd.DataFrame(now), before)

    assert [(r.receiver, r.cause, r.cases, r.failed) for r in found.itertuples()] == [
        ("gmail.com", "tls-cert-expired", 2, 7)
    ]
    assert len(trends.new_since(pd.DataFrame(now), None)) == 0
    assert len(trends.new_since(pd.DataFrame(now), before.iloc[:0])) == 2


def test_what_is_worth_a_look_and_why() -> None:
    """Proven and new first, then many attempts, then rare causes; the same story once, by its worst case."""
    before = pd.DataFrame([verdict("old", d, "tls-cert-untrusted") for d in ("a.example", "b.example", "c.example")])
    now = [
        verdict("old", "a.example", "tls-cert-untrusted", failed=9),
        verdict("old-2", "b.example", "tls-cert-untrusted", failed=2),
        verdict("old-3", "b.example", "tls-cert-untrusted", failed=5),
        verdict("rare", "c.example", "tls-cert-untrusted", confidence="proven"),
        verdict("new", "d.example", "dns-srv-nxdomain", confidence="proven"),
        verdict("well", "e.example", None),
    ]
    found = trends.worth_a_look(pd.DataFrame(now), before)

    assert list(found.case) == ["new", "rare", "old", "old-3"]
    assert found.because[0] == (
        "proven, new since the previous run, 1 of 10 attempts in this case failed, no other case has this cause"
    )
    assert found.because[2] == "9 of 10 attempts in this case failed, 4 cases have this cause"
    assert list(found.alike) == [0, 0, 0, 1]


def test_a_rare_cause_goes_before_a_common_one() -> None:
    """Where all else is equal."""
    now = [verdict(f"c{n}", f"{n}.example", "tls-cert-untrusted") for n in range(20)]
    found = trends.worth_a_look(pd.DataFrame([*now, verdict("rare", "z.example", "network-nat-rpf")]))

    assert len(found) == trends.LOOKS
    assert list(found.case[:2]) == ["rare", "c0"]


def test_one_case_is_not_all_that_is_worth_a_look() -> None:
    """A case in which many pairs fail stands there once, and its other pairs are counted; other cases have room."""
    now = [verdict("bad", f"{n}.example", f"rule-{n}", failed=9) for n in range(12)]
    found = trends.worth_a_look(pd.DataFrame([*now, verdict("other", "z.example", "network-nat-rpf")]))

    assert list(found.case) == ["bad", "other"]
    assert list(found.further) == [11, 0]


def test_causes_over_all_pairs() -> None:
    """The commonest first, with how many pairs, days and cases it has."""
    both = pd.concat([sessions("bbg"), sessions("b", "b.example"), sessions("b", "c.example", cause="dns-srv-nodata")])
    found = trends.totals(both)

    assert list(found.itertuples(index=False, name=None)) == [
        ("tls-cert-untrusted", 3, 2, 2, 2),
        ("dns-srv-nodata", 1, 1, 1, 1),
    ]


def test_a_second_incident_of_the_same_pair_and_case_is_told_beside_the_first() -> None:
    """The verdict of a day names one cause; what else its attempts failed by must not be lost."""
    tried = pd.concat(
        [sessions("b", cause=cause) for cause in ("tls-cert-expired", "dns-srv-timeout", "dns-srv-timeout", None)]
        + [sessions("b", receiver="other.example", cause="tls-cert-untrusted"), sessions(".b", cause="dns-srv-nodata")]
    )
    found = trends.worth_a_look(pd.DataFrame([verdict("day-000", "gmail.com", "tls-cert-expired")]), None, tried)

    assert found.because[0] == (
        "1 of 10 attempts in this case failed, no other case has this cause, 2 failed by dns-srv-timeout"
    )


def test_a_pair_that_fails_after_its_stream_stood_is_told_so() -> None:
    """To say that 0 of 2 attempts failed would deny it: one got through, and a mere lookup is no failure."""
    now = pd.DataFrame([verdict("day-000", "gmail.com", "network-mtu-black-hole", sessions=2, failed=0)])
    tried = pd.concat([sessions("g"), sessions("o")])
    said = [trends.worth_a_look(now, None, known).because[0].partition(", ")[0] for known in (tried, None)]

    assert said == [
        "1 of 2 attempts in this case got through and failed after that",
        "none of 2 attempts in this case failed on its way in",
    ]
    degraded = pd.DataFrame([verdict("day-000", "gmail.com", "sasl-fallback-ok", failed=0, state="degraded")])
    assert trends.worth_a_look(degraded).because[0].startswith("none of 10 attempts in this case failed, ")


# --- certificates


def test_a_certificate_is_about_to_expire_by_the_last_instant_of_the_archive() -> None:
    """Never by today: an archive of 2014 tells what was to come then."""
    last = pd.Timestamp("2014-06-01", tz="UTC")
    rows = [
        certificate("2014-06-20", seen="2014-05-30"),
        certificate("2014-05-28", seen="2014-05-30", subject="CN=CA"),
        certificate("2015-05-01", seen="2014-05-30", subject="CN=example.net"),
        certificate("2014-06-03", seen="2014-05-30", subject="CN=none", not_after=pd.NaT),
    ]
    found = trends.about_to_expire(pd.DataFrame(rows), last)

    assert [(r.subject, r.expired, r.left.days) for r in found.itertuples()] == [
        ("CN=CA", True, -4),
        ("CN=gmail.com", False, 19),
    ]


def test_a_certificate_that_was_replaced_is_none() -> None:
    """One that was shown again after the new one is still in use: of two servers, one was forgotten."""
    last = pd.Timestamp("2014-06-01", tz="UTC")
    old = certificate("2014-06-10", seen="2014-04-01", last_seen="2014-05-01")
    new = certificate("2015-06-10", seen="2014-05-02", last_seen="2014-06-01")

    assert len(trends.about_to_expire(pd.DataFrame([old, new]), last)) == 0
    again = certificate("2014-06-10", seen="2014-05-20", case="d")
    forgotten = trends.about_to_expire(pd.DataFrame([old, new, again]), last)
    assert [(r.case, r.seen.month, r.last_seen.day) for r in forgotten.itertuples()] == [("d", 4, 20)]


# --- whatever comes


EMPTY = {
    "without columns": pd.DataFrame(),
    "of the table": framed(SESSIONS, []),
}


@pytest.mark.parametrize("empty", EMPTY.values(), ids=EMPTY)
def test_nothing_comes_of_nothing(empty: pd.DataFrame) -> None:
    """No attempt, no row, and no error."""
    for of in (trends.by_day, trends.by_cause_and_day, trends.by_cause, trends.flapping, trends.changes):
        assert len(of(empty)) == 0
    verdicts, certificates = framed(VERDICTS, []), framed(CERTIFICATES, [])
    assert len(trends.new_since(verdicts, verdicts)) == len(trends.worth_a_look(verdicts)) == 0
    assert len(trends.about_to_expire(certificates, None)) == len(trends.about_to_expire(None, None)) == 0
    assert trends.last_instant(empty, verdicts, certificates) is None


TEXT = st.none() | st.sampled_from(["gmail.com", "example.net", "?", "", "établi\u202e"])
INSTANT = st.none() | st.integers(0, 80 * 24).map(lambda hours: pd.Timestamp(BEGIN) + pd.Timedelta(hours=hours))
ROW = st.fixed_dictionaries(
    {
        **dict.fromkeys(("case", "initiator", "receiver"), TEXT),
        "session": st.integers(0, 99).map(str),
        "cause": st.sampled_from([None, "dns-srv-nxdomain", "tls-cert-untrusted"]),
        "outcome": st.sampled_from([None, "established", "failed", "unfinished", "unknown"]),
        "state": st.sampled_from([None, "failing", "healthy"]),
        "confidence": st.sampled_from([None, "proven", "likely"]),
        **dict.fromkeys(("began", "ended", "first_seen", "last_seen"), INSTANT),
        **dict.fromkeys(("sessions", "failed"), st.none() | st.integers(0, 9)),
    }
)


@settings(deadline=None, max_examples=20)
@given(rows=st.lists(ROW, max_size=20), before=st.none() | st.lists(ROW, max_size=5), order=st.randoms())
def test_any_rows_in_any_order_give_the_same(rows: list[Any], before: list[Any] | None, order: Any) -> None:
    """Nothing raises, and attempts are counted the same however the data sets were put together."""
    frame = pd.DataFrame(rows)
    previous = None if before is None else pd.DataFrame(before)
    order.shuffle(rows)
    other = pd.DataFrame(rows)

    for of in (trends.by_day, trends.by_cause_and_day, trends.by_cause):
        pd.testing.assert_frame_equal(of(frame), of(other))
    days = trends.by_day(frame)
    assert (days.well + days.failed <= days.attempts).all()
    changed = trends.changes(frame)
    assert (changed.day > changed.before).all()
    assert (changed.days >= trends.STEADY_DAYS).all()
    assert len(trends.worth_a_look(frame, previous)) <= trends.LOOKS
    assert len(trends.new_since(frame, previous)) <= len(frame)
    assert (trends.flapping(frame).flaps >= trends.FLAPS_MIN).all()


def test_the_columns_that_are_looked_at_are_the_tables() -> None:
    """And all of them: with no others, the same comes of it."""
    for columns, table in (
        (trends.SESSIONS, SESSIONS),
        (trends.VERDICTS, VERDICTS),
        (trends.CERTIFICATES, CERTIFICATES),
    ):
        assert set(columns) - {"case"} <= {column.name for column in table.columns}
    tried = sessions("ggbbbggbgbggg").reset_index()
    pd.testing.assert_frame_equal(trends.changes(tried[list(trends.SESSIONS)]), trends.changes(tried))
