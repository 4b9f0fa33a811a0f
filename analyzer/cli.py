"""The command `fedtrace`: verbs, options, exit codes. The only place that prints or exits.

Imports what a verb needs inside the verb, so that `--help` starts at once.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from analyzer.checklist import Item
    from analyzer.judge import Judgement
    from analyzer.view import CaseView
    from parsers.case import Case
    from parsers.source import How, Reading, Source

BUG = 4
"""Exit code of a bug of ours."""
UNUSABLE = 2
"""Exit code when the input could not be used."""
PROGRESS_FROM_BYTES = 50_000_000
"""Inputs above 50 MB show their progress."""

_UNSPEAKABLE = "backslashreplace"
"""What an encoding lacks is written as an escape: a file name need not be UTF-8, a terminal need not know an arrow."""

_DOMAIN = re.compile(r"(?!.{254})[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
"""A domain name in A-labels, underscores borne with."""

PATHS = click.argument("paths", nargs=-1, required=True, metavar="PATH...")


def _domains(_: click.Context, __: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names as they were typed. Raises FedtraceError for one that no domain can have (RFC 1123 section 2.1)."""
    from parsers.errors import FedtraceError
    from parsers.names import domain

    for name in names:
        if not _DOMAIN.fullmatch(domain(name)):
            raise FedtraceError(
                f"--local-domain {name!r}", "this is no domain name", "repeat the option for each domain"
            )
    return names


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every verb that reads inputs takes."""
    options = (
        click.option(
            "--local-domain",
            "local_domains",
            multiple=True,
            metavar="DOMAIN",
            callback=_domains,
            help="A domain on our side; may be repeated.",
        ),
        click.option(
            "--port", "ports", multiple=True, type=click.IntRange(1, 65535), help="A further port to read as XMPP."
        ),
        click.option("--dns-names", multiple=True, metavar="PATTERN", help="Further DNS names to read; '*' reads all."),
        click.option("--as", "as_format", metavar="FORMAT", help="Read every input as this format."),
        click.option("--zone", metavar="ZONE", help="Zone of logs that name none: Europe/Berlin, +02:00. Else UTC."),
        click.option("--year", type=click.IntRange(1980, 2199), help="Year of logs that leave it out."),
        click.option("--date", metavar="DAY", help="Day of the first line of logs with times only: 2013-09-06."),
    )
    for option in reversed(options):
        command = option(command)
    return command


class Fedtrace(click.Group):
    """The group of verbs; bad input ends in one sentence and exit code 2, a bug of ours in a traceback and 4."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb."""
        from parsers.errors import FedtraceError

        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors=_UNSPEAKABLE)
        try:
            return super().invoke(ctx)
        except FedtraceError as error:
            from analyzer.report.words import escape

            click.echo(f"fedtrace: {escape(str(error), 1000)}", err=True)
            ctx.exit(UNUSABLE)
        except BrokenPipeError:
            _say_no_more()
            ctx.exit(0)
        except (click.ClickException, click.exceptions.Exit, click.Abort, KeyboardInterrupt):
            raise
        except Exception:
            import traceback

            click.echo(traceback.format_exc(), err=True)
            click.echo("fedtrace: this is a bug of ours; please report it with the lines above", err=True)
            ctx.exit(BUG)


@click.group(cls=Fedtrace, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="fedtrace")
def main() -> None:
    """Why does XMPP federation between two domains fail?

    Reads the captures, logs and transcripts of an incident and says, for each pair of domains and each direction,
    whether federation works, and if not, why, with frames and lines as evidence.

    \b
    fedtrace analyze incident/
    fedtrace analyze inside.pcap asa.log cups.log --local-domain example.com
    tcpdump -w - port 5269 or port 53 | fedtrace analyze -
    """  # noqa: D301  (click looks for the control character, not for its escape)


