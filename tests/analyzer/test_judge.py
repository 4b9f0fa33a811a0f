"""From matches to findings, the cause among them, and a verdict for each pair and direction."""

from __future__ import annotations

from typing import Any

from analyzer.judge import Judgement, all_rules, judge, worst_exit_code
from analyzer.rule import Blind, Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from tests import scene

FAILED = """
    0.00  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
    0.02  back   answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.example + x.example 198.51.100.10
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.20  back   rst
"""
WORKS = """
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.11  back   syn-ack
    0.13  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
    0.14  back   StreamHeader from=gmail.com to=cupdomain.com id=gmail-1
    0.15  same   StreamFeatures sasl=EXTERNAL
    0.16  10.0.0.5:40000 > 198.51.100.10:5269  Sasl word=auth mechanism=EXTERNAL
    0.17  back   Sasl word=success
"""
CIPHERTEXT = """
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.11  back   syn-ack
    0.13  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
    0.14  back   StreamHeader from=gmail.com to=cupdomain.com id=gmail-1
    0.15  same   StreamFeatures starttls=required
    0.16  10.0.0.5:40000 > 198.51.100.10:5269  StartTls word=starttls
    0.17  back   StartTls word=proceed
    0.18  10.0.0.5:40000 > 198.51.100.10:5269  TlsHello side=client
    0.19  back   TlsHello side=server
    0.20  same   TlsData
"""


def case(text: str) -> CaseView:
    """What a tap at cupdomain.com saw."""
    return scene.case(scene.tap("cups", text), local=["cupdomain.com"])


def rule(predicate: Any, **more: Any) -> Rule:
    """A rule for the test."""
    common: dict[str, Any] = {
        "title": "Test",
        "stage": Stage.DNS,
        "severity": Severity.FAILURE,
        "owner": Owner.PEER,
        "explanation": "",
        "remedy": "the rule's own",
        "sources": (),
    }
    return Rule(**{**common, **more}, predicate=predicate)


def at(index: int, **more: Any) -> Any:
    """A predicate that matches on the session's n-th step."""
    return lambda session, _: Match(events=(session.steps[index].event,), because=f"step {index}", **more)


def verdict(judgement: Judgement) -> tuple[str, str | None, tuple[str, ...]]:
    """State, cause and the rest, of the one pair."""
    (found,) = judgement.verdicts
    return found.state, found.cause.rule if found.cause else None, found.also


def nothing(session: Session, view: CaseView) -> None:
    """A rule that looked and found nothing."""


def test_the_earliest_match_that_none_masks_is_the_cause() -> None:
    """Time decides between equals; what another rule explains comes after it."""
    rules = {"early": rule(at(0)), "late": rule(at(3)), "middle": rule(at(2), masks=("early",))}
    judgement = judge(case(FAILED), rules)

    assert [f.rule for f in judgement.findings] == ["middle", "late", "early"]
    assert [f.is_cause for f in judgement.findings] == [True, False, False]
    assert verdict(judgement) == ("failing", "middle", ("late", "early"))


def test_a_proven_cause_leaves_no_room_for_notes_of_what_it_might_be() -> None:
    """A note that is only possible is told beside a likely cause, not beside a proven one; a likely note stays."""
    notes = {
        "perhaps": rule(at(0, confidence=Confidence.POSSIBLE), severity=Severity.NOTE),
        "worth-knowing": rule(at(0), severity=Severity.NOTE),
    }
    proven = judge(case(FAILED), {"cause": rule(at(3, confidence=Confidence.PROVEN)), **notes})
    likely = judge(case(FAILED), {"cause": rule(at(3)), **notes})
    assert [f.rule for f in proven.findings] == ["cause", "worth-knowing"]
    assert [f.rule for f in likely.findings] == ["cause", "perhaps", "worth-knowing"]


def test_a_failure_goes_before_what_is_less_and_a_note_is_no_cause() -> None:
    """Whatever came first."""
    rules = {
        "note": rule(at(0), severity=Severity.NOTE),
        "worse": rule(at(1), severity=Severity.DEGRADED),
        "failure": rule(at(3)),
    }

    assert [f.rule for f in judge(case(FAILED), rules).findings] == ["failure", "worse", "note"]
    only_note = judge(case(FAILED), {"note": rules["note"]})
    assert not only_note.findings[0].is_cause
    assert verdict(only_note)[:2] == ("undetermined", None)


def test_a_general_rule_gives_way_to_a_specific_one() -> None:
    """What cannot place the fault stands behind what can, though it is seen earlier."""
    rules = {"network-connection-refused": rule(at(0)), "specific": rule(at(3))}

    assert judge(case(FAILED), rules).findings[0].rule == "specific"


def test_a_match_may_say_more_than_its_rule() -> None:
    """Severity, owner, confidence and remedy of this incident go before the rule's own."""
    match = at(3, severity=Severity.DEGRADED, owner=Owner.DNS, confidence=Confidence.PROVEN, remedy="do this")
    (plain, told) = judge(case(FAILED), {"plain": rule(at(3)), "told": rule(match)}).findings

    assert (plain.owner, plain.remedy) == (Owner.PEER, "the rule's own")
    assert (told.severity, told.owner, told.confidence, told.remedy) == (
        Severity.DEGRADED,
        Owner.DNS,
        Confidence.PROVEN,
        "do this",
    )


def test_the_states_of_a_pair() -> None:
    """Healthy, degraded, failing, undetermined; and how sure without a cause."""
    worse = {"worse": rule(at(0), severity=Severity.DEGRADED)}

    assert verdict(judge(case(WORKS), {})) == ("healthy", None, ())
    assert judge(case(WORKS), {}).verdicts[0].confidence is Confidence.LIKELY
    assert verdict(judge(case(WORKS), worse)) == ("degraded", "worse", ())
    assert verdict(judge(case(FAILED), worse))[0] == "degraded"
    assert verdict(judge(case(FAILED), {"failure": rule(at(0))}))[0] == "failing"
    assert verdict(judge(case(FAILED), {}))[0] == "undetermined"
    assert judge(case(FAILED), {}).verdicts[0].confidence is Confidence.POSSIBLE


