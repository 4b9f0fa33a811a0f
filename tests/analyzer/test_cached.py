"""What an object works out, it works out once."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.cached import cached_property


@dataclass(frozen=True)
class Session:
    """Something that is asked often."""

    asked: list[str] = field(default_factory=list)

    @cached_property
    def cause(self) -> str:
        """Why it failed."""
        self.asked.append("cause")
        return "dns-srv-nxdomain"


def test_once_for_each() -> None:
    """It is asked once, whatever asks; another object is asked itself."""
    one, other = Session(), Session()
    assert (one.cause, one.cause, other.cause) == ("dns-srv-nxdomain",) * 3
    assert (one.asked, other.asked) == (["cause"], ["cause"])


def test_its_docstring_is_that_of_the_method() -> None:
    """What reads documentation finds it."""
    assert Session.__dict__["cause"].__doc__ == "Why it failed."
    assert Session.cause is Session.__dict__["cause"]
