"""`telnet HOST 5269`, the guide's way to try a port: netkit's, inetutils', BSD's and Windows'.

It proves TCP only: a blank screen is no XMPP server. Windows says the same words of a refusal, of silence and of an
unknown name, and prints nothing at all of success.
Texts: netkit-telnet/telnet/commands.cc, inetutils' telnet/commands.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from parsers.events import Probe
from parsers.transcripts.reader import Block, Told, Transcript, address, short

OBSERVED_MIN_S = 3
"""Whoever waited so long in vain has seen a SYN unanswered three times (RFC 6298 section 2: after 1 s and 3 s)."""

_COMMAND = re.compile(
    r"(?:(?:sudo|time|timeout(?: -\S+)? \S+) )?telnet(?:\.exe)?(?: +-[\w:=.]+)*"
    r" +(?P<target>[\w.:%\[\]-]{1,255})(?: +(?P<port>[\w-]{1,32}))?",
    re.I,
)
_PORTS = {"": 23, "telnet": 23, "xmpp-server": 5269, "xmpp-client": 5222, "http": 80, "https": 443, "smtp": 25}
_TRYING = re.compile(r"\s*Trying (?P<ip>[^\s\"]{2,64}?)\.\.\.\s*$")
_CONNECTED = re.compile(r"\s*Connected to (?P<target>[^\s,]{1,255}?)\.?\s*$")
_ESCAPE = re.compile(r"\s*Escape character is '")
_FAILED = re.compile(
    r"\s*telnet: (?:Unable to connect to remote host|connect to address (?P<ip>\S+)|connect): (?P<why>.+)"
)
_UNRESOLVED = re.compile(
    r"\s*(?:telnet: )?(?:could not resolve|cannot resolve) (?P<could>\S+?)(?:/\S+)?: .+"
    r"|\s*(?:telnet: )?(?P<name>\S+): (?:Unknown host|Name or service not known|Temporary failure in name resolution"
    r"|No address associated with hostname|nodename nor servname provided, or not known|Host name lookup failure).*"
    r"|\s*Server lookup failure: +(?P<lookup>[^\s:,]+)"
)
_WINDOWS = re.compile(
    r"\s*Connecting To (?P<target>\S+?)\.\.\.(?P<why>Could not open .*?on port (?P<port>\d{1,5}): ?(?P<reason>.+))"
)
_WINDOWS_WAITS = re.compile(r"\s*Connecting To \S+?\.\.\.\s*$")
_WINDOWS_OPEN = re.compile(r"\s*Connection to host lost\.")
_OBSERVED = re.compile(r"\s*\[observed for (?P<s>\d{1,6}) s\]")
_CLOSED = re.compile(r"\s*(?:\^[C\]])?Connection closed")
_REASONS = (
    ("refused", re.compile(r"refused", re.I)),
    ("timeout", re.compile(r"timed out|did not properly respond", re.I)),
    ("denied", re.compile(r"prohibited|permission denied", re.I)),
)


def _outcome(reason: str) -> str:
    """The outcome that an error's words mean; where they mean none of them it is only known to have failed."""
    return next((word for word, pattern in _REASONS if pattern.search(reason)), "failed")


@dataclass(slots=True)
class _Attempt:
    """One address that was tried."""

    line: int
    ip: str | None = None
    outcome: str | None = None
    text: str = ""


def _tells(block: Block) -> Iterator[Told]:
    """A probe for each address tried of which the outcome is known."""
    command = _COMMAND.fullmatch(block.command)
    target = command["target"].strip("[]") if command else ""
    port = _port(command["port"] or "") if command else 0
    attempts: list[_Attempt] = []

    def decided(line: int, outcome: str, text: str, ip: str | None = None) -> None:
        open_ended = attempts and attempts[-1].outcome is None
        attempt = attempts[-1] if open_ended else _Attempt(line, ip)
        if not open_ended:
            attempts.append(attempt)
        attempt.line, attempt.outcome, attempt.text = line, outcome, short(text)

    for line, text in block.lines:
        if found := _TRYING.match(text):
            attempts.append(_Attempt(line, address(found["ip"])))
        elif found := _CONNECTED.match(text):
            target = target or found["target"]
            decided(line, "open", text)
        elif found := _FAILED.match(text):
            decided(line, _outcome(found["why"]), text, address(found["ip"]) if found["ip"] else None)
        elif found := _WINDOWS.match(text):
            target = target or found["target"]
            port = port or _port(found["port"])
            decided(line, _outcome(found["reason"]), text)
        elif found := _UNRESOLVED.match(text):
            target = target or found["could"] or found["name"] or found["lookup"]
            decided(line, "unresolved", text)
        elif not attempts and (_ESCAPE.match(text) or _WINDOWS_OPEN.match(text)):
            decided(line, "open", text)
        elif found := _OBSERVED.match(text):
            if attempts and attempts[-1].outcome is None and int(found["s"]) >= OBSERVED_MIN_S:
                decided(line, "timeout", text)
        elif not attempts and command and _in_any_language(text, target):
            decided(line, "failed", text)
    for attempt in attempts:
        if attempt.outcome is not None and (target or attempt.ip):
            yield _probe(block, attempt, target, port)


def _in_any_language(text: str, target: str) -> bool:
    """Windows says in its language whom it connects to, three dots, and, where it failed, why."""
    before, dots, after = text.partition(f"{target}...")
    return bool(dots and before.strip() and after.strip())


def _port(text: str) -> int:
    number = int(text) if text.isdecimal() else _PORTS.get(text.lower(), 0)
    return number if number <= 65535 else 0


def _probe(block: Block, attempt: _Attempt, target: str, port: int) -> Told:
    fields: dict[str, Any] = {
        "tool": "telnet",
        "target": target or attempt.ip,
        "target_ip": attempt.ip or address(target),
        "port": port,
        "outcome": attempt.outcome,
        "prompt": block.host,
        "text": attempt.text,
    }
    return Told(attempt.line, Probe, fields)


FORMAT = Transcript(
    name="telnet",
    title="telnet to a port, as typed at a prompt",
    explanation=(
        "Printed by telnet on Unix or Windows: whether a TCP port accepts. It says nothing of XMPP, and no time; "
        "Windows does not tell a refusal from silence, and clears the screen where it succeeds."
    ),
    reference="https://www.gnu.org/software/inetutils/manual/html_node/telnet-invocation.html",
    commands=f"(?i:{_COMMAND.pattern})",
    begins="|".join(
        p.pattern for p in (_TRYING, _CONNECTED, _FAILED, _WINDOWS, _WINDOWS_WAITS, re.compile(r"\s*telnet: \S"))
    ),
    lines="|".join(
        (
            *(p.pattern for p in (_ESCAPE, _UNRESOLVED, _OBSERVED, _CLOSED, _WINDOWS_OPEN)),
            r"\s*\^\]|\s*<|\s*(?:quit|close)\s*$",
        )
    ),
    inner=r"\s*telnet> ?|\s*Microsoft Telnet> ?",
    tells=_tells,
    free=True,
    sample=(
        "cups$ telnet xmpp.example.net 5269\n"
        "Trying 198.51.100.10...\n"
        "telnet: Unable to connect to remote host: Connection refused\n"
    ),
)
