"""A terminal with several tools in it, as a ticket holds it: nslookup, then telnet, then what the firewall shows.

Each block is read by the tool that printed it. The tools are found by walking the folder, as formats are, so that they
stay ignorant of each other and a new one needs no entry. Knows no tool by name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache

import parsers.transcripts
from parsers.events import Event
from parsers.format import Guess, Head
from parsers.source import How, Reading, Source
from parsers.transcripts.reader import SURE, Reader, Transcript, share

MIXED = 10
"""Points that a paste of several tools has over the surest of them: then none of them ties with it."""


@cache
def tools() -> tuple[Transcript, ...]:
    """Every tool, in name order."""
    found = []
    for module in pkgutil.iter_modules(parsers.transcripts.__path__, f"{parsers.transcripts.__name__}."):
        if module.name != __name__:
            held = getattr(importlib.import_module(module.name), "FORMAT", None)
            if isinstance(held, Transcript):
                found.append(held)
    return tuple(sorted(found, key=lambda tool: tool.name))


class Mixed:
    """Several tools' transcripts in one file, as a format."""

    name = "transcript"
    title = "a terminal in which several tools were used"
    explanation = (
        "Pasted by an administrator: commands with their prompts and what they printed, of any of the tools that have "
        "a format of their own. What other commands printed is counted and not told; few say when it was."
    )
    reference = "the references of nslookup, dig, host, telnet, openssl, cisco_cli and asa_cli"

    def guess(self, head: Head) -> Guess:
        """By the share of lines that are any tool's; a paste of one tool is that one's."""
        fits, total, names = share(tools(), head)
        if len(names) < 2:
            return Guess(score=0, because=f"{'one tool' if names else 'no tool'} at most")
        said = f"{fits} of {total} lines fit {', '.join(sorted(names))}"
        best = max(round(SURE * fits / total), *(tool.guess(head).score for tool in tools()))
        return Guess(score=best + MIXED, because=said)

    def dated(self, head: Head) -> bool:
        """Whether one of the tools says when it ran."""
        return any(tool.dated(head) for tool in tools())

    def read(self, source: Source, how: How, reading: Reading) -> Iterator[Event]:
        """Events in file order."""
        return Reader(tools(), source, how, reading).run()


FORMAT = Mixed()
