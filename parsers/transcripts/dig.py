"""BIND's `dig`, in full, `+short` and `+noall +answer`. Grammar: bin/dig/dig.c.

It prints id, flags, sections, the resolver's address and, as the only tool, when the answer came: with a zone since
BIND 9.10. What `+short` leaves out it does not know: an empty answer may be any failure but silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from parsers.transcripts.lookups import RCODES, UNREACHED, Lookup, record
from parsers.transcripts.reader import Block, Told, Transcript

_BANNER = re.compile(r"\s*; <<>> DiG \S+ <<>> ?(?P<words>.*)")
_HEADER = re.compile(r"\s*;; ->>HEADER<<- opcode: \w+, status: (?P<status>\w+), id: (?P<id>\d{1,5})")
_FLAGS = re.compile(r"\s*;; flags:(?P<flags>[ a-z]*);")
_SECTION = re.compile(r"\s*;; (?P<name>QUESTION|ANSWER|AUTHORITY|ADDITIONAL|OPT PSEUDO) ?SECTION:")
_QUESTION = re.compile(r"\s*;(?P<name>[^\s;]\S*)\s+(?:(?:IN|CH|HS|ANY)\s+)?(?P<type>[A-Z]+\d*)\s*")
_RECORD = re.compile(
    r"\s*(?P<name>[\w.*-]+)\s+(?:(?P<ttl>\d{1,10})\s+|[\dwdhms]+\s+)?(?:(?:IN|CH|HS)\s+)?"
    r"(?P<type>[A-Z]+\d*)\s+(?P<data>\S.*)"
)
_TOOK = re.compile(r"\s*;; Query time: (?P<ms>\d{1,9}) msec")
_SERVER = re.compile(r"\s*;; SERVER: (?P<server>[^\s#]+)#\d+")
_WHEN = r"\s*;; WHEN: (?P<time>.+)"
_LONG_ZONE = re.compile(r"(\d\d:\d\d:\d\d) [^\d\s]+ [^\d]+ (\d{4})$")
"""Windows names zones in several words, in its own language."""
_SHORT = re.compile(r"\s*(?P<srv>\d{1,5} \d{1,5} \d{1,5} \S+)\s*|\s*(?P<address>[\d.]+|[\da-fA-F]*:[\da-fA-F:.]+)\s*")
_TYPE = re.compile(r"SRV|A|AAAA|CNAME|NS|MX|TXT|SOA|PTR|ANY|TLSA|DS|DNSKEY|CAA|NAPTR|HTTPS|TYPE\d+")
_SECTIONS: dict[str, Literal["answer", "additional"]] = {"ANSWER": "answer", "ADDITIONAL": "additional"}


@dataclass(slots=True)
class _Asked:
    """What a command line asks for."""

    name: str = ""
    rrtype: str = "A"
    server: str | None = None
    plus: set[str] = field(default_factory=set)


def _asked(words: list[str]) -> _Asked:
    """The first question of a command line; dig takes its words in any order."""
    asked = _Asked()
    given = iter(words)
    for word in given:
        if word.startswith("@"):
            asked.server = word[1:]
        elif word.startswith("+"):
            asked.plus.add(word[1:].lower())
        elif word in ("-t", "-q", "-x", "-p", "-b", "-c", "-k", "-y", "-f"):
            value = next(given, "")
            if word == "-t":
                asked.rrtype = value.upper()
            elif word == "-q":
                asked.name = value
        elif _TYPE.fullmatch(word.upper()):
            asked.rrtype = word.upper()
        elif not word.startswith("-") and word.upper() != "IN" and not asked.name:
            asked.name = word
    return asked


class _Output:
    """What one command printed so far."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._asked = _asked(block.command.split()[1:])
        self._lookups: list[Lookup] = []
        self._section = ""
        if self._asked.name and not self._asked.name.startswith("<"):
            self._begin(block.line)

    def _begin(self, line: int) -> Lookup:
        asked = self._asked
        self._lookups.append(
            Lookup(
                line=line,
                name=asked.name,
                rrtype=asked.rrtype,
                resolver=asked.server,
                client_ip=self._block.client_ip,
                checking_disabled="cd" in asked.plus or "cdflag" in asked.plus,
            )
        )
        return self._lookups[-1]

    def _last(self, line: int) -> Lookup:
        return self._lookups[-1] if self._lookups else self._begin(line)

    def read(self, line: int, text: str) -> None:
        """Read a line of it."""
        if found := _BANNER.match(text):
            if not self._asked.name:
                self._asked = _asked(found["words"].split())
        elif found := _HEADER.match(text):
            lookup = self._last(line)
            if lookup.rcode is not None:
                # Another answer of the same command: of its next question.
                lookup = self._begin(line)
            lookup.answered(line, RCODES.get(found["status"], -1))
            lookup.txid = min(int(found["id"]), 65535)
        elif found := _FLAGS.match(text):
            flags = found["flags"].split()
            lookup = self._last(line)
            lookup.authoritative, lookup.truncated = "aa" in flags, "tc" in flags
            lookup.checking_disabled = lookup.checking_disabled or "cd" in flags
        elif found := _SECTION.match(text):
            self._section = found["name"]
        elif self._section == "QUESTION" and (found := _QUESTION.fullmatch(text)):
            lookup = self._last(line)
            lookup.name, lookup.rrtype = found["name"], found["type"]
            if not self._block.command and lookup.line == line:
                lookup.answer_line = line
        elif found := _TOOK.match(text):
            self._last(line).took_ns = int(found["ms"]) * 10**6
        elif found := _SERVER.match(text):
            self._last(line).resolver = found["server"]
        elif found := re.match(_WHEN, text):
            self._last(line).time = _LONG_ZONE.sub(r"\1 \2", found["time"].strip())
            self._section = ""
        elif found := UNREACHED.match(text):
            lookup = self._last(line)
            lookup.resolver = found["server"] or lookup.resolver
            lookup.unanswered = lookup.rcode is None
        elif text.strip() and not text.lstrip().startswith(";"):
            self._record(line, text)

    def _record(self, line: int, text: str) -> None:
        """A line of a section, or of `+short`."""
        if "short" in self._asked.plus:
            lookup, found = self._last(line), _SHORT.fullmatch(text)
            if found and found["srv"]:
                lookup.add(line, record(lookup.name, "SRV", found["srv"]))
            elif found:
                lookup.add(line, record(lookup.name, "AAAA" if ":" in text else "A", found["address"]))
            return
        found = _RECORD.fullmatch(text)
        # `+noall +answer` prints neither header nor sections, `+trace` the answers of others.
        section = _SECTIONS.get(self._section or "ANSWER")
        if found is None or section is None or "trace" in self._asked.plus:
            return
        lookup = self._last(line)
        lookup.name = lookup.name or found["name"]
        if section == "answer" or found["type"] in ("A", "AAAA"):
            ttl_s = int(found["ttl"]) if found["ttl"] else None
            told = record(found["name"], found["type"], found["data"], ttl_s, section)
            lookup.add(line, told)

    def told(self) -> Iterator[Told]:
        """Every question and its answer."""
        for lookup in self._lookups:
            if lookup.name:
                yield from lookup.told()


