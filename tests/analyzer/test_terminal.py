"""The report for people: verdict first, bounded, harmless, and readable without colour."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from analyzer.checklist import checklist
from analyzer.history import _LETTERS
from analyzer.judge import Judgement, RuleBroken, judge
from analyzer.ladder import ladder
from analyzer.report.rows import by_session
from analyzer.report.terminal import Terminal
from analyzer.report.words import HISTORY
from tests import scene
from tests.analyzer.reports import case_of, screen

LOOKUP = """
    0.00  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
    0.02  back   answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.l.google.com + x.l.google.com 198.51.100.10
"""
REFUSED = (
    LOOKUP
    + """
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.20  back   rst
"""
)
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
COLOURS = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-9]|9[0-7])[0-9;]*m")


def test_the_verdict_comes_first_and_its_evidence_can_be_pasted() -> None:
    """State, cause and who can mend it on one line; each piece of evidence on one line, whole, with its frame."""
    text = screen(scene.tap("cups.pcap", REFUSED), local=("cupdomain.com",))
    head = next(line for line in text.splitlines() if "FAILING" in line)

    assert head.startswith("cupdomain.com → gmail.com   FAILING   network-connection-refused   likely")
    assert "cups.pcap#6             09:14:00.200  RST 198.51.100.10:5269 > 10.0.0.5:40000" in text
    assert "\n\nchecklist" in text
    assert text.index("FAILING") < text.index("evidence") < text.index("remedy") < text.index("checklist")


HEALTHY_LOG = (
    "cups.log",
    "prosody",
    "Sep  6 09:14:00 s2sout55c0d1e2f3\tinfo\tOutgoing s2s connection cupdomain.com->gmail.com complete\n",
)
PEERS_LOG = (
    "ejabberd.log",
    "ejabberd",
    "2013-09-06 09:14:01.336+00:00 [warning] <0.487.0>@ejabberd_s2s_out:process_closed/2:157 Failed to establish "
    "outbound s2s connection gmail.com -> cupdomain.com: Connection failed: connection refused\n",
)


def test_who_is_to_mend_it_is_named_where_the_case_is_seen_from_neither_side() -> None:
    """With the logs of both, "the peer" would be either; from one side it is clear."""
    taps = [scene.log(*told, zone="UTC", year=2013) for told in (HEALTHY_LOG, PEERS_LOG)]

    assert "for the administrator of cupdomain.com to mend" in screen(*taps)
    assert "for the local server's administrator to mend" in screen(*taps, local=("cupdomain.com",))


def test_a_healthy_pair_names_the_attempt_that_got_through() -> None:
    """`fedtrace compare` wants a good attempt beside a bad one."""
    tap = scene.log(*HEALTHY_LOG, zone="UTC", year=2013)
    session = scene.case(tap).sessions[0]

    assert f"1 established; `fedtrace session {session.id} …` shows the timeline" in screen(tap)


def test_prose_keeps_to_the_width_of_the_terminal() -> None:
    """Of 80 columns: only evidence, heads and the checklist may be longer; of its reasons 40 characters stay."""
    lines = screen(scene.tap("cups.pcap", REFUSED), local=("cupdomain.com",), width=80).splitlines()
    checks = [line for line in lines if re.search(r"(config|verify|trouble)-\d", line)]
    prose = [line for line in lines if line not in checks and "#" not in line and "→" not in line]

    assert max(map(len, prose)) <= 80
    assert len(checks) == 10
    assert max(map(len, checks)) <= 120


def test_a_file_has_the_checklist_whole() -> None:
    """What is to be tried by hand stands there as a command, which half of would be none."""
    view = scene.case(scene.tap("cups.pcap", REFUSED), local=("cupdomain.com",))
    reason = "try this: " + "openssl s_client -starttls xmpp-server " * 10 + "end"
    out = io.StringIO()
    item = replace(checklist(view, judge(view))[0], because=reason)
    other = replace(item, because="another reason")
    Terminal(Console(file=out)).checklist((item, other))

    assert reason in out.getvalue()


def test_colour_adds_nothing_that_the_text_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its escape codes a coloured screen is the plain one."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    tap = scene.tap("cups.pcap", REFUSED)
    coloured = screen(tap, local=("cupdomain.com",), colour=True)

    assert COLOURS.search(coloured)
    assert ESCAPES.sub("", coloured) == screen(tap, local=("cupdomain.com",))


def test_no_color_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR takes the colours away also on a terminal that has them (no-color.org)."""
    monkeypatch.setenv("NO_COLOR", "1")

    assert not COLOURS.search(screen(scene.tap("cups.pcap", REFUSED), local=("cupdomain.com",), colour=True))


