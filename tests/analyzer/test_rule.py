"""What a rule may say, and who mends what."""

from __future__ import annotations

from analyzer.rule import Confidence, Owner, Severity, owner_of, words_of
from tests import scene


def test_the_scales_are_ordered() -> None:
    """A failure outweighs a note, and proof outweighs a guess."""
    assert Severity.FAILURE > Severity.DEGRADED > Severity.NOTE
    assert Confidence.PROVEN > Confidence.LIKELY > Confidence.POSSIBLE


def test_who_mends_a_server() -> None:
    """Ours we mend, theirs they do; one that is not known is not ours."""
    case = scene.case(scene.tap("cups", "0.0 10.0.0.5:1 > 10.0.0.6:2 syn"), local=["cupdomain.com"])

    assert owner_of("cupdomain.com", case) is Owner.LOCAL
    assert owner_of("gmail.com", case) is Owner.PEER
    assert owner_of(None, case) is Owner.PEER


def test_a_stream_error_is_cited_with_its_text() -> None:
    """Where it has one."""
    bare, told = scene.tap(
        "cups",
        """
        0.0 10.0.0.5:1 > 10.0.0.6:2 StreamError condition=host-unknown
        0.1 same StreamError condition=host-unknown text="not here"
        """,
    ).events

    assert words_of(bare) == "host-unknown"  # type: ignore[arg-type]
    assert words_of(told) == 'host-unknown ("not here")'  # type: ignore[arg-type]
