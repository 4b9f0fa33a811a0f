"""What a user reads when an input cannot be used."""

from __future__ import annotations

from parsers.errors import AmbiguousFormat, FedtraceError, SourceUnreadable, SourceUseless, UnknownFormat


def test_an_error_is_one_sentence_with_the_next_step() -> None:
    """Where, what, and what to do; the parts stay apart for a report."""
    error = SourceUnreadable("trace.pcap", "the file is empty", "take the capture again")

    assert str(error) == "trace.pcap: the file is empty; take the capture again"
    assert (error.where, error.problem, error.next_step) == (
        "trace.pcap",
        "the file is empty",
        "take the capture again",
    )


def test_without_a_next_step_the_sentence_ends() -> None:
    """No loose semicolon."""
    assert str(UnknownFormat("trace.pcap", "no format recognises it")) == "trace.pcap: no format recognises it"


def test_one_class_catches_them_all() -> None:
    """The command turns them into exit code 2, and nothing else."""
    assert all(issubclass(c, FedtraceError) for c in (AmbiguousFormat, SourceUnreadable, SourceUseless, UnknownFormat))


def test_what_bytes_alone_say_is_told_apart() -> None:
    """Who has read them need not read them again; of what was missing or forbidden he must."""
    assert all(issubclass(c, SourceUseless) for c in (AmbiguousFormat, UnknownFormat))
    assert not isinstance(SourceUnreadable("trace.pcap", "permission denied"), SourceUseless)
