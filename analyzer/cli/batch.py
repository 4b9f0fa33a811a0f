"""`fedtrace batch`: an archive of many cases into data sets and pages, and how far it is."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

import click

from analyzer.cli.exits import BUG, INTERRUPTED, TERMINATED, UNUSABLE, Terminated, bug
from analyzer.cli.options import domains, tells, told
from analyzer.cli.writing import tell

if TYPE_CHECKING:
    from analyzer.batch.run import Batch, Progress


@click.command()
@click.argument("archive", metavar="ARCHIVE")
@click.option(
    "--out", "root", required=True, metavar="DIR", help="The folder of results, or its URL; it is filled, and kept up."
)
@click.option("--workers", type=click.IntRange(1, 1024), default=1, help="Processes that read, 1 unless said.")
@click.option("--scheduler", metavar="ADDRESS", help="Read on a Dask cluster instead: tcp://10.0.0.9:8786.")
@click.option("--since", metavar="DAY", help="Leave out attempts that began before this day, UTC: 2014-05-19.")
@click.option(
    "--only",
    multiple=True,
    metavar="DOMAIN",
    callback=domains,
    help="Only attempts from or to this domain; may be repeated.",
)
@click.option("--replace", is_flag=True, help="DIR may hold the results of another archive, which are removed.")
@click.option("--json-log", is_flag=True, help="On stderr one JSON object a line, for whoever watches the run.")
@tells
def batch(
    archive: str,
    root: str,
    workers: int,
    scheduler: str | None,
    since: str | None,
    only: tuple[str, ...],
    replace: bool,
    json_log: bool,
    **how: Any,
) -> None:
    """Read months of archived captures and logs: tables as Parquet, and a page for each case in which a pair fails.

    Each folder and each archive (zip, tar) directly below ARCHIVE is a case; loose files beside them are cut into
    days. A run that was killed goes on where it stopped, and what has not changed is not read again. Exit codes are
    those of `analyze`, over all cases. ARCHIVE and DIR may be URLs that fsspec has a driver for: s3://, gs://, sftp://.

    \b
    fedtrace batch archive/ --out results/
    fedtrace batch archive/ --out results/ --workers 2 --since 2014-05-19 --only example.net
    """  # noqa: D301  (click looks for the control character, not for its escape)
    from analyzer.batch.cases import Options
    from analyzer.batch.remote import in_one_process, is_remote, shown, without_secrets
    from analyzer.batch.run import batch as run
    from analyzer.batch.spread import dask_map, local
    from parsers.errors import FedtraceError
    from parsers.names import domain

    teller = _JsonLog() if json_log else _Lines()
    try:
        options = Options(
            how=told(how),
            local_domains=tuple(map(domain, how["local_domains"])),
            since_ns=None if since is None else _begin_ns(since),
            only=tuple(sorted(map(domain, only))),
        )
        if in_one_process(root):
            raise FedtraceError(shown(root), "it is gone when the command ends", "name a folder, or another URL")
        if in_one_process(archive) and (workers > 1 or scheduler is not None):
            raise FedtraceError(shown(archive), "no other process sees it", "leave out --workers and --scheduler")
        # What drivers list of an archive or of results is held here, and not by who reads.
        apart = (is_remote(archive) or is_remote(root)) and not in_one_process(archive)
        spread = local(workers, apart) if scheduler is None else dask_map(scheduler)
        came = run(archive, root, options, spread, teller.heard, teller.waits, replace)
    except FedtraceError as error:
        if not json_log:
            raise
        teller.broke_off(str(error), UNUSABLE)
    except KeyboardInterrupt:
        teller.broke_off("interrupted", INTERRUPTED)
    except Terminated:
        teller.broke_off("terminated", TERMINATED)
    except Exception:
        import traceback

        teller.broke_off("this is a bug of ours", BUG, without_secrets(traceback.format_exc(), archive, root))
    teller.ended(came, _notes(came, shown(archive), since))
    raise click.exceptions.Exit(came.tally.exit_code)


def _begin_ns(day: str) -> int:
    """When a day begins. Raises FedtraceError for what is none."""
    from parsers.errors import FedtraceError

    try:
        begin = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise FedtraceError(f"--since {day}", "this is no day", "write it as 2014-05-19") from None
    return int(begin.timestamp()) * 10**9


def _notes(came: Batch, archive: str, since: str | None) -> dict[str, str]:
    """What else whoever asked has to know of the results, by what it is about."""
    notes = {}
    if came.nobody:
        notes["only"] = f"no attempt from or to {' or '.join(came.nobody)} was seen; check how it is written"
    if since is not None and not came.tally.attempts:
        notes["since"] = f"no attempt that is asked for began on {since} or later; those before it were left out"
    if came.may_be_one:
        notes["archive"] = (
            f"{archive} has a case.toml, which is said of its loose files, and each folder in it was taken for a case "
            "of its own; if all of it is one case, `fedtrace analyze` reads such a folder"
        )
    elif came.of_one_day:
        notes["archive"] = (
            f"{archive} looks like one case: its loose files and its folders or archives are of one day, and were "
            f"taken for {came.tally.cases:,} cases; if they belong together, put it into a folder of its own and "
            "name that as ARCHIVE, or read it with `fedtrace analyze`"
        )
    if came.gone:
        notes["gone"] = (
            f"no more in {archive}: {came.gone:,} of the cases and loose files of the run before "
            f"({', '.join(came.gone_as)}{', …' if came.gone > len(came.gone_as) else ''}); "
            "what was said of them is removed"
        )
    if came.replaced:
        said = "what a run with other options said is replaced, and nothing is called new"
        notes["replaced"] = f"{said}; for another question name another --out"
    return notes


class _Lines:
    """For people: a line for each case that could not be read; on a terminal also how far the run is."""

    def __init__(self) -> None:
        self.terminal = sys.stderr.isatty()
        self.clear = "\r\x1b[K" if self.terminal else ""
        self.what = ""
        self.began = self.last = time.monotonic()
        self.read = 0
        self.far = ""

    def heard(self, progress: Progress) -> None:
        from analyzer.report.words import count, escape

        outcome, clear = progress.done.outcome, self.clear
        what = "file" if progress.done.task.only_span else "case"
        if what != self.what:  # a file that is asked what it covers takes another time than a case
            self.what, self.began, self.read = what, self.last, 0
        self.last = time.monotonic()
        self.read += progress.done.fresh
        self.far = f" after {progress.number} of {count(progress.total, what)}"
        if outcome.state in ("unreadable", "broken"):
            tell(f"{clear}fedtrace: {escape(f'{outcome.case}: {outcome.problem}', 1000)}")
        if progress.done.trace is not None:
            tell(progress.done.trace)
        if self.terminal:
            told = f"{progress.number} of {count(progress.total, what)}"
            if self.read:  # what is kept is told at once, and says nothing of what has to be read
                rate = self.read / max(time.monotonic() - self.began, 0.001)
                told += f", {rate:.1f}/s, {_clock((progress.total - progress.number) / rate)} left"
            tell(f"{clear}{told if progress.number < progress.total else ''}", end="")

    def waits(self, holder: str, seconds: float) -> None:
        from analyzer.report.words import escape

        what = f"another run writes here, or was killed: {escape(holder, 200)}"
        tell(f"fedtrace: {what}; it is waited for until {_after(seconds)}, and taken for dead then")

    def ended(self, came: Batch, notes: Mapping[str, str]) -> None:
        from analyzer.report.words import count, escape

        found = came.tally
        failing = found.states["failing"]
        told = f"{failing} with a failing pair, {found.lost} that could not be read, {came.fresh} read now"
        click.echo(f"{count(found.cases, 'case')}: {told}")
        for says in notes.values():
            tell(f"fedtrace: {escape(says, 1000)}")

    def broke_off(self, why: str, exit_code: int, trace: str | None = None) -> NoReturn:
        if trace is not None:
            bug(trace)
        tell(f"{self.clear}fedtrace: {why}{self.far}; the next run goes on where this one stopped")
        raise click.exceptions.Exit(exit_code)


class _JsonLog:
    """For programs: a line for each case, and one for the run, however it ends."""

    def __init__(self) -> None:
        self.read = 0
        self.done = 0
        self.of: int | None = None

    def heard(self, progress: Progress) -> None:
        done = progress.done
        self.read += done.fresh and done.covered is None
        self.done, self.of = progress.number, progress.total
        _tell(
            event="file" if done.task.only_span else "case",
            case=done.outcome.case,
            state=done.outcome.state,
            problem=done.outcome.problem,
            unknown=done.outcome.unknown,
            read=done.fresh,
            done=progress.number,
            of=progress.total,
            traceback=done.trace,
        )

    def waits(self, holder: str, seconds: float) -> None:
        _tell(event="wait", holder=holder, until=_after(seconds))

    def ended(self, came: Batch, notes: Mapping[str, str]) -> None:
        for about, says in notes.items():
            _tell(event="note", about=about, says=says)
        _tell(event="run", cases=came.tally.cases, read=came.fresh, exit_code=came.tally.exit_code)

    def broke_off(self, why: str, exit_code: int, trace: str | None = None) -> NoReturn:
        far = {"read": self.read, "done": self.done, "of": self.of}
        _tell(event="run", problem=why, **far, traceback=trace, exit_code=exit_code)
        raise click.exceptions.Exit(exit_code)


def _tell(**said: Any) -> None:
    tell(json.dumps(said))


def _after(seconds: float) -> str:
    """The time of day in so many seconds."""
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%H:%M:%S} UTC"


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}"
