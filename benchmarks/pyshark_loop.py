"""Read every packet of a capture with pyshark, as its documentation shows: `python -m benchmarks.pyshark_loop FILE`.

pyshark waits on an asyncio loop; it gets a thread and a loop of its own, as it would inside a larger program.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading

from pyshark import FileCapture


def read(path: str, counted: list[int]) -> None:
    """Count the packets that name a layer; looking at one is what a program would do at least."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    capture = FileCapture(path, keep_packets=False, eventloop=loop)
    counted.append(sum(1 for packet in capture if packet.highest_layer))


if __name__ == "__main__":
    counted: list[int] = []
    thread = threading.Thread(target=read, args=(sys.argv[1], counted))
    thread.start()
    thread.join()
    # A finished capture that is closed, or collected, now and then complains of a loop that is closed already.
    os._exit(0 if counted and counted[0] else 1)