@main.command()
@PATHS
@_options
@click.option("--format", "layout", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of to stdout."
)
def analyze(paths: tuple[str, ...], layout: str, output: Path | None, **how: Any) -> None:
    """Say for each pair of domains whether federation works, and if not, why.

    PATH is a capture, log, transcript or archive, a folder, a shell pattern or `-`. Exit code: 0 every pair is healthy
    or degraded, 1 a pair is failing, 2 the input could not be used, 3 nothing could be judged, 4 a bug of fedtrace.
    """
    from analyzer.judge import worst_exit_code

    case, view, judgement, items = _judged(paths, how)
    if layout == "json":
        from analyzer.report.rows import report

        with _out(output) as write:
            write(json.dumps(report(case, view, judgement, items), ensure_ascii=False, indent=1) + "\n")
    else:
        from analyzer.report.terminal import Terminal

        with _console(output) as console:
            Terminal(console).report(case, view, judgement, items)
    for broken in judgement.broken:
        click.echo(f"fedtrace: rule {broken.rule} failed on session {broken.session}: {broken.error}", err=True)
    raise click.exceptions.Exit(worst_exit_code(judgement))


@main.command()
@click.argument("id")
@PATHS
@_options
def session(id: str, paths: tuple[str, ...], **how: Any) -> None:
    """One attempt in full: every step, why things were joined, and what the rules say of it.

    ID is a session's id, or its beginning, as `analyze` prints it.
    """
    from analyzer.report.rows import by_session
    from analyzer.report.terminal import Terminal
    from parsers.errors import FedtraceError

    _, view, judgement, _ = _judged(paths, how)
    found = [s for s in view.sessions if s.id.startswith(id)]
    if not found:
        known = ", ".join(s.id for s in view.sessions[:8]) or "none"
        raise FedtraceError(id, "no session has this id", f"these inputs hold {len(view.sessions)}: {known}")
    if len(found) > 1:
        raise FedtraceError(id, f"{len(found)} sessions begin so", f"say one of {', '.join(s.id for s in found[:8])}")
    with _console(None) as console:
        Terminal(console).session(found[0], by_session(judgement).get(found[0].id, ()))


@main.command()
@PATHS
@_options
@click.option("--jsonl", is_flag=True, help="One JSON object a line; `fedtrace analyze` reads it again.")
def events(paths: tuple[str, ...], jsonl: bool, **how: Any) -> None:
    """Print everything that was seen, in order of time."""
    from analyzer.report.words import instant, place, says
    from parsers.jsonl import line

    case = _read(paths, how, everything=True)
    for event in case.river():
        if jsonl:
            click.echo(line(event))
        else:
            click.echo(f"{instant(event.at_ns)}  {place(event.where):<22}  {says(event)}")


@main.command()
@PATHS
def sniff(paths: tuple[str, ...]) -> None:
    """Say of each input which format it has, and why."""
    from analyzer.report.words import escape
    from parsers import ingest
    from parsers.errors import FedtraceError
    from parsers.inputs import inputs_of

    unusable = 0
    inputs = inputs_of(paths)
    for source in inputs.sources:
        try:
            if source.name in inputs.problems and source.name not in inputs.lost:
                raise inputs.problems[source.name]
            head = ingest.head_of(source)
            ranked = ingest.guesses(head)
        except FedtraceError as error:
            click.echo(f"{escape(source.name)}: {escape(error.problem)}")
            unusable += 1
            continue
        told = [f"{f.name} {g.score}: {escape(g.because)}" for f, g in ranked if g.score > 0]
        if ranked[0][1].score < ingest.BEST_UNDER:
            unusable += 1
            near = "; ".join(told) or f"none of {len(ranked)} comes near"
            told = [f"no format recognises it ({near})"]
        click.echo(f"{escape(source.name)}: {'; '.join(told)}")
    raise click.exceptions.Exit(UNUSABLE if unusable == len(inputs.sources) else 0)


@main.command()
@click.argument("name")
@click.option("--cases", is_flag=True, help="With the cases that test the rule, where this is a checkout.")
def explain(name: str, cases: bool) -> None:
    """Print what a rule means, why it happens, and what to do."""
    from analyzer.explain import explain as text

    click.echo(text(name, cases=cases))


@main.command()
def rules() -> None:
    """List the rules by family: the stage that each is about, who can mend it, and what it says."""
    from itertools import groupby

    from analyzer.judge import all_rules

    for family, members in groupby(all_rules().items(), key=lambda member: member[0].partition("-")[0]):
        click.echo(family)
        for name, rule in members:
            click.echo(f"  {name:<40} {rule.stage.word:<8} {rule.owner.value:<9} {rule.title}")


