"""What is worked out once for a case: by what is asked, and for that case alone."""

from __future__ import annotations

from dataclasses import replace

from analyzer.once import once
from analyzer.view import CaseView
from tests import scene

SCENE = """
0.00  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.gmail.com
0.02  back                          answer SRV _xmpp-server._tcp.gmail.com NXDOMAIN
"""


def test_a_second_attempt_that_asks_the_same_is_given_the_same() -> None:
    """Nothing is worked out twice."""
    asked = []

    @once
    def questions(case: CaseView, name: str) -> int:
        asked.append(name)
        return len(case.asking(name))

    case = scene.case(scene.tap("capture", SCENE))
    name = "_xmpp-server._tcp.gmail.com"
    assert [questions(case, name), questions(case, name), questions(case, "example.net")] == [1, 1, 0]
    assert asked == [name, "example.net"]


def test_another_case_is_asked_anew() -> None:
    """A case with other attempts, as a filter leaves it, has an answer of its own."""

    @once
    def attempts(case: CaseView) -> int:
        return len(case.sessions)

    case = scene.case(scene.tap("capture", SCENE), local=["cupdomain.com"])
    assert attempts(case) == 1
    assert attempts(replace(case, sessions=())) == 0


def test_two_rules_that_ask_alike_do_not_meet() -> None:
    """What one rule works out is not given to another."""

    @once
    def one(case: CaseView, name: str) -> str:
        return f"one of {name}"

    @once
    def other(case: CaseView, name: str) -> str:
        return f"other of {name}"

    case = scene.case(scene.tap("capture", SCENE))
    assert [one(case, "a"), other(case, "a"), one(case, name="a")] == ["one of a", "other of a", "one of a"]
