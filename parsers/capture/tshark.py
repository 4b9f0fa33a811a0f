"""Chosen frames of a capture, dissected by tshark: the way from a finding to every field of the packets that prove it.

pyshark is run in a thread of its own with a loop of its own: in a notebook a loop runs already, and on Python 3.14 the
main thread has none. It never sees the whole capture, but a small one with the chosen frames only, which is written
for it. How many packets it gives is counted, since it has been seen to lose some.
Knows no event; how tshark makes events is in `dissected.py`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from parsers.capture import tshark_call
from parsers.capture.container import windows
from parsers.errors import SourceUnreadable
from parsers.source import FEDERATION_PORTS, Reading

FRAMES_MAX = 10_000
"""Frames given at once: a dissected packet takes some 50 kB."""
_AT_ONCE = 400
"""Frames that editcap takes at once: it has room for 512 numbers."""
_AFTERWARDS_S = 5
"""Time that tshark has to end after its last packet."""


def packets(path: Path | str, frames: Iterable[int], ports: Sequence[int] = FEDERATION_PORTS) -> list[tuple[int, Any]]:
    """The frames of these numbers as pairs: the number in the file, and pyshark's packet; in order of number.

    `packet.number` counts in the small capture that was made for tshark, hence the pairs.
    Payload on `ports` is dissected as XMPP. Numbers that the file does not have are left out.
    Raises TsharkMissing; SourceUnreadable when tshark cannot read the file, and when packets were lost on the way.
    """
    wanted = sorted({number for number in frames if number > 0})
    if len(wanted) > FRAMES_MAX:
        raise SourceUnreadable(str(path), f"more than {FRAMES_MAX} frames at once", "ask for fewer")
    if not wanted:
        return []
    program = tshark_call.program()
    with tshark_call.workplace() as folder:
        found: list[tuple[int, Any]] = []
        for begin in range(0, len(wanted), _AT_ONCE):
            some = wanted[begin : begin + _AT_ONCE]
            small = _reduced(Path(path), some, folder)
            present = some[: _count(small)]
            with ThreadPoolExecutor(1, "fedtrace-pyshark") as own:
                read = own.submit(_dissected, small, program, ports, folder).result()
            if len(read) != len(present):
                raise SourceUnreadable(
                    str(path),
                    f"pyshark gave {len(read)} of {len(present)} packets",
                    "try again; tell us if it stays so",
                )
            found += zip(present, read, strict=True)
        return found


def _reduced(path: Path, numbers: Sequence[int], folder: Path) -> Path:
    """A capture of these frames only, as pcapng. Raises SourceUnreadable."""
    small = folder / "reduced.pcapng"
    # "-r" lets it keep the frames that are named, instead of leaving them out.
    arguments = ["-r", "-F", "pcapng", tshark_call.said(path), str(small), *map(str, numbers)]
    call = tshark_call.Call(folder, arguments, "editcap")
    for _ in call.lines():
        pass
    # Of a damaged capture it writes what stands before the damage, and complains.
    if not small.exists() or (call.complaint and not _count(small)):
        raise SourceUnreadable(str(path), f"editcap cannot read it: {call.complaint}", "copy it and try again")
    return small


def _count(small: Path) -> int:
    """Packets of a capture, by our own count."""
    reading = Reading()
    for _ in windows(small, reading):
        pass
    return reading.frames or 0


def _dissected(small: Path, program: str, ports: Sequence[int], folder: Path) -> list[Any]:
    """pyshark's packets of a whole capture. Never in the main thread: after one attempt there, threads fail too."""
    # Not before they are wanted: they take as long to load as all of fedtrace.
    import asyncio

    import pyshark

    # It would read `config.ini` in the current folder, an incident's as a rule, and run what that names as tshark.
    pyshark.tshark.tshark.get_config = lambda: None
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    _load_field_types(folder)
    running: list[asyncio.subprocess.Process] = []

    class Reduced(pyshark.FileCapture):  # type: ignore[misc]  # pyshark has no types
        """tshark called as everywhere here; pyshark calls it with the user's profile and without limits."""

        async def _get_tshark_process(self, packet_count: int | None = None, stdin: Any = None) -> Any:
            # Not among `_running_processes`: what pyshark thinks of a process that has ended is wrong at times.
            decoded = [part for port in ports for part in ("-d", f"tcp.port=={port},xmpp")]
            process = await asyncio.create_subprocess_exec(
                *(program, "-n", "-T", "ek", "-r", str(small), *decoded),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=tshark_call.environment(folder),
                cwd=folder,
                limit=tshark_call.LINE_MAX,
            )
            tshark_call.bound(process.pid)
            running.append(process)
            loop.call_later(tshark_call.SECONDS_MAX, os.kill, process.pid, signal.SIGKILL)
            return process

    try:
        capture = Reduced(str(small), keep_packets=False, use_ek=True, eventloop=loop, tshark_path=program)
        return list(capture)
    finally:
        for process in running:
            # Not `process.kill`: it looks whether the process has ended, and the loop then misses the end.
            late = loop.call_later(_AFTERWARDS_S, os.kill, process.pid, signal.SIGKILL)
            loop.run_until_complete(process.wait())
            late.cancel()
        asyncio.set_event_loop(None)
        loop.close()


def _load_field_types(folder: Path) -> None:
    """Tell pyshark which type each field has; it would ask a tshark with the user's profile, and write to his cache."""
    from pyshark.ek_field_mapping import MAPPING
    from pyshark.tshark.tshark import _duplicate_object_hook

    if not MAPPING._protocol_to_mapping:
        told = b"\n".join(tshark_call.Call(folder, ("-G", "elastic-mapping")).lines())
        table = json.loads(told, object_pairs_hook=_duplicate_object_hook)["mappings"]
        MAPPING._protocol_to_mapping = table["properties"]["layers"]["properties"]
