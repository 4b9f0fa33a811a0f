"""Where output goes: stdout as long as somebody reads it, or a file that is put in place when it is whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console

UNSPEAKABLE = "backslashreplace"
"""What an encoding lacks is written as an escape: a file name need not be UTF-8, a terminal need not know an arrow."""


@contextmanager
def out(output: Path | None) -> Iterator[Callable[[str], None]]:
    """Where text goes; a file is put in place only when it is whole."""
    if output is None:
        yield _to_stdout
        return
    with whole(output) as file:
        yield lambda text: _nothing(file.write(text.encode("utf-8", UNSPEAKABLE)))


@contextmanager
def whole(output: Path) -> Iterator[IO[bytes]]:
    """A file that is put in place only when it is whole; else nothing is left of it.

    A device or a pipe is written to as it stands: for root, a file would take the place of `/dev/null` itself.
    """
    part = output.with_name(output.name + ".part")
    try:
        stands = output.exists() and not output.is_file()
        with (output if stands else part).open("wb") as file:
            yield file
        if not stands:
            part.replace(output)
    except OSError as error:
        from parsers.errors import FedtraceError

        raise FedtraceError(str(output), (error.strerror or "cannot be written").lower(), "name another file") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def target_of(output: str | None) -> str:
    """What was named to write to, "" for stdout; a folder ends with a slash, also where the user wrote none."""
    if output == "-":
        return ""
    with suppress(OSError):  # a name that is too long is told when it is written
        if output and not output.endswith("/") and Path(output).is_dir():
            return f"{output}/"
    return output or ""


def fill(path: Path, files: Mapping[str, str]) -> None:
    """Texts into a folder, by their places in it; folders are made where they are missing."""
    from parsers.errors import FedtraceError

    for name, text in files.items():
        try:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problem = (error.strerror or "cannot be made").lower()
            raise FedtraceError(str(path), problem, "name another folder") from None
        with out(path / name) as write:
            write(text)


def _to_stdout(text: str) -> None:
    """Write as long as somebody reads: a closed pipe does not change the verdict, and so not the exit code."""
    try:
        click.echo(text.encode("utf-8", UNSPEAKABLE), nl=False)
    except BrokenPipeError:
        say_no_more()


def tell(text: str, end: str = "\n") -> None:
    """Say something on stderr, as long as somebody listens: that nobody does changes neither the work nor its end."""
    try:
        click.echo(f"{text}{end}", nl=False, err=True)
    except BrokenPipeError:
        say_no_more(sys.stderr)


def say_no_more(stream: TextIO | None = None) -> None:
    """Whoever read our output has seen enough, as with `| head`: the rest goes nowhere, what exit flushes too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, (stream or sys.stdout).fileno())
    os.close(nowhere)


def _nothing(_: object) -> None:
    """A writer's count of characters is of no interest."""


@contextmanager
def console() -> Iterator[Console]:
    """A console on stdout."""
    from rich.console import Console

    class Stdout(Console):
        """rich would end the process with 1 when the pipe is closed."""

        def on_broken_pipe(self) -> None:
            say_no_more()

    yield Stdout(highlight=False, markup=False, emoji=False)
