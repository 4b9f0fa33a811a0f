"""BIND's `host`: `host -t SRV _xmpp-server._tcp.example.com [SERVER]`. Grammar: bin/dig/host.c.

Knows no resolver but the one that the command names, or that `Using domain server:` prints; ids and sections it is not
told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers.transcripts.lookups import HOST_LINES, UNREACHED, HostOutput
from parsers.transcripts.reader import Block, Told, Transcript

_SERVER = re.compile(r"\s*Address: (?P<server>[^\s#]+)#\d+")
_WITH_VALUE = "ctRWmN"
"""Options that take a value in the next word."""


def _asked(command: str) -> tuple[str | None, str, str | None]:
    """Name, type and server of a command line."""
    words, rrtype = [], "A"
    given = iter(command.split()[1:])
    for word in given:
        if word.startswith("-"):
            if word[-1] in _WITH_VALUE:
                value = next(given, "")
                rrtype = value.upper() if word[-1] == "t" else rrtype
        else:
            words.append(word)
    return (words[0] if words else None), rrtype or "A", (words[1] if len(words) > 1 else None)


def _tells(block: Block) -> Iterator[Told]:
    """The questions of one command and their answers."""
    name, rrtype, server = _asked(block.command)
    output = HostOutput(resolver=server, client_ip=block.client_ip)
    if name:
        output.ask(block.line, name, rrtype)
    for number, text in block.lines:
        if found := _SERVER.match(text):
            output.resolver = found["server"]
        elif found := UNREACHED.match(text):
            output.resolver = found["server"] or output.resolver
            output.no_answer()
        else:
            output.read(number, text)
    yield from output.told()


FORMAT = Transcript(
    name="host",
    title="host, as typed at a prompt",
    explanation=(
        "Printed by BIND's `host`: the records of a name or the reason why there are none. It tells no time, and who "
        "was asked only if the command names a server."
    ),
    reference="https://bind9.readthedocs.io/en/latest/manpages.html#host-dns-lookup-utility",
    commands=r"host(?=.*[.]|.* -t)(?: +[\w.:/-]{1,255}){1,8}",
    begins=HOST_LINES,
    lines=rf"{UNREACHED.pattern}|\s*Using domain server:|\s*(?:Name|Address|Aliases):",
    tells=_tells,
    sample=(
        "$ host -t SRV _xmpp-server._tcp.example.net\n"
        "_xmpp-server._tcp.example.net has SRV record 5 0 5269 xmpp.example.net.\n"
    ),
)
