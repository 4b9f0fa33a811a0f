"""Figures of `fedtrace batch`, from which docs/batch.md reckons: workers, repeating, small files, the page over all.

Archives are made once and kept beside the captures; results go to a folder that is thrown away.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import captures, family, measure, rivals, years
from benchmarks.family import Family
from benchmarks.traffic import HOUR_US, federation

CASES = 20
"""Cases of the archive that is shared out, of unequal size: the largest has a tenth of all."""
ATTEMPTS = 40
"""Attempts of its smallest case; of the others as many more each."""
STANZAS = 40
FILES = {"quick": 1_000, "full": 10_000}
"""Small files, of one attempt each: once beside each other, once as a case each."""
DAYS = 3
"""Days over which loose files lie."""

SPEED_UP = 1.8
"""Times as fast as one worker that two are, at least."""
WORKER_BYTES = 500_000_000
"""Memory of a worker, at most."""
REPEATED = 0.02
"""What a run over the unchanged archive takes of the first, at most."""
ABOVE_MS = 5.0
"""CPU time of a small file above its reading, at most."""
DAY_US = 86_400_000_000


def shared(path: Path) -> None:
    """Unequal cases, the largest in the middle of the alphabet."""
    for number in range(CASES):
        attempts = ATTEMPTS * (1 + 7 * number % CASES)
        _case(path / f"case-{number:02}" / "outside.pcap", number, attempts, STANZAS)


def loose(path: Path, files: int) -> None:
    """Small files beside each other, as a ring buffer writes them."""
    for number in range(files):
        _case(path / f"ring_{number:05}.pcap", number, 1, 3, number * DAYS * DAY_US // files)


def folders(path: Path, files: int) -> None:
    """Small files, each a case."""
    for number in range(files):
        _case(path / f"case-{number:05}" / "outside.pcap", number, 1, 3)


def _case(file: Path, seed: int, attempts: int, stanzas: int, later_us: int = 0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    played = federation(seed, attempts, stanzas, min(HOUR_US, attempts * 10**8))
    captures.write_pcap(file, ((at_us + later_us, frame) for at_us, frame in played))


def made(name: str, make: Callable[[Path], None]) -> Path:
    """The archive of that name, made now if it is not there; it appears only when it is whole."""
    path = captures.folder() / f"{name}-r{captures.REVISION}"
    if not path.exists():
        print(f"making {path}", file=sys.stderr)
        part = path.with_name(f"{path.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        make(part)
        part.rename(path)
    return path


def figures(size: str, rounds: int) -> bool:
    """Print them; True when all targets hold. Raises CommandFailed."""
    captures.folder().mkdir(parents=True, exist_ok=True)
    print("\nfedtrace batch:")
    with tempfile.TemporaryDirectory(dir=captures.folder()) as scratch:
        root = Path(scratch)
        held = _workers(root, rounds)
        held += _small("loose", made(f"loose-{FILES[size]}", partial(loose, files=FILES[size])), root)
        held += _small("a folder each", made(f"folders-{FILES[size]}", partial(folders, files=FILES[size])), root)
    held.append(_page(made(years.called(), years.make)))
    return all(held)


def _workers(root: Path, rounds: int) -> list[bool]:
    """One worker and two in turn, and each time the same archive again."""
    archive = made("shared", shared)
    size = sum(f.stat().st_size for f in archive.rglob("*") if f.is_file())
    one: list[Family] = []
    two: list[Family] = []
    again: list[Family] = []
    for number in range(rounds):
        one.append(_batch(archive, root / f"one-{number}"))
        again.append(_batch(archive, root / f"one-{number}"))
        two.append(_batch(archive, root / f"two-{number}", "--workers", "2"))
    first = statistics.median(f.wall_s for f in one)
    ratio = statistics.median(a.wall_s / b.wall_s for a, b in zip(one, two, strict=True))
    peak = max(f.worker_peak_bytes for f in two)
    repeated = statistics.median(f.wall_s for f in again)
    rate = size / statistics.median(f.cpu_s for f in one)
    print(
        f"  {CASES} cases, {size / 1e6:.0f} MB: one worker {first:.2f} s, {rate / 1e6:.1f} MB/s of CPU time; ", end=""
    )
    print(f"two {statistics.median(f.wall_s for f in two):.2f} s, {statistics.median(f.cpu_s for f in two):.2f} s CPU")
    return [
        _held(f"two workers {ratio:.2f} times one", f"{SPEED_UP} times", ratio >= SPEED_UP),
        _held(f"{peak / 1e6:.0f} MB a worker", f"under {WORKER_BYTES / 1e6:.0f} MB", 0 < peak < WORKER_BYTES),
        _held(
            f"unchanged {repeated:.2f} s, {repeated / first:.1%} of the first", f"under {REPEATED:.0%}",
            repeated < REPEATED * first,
        ),
    ]  # fmt: skip


def _small(layout: str, archive: Path, root: Path) -> list[bool]:
    """Small files: their reading by itself, a batch, a batch again, and one of two workers."""
    count = len(list(archive.iterdir()))
    out = root / layout.replace(" ", "-")
    reading = family.run([sys.executable, "-m", "benchmarks.reading", str(archive)])
    whole, again = _batch(archive, out), _batch(archive, out)
    noted = _batch(archive, root / f"{out.name}-two", "--workers", "2")
    above = (whole.cpu_s - reading.cpu_s) / count * 1000
    print(
        f"  {count:,} small files, {layout}: reading {reading.cpu_s / count * 1000:.2f} ms CPU each, "
        f"a batch {whole.cpu_s / count * 1000:.2f} ms, {whole.wall_s / count * 1000:.2f} ms wall; "
        f"unchanged {again.wall_s:.2f} s, {again.wall_s / whole.wall_s:.1%} of that; "
        f"two workers {noted.wall_s / count * 1000:.2f} ms wall each, "
        f"of which the one process takes {noted.own_cpu_s / count * 1000:.2f} ms CPU"
    )
    peak = whole.peak_bytes  # one worker, which is the process that knows of all files
    return [
        _held(f"{above:.2f} ms CPU each above their reading", f"{ABOVE_MS} ms", above <= ABOVE_MS),
        _held(f"{peak / 1e6:.0f} MB", f"under {WORKER_BYTES / 1e6:.0f} MB", peak < WORKER_BYTES),
    ]


def _page(data_sets: Path) -> bool:
    """The page over two years."""
    cost = measure.run([sys.executable, "-m", "benchmarks.years", "page", str(data_sets)])
    attempts = years.PAIRS * years.DAYS
    print(f"  summary.html of {attempts:,} attempts: {cost.cpu_s:.1f} s CPU, {cost.wall_s:.1f} s wall")
    return _held(
        f"{cost.peak_bytes / 1e6:.0f} MB", f"under {WORKER_BYTES / 1e6:.0f} MB", cost.peak_bytes < WORKER_BYTES
    )


def _batch(archive: Path, out: Path, *options: str) -> Family:
    command = [sys.executable, "-c", "from analyzer.cli import main; main()", "batch", str(archive), "--out", str(out)]
    return family.run([*command, *options], rivals.FEDTRACE_ENDS_WITH)


def _held(what: str, target: str, held: bool) -> bool:
    print(f"    {what}   target: {target}: {'holds' if held else 'MISSED'}")
    return held
