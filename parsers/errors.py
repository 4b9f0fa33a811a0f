"""What may go wrong with an input as a whole.

    FedtraceError                the input cannot be used; carries the place and the next step
    ├── SourceUnreadable         missing, no rights, no room: another time it may be read
    │   └── SourceUseless        hopelessly damaged, say: its bytes alone say so, today and tomorrow
    │       ├── SourceEmpty      there is not a byte in it
    │       ├── UnknownFormat    no format knows it
    │       └── AmbiguousFormat  two formats claim it equally
    └── TsharkMissing            what was asked for needs tshark, which is not there or too old

Damage inside an input is not an error but a `Damage` event. Any other exception is a bug of ours.
"""

from __future__ import annotations


class FedtraceError(Exception):
    """An input cannot be used. `str()` is one clear sentence with the next step."""

    def __init__(self, where: str, problem: str, next_step: str = "") -> None:
        """`where` names the input, `problem` what is wrong with it, `next_step` what the user can do."""
        self.where = where
        self.problem = problem
        self.next_step = next_step
        super().__init__(f"{where}: {problem}" + (f"; {next_step}" if next_step else ""))

    def __reduce__(self) -> tuple[type[FedtraceError], tuple[str, str, str]]:
        """It comes whole out of another process."""
        return type(self), (self.where, self.problem, self.next_step)


class SourceUnreadable(FedtraceError):
    """The input cannot be read: it is missing, forbidden, on a disk that fails, or there is no room to unpack it."""


class SourceUseless(SourceUnreadable):
    """The input was read, and its bytes are of no use, whoever reads them again: empty, or hopelessly damaged."""


class SourceEmpty(SourceUseless):
    """There is not a byte in the input."""


class UnknownFormat(SourceUseless):
    """No format recognises the input."""


class AmbiguousFormat(SourceUseless):
    """Two formats claim the input within ten points."""


class TsharkMissing(FedtraceError):
    """What was asked for needs tshark, which is not installed or too old."""
