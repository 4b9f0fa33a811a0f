"""Memory of a worker of `fedtrace batch` on archives of more than it may hold: part of `python -m benchmarks batch`.

One worker, in the process that also writes the summary, so that the figure is an upper bound.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import captures, rivals
from benchmarks.measure import run

PEAK_BYTES = 500_000_000
"""What a worker may take, whatever the archive."""
ATTEMPTS = {"quick": 8_400, "full": 25_200}
"""Attempts of the dense capture: half a gigabyte, and 1.7 GB."""
STREAMS = {"quick": 50_000, "full": 200_000}
"""Streams of the log, four lines each."""
FLOOD = {"quick": 20_000, "full": 60_000}
"""Attempts of the flood, all within a minute: more than a worker may hold of the least stretch that there is."""
HOSTILE = {"quick": 2_000, "full": 4_000}
"""Streams that are under way at once, and never end what they began, or say what is as long as may be."""
ARCHIVES = ("loose", "folder", "log", "flood", "unclosed", "long-names")


def log(streams: int) -> Iterator[str]:
    """A server's log that tells of nothing but federation: a stream each two seconds, each open for an hour."""
    for number in range(streams + 1800):
        second = 2 * number
        day, clock = divmod(second, 86_400)
        month, day = divmod(day, 28)
        at = f"2026-{1 + month:02}-{1 + day:02} {clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}"
        tag, peer = f"s2sout{number:09x}", f"d{number % 200}.example"
        if number < streams:
            yield f"{at} {tag}\tinfo\tBeginning new connection attempt to {peer} ([198.51.100.10]:5269)\n"
            yield f"{at} {tag}\tdebug\tSending[s2sout_unauthed]: <db:result to='{peer}' from='cupdomain.com'>\n"
            yield f"{at} {tag}\tinfo\tOutgoing s2s connection cupdomain.com->{peer} complete\n"
        if number >= 1800:
            ended, peer = f"s2sout{number - 1800:09x}", f"d{(number - 1800) % 200}.example"
            yield f"{at} {ended}\tinfo\tOutgoing s2s stream cupdomain.com->{peer} closed: idle\n"


def measured(size: str) -> bool:
    """Print what each archive takes; True when the promise holds for all. Raises CommandFailed."""
    capture = captures.made("dense", ATTEMPTS[size])
    held = True
    print("\nmemory of a worker in a batch:")
    with tempfile.TemporaryDirectory(dir=capture.parent) as scratch:
        root = Path(scratch)
        for name in ARCHIVES:
            (root / name / "case").mkdir(parents=True)
        os.link(capture, root / "loose" / "dense.pcap")
        (root / "loose" / "case").rmdir()
        os.link(capture, root / "folder" / "case" / "dense.pcap")
        with (root / "log" / "case" / "prosody.log").open("w", encoding="utf-8") as out:
            out.writelines(log(STREAMS[size]))
        os.link(captures.made("flood", FLOOD[size]), root / "flood" / "case" / "flood.pcap")
        for name in ("unclosed", "long-names"):
            os.link(captures.made(name, HOSTILE[size]), root / name / "case" / "a.pcap")
        for name in ARCHIVES:
            command = [sys.executable, "-c", "from analyzer.cli import main; main()", "batch", str(root / name)]
            cost = run([*command, "--out", str(root / f"{name}-out")], rivals.FEDTRACE_ENDS_WITH)
            size_bytes = sum(f.stat().st_size for f in (root / name).rglob("*") if f.is_file())
            small = cost.peak_bytes < PEAK_BYTES
            held = held and small
            print(
                f"  {name:10} {size_bytes / 1e6:7,.0f} MB {cost.cpu_s:8.2f} s CPU {cost.peak_bytes / 1e6:5.0f} MB   "
                f"target: under {PEAK_BYTES / 1e6:.0f} MB: {'holds' if small else 'MISSED'}",
                flush=True,
            )
    return held
