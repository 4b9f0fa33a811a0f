"""Dialback keys, followed over the connections that carry them."""

from __future__ import annotations

from tests import scene

ASKED = """
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
    0.14  back   StreamHeader from=gmail.com to=cupdomain.com id=gmail-1
    0.16  10.0.0.5:40000 > 198.51.100.10:5269  Dialback from=cupdomain.com to=gmail.com key=k1
"""
CALLED = """
    0.22  198.51.100.10:50000 > 10.0.0.5:5269  StreamHeader from=gmail.com to=cupdomain.com
    0.25  same   Dialback word=verify from=gmail.com to=cupdomain.com id=gmail-1 key=k1
    0.26  back   Dialback word=verify verdict=valid from=cupdomain.com to=gmail.com id=gmail-1
"""
VALID = "0.30  198.51.100.10:5269 > 10.0.0.5:40000  Dialback verdict=valid from=gmail.com to=cupdomain.com\n"


def keys(*told: str) -> list[tuple[str, str, str | None, str]]:
    """Sender, target, stream id and state of each key."""
    case = scene.case(scene.tap("cups", "\n".join(told)), local=["cupdomain.com"])
    return [(k.sender_domain, k.target_domain, k.stream_id, k.state) for k in case.dialbacks]


def test_a_key_from_its_sending_to_its_acceptance() -> None:
    """Three connections' elements are one key; it knows which connection carried what."""
    case = scene.case(scene.tap("cups", ASKED + CALLED + VALID), local=["cupdomain.com"])
    (key,) = case.dialbacks
    asked, verified = case.connections

    assert keys(ASKED, CALLED, VALID) == [("cupdomain.com", "gmail.com", "gmail-1", "ACCEPTED")]
    assert (key.asked_on, key.verified_on) == (asked.id, verified.id)
    assert not key.pending
    assert key.verify_answer is not None and key.verify_answer.verdict == "valid"


def test_a_key_that_nobody_asks_about_waits() -> None:
    """Sent, and no result: pending."""
    case = scene.case(scene.tap("cups", ASKED), local=["cupdomain.com"])

    assert keys(ASKED) == [("cupdomain.com", "gmail.com", "gmail-1", "KEY_SENT")]
    assert case.dialbacks[0].pending


def test_the_verify_is_seen_before_the_key() -> None:
    """Clocks of two captures that differ by little: the same stream id joins them in either order."""
    early = CALLED.replace("0.2", "0.0").replace("10.0.0.5", "10.0.0.5")

    assert keys(early, ASKED) == [("cupdomain.com", "gmail.com", "gmail-1", "VOUCHED")]


def test_a_key_for_a_stream_whose_header_was_not_captured_is_known_by_itself() -> None:
    """In mid stream there is no stream id: the same key in both elements joins them, and the verify names the id."""
    bare = "0.16  10.0.0.5:40000 > 198.51.100.10:5269  Dialback from=cupdomain.com to=gmail.com key=k1\n"

    assert keys(bare, CALLED) == [("cupdomain.com", "gmail.com", "gmail-1", "VOUCHED")]


def test_another_key_on_the_same_stream_is_another_key() -> None:
    """The server sends a second key before the first is answered."""
    again = "0.17  10.0.0.5:40000 > 198.51.100.10:5269  Dialback from=cupdomain.com to=gmail.com key=k2\n"

    assert len(keys(ASKED, again)) == 2


def test_the_same_key_sent_again_is_the_same_key() -> None:
    """A repetition tells nothing new."""
    again = "0.17  10.0.0.5:40000 > 198.51.100.10:5269  Dialback from=cupdomain.com to=gmail.com key=k1\n"

    assert len(keys(ASKED, again)) == 1


def test_an_element_without_its_domains_is_no_key() -> None:
    """XEP-0220 section 2.1.1 wants both; what breaks that is left to the stream's own steps."""
    assert keys("0.1  10.0.0.5:40000 > 198.51.100.10:5269  Dialback from=cupdomain.com key=k1") == []


def test_a_callback_about_another_stream_is_another_key() -> None:
    """The stream id decides, whatever else is alike."""
    other = CALLED.replace("gmail-1", "elsewhere").replace("key=k1", "key=k9")

    assert keys(ASKED, other) == [
        ("cupdomain.com", "gmail.com", "gmail-1", "KEY_SENT"),
        ("cupdomain.com", "gmail.com", "elsewhere", "VOUCHED"),
    ]
