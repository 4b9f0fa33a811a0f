"""The commands that are measured: fedtrace, and others that read the same capture for the same purpose.

Each stands for what an administrator would run; none writes its output anywhere.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

FEDTRACE_ENDS_WITH = (0, 1, 3)
"""Healthy, failing and not to be judged are all answers; 2 and 4 are not."""

DECODE_XMPP = ("-d", "tcp.port==5269,xmpp")
"""tshark does not know of itself that 5269 is XMPP."""

_FIELDS = (
    "frame.number", "frame.time_epoch", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
    "tcp.stream", "tcp.flags", "tcp.seq", "tcp.len", "tcp.payload", "dns.id", "dns.qry.name", "dns.flags.rcode",
    "dns.srv.name", "dns.a",
)  # fmt: skip

_FILTER = "port 53 or tcp port 5269 or icmp[0]==3 or (vlan and (port 53 or tcp port 5269))"


def fedtrace(capture: Path) -> list[str]:
    """The whole of `fedtrace analyze`, start-up included."""
    return [str(Path(sys.executable).with_name("fedtrace")), "analyze", str(capture)]


def tshark(capture: Path, *, xmpp: bool) -> list[str]:
    """DNS and federation as columns; with `xmpp`, its XMPP dissector reads the streams too."""
    command = ["tshark", "-n", "-r", str(capture), *(DECODE_XMPP if xmpp else ())]
    command += ["-Y", "dns or tcp.port==5269", "-T", "fields"]
    return command + [part for field in _FIELDS for part in ("-e", field)]


def tcpdump(capture: Path) -> list[str]:
    """The least that a C program can do: find the frames by port and pass them on."""
    return ["tcpdump", "-n", "-r", str(capture), "-w", "/dev/null", _FILTER]


def pyshark(capture: Path) -> list[str]:
    """A loop over all its packets, in a process of its own."""
    return [sys.executable, "-m", "benchmarks.pyshark_loop", str(capture)]


def missing(program: str) -> bool:
    """The machine does not have it."""
    return shutil.which(program) is None


def frame_count(capture: Path) -> int:
    """Frames in a capture, as capinfos of Wireshark counts them."""
    said = subprocess.run(["capinfos", "-M", "-c", "-T", "-r", "-m", str(capture)], capture_output=True, check=True)
    return int(said.stdout.decode().strip().rsplit(",", 1)[-1].strip('"'))


def slice_of(capture: Path, frames: int, into: Path) -> Path:
    """The first frames of a capture as a file of its own."""
    command = ["tshark", "-n", "-r", str(capture), "-c", str(frames), "-w", str(into)]
    subprocess.run(command, check=True, capture_output=True)
    return into
