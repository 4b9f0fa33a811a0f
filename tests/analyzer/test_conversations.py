"""Events of one place, sorted into conversations and questions."""

from __future__ import annotations

from dataclasses import replace

from analyzer.conversations import is_payload, lookups, sightings
from analyzer.stage import end_text
from tests import scene


def told(text: str) -> list[str]:
    """Each conversation: client, server, and where its machines ended."""
    return [
        f"{end_text(s.client)} > {end_text(s.server)} {s.flow_state} {s.stream_state}"
        for s in sightings(scene.tap("cups", text).events, "cups")
    ]


def asked(text: str) -> list[str]:
    """Each lookup: name, how often it was asked, and what came of it."""
    return [
        f"{k.rrtype} {k.name} asked {len(k.asked)} times: {k.outcome}"
        for k in lookups(scene.tap("cups", text).events, "cups")
    ]


def test_the_end_that_sent_the_syn_is_the_client() -> None:
    """Also when the SYN-ACK is all that was captured."""
    assert told("0.0 10.0.0.5:5269 > 198.51.100.10:5269 syn") == ["10.0.0.5:5269 > 198.51.100.10:5269 SYN_SENT IDLE"]
    assert told("0.0 10.0.0.5:5269 > 198.51.100.10:50000 syn-ack") == [
        "198.51.100.10:50000 > 10.0.0.5:5269 SYN_ACKED IDLE"
    ]


def test_in_mid_stream_the_higher_port_is_the_client() -> None:
    """Whoever is heard first."""
    assert told("0.0 198.51.100.10:5269 > 10.0.0.5:40000 StreamEnd") == [
        "10.0.0.5:40000 > 198.51.100.10:5269 MIDSTREAM ENDED"
    ]


def test_the_same_ports_used_again_are_another_conversation() -> None:
    """A SYN after the first conversation; a repeated SYN begins none."""
    assert (
        len(
            told(
                """
                0.0  10.0.0.5:40000 > 198.51.100.10:5269  syn
                1.0  same  syn again
                1.1  back  syn-ack
                2.0  same  rst
                9.0  10.0.0.5:40000 > 198.51.100.10:5269  syn
                """
            )
        )
        == 2
    )


def test_what_names_no_conversation_is_in_none() -> None:
    """DNS over TCP has its own machine; damage is nobody's."""
    assert (
        told(
            """
            0.0  10.0.0.5:40000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com
            0.1  10.0.0.5:40000 > 198.51.100.10:5269  Damage what=cut
            """
        )
        == []
    )


def test_a_question_asked_again_is_the_same_until_it_is_answered() -> None:
    """Then the next query is another question; so is one after half a minute."""
    assert asked(
        """
        0.0  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com #1
        5.0  same  query SRV _xmpp-server._tcp.gmail.com #1
        5.1  back  answer SRV _xmpp-server._tcp.gmail.com NXDOMAIN #1
        5.2  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com #2
        36.  same  query SRV _xmpp-server._tcp.gmail.com #2
        """
    ) == [
        "SRV _xmpp-server._tcp.gmail.com asked 2 times: nxdomain",
        "SRV _xmpp-server._tcp.gmail.com asked 1 times: unanswered",
        "SRV _xmpp-server._tcp.gmail.com asked 1 times: unanswered",
    ]


def test_a_duplicate_answer_is_no_new_question() -> None:
    """The packet was captured twice."""
    assert asked(
        """
        0.0  10.0.0.5:4000 > 10.0.0.53:53  query A gmail.com
        0.1  back  answer A gmail.com = 192.0.2.1
        0.1  same  answer A gmail.com = 192.0.2.1
        """
    ) == ["A gmail.com asked 1 times: answered"]


def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    """One lookup: the TC bit is a word in it, not its end."""
    assert asked(
        """
        0.0  10.0.0.5:4000 > 10.0.0.53:53  query A gmail.com
        0.1  back  answer A gmail.com truncated
        0.2  10.0.0.5:4001 > 10.0.0.53:53  query A gmail.com
        0.3  back  answer A gmail.com = 192.0.2.1
        """
    ) == ["A gmail.com asked 2 times: answered"]


def test_a_log_that_names_no_address_asks_in_its_own_name() -> None:
    """The source stands for the client."""
    (event,) = scene.tap("resolver.log", "0.0 10.0.0.5:4000 > 10.0.0.53:53 query A gmail.com").events
    (lookup,) = lookups([replace(event, flow=None)], "resolver.log")

    assert (lookup.client, lookup.resolver, lookup.transport) == ("resolver.log", "the resolver", "udp")


def test_payload_is_what_is_said_above_tcp() -> None:
    """Marks, gaps and counts are not."""
    header, mark, gap = scene.tap(
        "cups",
        """
        0.0 10.0.0.5:1 > 10.0.0.6:2 StreamHeader
        0.1 same ack
        0.2 same CaptureGap missing_bytes=4
        """,
    ).events

    assert (is_payload(header), is_payload(mark), is_payload(gap)) == (True, False, False)
