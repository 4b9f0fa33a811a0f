"""How a transcript is read: lines, prompts, and blocks of one command each, every block by the tool that printed it.

A tool is data: which commands are its own, how its output begins, which lines it prints, and what a block tells.
Knows no tool.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from parsers.clock import DAY, Clock, untimed
from parsers.events import Damage, Event, Said, Topic, Where
from parsers.format import Guess, Head
from parsers.lines import Lines
from parsers.source import How, Reading, Source
from parsers.wrapping import plain

BLOCK_MAX = 4096
"""Lines of one block; a longer one, as `show conn` prints, is read in pieces."""
LINE_MAX = 2048
"""Characters of a line that are looked at: long enough for a TXT record or a row of SQL."""
TEXT_MAX = 400
"""Characters of a line that an event keeps."""
SURE = 80
"""The score of a transcript of which every line fits; below that of a log, whose lines have a form each."""

_NEVER = "(?!)"
_GROUP = re.compile(r"[(][?]P<\w+>")
_PROMPT = re.compile(
    r"\s{0,16}(?P<prompt>"
    r"(?:PS )?[A-Za-z]:\\[^<>|\"]{0,120}>"  # Windows
    r"|admin:"  # Cisco's appliances
    r"|\[[\w.-]{1,64}@[^\]]{1,80}\][$#]"  # [root@cups ~]#
    r"|[\w.-]{1,64}@[\w.-]{1,64}(?:[: ][^$#%>]{0,80})?[$#%>]"  # me@cups:~$
    r"|[\w.-]{1,64}:[~/][^\s$#%]{0,80}(?: [\w.-]{1,32})?[$#%]"  # cups:~ me$
    r"|(?!(?:telnet|ftp|sftp)>)[\w.-]{1,64}(?:/[\w.-]{1,32}){0,3}(?:\([\w-]{1,32}\))?[$#>]"  # asa/pri/act(config)#
    r"|[$#%>]"
    r")(?P<gap>\s*)(?P<command>.*)"
)
"""What stands before a command."""
_HOST = re.compile(r"\[?(?:[\w.-]+@)?(?P<host>[A-Za-z]:\\.*|[\w.-]+(?:/[\w.-]+)*)")
_COMMAND = re.compile(r"[A-Za-z./~_!?]")


class Line(NamedTuple):
    """A line of a block."""

    number: int
    """1-based, as an editor shows it."""
    text: str
    """Without colours and line end."""


class Told(NamedTuple):
    """What a block tells: an event without its instant."""

    line: int
    """Number of the line that shows it."""
    kind: type[Event]
    """Which event."""
    fields: Mapping[str, Any]
    """The event's own fields by name."""
    time: str | None = None
    """When, as the tool printed it; None where it does not tell, as most do."""
    before_ns: int = 0
    """How long before that instant it was, ns."""


@dataclass(slots=True, kw_only=True)
class Block:
    """One command and what it printed."""

    tool: Transcript | None
    """Whose it is; None for commands of others, and for lines of nobody."""
    line: int
    """Number of the first line."""
    prompt: str | None = None
    """The prompt as typed at; None where none was pasted."""
    command: str = ""
    """What was typed; "" where only output was pasted."""
    lines: list[Line] = field(default_factory=list)
    """What was printed, and what was typed into the program."""
    ports: frozenset[int] = frozenset()
    """Ports that count as federation."""
    everything: bool = False
    """Every line is asked for, whatever its ports."""

    @property
    def host(self) -> str | None:
        """The host or folder that the prompt names; None for a bare `$`."""
        found = _HOST.match((self.prompt or "").strip().rstrip("$#%> :"))
        return found["host"] if found else None

    @property
    def client_ip(self) -> str | None:
        """The address of the host at whose prompt it was typed, where the prompt shows one."""
        return address(self.host) if self.host else None

    def federates(self, *ports: int) -> bool:
        """Whether one of these ports is of interest."""
        return self.everything or not self.ports.isdisjoint(ports)


