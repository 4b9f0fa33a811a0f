"""The door: which formats there are, and which one an input is of."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from parsers import ingest
from parsers.errors import AmbiguousFormat, SourceUnreadable, UnknownFormat
from parsers.events import Event
from parsers.format import Format, Guess, Head
from parsers.source import How, Reading, Source
from tests.packets import pcap, talk


class Sure:
    """A format that is as sure of every input as it was told to be."""

    title = explanation = reference = "made for a test"

    def __init__(self, name: str, score: int) -> None:
        self.name = name
        self._score = score

    def guess(self, head: Head) -> Guess:
        """The same of everything."""
        return Guess(score=self._score, because=f"{self._score} of 100 lines fit")

    def read(self, source: Source, how: How, reading: Reading) -> Iterator[Event]:
        """Nothing."""
        return iter(())


class Broken(Sure):
    """A format whose author did not think of this input."""

    def guess(self, head: Head) -> Guess:
        """Fall over."""
        raise IndexError("list index out of range")


def head(data: bytes = b"12:00 something\n") -> Head:
    """The beginning of an input."""
    return Head(path=Path("server.log"), raw=data, data=data)


def choose(monkeypatch: pytest.MonkeyPatch, *known: Format) -> str:
    """The name of the format that is chosen when these are all there are."""
    monkeypatch.setattr(ingest, "formats", lambda: known)
    return ingest.choose(head())[0].name


def test_formats_are_found_by_walking_the_package() -> None:
    """Every module with a `FORMAT`, in order of name, each with words for a person."""
    names = [known.name for known in ingest.formats()]

    assert {"capture", "jsonl"} <= set(names)
    assert names == sorted(names)
    assert all(known.title and known.explanation and known.reference for known in ingest.formats())


def test_a_format_has_a_name() -> None:
    """The one for `--as`; a name that none has is refused with where to look."""
    assert ingest.format_named("jsonl").name == "jsonl"
    with pytest.raises(UnknownFormat, match=r"snoop: no format has this name; `fedtrace formats` lists them"):
        ingest.format_named("snoop")


def test_the_surest_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """By more than a little."""
    assert choose(monkeypatch, Sure("asa", 60), Sure("prosody", 90)) == "prosody"
    assert choose(monkeypatch, Sure("prosody", 40), Sure("asa", 30)) == "prosody"


def test_nobody_is_sure_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few lines that fit by accident are no reason to read the rest."""
    with pytest.raises(UnknownFormat, match="no format recognises it"):
        choose(monkeypatch, Sure("asa", 39), Sure("prosody", 5))


def test_two_are_about_as_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user is asked, and told why."""
    with pytest.raises(AmbiguousFormat) as caught:
        choose(monkeypatch, Sure("asa", 80), Sure("bind", 10), Sure("prosody", 85))

    assert str(caught.value) == (
        "server.log: prosody (85 of 100 lines fit) and asa (80 of 100 lines fit) both claim it; say which with --as"
    )


def test_a_format_that_falls_over_has_not_recognised_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are asked all the same, and the reason can be seen."""
    monkeypatch.setattr(ingest, "formats", lambda: (Broken("asa", 100), Sure("prosody", 50)))

    assert ingest.choose(head())[0].name == "prosody"
    assert ingest.guesses(head())[-1][1] == Guess(score=0, because="it failed to look: IndexError")


def test_the_beginning_of_an_input(tmp_path: Path) -> None:
    """As it lies on disk, and unpacked; of standard input what waits there."""
    path = tmp_path / "a.pcap.gz"
    path.write_bytes(gzip.compress(pcap(talk())))
    looked_at = ingest.head_of(Source(name="a.pcap.gz", path=path, format=None))

    assert looked_at.raw.startswith(b"\x1f\x8b")
    assert looked_at.data == pcap(talk())
    assert ingest.head_of(Source(name="-", path=Path("-"), format=None)).raw == b""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("empty.pcap", "the file is empty"),
        ("missing.pcap", "no such file or directory"),
        ("folder", "this is a folder"),
    ],
)
def test_what_has_no_beginning(tmp_path: Path, name: str, says: str) -> None:
    """One sentence, and what to do."""
    (tmp_path / "empty.pcap").touch()
    (tmp_path / "folder").mkdir()

    with pytest.raises(SourceUnreadable, match=says) as caught:
        ingest.head_of(Source(name=name, path=tmp_path / name, format=None))
    assert caught.value.next_step


def test_a_source_without_a_format_has_no_events(tmp_path: Path) -> None:
    """It stays in the case only to be named."""
    source = Source(name="notes.txt", path=tmp_path / "notes.txt", format=None)

    assert list(ingest.read(source, How(), Reading())) == []