def test_names_of_files_and_text_of_the_wire_cannot_steer_the_terminal() -> None:
    """Escape sequences, bidi marks and line breaks come out as their codes."""
    hostile = 'condition=undefined-condition text="\x1b[31mred\u202e\x9b"'
    tap = scene.tap(
        "\x1b]0;title\x07.pcap",
        f"""
        0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
        0.11  back   syn-ack
        0.13  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
        0.14  back   StreamHeader from=gmail.com to=cupdomain.com id=\x1b[2J
        0.15  back   StreamError {hostile}
        """,
    )
    out = io.StringIO()
    view = scene.case(tap, local=["cupdomain.com"])
    Terminal(Console(file=out)).session(ladder(view.sessions[0], view), judge(view).findings)
    both = screen(tap, local=("cupdomain.com",)) + out.getvalue()

    assert not set("\x1b\x07\x9b\u202e") & set(both)
    assert "\\x1b[31mred\\u202e\\x9b" in both
    assert "\\x1b]0;title\\x07.pcap" in both


def test_every_attempt_can_be_asked_for() -> None:
    """Up to six by id, time of day and outcome, the rest counted; a lookup that nothing followed is called so."""
    lookups = "".join(
        f"{n}.0  10.0.0.5:{4100 + n} > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com #{n}\n"
        f"{n}.1  back  answer SRV _xmpp-server._tcp.gmail.com = "
        f"5 0 5269 x.l.google.com + x.l.google.com 198.51.100.10 #{n}\n"
        for n in range(100, 1000, 100)
    )
    tap = scene.tap("cups.pcap", REFUSED + lookups)
    text = screen(tap, local=("cupdomain.com",))

    assert re.search(r"attempts   1 failed, 9 lookup only; ", text)
    assert len(re.findall(r"^ +[0-9a-f]{12}  09:[0-9:.]+  (?:failed|lookup only)$", text, re.M)) == 6
    assert "             and 4 more" in text


def test_every_letter_of_a_history_has_its_word() -> None:
    """The legend leaves none out."""
    assert set(HISTORY) == set(_LETTERS.values())


def failing(number: int) -> str:
    """As many domains as said whose lookup comes to nothing."""
    return "".join(
        f"{n}.0  10.0.0.5:{4000 + n} > 10.0.0.53:53  query SRV _xmpp-server._tcp.d{n:03}.example #{n}\n"
        f"{n}.1  back  answer SRV _xmpp-server._tcp.d{n:03}.example NXDOMAIN #{n}\n"
        for n in range(number)
    )


def test_a_hundred_pairs_are_summarised() -> None:
    """Twelve in full, forty with a line each, the rest counted by their cause."""
    text = screen(scene.tap("cups.pcap", failing(100)), local=("cupdomain.com",))

    assert text.count("remedy") == 12
    assert text.count("FAILING") == 52
    assert "and 48 pairs more: 48 dns-srv-nxdomain; --format json has all" in text