def test_the_last_word_of_a_server_counts() -> None:
    """It failed, and a minute later it works: healthy; the other way round: failing."""
    later = WORKS.replace("    0.", "    90.").replace(":40000", ":40009")
    again = FAILED.replace("    0.", "    90.").replace(":40000", ":40009")
    refused = {"refused": rule(lambda s, c: at(-1)(s, c) if s.outcome == "failed" else None)}

    assert verdict(judge(case(FAILED + later), refused))[0] == "healthy"
    assert verdict(judge(case(WORKS + again), refused))[0] == "failing"


def test_of_two_servers_the_worse_counts() -> None:
    """One node of the cluster works, the other does not."""
    other = FAILED.replace("10.0.0.5:", "10.0.0.6:").replace("    0.", "    9.")
    known = "50.0  10.0.0.6:41000 > 198.51.100.77:5269 StreamHeader from=cupdomain.com to=third.example\n"
    refused = {"refused": rule(lambda s, c: at(-1)(s, c) if s.outcome == "failed" else None)}
    states = {(v.initiator, v.receiver): v.state for v in judge(case(WORKS + other + known), refused).verdicts}

    assert states["cupdomain.com", "gmail.com"] == "failing"


def test_what_cannot_be_judged_says_why() -> None:
    """A rule's own words, else the stage that is hidden; silence is not a pass."""
    rules = {
        "shy": rule(lambda s, c: Blind(because="it was dark")),
        "sees-auth": rule(nothing, needs=frozenset({Stage.AUTH})),
        "sees-dns": rule(nothing, needs=frozenset({Stage.DNS})),
        "sees-all": rule(nothing),
    }
    judgement = judge(case(CIPHERTEXT), rules)

    assert [(u.rule, u.because) for u in judgement.unjudged] == [
        ("sees-auth", "cups is ciphertext after frame 11: auth cannot be seen"),
        ("sees-dns", "no source shows the DNS questions of this attempt"),
        ("shy", "it was dark"),
    ]
    assert list(judgement.ruled_out.values()) == [1]


def test_no_source_shows_a_stage() -> None:
    """Nothing is hidden by TLS: there are no questions of the attempt, though a source may show those of others."""
    (unjudged,) = judge(case(WORKS), {"dns": rule(nothing, needs=frozenset({Stage.DNS}))}).unjudged

    assert unjudged.because == "no source shows the DNS questions of this attempt"


def test_a_rule_that_raises_is_shown_and_the_others_speak() -> None:
    """It names the rule, the session and what went wrong."""

    def broken(session: Session, view: CaseView) -> None:
        raise ValueError("no")

    judgement = judge(case(FAILED), {"broken": rule(broken), "late": rule(at(3))})

    assert [(b.rule, b.session, b.error) for b in judgement.broken] == [
        ("broken", judgement.findings[0].session.id, "ValueError: no")
    ]
    assert verdict(judgement)[1] == "late"
    assert worst_exit_code(judgement) == 4


def test_the_exit_code_is_that_of_the_worst() -> None:
    """Failing, else something healthy or degraded, else nothing judged."""
    assert worst_exit_code(judge(case(FAILED), {"failure": rule(at(0))})) == 1
    assert worst_exit_code(judge(case(WORKS), {})) == 0
    assert worst_exit_code(judge(case(CIPHERTEXT), {})) == 3


def test_what_would_decide_is_said_of_an_undetermined_pair() -> None:
    """What is hidden, what is missing, what was cut."""
    lookup = "\n".join(FAILED.splitlines()[:3]) + "\n"
    cut = "\n".join(WORKS.splitlines()[:4]) + "\n"

    assert "cups is ciphertext after frame" in judge(case(CIPHERTEXT), {}).verdicts[0].summary
    assert "no connection followed" in judge(case(lookup), {}).verdicts[0].summary
    assert "not captured to its end" in judge(case(cut), {}).verdicts[0].summary
    assert "authenticated by external" in judge(case(WORKS), {}).verdicts[0].summary


def test_failing_pairs_come_first() -> None:
    """Then by name."""
    two = WORKS + FAILED.replace("gmail.com", "broken.example").replace("198.51.100.10", "198.51.100.20")
    refused = {"refused": rule(lambda s, c: at(-1)(s, c) if s.outcome == "failed" else None)}

    assert [v.receiver for v in judge(case(two), refused).verdicts] == ["broken.example", "gmail.com"]


def test_rules_are_found_by_their_files() -> None:
    """Name order, dashes for underscores."""
    names = list(all_rules())

    assert names == sorted(names)
    assert "network-syn-unanswered" in names


def test_the_summary_tells_of_the_stream_that_was_cut_before_new_ones_were_refused() -> None:
    """Both halves of one story: without the first, the peer would seem never to have been reached."""
    again = """
        10.00  198.51.100.10:5269 > 10.0.0.5:40000  rst
        20.00  10.0.0.5:40001 > 198.51.100.10:5269  syn
        20.01  back   rst
    """
    (told,) = judge(case(WORKS + again)).verdicts
    assert told.cause is not None
    assert "198.51.100.10:5269 was open and was cut by a reset at 09:14:10.000 UTC; " in told.summary
    assert told.summary.endswith(f"new connections are reset since: {told.cause.match.because}")
    alone = judge(case(FAILED)).verdicts[0]
    assert alone.cause is not None
    assert alone.summary == alone.cause.match.because
