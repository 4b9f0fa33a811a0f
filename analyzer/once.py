"""What rules ask of a whole case is worked out once, however many attempts ask it.

A rule is asked of each attempt. What it then looks for among all others, and what does not depend on the attempt, would
else be looked for as often as there are attempts: an hour of trying each second would take hours to judge.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from analyzer.view import CaseView

About = ParamSpec("About")
Found = TypeVar("Found")


def once(find: Callable[Concatenate[CaseView, About], Found]) -> Callable[Concatenate[CaseView, About], Found]:
    """`find(case, ...)`, which is called once for a case and what else it is given, all of it hashable."""

    @wraps(find)
    def found(case: CaseView, /, *about: About.args, **named: About.kwargs) -> Found:
        key = (find, about, *named.items())
        kept = case.kept
        if key not in kept:
            kept[key] = find(case, *about, **named)
        answer: Found = kept[key]
        return answer

    return found