def test_the_same_evidence_is_told_once() -> None:
    """One SYN that nobody answered speaks of both directions when it is a callback: it is printed under the first."""
    inside = scene.tap(
        "inside",
        """
        covers 0 90
        0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
        0.11  back   syn-ack
        0.13  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
        0.14  back   StreamHeader from=gmail.com to=cupdomain.com id=id-of-gmail-1
        0.16  10.0.0.5:40000 > 198.51.100.10:5269  Dialback word=result from=cupdomain.com to=gmail.com key=k1
        9.00  back   Dialback word=result verdict=error condition=remote-server-timeout from=gmail.com to=cupdomain.com
        """,
    )
    view = scene.case(inside, local=["cupdomain.com"])
    judged = judge(view)
    first = judged.verdicts[0]
    assert first.cause is not None
    twice = Judgement(
        verdicts=(
            first,
            type(first)(**{f: getattr(first, f) for f in first.__slots__} | {"receiver": "other.example"}),
        ),
        findings=judged.findings,
        blind=judged.blind,
        broken=(),
        ruled_out=judged.ruled_out,
    )
    text = screen(inside, local=("cupdomain.com",), judged=twice)

    assert text.count("remedy     ") == 1
    assert "the same as of cupdomain.com → gmail.com, and the same remedy" in text


def test_what_a_person_has_to_know_of_the_sources() -> None:
    """Frames, day, a corrected clock, what was assumed, what is damaged and what was not decoded."""
    outside = re.sub(r"^( +)0\.", r"\g<1>5.", REFUSED, flags=re.M)
    late = scene.tap("outside", outside + "9.0 10.0.0.5:1 > 10.0.0.6:2 Damage what=cut lost=14\n")
    view = scene.case(scene.tap("inside", REFUSED), late)
    view.readings["outside"].unknown["GRE"] = 3
    view.readings["outside"].lines = 1
    out = io.StringIO()
    Terminal(Console(file=out)).sources(case_of(view), view)
    text = out.getvalue()

    assert "inside  4 frames  2013-09-06 09:13:59.000 UTC for 2 min 1 s" in text
    assert "its clock is 5 s ahead (±0 ns), corrected" in text
    assert "assumed      no domain could be taken for the local one" in text
    assert "damage       outside#7  cut (14 bytes)" in text
    assert "not decoded  3 frames of GRE" in text


def test_a_source_of_one_instant_covers_a_moment() -> None:
    """And not 0 ns."""
    line = "Sep 06 09:14:02 s2sout55c0d1e2\tinfo\tOutgoing s2s connection cupdomain.com->example.net complete"
    assert "one.log  1 line  2013-09-06 09:14:02.000 UTC for a moment" in screen(scene.log("one.log", "prosody", line))


def test_many_sources_and_much_damage_are_counted() -> None:
    """Twenty lines each, then a number."""
    taps = [scene.tap(f"{n:02}.pcap", f"{n}.0 10.0.0.5:1 > 10.0.0.6:2 Damage what=cut lost=14\n") for n in range(23)]
    text = screen(*taps)

    assert "and 3 sources more" in text
    assert text.count("cut (14 bytes)") == 20
    assert "and 3 more" in text
    assert "verdict      no attempt to federate was seen" in text


def test_a_conversation_without_a_pair_is_not_passed_over() -> None:
    """A peer that does not say who it is makes no attempt of a known pair, but it was there."""
    nameless = "".join(
        f"""
        {n}.0  198.51.100.99:500{n} > 10.0.0.5:5269  syn
        {n}.1  back   syn-ack
        {n}.2  198.51.100.99:500{n} > 10.0.0.5:5269  StreamHeader to=cupdomain.com
        {n}.3  back   StreamError condition=improper-addressing
        """
        for n in range(7)
    )
    text = screen(scene.tap("cups.pcap", nameless), local=("cupdomain.com",))

    assert "no pair      7 conversations of which the two domains are not known" in text
    assert "cups.pcap#2             198.51.100.99:5000 > 10.0.0.5:5269  ? → cupdomain.com  stream-error" in text
    assert "and 2 more: 2 stream-error" in text


