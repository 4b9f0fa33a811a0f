"""Who dissects a capture: our own reader, or tshark for what it does not know.

Ours is the rule, for it is a hundred times as fast. Knows no frame.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TypeAlias

from parsers.capture import tshark_call
from parsers.capture.container import foreign
from parsers.capture.dissected import dissected, dissected_whole
from parsers.capture.packet import IcmpError, Lost, Packet
from parsers.capture.runs import Run
from parsers.capture.select import packets_and_runs
from parsers.errors import FedtraceError, TsharkMissing
from parsers.events import Event
from parsers.format import HEAD_BYTES
from parsers.source import How, Reading, Source

AGAIN_BYTES_MAX = 200_000_000
"""A larger capture is not read again by tshark unasked: that would take more than some minutes."""
_NOT_FOR_TSHARK = frozenset(
    {
        "broken IP header",
        "interface never described",
        "no packet, but a custom block or a system event",
        "ESP",
        "MACsec",
        "compressed PPP",
    }
)
"""What our reader leaves unread that tshark cannot read either."""

Engine: TypeAlias = Callable[[Path, How, Reading], Iterator[Packet | Run | IcmpError | Lost]]
Parts: TypeAlias = Sequence[tuple[Source, Reading]]


def engine_for(source: Source, how: How) -> Engine:
    """Who reads a file first."""
    if how.engine == "tshark" or (how.engine == "auto" and _is_foreign(source.file)):
        return dissected
    return packets_and_runs


def _is_foreign(path: Path) -> bool:
    """Whether only tshark knows the format of a file."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return foreign(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False  # whoever reads it says so


def again(parts: Parts, how: How, read: Callable[[Parts, Engine], list[Event]]) -> list[Event] | None:
    """What tshark makes of a capture in which our reader met what it does not know; None where that stands.

    Either way the readings say so.
    """
    unknown: Counter[str] = Counter()
    for _, reading in parts:
        unknown.update({name: n for name, n in reading.unknown.items() if name not in _NOT_FOR_TSHARK})
    if how.engine != "auto" or not unknown or any(engine_for(source, how) is dissected for source, _ in parts):
        return None
    what = f"{', '.join(sorted(unknown))} ({sum(unknown.values())} frames)"
    if any(not source.file.is_file() for source, _ in parts):
        problem = "tshark might, in a file: this input cannot be read twice"
    elif sum(source.file.stat().st_size for source, _ in parts) > AGAIN_BYTES_MAX:
        problem = "tshark might, which takes long for a file of this size: --engine tshark"
    else:
        fresh = [(source, Reading(size_bytes=reading.size_bytes)) for source, reading in parts]
        try:
            events = read(fresh, dissected_whole)
        except TsharkMissing as error:
            problem = f"tshark might, but {error.problem}; {error.next_step}"
        except FedtraceError:
            problem = "nor does tshark"
        else:
            said = f"read by tshark {tshark_call.version()}, for our reader does not know {what}"
            for (_, reading), (_, better) in zip(parts, fresh, strict=True):
                for field in fields(Reading):
                    setattr(reading, field.name, getattr(better, field.name))
                reading.assumed.append(said)
            return events
    for _, reading in parts:
        reading.assumed.append(f"our reader does not know {what}; {problem}")
    return None
