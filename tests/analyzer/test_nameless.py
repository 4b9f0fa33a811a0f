"""A case without a pair of domains: what its report says was tried all the same."""

from __future__ import annotations

from pathlib import Path

from analyzer.report.markdown import markdown
from analyzer.report.nameless import no_pair_says
from analyzer.report.page import page
from tests import scene
from tests.analyzer.reports import analysis_of
from tests.command import fedtrace

BOUNCED = (
    "Nov 22 11:01:28 startup\tinfo\tHello and welcome to Prosody version 0.12.3\n"
    "Nov 22 11:01:28 portmanager\tinfo\tActivated service 's2s' on [0.0.0.0]:5269\n"
    "Nov 22 11:01:31 c2s5595\tinfo\tClient connected\n"
    "Nov 22 11:01:33 s2sout55c0\tinfo\t"
    "Sending error replies for 1 queued stanzas because of failed outgoing connection to gmail.com\n"
)
"""A server's log that does not say whose it is."""


def told(*taps: scene.Tap, local: tuple[str, ...] = ()) -> str:
    """The sentence."""
    return no_pair_says(scene.case(*taps, local=local))


def test_a_failed_try_of_a_server_that_is_not_named_is_no_absence(tmp_path: Path) -> None:
    """The log says that something failed: whoever reads "nothing was seen" would look elsewhere."""
    log = tmp_path / "cups.log"
    log.write_text(BOUNCED)
    shown = fedtrace("analyze", "--year", "2026", log)

    assert shown.exit_code == 3
    assert "no attempt to federate" not in shown.output
    assert (
        "federation was tried, but between which two domains is not told: 1 try to reach gmail.com (cups.log:4); "
        "--local-domain tells which domain is ours"
    ) in " ".join(shown.output.split())


def test_where_our_domain_is_given_the_log_is_taken_for_its_servers(tmp_path: Path) -> None:
    """Then the try is an attempt, and what was assumed is said."""
    log = tmp_path / "cups.log"
    log.write_text(BOUNCED)
    shown = fedtrace("analyze", "--year", "2026", "--local-domain", "cupdomain.com", log).output

    assert "cups.log: written by the server of cupdomain.com, since it names no other" in shown
    assert "cupdomain.com → gmail.com   UNDETERMINED" in shown
    assert "1 failed" in shown


def test_a_log_that_names_another_server_is_not_taken_for_ours() -> None:
    """The peer's server cannot be told from ours by what it does, but it says whom it reaches: us."""
    log = scene.log("peer.log", "prosody", BOUNCED + BOUNCED.replace("gmail.com", "cupdomain.com"))

    assert told(log, local=("cupdomain.com",)) == (
        "federation was tried, but between which two domains is not told: 2 tries to reach gmail.com, cupdomain.com "
        "(the first peer.log:4); a capture at one of the servers, or the log of the other one, would name both"
    )


def test_a_stream_that_was_refused_says_who_called_and_whom() -> None:
    """The caller by its address, which is all that is known of it."""
    line = (
        "2015.09.29 17:38:01 Closing session due to incorrect hostname in stream header. Host: thor.manne.eu. "
        "Connection: org.jivesoftware.openfire.net.SocketConnection@a946ac "
        "socket: Socket[addr=/37.209.66.102,port=57507,localport=5269] session: null\n"
    )
    assert told(scene.log("openfire.log", "openfire", line)).endswith(
        "1 stream from 37.209.66.102 to thor.manne.eu (openfire.log:1); --local-domain tells which domain is ours; "
        "a capture at one of the servers, or the log of the other one, would name both"
    )


def test_questions_are_counted_and_the_commonest_are_named() -> None:
    """Who asked is known by its address only; five domains do not fit."""
    asked = "".join(
        f"{n}.0  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.d{n}.example\n" for n in range(5)
    )
    assert (
        "5 questions for the federation service of d0.example, d1.example, d2.example, d3.example and 1 more "
        "(the first dns.pcap#1)"
    ) in told(scene.tap("dns.pcap", asked))


def test_every_report_says_it() -> None:
    """Names are hostile: in Markdown they stand in code spans, on the page they are escaped."""
    tap = scene.tap("dns.pcap", "0.0  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.<b>.example")
    found = analysis_of(tap)

    assert "Federation was tried, but between which two domains is not told: 1 question for" in markdown(found)
    assert "`<b>.example" in markdown(found)
    assert "Federation was tried" in page(found)
    assert "&lt;b&gt;.example" in page(found)
    assert "No attempt to federate was seen" not in markdown(found) + page(found)


def test_absence_is_said_only_where_nothing_was_tried() -> None:
    """A question for anything else is none for federation."""
    assert told(scene.tap("dns.pcap", "0.0  10.0.0.5:4000 > 10.0.0.53:53  query A example.com")) == (
        "no attempt to federate was seen"
    )
