"""What carries a program's line: syslog, the journal, containers, terminals. It is taken off here, once.

Gives the line as the program wrote it, and the carrier's own time, for programs that write none.
Knows no program.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_OCTAL = re.compile(r"#(\d{3})")
"""rsyslog writes control characters so: `#011` for a tab, `#033` for escape."""
_COMPOSE = re.compile(r"[\w.-]+ +\| ?(?=.)")
"""docker compose writes `SERVICE_1  | ` before each line."""
_CRI = re.compile(r"(?P<time>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) (?:stdout|stderr) [FP] ")
"""Kubernetes' container runtime interface."""
_RFC5424 = re.compile(
    r"(?:<\d{1,3}>)?1 (?P<time>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) \S+ (?P<program>\S+) \S+ \S+"
    r" (?:-|(?:\[.*?\])+) ?"
)
"""RFC 5424 section 6."""
_SYSLOG = re.compile(
    r"(?:<\d{1,3}>)?(?P<time>[A-Z][a-z]{2} [ \d]\d(?: \d{4})? \d\d:\d\d:\d\d(?:\.\d+)?"
    r"|\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-]\d\d:?\d\d)?)"
    r" (?:\S+ )?(?P<program>[\w./@-]+)(?:\[\d+\])?: "
)
"""RFC 3164 section 4.1 and the journal's short forms; the host may be missing."""
_JSON_MAX = 1 << 16
"""A line of JSON longer than this is not looked into."""


class Unwrapped(NamedTuple):
    """A line as its program wrote it."""

    text: str
    """The line."""
    time: str | None
    """The carrier's time as it printed it; None where it has none."""
    program: str | None
    """The program's name as the carrier tells it."""


def plain(text: str) -> str:
    """The text without colours, and with control characters that a relay had spelt out."""
    if "#0" in text:
        text = _OCTAL.sub(lambda m: chr(int(m[1], 8)) if m[1] in ("011", "033") else m[0], text)
    return _ANSI.sub("", text) if "\x1b" in text else text


def unwrap(text: str) -> Unwrapped:
    """Take off all that carries a line; a line that nothing carries comes back as it is."""
    if text.startswith("{") and (inner := _json(text)) is not None:
        return inner
    time = program = None
    if found := _CRI.match(text):
        time, text = found["time"], text[found.end() :]
    if found := _COMPOSE.match(text):
        text = text[found.end() :]
    if found := _RFC5424.match(text) or _SYSLOG.match(text):
        time, program, text = found["time"], found["program"], text[found.end() :]
    return Unwrapped(plain(text), time, program)


def _json(text: str) -> Unwrapped | None:
    """A line of the journal (`journalctl -o json`) or of docker's json-file driver."""
    if len(text) > _JSON_MAX:
        return None
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    if isinstance(message := told.get("MESSAGE"), str):
        micros = told.get("__REALTIME_TIMESTAMP") or told.get("_SOURCE_REALTIME_TIMESTAMP")
        digits = micros if isinstance(micros, str) and micros.isdecimal() and len(micros) > 6 else None
        time = f"{digits[:-6]}.{digits[-6:]}" if digits else None
        program = told.get("SYSLOG_IDENTIFIER")
        return Unwrapped(plain(message), time, program if isinstance(program, str) else None)
    if isinstance(message := told.get("log"), str):
        time = told.get("time")
        return Unwrapped(plain(message.rstrip("\n")), time if isinstance(time, str) else None, None)
    return None
