"""The command `python -m benchmarks`: makes captures and logs, lets the programs run in turn, prints the figures."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from benchmarks import batch, batch_memory, captures, logs, machine, rivals, samples, tables
from benchmarks.measure import CommandFailed, Cost, Target, as_share, interleaved, run, scaled

TARGETS = {
    "needle": Target(share=25, peak_bytes=200_000_000),
    "dense": Target(share=3, peak_bytes=600_000_000),
}
"""What fedtrace promises beside tshark."""

LINES_A_SECOND = {"asa": 300_000, "prosody": 100_000, "ejabberd": 100_000, "bind": 100_000}
"""Lines of a log that fedtrace promises to read in a second of CPU time, start-up and verdict included."""
SAMPLED_A_SECOND = {50: 100_000, 4: 75_000}
"""The same for logs made of samples, start-up included, by how many others stand behind each line that tells."""
LOG_PEAK_BYTES = 400_000_000
"""Memory that a log may take, whatever its length."""

QUICK_SIZES = {"needle": captures.NEEDLE_FRAMES // 10, "dense": captures.DENSE_ATTEMPTS // 10}
FULL_SIZES = {"needle": captures.NEEDLE_FRAMES, "dense": captures.DENSE_ATTEMPTS}

PYSHARK_FRAMES = 4_000
"""pyshark needs more than a millisecond a frame, so it reads a slice and the rest is scaled."""

OURS, RIVAL = "fedtrace analyze", "tshark"

Contestants = dict[str, Callable[[], Cost]]


def _ours(capture: Path) -> Callable[[], Cost]:
    return partial(run, rivals.fedtrace(capture), rivals.FEDTRACE_ENDS_WITH)


def _contestants(capture: Path, frames: int | None, scratch: Path, *, xmpp: bool) -> Contestants:
    """Those that this machine has; of those that it lacks a sentence is said."""
    found: Contestants = {OURS: _ours(capture)}
    for program, command in ((RIVAL, rivals.tshark(capture, xmpp=xmpp)), ("tcpdump", rivals.tcpdump(capture))):
        if rivals.missing(program):
            print(f"  {program} is not installed and was not measured")
        elif program == "tcpdump" and capture.suffix == ".gz":
            print("  tcpdump does not read gzip and was not measured")
        else:
            found[program] = partial(run, command)
    if frames and not rivals.missing(RIVAL):
        read = min(frames, PYSHARK_FRAMES)
        first = rivals.slice_of(capture, read, scratch / "slice.pcap")
        found[f"pyshark, scaled from {read:,} frames"] = lambda: scaled(run(rivals.pyshark(first)), read, frames)
    return found


def _print_costs(costs: dict[str, Cost]) -> None:
    for name, cost in costs.items():
        figures = f"{cost.cpu_s:9.2f} s CPU {cost.wall_s:9.2f} s wall {cost.peak_bytes / 1e6:7.0f} MB"
        if name == OURS:
            beside = ""
        elif name.startswith(OURS):
            beside = f"   {as_share(cost, costs[OURS])} the plain file's CPU time"
        else:
            beside = f"   fedtrace takes {as_share(costs[OURS], cost)} its CPU time"
        print(f"  {name:38}{figures}{beside}")


def _judged(name: str, costs: dict[str, Cost]) -> bool:
    """Print whether the promises hold; True when all that could be judged do."""
    target, ours, rival = TARGETS[name], costs[OURS], costs.get(RIVAL)
    small = target.held_in_memory(ours)
    limit = f"under {target.peak_bytes / 1e6:.0f} MB"
    print(f"  target: {limit} of memory: {'holds' if small else 'MISSED'}, {ours.peak_bytes / 1e6:.0f} MB")
    if rival is None:
        print(f"  target: at most 1/{target.share} of tshark's CPU time: not judged, tshark is missing")
        return small
    fast = target.held_in_time(ours, rival)
    share = as_share(ours, rival)
    print(f"  target: at most 1/{target.share} of tshark's CPU time: {'holds' if fast else 'MISSED'}, {share} it")
    return small and fast


def _measured(name: str, capture: Path, rounds: int, forms: dict[str, Path]) -> bool:
    """One capture, all programs in turn; True when its targets hold. `forms` are the same frames in other wrappings."""
    frames = None if rivals.missing("capinfos") else rivals.frame_count(capture)
    counted = f"{frames:,} frames, " if frames else ""
    print(f"\n{name}: {capture}, {counted}{capture.stat().st_size / 1e6:,.0f} MB; medians of {rounds}, in turn")
    with tempfile.TemporaryDirectory() as scratch:
        contestants = _contestants(capture, frames, Path(scratch), xmpp=name != "needle")
        contestants |= {f"{OURS}, as {form}": _ours(path) for form, path in forms.items()}
        costs = interleaved(contestants, rounds)
    _print_costs(costs)
    return _judged(name, costs) if name in TARGETS else True


def _long(size: int) -> bool:
    """A needle capture of ten times the length: the memory must be the same."""
    capture = captures.made("needle", 10 * size)
    costs = {OURS: run(rivals.fedtrace(capture), rivals.FEDTRACE_ENDS_WITH)}
    print(f"\nneedle, ten times as long: {capture}, {capture.stat().st_size / 1e6:,.0f} MB; one run")
    _print_costs(costs)
    return _judged("needle", costs)


def _log(kind: str, lines: int, rounds: int) -> bool:
    """One log; True when it is read fast enough, in little memory."""
    path = logs.made(kind, lines)
    (cost,) = interleaved({OURS: _ours(path)}, rounds).values()
    rate, target = lines / cost.cpu_s, LINES_A_SECOND[kind]
    held = rate >= target and cost.peak_bytes < LOG_PEAK_BYTES
    print(
        f"  {kind:10} {lines:>11,} lines {path.stat().st_size / 1e6:7,.0f} MB {cost.cpu_s:8.2f} s CPU "
        f"{rate:9,.0f} lines/s {cost.peak_bytes / 1e6:5.0f} MB   target: {target:,} lines/s under "
        f"{LOG_PEAK_BYTES / 1e6:.0f} MB: {'holds' if held else 'MISSED'}"
    )
    return held


def _sampled(name: str, lines: int, others: int, scratch: Path, rounds: int) -> bool:
    """A log of one format's samples, read and not judged; True when it is read fast enough."""
    path = scratch / f"{name}.log"
    path.write_text("".join(f"{line}\n" for line in samples.lines(name, lines, others)), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.samples", name, str(path)]
    (cost,) = interleaved({name: partial(run, command)}, rounds).values()
    rate, target = lines / cost.cpu_s, SAMPLED_A_SECOND[others]
    print(
        f"  {name:16} {lines:>9,} lines, 1 in {others + 1:2} tells {cost.cpu_s:8.2f} s CPU {rate:9,.0f} lines/s   "
        f"target: {target:,} lines/s: {'holds' if rate >= target else 'MISSED'}"
    )
    return rate >= target


def _frame(rounds: int) -> bool:
    """A million events to a DataFrame; True when it takes seconds."""
    command = [sys.executable, "-m", "benchmarks.tables", str(tables.EVENTS_MADE)]
    (cost,) = interleaved({"frame": partial(run, command)}, rounds).values()
    held = cost.cpu_s <= tables.SECONDS_MAX
    print(
        f"\nframes: {tables.EVENTS_MADE:,} events {cost.cpu_s:8.2f} s CPU {cost.peak_bytes / 1e6:5.0f} MB   "
        f"target: {tables.SECONDS_MAX:.0f} s: {'holds' if held else 'MISSED'}"
    )
    return held


@click.group(
    invoke_without_command=True,
    help="Measure `fedtrace analyze` beside tshark, tcpdump and pyshark, then `fedtrace batch`. "
    "Ends with 1 when a target is missed.",
)
@click.option("--quick", is_flag=True, help="Captures of a tenth and one round; too small to judge a target fairly.")
@click.option(
    "--long",
    "longer",
    is_flag=True,
    help="Also a needle capture ten times as long (10 GB on disk), and logs of 2 GB of a firewall and a resolver.",
)
@click.option("--rounds", type=click.IntRange(min=1), help="How often each program runs; 3, or 1 with --quick.")
@click.option(
    "--capture", "given", multiple=True, metavar="[KIND=]PATH",
    help="Measure this file instead of making some; KIND (needle, dense) says which targets it must meet.",
)  # fmt: skip
@click.pass_context
def main(ctx: click.Context, quick: bool, longer: bool, rounds: int | None, given: tuple[str, ...]) -> None:
    """Print the machine, then a table for each capture."""
    if ctx.invoked_subcommand is not None:
        return
    print(*machine.described(), sep="\n")
    rounds = rounds or (1 if quick else 3)
    sizes = QUICK_SIZES if quick else FULL_SIZES
    try:
        held = []
        for each in given:
            kind, equals, path = each.partition("=")
            held.append(
                _measured(kind, Path(path), rounds, {}) if equals else _measured("given", Path(each), rounds, {})
            )
        if not given:
            needle, dense = (captures.made(kind, size) for kind, size in sizes.items())
            wrappings = {"gzip": "gzip", "pcapng": "needle-pcapng"}
            forms = {form: captures.made(kind, sizes["needle"]) for form, kind in wrappings.items()}
            held.append(_measured("needle", needle, rounds, forms))
            held.append(_measured("dense", dense, rounds, {}))
            print(f"\nlogs: medians of {rounds}")
            held += [_log(kind, lines // 10 if quick else lines, rounds) for kind, lines in logs.LINES.items()]
            print("\nlogs made of samples, reading only:")
            with tempfile.TemporaryDirectory() as scratch:
                few = samples.LINES // 10 if quick else samples.LINES
                held += [
                    _sampled(name, few, others, Path(scratch), rounds)
                    for others in SAMPLED_A_SECOND
                    for name in samples.named()
                ]
            held.append(_frame(rounds))
            held.append(batch.figures("quick" if quick else "full", rounds))
            held.append(batch_memory.measured("quick"))
        if longer:
            held.append(_long(sizes["needle"]))
            held += [_log(kind, logs.LONG_LINES, 1) for kind in ("asa", "bind")]
    except CommandFailed as failure:
        sys.exit(f"no figures: {failure}")
    sys.exit(0 if all(held) else 1)


@main.command("batch", help="Measure `fedtrace batch` only: some minutes, and four gigabytes below the user's cache.")
@click.option("--quick", is_flag=True, help="A tenth of the small files, and a third of the large ones.")
@click.option("--rounds", type=click.IntRange(min=1), default=1, help="How often workers are compared, 1 unless said.")
def batch_only(quick: bool, rounds: int) -> None:
    """Print the machine, then the figures."""
    print(*machine.described(), sep="\n")
    try:
        size = "quick" if quick else "full"
        held = [batch.figures(size, rounds), batch_memory.measured(size)]
    except CommandFailed as failure:
        sys.exit(f"no figures: {failure}")
    sys.exit(0 if all(held) else 1)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