def _tells(block: Block) -> Iterator[Told]:
    """The questions of one command and their answers."""
    output = _Output(block)
    for number, text in block.lines:
        output.read(number, text)
    return output.told()


FORMAT = Transcript(
    name="dig",
    title="dig, as typed at a prompt",
    explanation=(
        "Printed by BIND's `dig`: the answer with its id, its flags and the resolver that gave it, and when. "
        "`+short` leaves all of that out, and why there is no record."
    ),
    reference="https://bind9.readthedocs.io/en/latest/manpages.html#dig-dns-lookup-utility",
    commands=r"(?:(?:sudo|time|timeout \S+) )?dig(?: +\S{1,255}){1,24}",
    begins=r"\s*; <<>> DiG |\s*;; ->>HEADER<<- ",
    lines=(
        rf"\s*;[; ]? ?[A-Z(]|\s*;; (?:flags|global options|communications|connection|no servers)|\s*; [(]\d+ server"
        rf"|{_QUESTION.pattern}$|{_SHORT.pattern}$"
        r"|\s*[\w.*-]+[.]\s+(?:[\dwdhms]+\s+)?(?:(?:IN|CH|HS)\s+)?[A-Z]+\d*\s+\S"
    ),
    tells=_tells,
    when=_WHEN,
    sample=(
        "cups$ dig SRV _xmpp-server._tcp.example.net\n"
        "\n"
        "; <<>> DiG 9.18.24 <<>> SRV _xmpp-server._tcp.example.net\n"
        ";; global options: +cmd\n"
        ";; Got answer:\n"
        ";; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 4711\n"
        ";; flags: qr rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1\n"
        "\n"
        ";; QUESTION SECTION:\n"
        ";_xmpp-server._tcp.example.net.\tIN\tSRV\n"
        "\n"
        ";; ANSWER SECTION:\n"
        "_xmpp-server._tcp.example.net. 300 IN\tSRV\t5 0 5269 xmpp.example.net.\n"
        "\n"
        ";; Query time: 8 msec\n"
        ";; SERVER: 10.10.0.53#53(10.10.0.53) (UDP)\n"
        ";; WHEN: Sun Nov 22 10:31:48 UTC 2026\n"
        ";; MSG SIZE  rcvd: 101\n"
    ),
)