Teller = Callable[[Block], Iterable[Told]]


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """One tool's output as people paste it; a format."""

    name: str
    """Its name, the one for `--as`."""
    title: str
    """What it is, in a few words."""
    explanation: str
    """Who prints it, and what it leaves out."""
    reference: str
    """Where it is defined."""
    commands: str
    """A regular expression of its commands as they are typed, from the beginning to the end of a line."""
    begins: str
    """… of lines that only it prints: they begin a block where no command was pasted."""
    lines: str
    """… of its other lines."""
    tells: Teller
    """What a block tells; what it does not tell is counted."""
    sample: str
    """A paste in its real grammar, to which a test holds it."""
    inner: str = ""
    """… of what looks like a prompt and is typed into the program itself."""
    when: str = ""
    """… of the line that says when it ran, with a group `time`; "" for a tool that does not say."""
    free: bool = False
    """Whether other lines stand between its own: the far side's text, the rest of a configuration."""

    @cached_property
    def _commands(self) -> re.Pattern[str]:
        return _form(self.commands)

    @cached_property
    def _begins(self) -> re.Pattern[str]:
        return _form(self.begins)

    @cached_property
    def _lines(self) -> re.Pattern[str]:
        return _form(*(p for p in (self.begins, self.lines, self.inner) if p))

    @cached_property
    def _inner(self) -> re.Pattern[str]:
        return re.compile(self.inner or _NEVER)

    @cached_property
    def _when(self) -> re.Pattern[str]:
        return re.compile(self.when or _NEVER)

    def types(self, command: str) -> bool:
        """Whether a command is its own."""
        return self._commands.fullmatch(command) is not None

    def opens(self, line: str) -> bool:
        """Whether a line can only be its own."""
        return self._begins.match(line) is not None

    def fits(self, line: str) -> bool:
        """Whether it prints such lines."""
        return self._lines.match(line) is not None

    def asks(self, line: str) -> bool:
        """Whether a line is typed into the program itself."""
        return self._inner.match(line) is not None

    def guess(self, head: Head) -> Guess:
        """By the share of lines that are its own."""
        fits, total, _ = share((self,), head)
        return Guess(score=round(SURE * fits / total) if fits else 0, because=f"{fits} of {total} lines fit")

    def dated(self, head: Head) -> bool:
        """Whether it says when it ran."""
        clock = Clock(How())
        for line in head.lines:
            if found := self._when.match(line):
                try:
                    clock.read(found["time"])
                except ValueError:
                    return False
                return True
        return False

    def read(self, source: Source, how: How, reading: Reading) -> Iterator[Event]:
        """Events in file order; lines of nobody are damage, those of other programs' commands are counted."""
        return Reader((self,), source, how, reading).run()


def _form(*patterns: str) -> re.Pattern[str]:
    """Any of these; what several of them call alike are no groups here."""
    return re.compile(_GROUP.sub("(?:", "|".join(patterns)))