def test_a_bug_of_ours_is_shown() -> None:
    """A rule that raised stands at the end of the report."""
    tap = scene.tap("cups.pcap", REFUSED)
    broken = RuleBroken(rule="dns-srv-nxdomain", session="0" * 12, error="KeyError: 'x'")
    judged = Judgement(verdicts=(), findings=(), blind={}, broken=(broken,), ruled_out={})

    assert "bug          dns-srv-nxdomain failed on session 000000000000: KeyError: 'x'" in screen(tap, judged=judged)


def test_what_hid_the_answer_is_said_and_rules_that_found_nothing_are_not() -> None:
    """How many rules could not be judged, with the reason; a case in which all could says nothing of it."""
    tap = scene.tap(
        "cups.pcap",
        """
        0.10  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
        0.14  back   StreamHeader from=gmail.com to=cupdomain.com id=id-1
        0.15  back   StreamError condition=host-unknown
        """,
    )
    judged = judge(scene.case(tap, local=("cupdomain.com",)))
    all_seen = Judgement(verdicts=judged.verdicts, findings=judged.findings, blind={}, broken=(), ruled_out={})
    text = screen(tap, local=("cupdomain.com",))

    assert re.search(r"blind +[0-9]+ rules could not be judged: no source shows the DNS questions of", text)
    assert "rules ruled" not in text
    assert "blind" not in screen(tap, local=("cupdomain.com",), judged=all_seen)


def test_one_session_in_full() -> None:
    """Trigger, each step with its state and frame, surprises, what came back, why things were joined, all findings."""
    tap = scene.tap(
        "cups.pcap",
        REFUSED
        + """
        0.00  10.0.0.20:6000 > 10.0.0.5:5222  StreamHeader to=cupdomain.com namespace=jabber:client
        0.00  same   Stanza name=presence type=subscribe to=gmail.com
        0.25  198.51.100.10:5269 > 10.0.0.5:40000  StreamEnd
        0.30  same  fin
        0.40  10.0.0.5:5222 > 10.0.0.20:6000  Stanza name=presence type=error condition=item-not-found from=gmail.com
        """,
    )
    view = scene.case(tap, local=["cupdomain.com"])
    judgement = judge(view)
    session = next(s for s in view.sessions if s.lookups)
    out = io.StringIO()
    Terminal(Console(file=out)).session(ladder(session, view), by_session(judgement)[session.id], steps=True)
    lines = out.getvalue().splitlines()

    assert lines[0].startswith(f"session {session.id}   cupdomain.com → gmail.com   outbound   FAILED   reached")
    assert lines[1] == "when         2013-09-06 09:14:00.000 UTC, for 300 ms"
    assert lines[3].startswith("letters      S SYN, ")
    assert lines[3].endswith("lower case from the server") or lines[4].endswith("lower case from the server")
    assert [line[:12] for line in lines if line[2:3] == ":"] == sorted(line[:12] for line in lines if line[2:3] == ":")
    assert lines[2].endswith("10.0.0.5:40000 > 198.51.100.10:5269  Srcf  unknown  refused  seen in cups.pcap")
    assert "09:14:00.000  trigger:STANZA            cups.pcap#9             <presence> subscribe → gmail.com" in lines
    assert any(line.startswith("09:14:00.250  stream:ENDED") for line in lines)
    assert any(line.startswith("09:14:00.300  flow:REFUSED") and line.endswith("(unexpected)") for line in lines)
    assert any(line.startswith("09:14:00.400  trigger:BOUNCED") for line in lines)
    assert any("dns → flow: SRV _xmpp-server._tcp.gmail.com gave 198.51.100.10 (exact)" in line for line in lines)
    assert any(line.endswith(f"likely   cause   finding {by_session(judgement)[session.id][0].id}") for line in lines)