@main.command()
def formats() -> None:
    """List the formats that can be read."""
    from parsers.ingest import formats as known

    for form in known():
        click.echo(f"{form.name:<12} {form.title}")


def _how(how: dict[str, Any]) -> How:
    """What the user told of the inputs."""
    from parsers.source import FEDERATION_PORTS, How

    return How(
        ports=tuple(dict.fromkeys((*FEDERATION_PORTS, *how["ports"]))),
        dns_names=how["dns_names"],
        format=how["as_format"],
        zone=how["zone"],
        year=how["year"],
        date=how["date"],
    )


def _read(paths: Sequence[str], how: dict[str, Any], everything: bool = False) -> Case:
    """Read the inputs, large ones with progress."""
    # numpy is never asked for linear algebra, but its library starts threads that spin for 0.07 s unless told before.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from parsers.case import read_case

    # Events are many, frozen and without cycles; looking for cycles among them costs half as much again as reading.
    # At its end the interpreter looks all the same, but not among what is frozen.
    gc.disable()
    atexit.register(gc.freeze)
    with _progress() as watch:
        return read_case(paths, replace(_how(how), everything=everything), watch)


def _judged(paths: Sequence[str], how: dict[str, Any]) -> tuple[Case, CaseView, Judgement, tuple[Item, ...]]:
    """Read, correlate and judge."""
    from analyzer.checklist import checklist
    from analyzer.correlator import correlate
    from analyzer.judge import judge

    case = _read(paths, how)
    view = correlate(case.events, case.sources, case.readings, how["local_domains"], _how(how).ports)
    judgement = judge(view)
    return case, view, judgement, checklist(view, judgement)


@contextmanager
def _progress() -> Iterator[Callable[[Source, Reading], None]]:
    """Tell on stderr how far a large input is read, where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda source, reading: None
        return
    done = threading.Event()
    now: list[tuple[Source, Reading, int]] = []

    def tell() -> None:
        while not done.wait(0.5):
            if now:
                source, reading, total = now[-1]
                share = f", {100 * reading.size_bytes // total} %" if total else ""
                click.echo(f"\r\x1b[K{source.name}: {reading.frames or 0:,} frames{share}", nl=False, err=True)

    def watch(source: Source, reading: Reading) -> None:
        if reading.size_bytes >= PROGRESS_FROM_BYTES or str(source.path) == "-":
            now.append((source, reading, reading.size_bytes))

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()
        if now:
            click.echo("\r\x1b[K", nl=False, err=True)


@contextmanager
def _out(output: Path | None) -> Iterator[Callable[[str], None]]:
    """Where text goes; a file is put in place only when it is whole."""
    if output is None:
        yield _to_stdout
        return
    part = output.with_name(output.name + ".part")
    try:
        with part.open("w", encoding="utf-8", errors=_UNSPEAKABLE) as file:
            yield lambda text: _nothing(file.write(text))
        part.replace(output)
    except OSError as error:
        from parsers.errors import FedtraceError

        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise FedtraceError(str(output), (error.strerror or "cannot be written").lower(), "name another file") from None


def _to_stdout(text: str) -> None:
    """Write as long as somebody reads: a closed pipe does not change the verdict, and so not the exit code."""
    try:
        click.echo(text.encode("utf-8", _UNSPEAKABLE), nl=False)
    except BrokenPipeError:
        _say_no_more()


def _say_no_more() -> None:
    """Whoever read our output has seen enough, as with `| head`: the rest goes nowhere, what exit flushes too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _nothing(_: object) -> None:
    """A writer's count of characters is of no interest."""


@contextmanager
def _console(output: Path | None) -> Iterator[Console]:
    """A console on stdout, or on a file without colour."""
    from rich.console import Console

    class Stdout(Console):
        """rich would end the process with 1 when the pipe is closed."""

        def on_broken_pipe(self) -> None:
            _say_no_more()

    if output is None:
        yield Stdout(highlight=False, markup=False, emoji=False)
        return
    from io import StringIO

    text = StringIO()
    yield Console(file=text, highlight=False, markup=False, emoji=False, no_color=True)
    with _out(output) as write:
        write(text.getvalue())