def address(text: str) -> str | None:
    """An address as events spell it; None for what is none, as `x.x.x.5` that somebody made unreadable."""
    try:
        found = ipaddress.ip_address(text.strip("[]()").partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def short(text: str) -> str:
    """A line in one spelling of its blanks, of bounded length."""
    return " ".join(text.split())[:TEXT_MAX]


def share(tools: Sequence[Transcript], head: Head) -> tuple[int, int, frozenset[str]]:
    """How many of the first lines are these tools', of how many, and whose."""
    lines = [plain(line)[:LINE_MAX] for line in head.lines]
    fits, names = 0, set()
    for block in blocks(enumerate(lines, 1), tools):
        if block.tool is not None:
            names.add(block.tool.name)
            fits += bool(block.command) + sum(1 for line in block.lines if block.tool.fits(line.text))
    return fits, sum(1 for line in lines if line.strip()), frozenset(names)


def blocks(lines: Iterable[tuple[int, str]], tools: Sequence[Transcript]) -> Iterator[Block]:
    """The lines, cut where a command is typed, and where another tool's output begins without one."""
    held: Block | None = None
    for number, text in lines:
        tool = held.tool if held is not None else None
        begun = _typed(number, text, tools)
        if begun is not None and tool is not None and _is_of(tool, begun, text):
            begun = None
        if begun is None and (tool is None or not tool.fits(text)):
            opener = next((t for t in tools if t.opens(text)), None)
            if opener is not None:
                before = _heading(held, opener)
                begun = Block(tool=opener, line=before[0].number if before else number, lines=before)
        if begun is None and held is None:
            begun = Block(tool=None, line=number)
        if begun is None and held is not None and len(held.lines) >= BLOCK_MAX:
            begun = Block(tool=tool, line=number, prompt=held.prompt, command=held.command)
        if begun is not None:
            if held is not None and (held.lines or held.command or held.prompt):
                yield held
            held = begun
            if begun.command or begun.prompt:
                continue
        assert held is not None
        held.lines.append(Line(number, text))
    if held is not None:
        yield held


def _is_of(tool: Transcript, begun: Block, text: str) -> bool:
    """Whether what looks like a new command is typed into the tool that runs, or is its output: ` host 10.0.0.5`."""
    if begun.tool is None:
        return tool.asks(text)
    return begun.prompt is None and begun.tool is not tool and tool.fits(text)


def _heading(held: Block | None, tool: Transcript) -> list[Line]:
    """Lines of nobody that stand right above a tool's first sure one and may be its own: they are moved to it."""
    found: list[Line] = []
    if held is not None and held.tool is None and not held.command and held.prompt is None:
        while held.lines and tool.fits(held.lines[-1].text):
            found.insert(0, held.lines.pop())
    return found


def _typed(number: int, text: str, tools: Sequence[Transcript]) -> Block | None:
    """The block that a line begins by a command; None where nothing was typed."""
    found = _PROMPT.fullmatch(text)
    command = found["command"].strip() if found else ""
    if found and command:
        for tool in tools:
            if tool.types(command):
                return Block(tool=tool, line=number, prompt=found["prompt"], command=command)
    bare = text.strip()
    for tool in tools:
        if bare and tool.types(bare):
            return Block(tool=tool, line=number, command=bare)
    if found is None or (command and not _COMMAND.match(command)):
        return None
    # `>` and `%` stand for many things; before a command of nobody's they want a blank behind them.
    if command and not found["gap"] and (found["prompt"][-1] in ">%" or len(found["prompt"]) == 1):
        return None
    return Block(tool=None, line=number, prompt=found["prompt"], command=command)


class Reader:
    """Reads one source, each block by its tool."""

    def __init__(self, tools: Sequence[Transcript], source: Source, how: How, reading: Reading) -> None:
        self._tools = tools
        self._source = source
        self._how = how
        self._reading = reading
        self._clock = Clock(how)
        self._timeless = False
        self._day_ns: int | None = None

    def run(self) -> Iterator[Event]:
        """All events, damage among them where it stood."""
        reading = self._reading
        reading.resolution_ns = DAY
        with Lines(self._source, reading) as lines:
            cut = ((number, plain(line)[:LINE_MAX]) for number, line in lines)
            for block in blocks(cut, self._tools):
                block.ports, block.everything = frozenset(self._how.ports), self._how.everything
                yield from self._tell(block)
            for lost in lines.damage:
                yield self._event(Told(lost.where.line or 1, Damage, _lost(lost.what, lost.lost, lost.unit)))
        timeless = untimed(reading, self._how) if self._timeless else ()
        reading.assumed = [*self._clock.assumed, *timeless, *reading.assumed]

    def _tell(self, block: Block) -> Iterator[Event]:
        """What one block tells, in order of its lines; the lines without an event are counted."""
        tool = block.tool
        told = sorted(tool.tells(block), key=lambda one: one.line) if tool is not None else []
        shown = {one.line for one in told}
        rest = [line for line in block.lines if line.number not in shown]
        nobody = tool is None and not block.command and block.prompt is None
        bad = [
            line
            for line in rest
            if line.text.strip() and (nobody or (tool is not None and not tool.free and not tool.fits(line.text)))
        ]
        self._reading.other += len(rest) - len(bad)
        if (block.command or block.prompt is not None) and block.line not in shown:
            self._reading.other += 1
        if bad:
            what = f"{'a line' if len(bad) == 1 else 'lines'} " + (
                "of no command that is known" if tool is None else f"that {tool.name} does not print"
            )
            told = sorted([*told, Told(bad[0].number, Damage, _lost(what, len(bad), "lines"))], key=lambda t: t.line)
        for one in told:
            yield self._event(one)
        if self._how.everything:
            spare = [line for line in rest if line not in bad and line.text.strip()]
            for line in spare:
                yield self._event(
                    Told(line.number, Said, {"topic": Topic.OTHER, "text": short(line.text), "level": ""})
                )

    def _event(self, told: Told) -> Event:
        at_ns, width_ns = self._instant(told)
        where = Where(source=self._source.name, line=told.line)
        return told.kind(at_ns=at_ns, width_ns=width_ns, where=where, **told.fields)

    def _instant(self, told: Told) -> tuple[int, int]:
        """When it was; what tells no time is of the day of what told one before it, else of that it is near to."""
        if told.time is not None:
            try:
                at_ns, width_ns = self._clock.read(told.time)
            except ValueError:
                pass
            else:
                self._day_ns = at_ns // DAY * DAY
                reading = self._reading
                reading.first_ns = at_ns if reading.first_ns is None else min(reading.first_ns, at_ns)
                reading.last_ns = at_ns if reading.last_ns is None else max(reading.last_ns, at_ns)
                reading.resolution_ns = min(reading.resolution_ns, width_ns)
                return at_ns - told.before_ns, width_ns
        if self._day_ns is None:
            self._timeless = True
            self._day_ns = (self._how.near_ns or 0) // DAY * DAY
        return self._day_ns, DAY


def _lost(what: str, lost: int, unit: str) -> Mapping[str, Any]:
    return {"what": what, "lost": lost, "unit": unit}
